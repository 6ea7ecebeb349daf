"""Measures the calls of a few functions of the user's while the program runs, and keeps a sample of their arguments.

The plan's part:

| key | means |
|---|---|
| `candidates` | functions: `id`, `path`, `line` (the first of its decorators, or its own), `name`, `qualname` |
| `items`, `bytes`, `each` | the most calls of one function that are kept, and bytes: of all, of one call |

What is known by now is told as `calls`, again and again, as a program may end without a word; what is kept of the calls
lies in `folder/calls` (`recorder`). How calls are noticed is `hooks`'. Trouble of ours ends the measuring, never the
program.
"""

import atexit
import os
import sys
import threading
import time
from _thread import get_ident

from . import answers, hooks, recorder

# What is known is told when a call ends and it was told so long ago, in seconds and as a part of the run: few lines
# in a long run, and little is lost.
_OLD_S = 0.25
_OLD = 0.02
# Calls on which the cost of measuring one is measured.
_COST_CALLS = 2000
# A coroutine is looked for among its awaiters no deeper than this.
_DEEPEST = 64

_CO_COROUTINE = 0x80
_CO_GENERATOR = 0x20 | 0x200

_clock = time.perf_counter


class Calls:
    """All that is known of the calls so far."""

    def __init__(self, plan, folder):
        self._folder = folder
        self._paths, self._codes = {}, {}
        self._lock = threading.Lock()
        self._begun, self._told = _clock(), 0.0
        self._wanted = {}
        for one in plan["candidates"]:
            self._wanted.setdefault((one["name"], one["line"]), []).append(one)
        self.names = frozenset(one["name"] for one in plan["candidates"])
        self.tallies = {}
        self.recorder = recorder.Recorder(plan, os.path.join(folder, "calls"))
        self.trouble = None

    def tally(self, code):
        """The tally of a candidate's code, which may be one made again and again; `None` for other code."""
        known = self._codes.get(id(code))
        if known is not None:
            return known[1]
        found = None
        for one in self._wanted.get((code.co_name, code.co_firstlineno), ()):
            if self._real(code.co_filename) == one["path"] and not code.co_flags & _CO_GENERATOR:
                found = self.tallies.setdefault(one["id"], Tally(self, one, bool(code.co_flags & _CO_COROUTINE)))
        # The code is kept, so that no other can get its id.
        self._codes[id(code)] = code, found
        return found

    def _real(self, path):
        if path not in self._paths:
            self._paths[path] = os.path.realpath(path)
        return self._paths[path]

    def ended(self):
        """A call has; tells what is known if that is due."""
        now = _clock()
        if now - self._told > max(_OLD_S, _OLD * (now - self._begun)):
            self.tell()

    def failed(self, error):
        """Something of ours did."""
        self.trouble = f"{type(error).__name__}: {error}"
        self.tell()

    def tell(self):
        if not (self.tallies or self.trouble) or not self._lock.acquire(blocking=False):
            return
        try:
            now = self._told = _clock()
            calls = [tally.told(now) for tally in list(self.tallies.values())]
            known = {
                "hook": hooks.NAME,
                "wall_s": now - self._begun,
                "recording_s": self.recorder.spent,
                "trouble": self.trouble,
                "calls": calls,
            }
            answers.tell(self._folder, "calls", known)
        finally:
            self._lock.release()


class Tally:
    """One candidate's calls. One within another of the same function is part of that one."""

    def __init__(self, calls, candidate, coroutine):
        self._calls, self.candidate, self.coroutine = calls, candidate, coroutine
        self.count, self.seconds, self.longest, self.covered = 0, 0.0, 0.0, 0.0
        self.together, self.most_together, self._since = 0, 0, 0.0
        self.inside = {}
        # By thread for functions: [depth, begun, recording until then]. By frame for coroutines: the last two.
        self._threads, self._frames = {}, {}

    def begin(self, frame):
        if self.coroutine:
            if frame in self._frames or self._awaited_by_itself(frame):
                return
            place = self._frames[frame] = [0, 0.0, 0.0]
        else:
            place = self._threads.get(get_ident())
            if place is None:
                place = self._threads[get_ident()] = [0, 0.0, 0.0]
            place[0] += 1
            if place[0] > 1:
                return
        for other in self._calls.tallies.values():
            if other is not self and other.together:
                outer = other.candidate["id"]
                self.inside[outer] = self.inside.get(outer, 0) + 1
        self.count += 1
        self._calls.recorder.look(self.candidate, self.count, frame)
        place[2] = self._calls.recorder.spent
        self.together += 1
        self.most_together = max(self.most_together, self.together)
        place[1] = _clock()
        if self.together == 1:
            self._since = place[1], place[2]

    def end(self, frame):
        now, spent = _clock(), self._calls.recorder.spent
        if self.coroutine:
            place = self._frames.pop(frame, None)
            if place is None:
                return
        else:
            place = self._threads.get(get_ident())
            if place is None or not place[0]:
                return  # It began before the measuring.
            place[0] -= 1
            if place[0]:
                return
        # What recording calls within this one took is no time of the user's.
        took = max(0.0, now - place[1] - (spent - place[2]))
        self.together -= 1
        if not self.together:
            self.covered += max(0.0, now - self._since[0] - (spent - self._since[1]))
        self.seconds += took
        self.longest = max(self.longest, took)
        self._calls.ended()

    def _awaited_by_itself(self, frame):
        code = frame.f_code
        for _ in range(_DEEPEST):
            frame = frame.f_back
            if frame is None:
                return False
            if frame.f_code is code:
                return True
        return False

    def told(self, now):
        covered = self.covered
        if self.together:
            covered += max(0.0, now - self._since[0])
        return {
            "id": self.candidate["id"],
            "coroutine": self.coroutine,
            "calls": self.count,
            "running": self.together,
            "seconds": self.seconds,
            "covered_s": covered,
            "longest_s": self.longest,
            "most_together": self.most_together,
            "inside": [[outer, count] for outer, count in self.inside.items()],
            "overhead_s": self.count * _cost,
            **self._calls.recorder.told(self.candidate["id"]),
        }


_cost = 0.0


def install(plan, folder):
    """Begins to measure, from now on in every thread of this process."""
    global _cost
    calls = Calls(plan, folder)
    _cost = _cost_of_one()
    stop = hooks.install(calls)
    atexit.register(calls.tell)
    leave, own = os._exit, os.getpid()

    def _exit(status):
        if os.getpid() == own:
            calls.tell()
        leave(status)

    def forked():
        stop()
        atexit.unregister(calls.tell)
        os._exit = leave

    os._exit = _exit
    os.register_at_fork(after_in_child=forked)


class _Nothing:
    spent = 0.0

    def look(self, candidate, count, frame):
        pass


class _Unwritten:
    def __init__(self):
        self.tallies, self.recorder = {}, _Nothing()

    def ended(self):
        _clock()


def _cost_of_one():
    """Seconds that measuring one call takes, without keeping its arguments."""
    tally = Tally(_Unwritten(), {"id": 0}, False)
    begun = _clock()
    for _ in range(_COST_CALLS):
        frame = sys._getframe()
        tally.begin(frame)
        tally.end(frame)
    return (_clock() - begun) / _COST_CALLS
