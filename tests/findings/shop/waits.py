import sys
import time


def wait_for_quota(key):
    time.sleep(1)


def twice():
    pass


def twice():
    time.sleep(1)


loaded = None


def load_once():
    global loaded
    if loaded is not None:
        return loaded
    loaded = wait_for_quota("all")
    return loaded


def load_into_a_local_name():
    here = None
    if here is None:
        here = wait_for_quota("all")
    return here


def percent(interval=None, loud=False):
    waits = interval is not None and interval > 0
    if waits:
        time.sleep(interval)
    return 1 if loud else 0


def unless_told(quick=False):
    if not quick:
        time.sleep(1)


class Server:
    def __init__(self):
        self.runs = False
        self.tried = 0

    def start(self):
        if not self.runs:
            self.runs = True
            time.sleep(1)

    def ready(self):
        if not self.runs:
            time.sleep(1)

    def version(self, options):
        if options.version:
            wait_for_quota("version")
            sys.exit(0)
