"""What threads share, and what processes do not."""
import multiprocessing
import threading
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

total = 0
alone = 0
locked = 0
counts = defaultdict(int)
seen = {}
waiting = []
done = []
lock = threading.Lock()
local = threading.local()


def count(word):
    global total, locked
    total += 1  # -> CON301
    total = total + 1  # -> CON301
    counts["all"] += 1  # -> CON301
    counts["all"] = counts["all"] + 1  # -> CON301
    counts[word] += 1  # -> CON301
    if word not in seen:  # -> CON301
        seen[word] = True
    if waiting:  # -> CON301
        waiting.pop()
    if len(waiting) > 0:  # -> CON301
        waiting.pop()
    if word in seen:  # -> CON301
        del seen[word]
    if word in seen:
        print(word)
    if word in seen:
        seen.pop(word, None)
    done.append(word)
    seen[word] = True
    mine = 0
    mine += 1
    local.count += 1
    own = {}
    own[word] = own.get(word, 0) + 1
    with lock:
        locked += 1
        if word not in seen:
            seen[word] = True


def once():
    global alone
    alone += 1


def holds_it(word):
    global locked
    lock.acquire()
    locked += 1
    lock.release()


def run(words):
    threading.Thread(target=once).start()
    with ThreadPoolExecutor() as pool:
        print(list(pool.map(count, words)), list(pool.map(holds_it, words)))


def run_one_by_one(words):
    with ThreadPoolExecutor(max_workers=1) as single:
        print(list(single.map(once, words)))


def closes_over(words):
    found = 0
    sums = [0] * 8

    def look(index):
        nonlocal found
        found += 1  # -> CON301
        sums[0] += 1  # -> CON301
        sums[index : index + 1] += [1]

    threads = [threading.Thread(target=look, args=(1,)) for _ in words]
    return threads, found


def twice():
    global total
    total -= 1  # -> CON301


def run_twice():
    one = threading.Thread(target=twice)
    two = threading.Thread(target=twice)
    one.start()
    two.start()


class Stats:
    def __init__(self):
        self.hits = 0
        self.lost = 0

    def hit(self):
        self.hits += 1  # -> CON301

    def hit_alone(self):
        self.lost += 1

    def run(self, words):
        for _ in words:
            threading.Thread(target=self.hit).start()
        return [threading.Thread(target=Stats().hit_alone) for _ in words]


class Tally:
    def __init__(self):
        self.shared = 0
        self.own = 0

    def add(self):
        self.shared += 1  # -> CON301

    def add_own(self):
        self.own += 1


def tally(words):
    one = Tally()
    for _ in words:
        threading.Thread(target=one.add).start()
    for _ in words:
        each = Tally()
        threading.Thread(target=each.add_own).start()


helped = 0
progress = [0] * 8


def bump():
    global helped
    helped += 1  # -> CON301


def bump_locked():
    global locked
    locked += 1


def works(index):
    bump()
    progress[index] += 1


def works_carefully():
    with lock:
        bump_locked()


def helpers(words):
    for index, _ in enumerate(words):
        threading.Thread(target=works, args=(index,)).start()
        threading.Thread(target=works_carefully).start()


class Counter(threading.Thread):
    def run(self):
        global total
        self.mine = 0
        self.mine += 1
        total += 1  # -> CON301


def run_counters(words):
    for _ in words:
        Counter().start()


results = []
by_name = {}
answers = multiprocessing.Manager().dict()
connection = None
computed = 0


def collect(item):
    global connection, computed
    connection = item
    computed += item  # -> CON302
    results.append(item)  # -> CON302
    by_name[item] = item  # -> CON302
    answers[item] = item
    own = []
    own.append(item)
    return connection


def collect_all(items):
    with ProcessPoolExecutor() as pool:
        print(list(pool.map(collect, items)))
    print(results, by_name, answers)


def in_vain(item):
    global rebound
    rebound = item
    results.append(item)


rebound = None


def set_here_too(items):
    global rebound
    with ProcessPoolExecutor() as pool:
        print(list(pool.map(in_vain, items, chunksize=10)))
    rebound = 1
    print(rebound)


unread = []


def keep(item):
    unread.append(item)


def keep_all(items):
    print(unread)
    with ProcessPoolExecutor() as pool:
        print(list(pool.map(keep, items, chunksize=10)))


class Job(multiprocessing.Process):
    def run(self):
        self.result = 42  # -> CON302
        self.state = 1


class Runner:
    def __init__(self):
        self.found = []
        self.running = False
        self.logged = []

    def work(self):
        self.found.append(1)  # -> CON302
        self.running = True
        self.logged.append(1)

    def start(self):
        process = multiprocessing.Process(target=self.work)
        process.start()
        self.running = False
        process.join()
        return self.found, self.running


if __name__ == "__main__":
    collect_all([1, 2])
    job = Job()
    job.start()
    job.join()
    print(job.result, computed)
