"""`multiprocessing.Pool` and `ThreadPool`: watched, or built as one another.

Both are one class, of which the second replaces what makes processes; so a pool that is turned gets a subclass of its
own class with those parts replaced, or put back.
"""

import functools
import itertools

_NAMES = ("processes", "initializer", "initargs", "maxtasksperchild", "context")


def patch(module, book):
    """`multiprocessing.pool`."""
    pool, thread_pool = module.Pool, module.ThreadPool
    construct = pool.__init__

    @functools.wraps(construct)
    def __init__(self, *args, **kwargs):
        threads = isinstance(self, thread_pool)
        site = book.site("ThreadPool" if threads else "Pool", "threads" if threads else "processes")
        given = dict(zip(_NAMES, args), **kwargs)
        asked = given.get("processes")
        knob = book.knob(site) if site is not None else None
        if knob is not None:
            given["processes"] = 1 if knob["model"] == "sequential" else knob["workers"]
            if knob["model"] == "processes":
                if threads:
                    self.__class__ = _with(type(self), _parts(thread_pool, pool))
                if threads or knob["start_method"] is not None:
                    import multiprocessing

                    given["context"] = multiprocessing.get_context(knob["start_method"])
            elif not threads:
                self.__class__ = _with(type(self), _parts(thread_pool, thread_pool))
                given.pop("maxtasksperchild", None)
            self._concadvise_knob = knob
            site.turned()
        construct(self, **given)
        if site is not None and book.watching:
            self._concadvise_site = site
            _watch(self._cache, site, module)
            method = None if threads else self._ctx.get_start_method()
            site.built(self._processes, asked, method)

    pool.__init__ = __init__
    _patch_calls(pool)


def _parts(thread_pool, source):
    """What makes the difference between the two, as `source` has it."""
    names = [name for name in vars(thread_pool) if not (name.startswith("__") and name.endswith("__"))]
    return {name: vars(source)[name] for name in names if name in vars(source)}


def _with(own, parts):
    return type(own.__name__, (own,), dict(parts, __module__=own.__module__, __qualname__=own.__qualname__))


def _watch(cache, site, module):
    """The pool keeps every result that is awaited in its cache: what comes is handed over, what goes has ended."""
    single = module.ApplyResult

    class Cache(type(cache)):
        def __setitem__(self, job, result):
            super().__setitem__(job, result)
            # Those of many tasks are counted where they are made.
            site.begins(tasks=1 if type(result) is single else 0)

        def __delitem__(self, job):
            result = self.get(job)
            super().__delitem__(job)
            site.ends()
            if type(result) is single and getattr(result, "_success", False) and site.samples():
                site.send("a result", result._value)

    cache.__class__ = Cache


def _patch_calls(pool):
    map_async, apply_async = pool._map_async, pool.apply_async

    @functools.wraps(map_async)
    def _map_async(self, func, iterable, mapper, chunksize=None, *args, **kwargs):
        if not hasattr(iterable, "__len__"):
            iterable = list(iterable)
        knob, site = _ours(self)
        if site is not None:
            site.mapped(chunksize)
            site.begins(tasks=len(iterable), handed=0)
            if site.samples():
                site.send("the call", (func, list(itertools.islice(iter(iterable), 1))))
        if knob is not None and knob["chunk_size"] is not None:
            chunksize = knob["chunk_size"]
        return map_async(self, func, iterable, mapper, chunksize, *args, **kwargs)

    @functools.wraps(apply_async)
    def apply_async_(self, func, *args, **kwargs):
        site = _ours(self)[1]
        if site is not None and site.samples():
            site.send("the call", (func, args, kwargs))
        return apply_async(self, func, *args, **kwargs)

    pool._map_async, pool.apply_async = _map_async, apply_async_
    pool.imap, pool.imap_unordered = _lazy(pool.imap), _lazy(pool.imap_unordered)


def _lazy(imap):
    @functools.wraps(imap)
    def imap_(self, func, iterable, chunksize=1):
        knob, site = _ours(self)
        if site is not None:
            site.mapped(chunksize)
            if site.samples():
                site.send("the function", func)
            iterable = _counted(iterable, site)
        if knob is not None and knob["chunk_size"] is not None:
            chunksize = knob["chunk_size"]
        return imap(self, func, iterable, chunksize)

    return imap_


def _counted(iterable, site):
    for item in iterable:
        site.begins(tasks=1, handed=0)
        yield item


def _ours(pool):
    own = pool.__dict__
    return own.get("_concadvise_knob"), own.get("_concadvise_site")
