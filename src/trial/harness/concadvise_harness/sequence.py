"""The user's function one task after another: what it is, what it answers, and whether it answers that again.

`observe` is the run that our observer watches, so it does nothing but the work between its two marks. `verify` runs a
few of the same items in another process.
"""

import asyncio
import os
import pickle
import resource
import sys
import threading
import time
from statistics import median

from . import answers, load, recorded, user

# Packages whose native code may have threads of its own, and the variables that limit them.
_NATIVE = ("numpy", "scipy", "torch", "sklearn", "pandas", "cv2")
LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
# An import that takes longer is told of, because every process pays for it.
_SLOW_IMPORT_S = 1.0
# Too short a run shows too little: then its items are run again, until this part of the time is used.
_LEAST = 0.9
# A second round that takes less than this part of the first was answered from memory; not told of tasks as short as
# their timing.
_REMEMBERED = 0.5
_TIMED_S = 0.0002
# Results whose pickles together are larger than this are not all kept for comparing.
_KEPT_BYTES = 128 << 20
# Items that are verified, and the time they may take, by the first run.
_VERIFIED = 5
_VERIFY_S = 0.5
# Recorded calls that are looked at for whether they change their arguments, and the time that this may take.
_CHANGED = 3
_CHANGED_S = 0.3


def probe(make):
    """What the function is, told without calling it."""
    threads = threading.active_count()
    before = time.perf_counter()
    task = make()
    took = time.perf_counter() - before
    notes = []
    if took > _SLOW_IMPORT_S:
        notes.append(f"importing it and making its items takes {took:.1f} s, which every new process pays again")
    if threading.active_count() > threads:
        notes.append("importing it starts threads, which do not live on in a forked process")
    if task.more:
        notes.append(f"there are more than {len(task.items)} items; the trials and the advice are about the first ones")
    if task.recorded is not None:
        notes += recorded.doubts(task.recorded)
    unsent = load.why_not_picklable(task.function)
    if unsent is not None:
        unsent = f"{task.named.text} cannot be sent to another process: {unsent}"
    else:
        unsent = task.keep_items()
        if unsent is not None:
            unsent = f"an item cannot be sent to another process: {unsent}"
    native = [name for name in _NATIVE if name in sys.modules]
    return {
        "module": task.named.imported_as,
        "attribute": task.named.attribute,
        "coroutine": task.coroutine,
        "on_loop": task.on_loop is not None,
        "items": len(task.items),
        "unsent": unsent,
        "import_s": took,
        "inner_threads": _inner_threads() if native else None,
        "notes": notes,
    }


def observe(task, question):
    """As many items as fit in `sample_s`, spread over all of them."""
    task.set_up()
    seconds, kept, size = {}, [], None
    rounds, again = 0, 0.0
    loop = None
    if task.coroutine:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
    if task.recorded is not None and _changes_arguments(task, loop):
        task.freeze()
    order, items, function = task.order(), task.items, task.function
    clock = time.perf_counter
    begun, before = Mark(), clock()
    done = 0
    most = len(order)
    while True:
        for index in order[:most]:
            first = clock()
            answer = _answer(function, loop, index, items[index])
            last = clock()
            done += 1
            if rounds == 1:
                again += last - first
            if rounds == 0:
                seconds[index] = last - first
                if size is None:
                    size = _size(answer[1])
                if size * len(kept) <= _KEPT_BYTES:
                    kept.append(answer)
            if last - before >= question["sample_s"]:
                break
        rounds += 1
        first_round = sum(seconds.values())
        worth_timing = first_round > _TIMED_S * len(seconds)
        remembered = rounds == 2 and done == 2 * len(seconds) and worth_timing and again < _REMEMBERED * first_round
        if clock() - before >= _LEAST * question["sample_s"] or remembered:
            break
        most = len(seconds)
    took, ended = clock() - before, Mark()
    task.tear_down()
    raised = [answer for answer in kept if answer[2] is not None]
    task.keep_references(answers.references(kept, seconds))
    return {
        "begun": begun.told(),
        "ended": ended.told(),
        "exiting": time.monotonic(),
        "wall_s": took,
        "done": done,
        "items": len(seconds),
        "mean_s": sum(seconds.values()) / len(seconds),
        "slowest_s": max(seconds.values()),
        "remembered": remembered,
        "raised": [len(raised), len(kept)],
        "first_raised": [raised[0][0], raised[0][2][1]] if raised else None,
    }


