"""Keeps a bounded sample of the calls of each candidate, and what of the program its function stands on.

In a folder that only this user can read:

| file | holds |
|---|---|
| `ID/about.json` | where the function is, what it reads, what could not be kept and why |
| `ID/NUMBER.call` | a pickle of (positional, named): each argument pickled by itself, or the name of a `.shared` file |
| `NAME.shared` | an argument that several calls had, pickled |
| `ID/main` | nothing: it is there when something kept is of a class or function of the main module |
| `ID/NAME.cell`, `ID/NAME.global` | what the function's closure held and its module's names meant, pickled |

Arguments are pickled before the call, because it may change them. `pickles` says what can be.
"""

import json
import os
import sys
import threading
import time
from hashlib import blake2b

from . import pickles, reads

_CO_VARARGS, _CO_VARKEYWORDS = 0x04, 0x08
# An argument that takes less is kept with each call.
_SMALL = 256
# Of what a function reads beside its arguments, for each name.
_READ_BYTES = 4 << 20
# Folders that only this run has on its import path.
_OURS = {os.path.dirname(os.path.dirname(os.path.abspath(__file__)))}
# Different reasons, and places of calls, told for each candidate.
_REASONS = 8
_CALLERS = 16


class Recorder:
    """What was kept in this process."""

    def __init__(self, plan, folder):
        self._items, self._room, self._each = plan["items"], plan["bytes"], plan["each"]
        self._folder = folder
        os.makedirs(folder, 0o700, exist_ok=True)
        self._known = {}
        self._shared = set()
        self._of_main = set()
        self._random = 0x9E3779B97F4A7C15
        self._busy = threading.local()
        # Seconds that keeping things took, which are no time of the user's.
        self.spent = 0.0

    def _chance(self, count):
        """A number below `count`; the program's own random numbers stay as they are."""
        x = self._random
        x ^= (x << 13) & 0xFFFFFFFFFFFFFFFF
        x ^= x >> 7
        x ^= (x << 17) & 0xFFFFFFFFFFFFFFFF
        self._random = x
        return x % count

    def look(self, candidate, count, frame):
        """The call with that number begins in that frame; keeps it if it is of the sample."""
        slot = count - 1 if count <= self._items else self._chance(count)
        if slot >= self._items or getattr(self._busy, "now", False):
            return
        begun = time.perf_counter()
        self._busy.now = True
        try:
            known = self._known.get(candidate["id"])
            if known is None:
                known = self._known[candidate["id"]] = Known(candidate, frame)
                self._keep_what_it_reads(known, frame)
            known.called_by(frame.f_back)
            self._keep(known, slot, frame)
        finally:
            self._busy.now = False
            self.spent += time.perf_counter() - begun

    def told(self, id):
        known = self._known.get(id)
        if known is None:
            return {"recorded": 0, "bytes": 0, "unrecorded": [], "callers": []}
        return {
            "recorded": len(known.sizes),
            "bytes": sum(known.sizes.values()),
            "unrecorded": sorted(known.reasons.items(), key=lambda reason: -reason[1]),
            "callers": [[os.path.realpath(path), line, count] for (path, line), count in known.callers.items()],
        }

    def write(self, name, content):
        """All of it or nothing, whenever the program ends."""
        path = os.path.join(self._folder, name)
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        part = f"{path}.part"
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        os.replace(part, path)

    def _keep(self, known, slot, frame):
        positional, named = arguments(frame)
        freed = known.sizes.get(slot, 0)
        size, blobs = 0, {}
        for name, value in positional + named:
            try:
                blob = pickles.dumps(value, min(self._each - size, self._room + freed - size))
            except pickles.TooLarge as error:
                what = "there was no room left" if error.limit < self._each - size else "it is too large to be kept"
                return known.missed(f"argument {name}: {what} (limit {self._each >> 20} MiB a call)")
            except Exception as error:
                return known.missed(f"argument {known.trouble(name, value, error)}")
            self._note_main(known.id, blob)
            size += len(blob)
            blobs[name] = self._share(value, blob) if len(blob) > _SMALL or hasattr(value, "__dict__") else blob
        call = pickles.plain(([blobs[name] for name, _ in positional], {name: blobs[name] for name, _ in named}))
        self.write(os.path.join(str(known.id), f"{slot}.call"), call)
        self._room += freed - size
        known.sizes[slot] = size
        return None

    def _note_main(self, id, blob):
        if b"__main__" in blob and id not in self._of_main:
            self._of_main.add(id)
            self.write(os.path.join(str(id), "main"), b"")

    def _share(self, value, blob):
        """The name of the file that holds it. The same object with the same content is one object again."""
        name = f"{blake2b(blob, digest_size=12).hexdigest()}{id(value):x}.shared"
        if name not in self._shared:
            self.write(name, blob)
            self._shared.add(name)
        return name

    def _keep_what_it_reads(self, known, frame):
        for name in frame.f_code.co_freevars:
            self._keep_one(known.id, name, "cell", frame.f_locals, known.cells)
        names = reads.of(frame)
        for name in names["data"]:
            self._keep_one(known.id, name, "global", frame.f_globals, known.globals)
        about = {**known.about(frame), "names": names["all"], "cells": known.cells, "globals": known.globals}
        self.write(os.path.join(str(known.id), "about.json"), json.dumps(about).encode())

    def _keep_one(self, id, name, kind, values, into):
        if name not in values:
            into[name] = "it had no value yet"
            return
        try:
            blob = pickles.dumps(values[name], _READ_BYTES)
        except pickles.TooLarge:
            into[name] = f"it is larger than {_READ_BYTES >> 20} MiB"
        except Exception as error:
            into[name] = pickles.trouble(name, values[name], error)
        else:
            self._note_main(id, blob)
            self.write(os.path.join(str(id), f"{name}.{kind}"), blob)
            into[name] = None


