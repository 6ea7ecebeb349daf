import time


def wait_for_quota(key):
    time.sleep(1)


def twice():
    pass


def twice():
    time.sleep(1)