def verify(task):
    """Whether another process gives the same, and whether the same process does again; and what sending costs."""
    references = task.references()
    task.set_up()
    indices, expected = [], 0.0
    for index in task.order():
        if index not in references or len(indices) == _VERIFIED:
            break
        expected += 2 * references[index].seconds
        if indices and expected > _VERIFY_S:
            break
        indices.append(index)
    before = _held(task)
    first = [_one(task, index) for index in indices]
    changes = next((name for name, digest in _held(task).items() if before.get(name) != digest), None)
    if task.recorded is not None and type(task.items[0]) is bytes:
        changes = "what it is given"
    again = [_one(task, index) for index in indices] if expected <= 2 * _VERIFY_S else []
    other = next((a for a in first if references[a[0]].same(a[1], a[2]) is False), None)
    untold = all(references[a[0]].same(a[1], a[2]) is None for a in first)
    changed = next((a for a, b in zip(first, again) if _differ(a, b)), None)
    sent = [_sent(task.items[answer[0]], answer[1]) for answer in first if answer[2] is None]
    sent = [cost for cost in sent if cost is not None]
    task.tear_down()
    return {
        "other": other and [other[0], answers.shown(other[1], other[2]), references[other[0]].shown],
        "changed": changed and changed[0],
        "untold": untold,
        "changes": changes,
        "returns": any(answer[1] is not None for answer in first),
        "unsent": next((reason for reason in (_unsent(answer) for answer in first) if reason), None),
        "argument_bytes": round(median(cost[0] for cost in sent)) if sent else None,
        "result_bytes": round(median(cost[1] for cost in sent)) if sent else None,
        "pickle_s": median(cost[2] for cost in sent) if sent else None,
    }


class Mark:
    """Where in its life this thread is, in the kernel's own counts."""

    def __init__(self):
        self._at = time.monotonic()
        with open("/proc/thread-self/schedstat") as file:
            self._on_cpu, self._runnable = (int(word) for word in file.read().split()[:2])
        self._own = resource.getrusage(resource.RUSAGE_SELF)
        self._children = resource.getrusage(resource.RUSAGE_CHILDREN)

    def told(self):
        own, children = self._own, self._children
        return {
            "at_s": self._at,
            "on_cpu_ns": self._on_cpu,
            "runnable_ns": self._runnable,
            "user_s": own.ru_utime + children.ru_utime,
            "system_s": own.ru_stime + children.ru_stime,
            "own_s": own.ru_utime + own.ru_stime,
            "switches": own.ru_nvcsw,
        }


def _one(task, index):
    return user.call(task.function, task.coroutine, index, task.items[index])


def _answer(function, loop, index, item):
    if loop is None:
        return user.call(function, False, index, item)
    return loop.run_until_complete(user.call_on_loop(function, index, item))


def _changes_arguments(task, loop):
    """Whether calls change what they are given, by a few of them."""
    deadline = time.perf_counter() + _CHANGED_S
    for index in task.order()[:_CHANGED]:
        before = answers.digest(task.items[index])
        _answer(task.function, loop, index, task.items[index])
        if before is not None and answers.digest(task.items[index]) != before:
            return True
        if time.perf_counter() > deadline:
            break
    return False


def _held(task):
    """The data that recorded calls read in their module: which of it they change shows by this."""
    data = recorded.data(task.recorded) if task.recorded is not None else {}
    return {name: answers.digest(value) for name, value in data.items()}


def _differ(one, other):
    if one[2] is not None or other[2] is not None:
        return (one[2] or [None])[0] != (other[2] or [None])[0]
    reference = answers.Reference(one[1], None, 0.0, 1 << 20)
    return reference.same(other[1], None) is False


def _size(result):
    try:
        return len(pickle.dumps(result))
    except Exception:
        return sys.getsizeof(result)


def _sent(item, result):
    """Bytes of the argument and of the result, and the time to pickle and unpickle both."""
    before = time.perf_counter()
    try:
        argument, answer = pickle.dumps(item), pickle.dumps(result)
        pickle.loads(argument), pickle.loads(answer)
    except Exception:
        return None
    return len(argument), len(answer), time.perf_counter() - before


def _unsent(answer):
    reason = load.why_not_picklable(answer[1]) if answer[2] is None else None
    return reason and f"what it returns cannot be sent from another process: {reason}"


def _inner_threads():
    """Threads that native code would start here: what its pools say, else the variables, else one for each CPU."""
    try:
        from threadpoolctl import threadpool_info

        told = [pool["num_threads"] for pool in threadpool_info()]
        if told:
            return max(told)
    except Exception:
        pass
    told = [os.environ[name] for name in LIMITS if os.environ.get(name, "").isdigit()]
    return max(map(int, told)) if told else len(os.sched_getaffinity(0))