class Known:
    """One candidate, as far as it was kept."""

    def __init__(self, candidate, frame):
        self.id, self._candidate = candidate["id"], candidate
        self.sizes, self.reasons = {}, {}
        self.cells, self.globals = {}, {}
        self.callers, self._troubles = {}, {}

    def called_by(self, frame):
        place = (frame.f_code.co_filename, frame.f_lineno) if frame is not None else ("", 0)
        if place in self.callers or len(self.callers) < _CALLERS:
            self.callers[place] = self.callers.get(place, 0) + 1

    def trouble(self, name, value, error):
        """Looked for once: it is the same for every call."""
        key = name, str(error)
        if key not in self._troubles and len(self._troubles) < _REASONS:
            self._troubles[key] = pickles.trouble(name, value, error)
        return self._troubles.get(key, f"{name} cannot be pickled")

    def missed(self, reason):
        if reason in self.reasons or len(self.reasons) < _REASONS:
            self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def about(self, frame):
        code = frame.f_code
        main = sys.modules["__main__"]
        spec = getattr(main, "__spec__", None)
        return {
            "module": frame.f_globals.get("__name__"),
            "file": os.path.realpath(code.co_filename),
            "line": code.co_firstlineno,
            "name": code.co_name,
            "qualname": getattr(code, "co_qualname", None) or self._candidate["qualname"],
            "coroutine": bool(code.co_flags & 0x80),
            "main": {
                "file": getattr(main, "__file__", None) and os.path.realpath(main.__file__),
                "name": getattr(spec, "name", None),
                "package": getattr(main, "__package__", None),
                "line": _line_of_main(frame),
            },
            "path": [entry for entry in map(os.path.abspath, sys.path) if entry not in _OURS],
            "argv": list(sys.argv),
        }


def arguments(frame):
    """The call's arguments: [(name, value)], those that are handed over by place and those by name."""
    code, values = frame.f_code, frame.f_locals
    by_place, by_name = code.co_argcount, code.co_kwonlyargcount
    names = code.co_varnames
    positional = [(name, values[name]) for name in names[:by_place]]
    named = [(name, values[name]) for name in names[by_place : by_place + by_name]]
    after = by_place + by_name
    if code.co_flags & _CO_VARARGS:
        positional += [(f"*{names[after]}[{n}]", value) for n, value in enumerate(values[names[after]])]
        after += 1
    if code.co_flags & _CO_VARKEYWORDS:
        named += list(values[names[after]].items())
    return positional, named


def _line_of_main(frame):
    """The line that the main program is at, however deep below it this is; `None` when it has ended."""
    main = threading.main_thread().ident
    if main != threading.get_ident():
        frame = sys._current_frames().get(main)
    while frame is not None:
        if frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__") == "__main__":
            return frame.f_lineno
        frame = frame.f_back
    return None
