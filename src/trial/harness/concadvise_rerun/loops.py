"""`asyncio.to_thread`: remembers who called it first, which is where the loop's default executor comes from.

The executor itself is a ThreadPoolExecutor that the loop builds when it is first needed, maybe in a task of which no
frame is the program's.
"""

import functools

from . import frames


def patch(module, book):
    """`asyncio.threads`, before `asyncio` takes its names from it."""
    call = module.to_thread

    @functools.wraps(call)
    def to_thread(*args, **kwargs):
        if book.default_place is None:
            book.default_place = frames.place()
        return call(*args, **kwargs)

    _mark(to_thread)
    module.to_thread = to_thread


def _mark(function):
    """What asks whether it is a coroutine function is to hear yes, as before."""
    import inspect  # asyncio has it.

    if hasattr(inspect, "markcoroutinefunction"):
        inspect.markcoroutinefunction(function)
    else:
        from asyncio import coroutines

        function._is_coroutine = getattr(coroutines, "_is_coroutine", None)
