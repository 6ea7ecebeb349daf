"""How the beginning and the end of a candidate's calls are noticed.

From 3.12 by `sys.monitoring`, which costs other functions one event in the whole run. Before, by a profile function,
which every call of every function pays for; it looks at the name first.
"""

import sys
import threading

def install(calls):
    """Returns what ends it."""
    return (_by_monitoring if NAME == "monitoring" else _by_profile)(calls)


def _tool():
    """A free tool of `sys.monitoring`, none of those that have a meaning; `None` when there is none."""
    if not hasattr(sys, "monitoring"):
        return None
    return next((tool for tool in (4, 3) if sys.monitoring.get_tool(tool) is None), None)


_TOOL = _tool()
NAME = "profile" if _TOOL is None else "monitoring"


def _by_monitoring(calls):
    monitoring, getframe = sys.monitoring, sys._getframe
    events, disable, names = monitoring.events, monitoring.DISABLE, calls.names

    def start(code, offset):
        if code.co_name not in names:
            return disable
        tally = calls.tally(code)
        if tally is None:
            return disable
        try:
            if id(code) not in watched:
                watched[id(code)] = code
                monitoring.set_local_events(_TOOL, code, events.PY_START | events.PY_RETURN)
                monitoring.set_events(_TOOL, events.PY_START | events.PY_UNWIND)
            tally.begin(getframe(1))
        except Exception as error:
            stop()
            calls.failed(error)
        return None

    def leave(code, offset, value):
        tally = calls.tally(code) if code.co_name in names else None
        if tally is not None:
            try:
                tally.end(getframe(1))
            except Exception as error:
                stop()
                calls.failed(error)

    watched = {}

    def stop():
        monitoring.set_events(_TOOL, 0)
        for code in watched.values():
            monitoring.set_local_events(_TOOL, code, 0)

    monitoring.use_tool_id(_TOOL, "concadvise")
    monitoring.register_callback(_TOOL, events.PY_START, start)
    monitoring.register_callback(_TOOL, events.PY_RETURN, leave)
    monitoring.register_callback(_TOOL, events.PY_UNWIND, leave)
    monitoring.set_events(_TOOL, events.PY_START)
    return stop


def _by_profile(calls):
    from opcode import opmap

    names = calls.names
    yields, yields_from = opmap["YIELD_VALUE"], opmap.get("YIELD_FROM")

    def suspended(code, last):
        # Up to 3.10 an await that goes on is the instruction to be run next, again.
        if code[last] == yields:
            return True
        return yields_from is not None and code[last + 2 : last + 3] == bytes([yields_from])

    def profile(frame, event, argument):
        code = frame.f_code
        if code.co_name not in names or (event != "call" and event != "return"):
            return
        tally = calls.tally(code)
        if tally is None:
            return
        try:
            if event == "call":
                tally.begin(frame)
            elif not tally.coroutine or not suspended(code.co_code, frame.f_lasti):
                tally.end(frame)
        except Exception as error:
            stop()
            calls.failed(error)

    def stop():
        if sys.getprofile() is profile:  # A profiler of the program's own may have taken its place.
            sys.setprofile(None)
            threading.setprofile(None)

    threading.setprofile(profile)
    sys.setprofile(profile)
    return stop
