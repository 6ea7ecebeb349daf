"""What a worker does with the user's own function. Every child imports this, so it is cheap to import.

An answer is (index, result, raised): `raised` is None, or the exception's type and its last line, because an exception
itself may not be picklable, and an item that always raises is no trouble of the model's.
"""

import os
import sys
import threading

from .gate import meet

# Characters of an exception that are kept.
_SHOWN = 200

# By thread. A plain dictionary, which can be sent by value to a cluster's workers with the functions that use it.
_loops = {}
_lock = threading.Lock()
# The process that was set up: a forked child was not, whatever it inherited.
_set_up = None


class SetupFailed(Exception):
    """The user's --setup or --teardown raised."""


def call(function, coroutine, index, item):
    """One task. A coroutine function is run to its end on a loop that this thread keeps for all its tasks."""
    try:
        result = function(item)
        if coroutine:
            result = _loop().run_until_complete(result)
        return index, result, None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: a task that exits would end one worker here and all of it there.
        return index, None, raised(error)


async def call_on_loop(function, index, item):
    """One task of an event loop."""
    try:
        return index, await function(item), None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return index, None, raised(error)


def chunk(function, coroutine, items):
    """Several tasks that were handed over together."""
    return [call(function, coroutine, index, item) for index, item in items]


def nothing(item):
    """An empty task with the same argument."""


async def nothing_on_loop(item):
    """The same for an event loop."""


def raised(error):
    """An exception's type and what a traceback's last line says of it."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    try:
        said = str(error)
    except Exception:
        said = "(its text cannot be read)"
    line = f"{name}: {said}" if said else name
    return name, " ".join(line.split())[:_SHOWN]


def arrive(setup, teardown, ready, gate):
    """What a worker does first: the user's setup, once in its process; then it waits for the others."""
    set_up(setup, teardown)
    meet(ready, gate)


def set_up(setup, teardown):
    """Runs the setup unless this process has; its teardown is run when the process ends, or by `tear_down`."""
    global _set_up
    with _lock:
        if _set_up == os.getpid():
            return
        if setup is not None:
            try:
                setup()
            except BaseException as error:
                raise SetupFailed(f"the setup raised {raised(error)[1]}") from None
        _set_up = os.getpid()
        multiprocessing = sys.modules.get("multiprocessing")
        if teardown is not None and multiprocessing is not None and multiprocessing.parent_process() is not None:
            from multiprocessing.util import Finalize

            Finalize(None, teardown, exitpriority=100)  # A pool's process never gets to `atexit`.


def tear_down(teardown):
    """Runs the teardown if this very process was set up."""
    global _set_up
    if teardown is not None and _set_up == os.getpid():
        try:
            teardown()
        except BaseException as error:
            raise SetupFailed(f"the teardown raised {raised(error)[1]}") from None
    _set_up = None


def _loop():
    import asyncio

    here = threading.get_ident()
    if here not in _loops:
        _loops[here] = asyncio.new_event_loop()
    return _loops[here]
