"""`joblib.Parallel`: watched, or with another backend, number of jobs and batch size."""

import functools

_MODELS = {"ThreadingBackend": "threads", "SequentialBackend": "sequential"}
_BACKENDS = {"threads": "threading", "processes": "loky"}


def patch(module, book):
    """`joblib.parallel`."""
    parallel = module.Parallel
    construct, call = parallel.__init__, parallel.__call__

    @functools.wraps(construct)
    def __init__(self, *args, **kwargs):
        site = book.site("joblib.Parallel", "processes")
        knob = book.knob(site) if site is not None else None
        if knob is not None:
            args = args[2:]  # n_jobs and backend
            kwargs["n_jobs"] = 1 if knob["model"] == "sequential" else knob["workers"]
            if knob["model"] in _BACKENDS:
                kwargs["backend"] = _BACKENDS[knob["model"]]
                kwargs.pop("prefer", None)
            if knob["chunk_size"] is not None:
                kwargs["batch_size"] = knob["chunk_size"]
            site.turned()
        construct(self, *args, **kwargs)
        if site is not None and book.watching:
            self._concadvise_site = site
            workers = _workers(self)
            backend = type(getattr(self, "_backend", None)).__name__
            site.is_model("sequential" if workers == 1 else _MODELS.get(backend, "processes"))
            size = kwargs.get("batch_size")
            site.mapped(size if isinstance(size, int) else None)
            site.built(workers, args[0] if args else kwargs.get("n_jobs"))

    @functools.wraps(call)
    def __call__(self, iterable):
        site = self.__dict__.get("_concadvise_site")
        if site is None:
            return call(self, iterable)
        site.begins(tasks=0)
        try:
            return call(self, _counted(iterable, site))
        finally:
            site.ends()

    parallel.__init__, parallel.__call__ = __init__, __call__


def _workers(parallel):
    try:
        return max(1, int(parallel._effective_n_jobs()))
    except Exception:
        jobs = getattr(parallel, "n_jobs", None)
        return jobs if isinstance(jobs, int) and jobs > 0 else 1


def _counted(iterable, site):
    for task in iterable:
        site.begins(tasks=1, handed=0)
        yield task
