"""Threads, and then forks. Nothing here chooses how processes are started."""
import multiprocessing
import os
import threading


class Watcher(threading.Thread):
    def run(self):
        print("watching")


class Job(multiprocessing.Process):
    def run(self):
        print("working")


def forked(work, items):
    thread = threading.Thread(target=work)
    thread.start()
    if os.fork() == 0:  # -> CON303
        print("child")
    process = multiprocessing.Process(target=work)
    process.start()  # -> CON303
    with multiprocessing.Pool() as pool:  # -> CON303
        return pool.map(work, items)


def own_classes():
    watcher = Watcher()
    watcher.start()
    job = Job()
    job.start()  # -> CON303


def many(work, items):
    threads = [threading.Thread(target=work) for _ in items]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return os.fork()


def joined(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return os.fork()


def in_order(work):
    process = multiprocessing.Process(target=work)
    process.start()
    if os.fork() == 0:
        print("child")
    thread = threading.Thread(target=work)
    thread.start()


def perhaps(work, threaded):
    if threaded:
        thread = threading.Thread(target=work)
        thread.start()
    else:
        process = multiprocessing.Process(target=work)
        process.start()
