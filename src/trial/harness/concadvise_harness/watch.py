"""Sees when nothing ends any more.

A deadlock holds up whoever could have noticed it, so this is a thread of its own.
"""

import os
import sys
import threading
import traceback

# Looked at so often: next to no CPU time, and never late by more than a part of any limit.
_LOOK_S = 0.25
# Processes and interpreters may take long to start on a loaded machine.
_START_S = 60.0


class Watch:
    """`tell` gets a message once no task has ended for `limit` seconds, and must end the process."""

    def __init__(self, limit, tell):
        self._limit, self._tell = limit, tell
        self._beats = 0
        self._watched = None
        self._changed = threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def beat(self):
        self._beats += 1

    def starting(self):
        self._watched = "start", max(_START_S, self._limit)

    def running(self):
        self._watched = "run", self._limit

    def resting(self):
        self._watched = None

    def _look(self):
        last, still = None, 0.0
        while True:
            self._changed.wait(_LOOK_S)
            now = self._watched, self._beats
            still = still + _LOOK_S if now == last and self._watched is not None else 0.0
            last = now
            if self._watched is not None and still >= self._watched[1]:
                self._tell(self._message(still))

    def _message(self, still):
        if self._watched is not None and self._watched[0] == "start":
            return f"its workers did not all start within {still:.0f} s"
        return f"no task ended for {still:.0f} s, so it hangs{_where()}"


def _where():
    """Where threads of this process are in the user's code; those of other processes cannot be seen."""
    places = {}
    own = os.path.dirname(os.path.abspath(__file__))
    library = os.path.dirname(os.__file__)
    distributed = sys.modules.get("distributed")
    cluster = os.path.dirname(distributed.__file__) if distributed is not None else own
    for thread, frame in sys._current_frames().items():
        if thread == threading.get_ident():
            continue
        for entry in reversed(traceback.extract_stack(frame)):
            if not entry.filename.startswith((own, library, cluster, "<")):
                place = f"{os.path.basename(entry.filename)} line {entry.lineno}"
                places[place] = places.get(place, 0) + 1
                break
    if not places:
        return ""
    place = max(places, key=places.get)
    return f" ({places[place]} at {place})"


class NoWatch:
    """For what is never held up by another."""

    def beat(self):
        pass

    starting = running = resting = beat
