"""Where the program builds its executors: what each was asked for and did, and one of them built otherwise.

The part of the plan:

    {"watch": true}                                    count and time what every site does
    {"turn": {"site": "app.py:42:ThreadPoolExecutor", "model": "processes", "workers": 4,
              "chunk_size": null, "start_method": null}}

Answers of kind `site`, keyed by `site`, the last one of each counting (see `Site.tell`), and of kind `turned` each time
that the named site was built otherwise. How each kind of executor is built and watched is its own module's.
"""

import _thread
import atexit
import os
import sys
import time

from . import answers, executors, frames, joblib_parallel, loops, pools
from .imports import when_imported

# A site tells of itself at most this often while it works; and at the end.
_TELL_EVERY_S = 0.05
# Sites that are told apart; a program that makes its code up as it goes has no end of them.
_MOST_SITES = 256
# Tasks of each site whose pickling is tried, and what may come of it at most.
_SAMPLES = 3
_MOST_BYTES = 32 << 20


def install(part, folder):
    """Called once, before any code of the program."""
    book = Book(folder, part.get("turn"), bool(part.get("watch")))
    frames.begin(folder)
    # A copy made by fork is a worker, or a program of its own: not what was meant.
    os.register_at_fork(after_in_child=book.leave)
    if book.watching:
        atexit.register(book.tell_all)
    when_imported("concurrent.futures.thread", lambda module: executors.patch_threads(module, book))
    when_imported("concurrent.futures.process", lambda module: executors.patch_processes(module, book))
    when_imported("multiprocessing.pool", lambda module: pools.patch(module, book))
    when_imported("asyncio.threads", lambda module: loops.patch(module, book))
    when_imported("joblib.parallel", lambda module: joblib_parallel.patch(module, book))


class Book:
    """All sites of this process, and the knob."""

    def __init__(self, folder, turn, watching):
        self.watching = watching
        self._folder = folder
        self._turn = turn
        self._sites = {}
        self._lock = _thread.allocate_lock()
        self._own = _thread._local()
        # Where a default executor that no loop has built yet was asked for.
        self.default_place = None
        self._left = False

    def leave(self):
        """From now on every executor is the program's own business."""
        self._left = True
        self._lock = _thread.allocate_lock()

    def building(self):
        """While this is entered, executors that this thread builds are ours."""
        return _Building(self._own)

    def site(self, executor, model, place=None):
        """The site that is executing, a Site; `None` when it is nobody's of the program's."""
        if self._left or getattr(self._own, "building", 0):
            return None
        place = place or frames.place()
        if place is None:
            return None
        path, line, library = place
        key = "{}:{}:{}".format(path, line, executor)
        with self._lock:
            site = self._sites.get(key)
            if site is None and len(self._sites) < _MOST_SITES:
                site = self._sites[key] = Site(self, key, path, line, library, executor, model)
        if site is not None and self.watching:
            site.builds()
        return site

    def knob(self, site):
        """How the site is to be built; `None` for as the program has it."""
        turn = self._turn
        return turn if turn is not None and turn["site"] == site.key else None

    def tell(self, kind, value):
        if not self._left:
            answers.tell(self._folder, kind, value)

    def tell_all(self):
        for site in list(self._sites.values()):
            site.tell()


class _Building:
    def __init__(self, own):
        self._own = own

    def __enter__(self):
        self._own.building = getattr(self._own, "building", 0) + 1

    def __exit__(self, *_):
        self._own.building -= 1


class Site:
    """One place that builds executors, with all that it built."""

    def __init__(self, book, key, path, line, library, executor, model):
        self.key = key
        self._book = book
        self._facts = {
            "site": key,
            "path": path,
            "line": line,
            "library": library,
            "executor": executor,
            "model": model,
            "guarded": _guarded(),
        }
        self._lock = _thread.allocate_lock()
        self._built = 0
        self._workers = None
        self._asked = None
        self._start_method = None
        self._threads = 0
        self._chunk_size = None
        self._mapped = False
        self._tasks = 0
        self._done = 0
        self._open = 0
        self._since = None
        self._busy = 0.0
        self._sampled = 0
        self._unsent = None
        self._told = 0.0

    def builds(self):
        """An executor is about to be built: with other threads there, a fork would copy their locks and not them."""
        threading = sys.modules.get("threading")
        alive = threading.active_count() - 1 if threading is not None else 0
        self._threads = max(self._threads, alive)

    def built(self, workers, asked, start_method=None):
        """One more executor is. `asked` is the number that the program named, if it did."""
        with self._lock:
            self._built += 1
            self._workers = workers if self._workers is None else max(self._workers, workers)
            self._asked = asked if isinstance(asked, int) else None
            self._start_method = start_method
        self.tell()

    def is_model(self, model):
        """What it is was only seen once it was built."""
        self._facts["model"] = model

    def mapped(self, chunk_size):
        """Tasks were handed over by a map that could cut them into chunks."""
        self._mapped = True
        self._chunk_size = chunk_size if isinstance(chunk_size, int) else self._chunk_size

    def begins(self, tasks=1, handed=1):
        """So many tasks were handed over, in so many parts that will each end."""
        now = time.monotonic()
        with self._lock:
            self._tasks += tasks
            if self._open == 0 and handed:
                self._since = now
            self._open += handed
        self._tell_sometimes(now)

    def ends(self, handed=1):
        """So many of those parts have ended."""
        now = time.monotonic()
        with self._lock:
            self._open -= handed
            self._done += handed
            if self._open <= 0 and self._since is not None:
                self._busy += now - self._since
                self._since = None
        self._tell_sometimes(now)

    def samples(self):
        """Whether the next task's pickling is to be tried."""
        with self._lock:
            self._sampled += 1
            return self._sampled <= _SAMPLES and self._unsent is None

    def send(self, what, value):
        """Tries whether a value could be sent to another process."""
        import pickle

        try:
            pickle.Pickler(_Scale(), pickle.HIGHEST_PROTOCOL).dump(value)
        except _TooLarge:
            self._unsent = "{} has more than {} MiB when pickled".format(what, _MOST_BYTES >> 20)
        except Exception as why:
            self._unsent = "{} cannot be pickled: {}: {}".format(what, type(why).__name__, str(why)[:200])

    def turned(self):
        """It was built otherwise."""
        self._book.tell("turned", {"site": self.key})

    def tell(self):
        """All that is known by now."""
        now = time.monotonic()
        with self._lock:
            self._told = now
            running = now - self._since if self._since is not None else 0.0
            value = dict(
                self._facts,
                built=self._built,
                workers=self._workers,
                asked=self._asked,
                start_method=self._start_method,
                threads=self._threads,
                mapped=self._mapped,
                chunk_size=self._chunk_size,
                tasks=self._tasks,
                busy_s=self._busy + running,
                unsent=self._unsent,
            )
        self._book.tell("site", value)

    def _tell_sometimes(self, now):
        if now - self._told >= _TELL_EVERY_S:
            self.tell()


class _TooLarge(Exception):
    pass


class _Scale:
    """A file that only weighs what is written to it."""

    def __init__(self):
        self._bytes = 0

    def write(self, data):
        self._bytes += len(data)
        if self._bytes > _MOST_BYTES:
            raise _TooLarge
        return len(data)


def _guarded():
    """Whether the main module asks for its name, as one must that is imported by workers; None when it has no file."""
    path = getattr(sys.modules.get("__main__"), "__file__", None)
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return "__name__" in file.read(1 << 20)
    except (OSError, TypeError, ValueError):
        return None
