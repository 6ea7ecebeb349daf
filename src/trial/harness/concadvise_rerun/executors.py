"""`concurrent.futures`: its executors watched, or built as another of them.

Their methods are changed in place and their classes stay what they are, so that subclasses, `isinstance` and names
imported before or after go on working: an executor that is turned hands what it gets to another one inside.
"""

import functools
import sys

_THREADS = ("max_workers", "thread_name_prefix", "initializer", "initargs")
_PROCESSES = ("max_workers", "mp_context", "initializer", "initargs")


def patch_threads(module, book):
    """ThreadPoolExecutor, and with it InterpreterPoolExecutor, which is one."""
    executor = module.ThreadPoolExecutor
    construct = executor.__init__

    @functools.wraps(construct)
    def __init__(self, *args, **kwargs):
        kind, model = _thread_kind(self)
        if kind == "default executor" and book.default_place is not None:
            place, book.default_place = book.default_place, None
        else:
            place = None
        site = book.site(kind, model, place)
        knob = book.knob(site) if site is not None else None
        if knob is None:
            construct(self, *args, **kwargs)
        else:
            given = dict(zip(_THREADS, args), **kwargs)
            construct(self, **dict(given, max_workers=knob["workers"]))
            if knob["model"] != model and kind != "default executor":
                self._concadvise_inner = _build(knob, given, book)
            self._concadvise_knob = knob
            site.turned()
        _watch(self, site, book, args, kwargs)

    executor.__init__ = __init__
    _patch_calls(executor, book)


def patch_processes(module, book):
    """ProcessPoolExecutor."""
    executor = module.ProcessPoolExecutor
    construct = executor.__init__

    @functools.wraps(construct)
    def __init__(self, *args, **kwargs):
        site = book.site("ProcessPoolExecutor", "processes")
        knob = book.knob(site) if site is not None else None
        if knob is None:
            construct(self, *args, **kwargs)
        else:
            given = dict(zip(_PROCESSES, args), **kwargs)
            if knob["model"] == "processes":
                given["max_workers"] = knob["workers"]
                if knob["start_method"] is not None:
                    given["mp_context"] = _context(knob["start_method"])
                construct(self, **given)
            else:
                # Not constructed: that would make queues and semaphores for processes which never come.
                self._max_workers = knob["workers"]
                self._processes, self._pending_work_items = {}, {}
                self._broken = self._shutdown_thread = False
                self._concadvise_inner = _build(knob, given, book)
            self._concadvise_knob = knob
            site.turned()
        _watch(self, site, book, args, kwargs)

    executor.__init__ = __init__
    _patch_calls(executor, book)


def _watch(executor, site, book, args, kwargs):
    """Tells what was built there, where that is wanted."""
    if site is None or not book.watching:
        return
    executor._concadvise_site = site
    asked = args[0] if args else kwargs.get("max_workers")
    context = getattr(executor, "_mp_context", None)
    site.built(executor._max_workers, asked, context.get_start_method() if context is not None else None)


def _thread_kind(executor):
    """The executor's word, and its model."""
    if any(base.__name__ == "InterpreterPoolExecutor" for base in type(executor).__mro__):
        return "InterpreterPoolExecutor", "interpreters"
    caller = sys._getframe(2).f_globals.get("__name__")
    if caller == "asyncio.base_events":
        return "default executor", "threads"
    return "ThreadPoolExecutor", "threads"


def _build(knob, given, book):
    """The executor inside."""
    model, workers = knob["model"], knob["workers"]
    keep = {name: given[name] for name in ("initializer", "initargs") if name in given}
    with book.building():
        if model == "sequential":
            return _inline(**keep)
        from concurrent import futures

        if model == "threads":
            return futures.ThreadPoolExecutor(workers, **keep)
        if model == "interpreters":
            return futures.InterpreterPoolExecutor(workers, **keep)
        return futures.ProcessPoolExecutor(workers, mp_context=_context(knob["start_method"]), **keep)


def _context(method):
    import multiprocessing

    return multiprocessing.get_context(method)


def _patch_calls(executor, book):
    """submit, map and shutdown: watched, or handed to the executor inside."""
    submit, shutdown, map_ = executor.submit, executor.shutdown, executor.map

    @functools.wraps(submit)
    def submit_(self, *args, **kwargs):
        inner = self.__dict__.get("_concadvise_inner")
        if inner is not None:
            with book.building():  # Some executors build their workers now.
                return inner.submit(*args, **kwargs)
        site = self.__dict__.get("_concadvise_site")
        if site is None:
            return submit(self, *args, **kwargs)
        sampled = site.samples()
        if sampled:
            site.send("the call", (args, kwargs))
        site.begins()
        try:
            future = submit(self, *args, **kwargs)
        except BaseException:
            site.ends()
            raise
        future.add_done_callback(functools.partial(_done, site, sampled))
        return future

    @functools.wraps(shutdown)
    def shutdown_(self, *args, **kwargs):
        inner = self.__dict__.get("_concadvise_inner")
        if inner is None:
            return shutdown(self, *args, **kwargs)
        inner.shutdown(*args, **kwargs)
        self._shutdown = self._shutdown_thread = True

    @functools.wraps(map_)
    def map__(self, fn, *iterables, **kwargs):
        knob = self.__dict__.get("_concadvise_knob")
        site = self.__dict__.get("_concadvise_site")
        size = kwargs.get("chunksize", 1)
        if site is not None:
            site.mapped(size)
        if knob is None:
            return map_(self, fn, *iterables, **kwargs)
        if knob["chunk_size"] is not None:
            size = kwargs["chunksize"] = knob["chunk_size"]
        inner = self.__dict__.get("_concadvise_inner")
        if inner is None:
            return map_(self, fn, *iterables, **kwargs)
        if knob["model"] == "processes" and size > 1:
            with book.building():
                return inner.map(fn, *iterables, **kwargs)
        # By way of `self.submit`, which a subclass may have changed.
        from concurrent.futures import Executor

        return Executor.map(self, fn, *iterables, **kwargs)

    executor.submit, executor.shutdown, executor.map = submit_, shutdown_, map__


def _done(site, sampled, future):
    site.ends()
    if sampled and not future.cancelled() and future.exception() is None:
        site.send("a result", future.result())


def _inline(initializer=None, initargs=()):
    """An executor that runs each task where it is submitted: one after another."""
    from concurrent.futures import Executor, Future

    class Inline(Executor):
        def __init__(self):
            self._closed = False

        def submit(self, fn, *args, **kwargs):
            if self._closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            future = Future()
            future.set_running_or_notify_cancel()
            try:
                result = fn(*args, **kwargs)
            except BaseException as why:  # As the workers of a pool do.
                future.set_exception(why)
            else:
                future.set_result(result)
            return future

        def shutdown(self, wait=True, *, cancel_futures=False):
            self._closed = True

    if initializer is not None:
        initializer(*initargs)
    return Inline()
