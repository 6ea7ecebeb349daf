"""What of a program's objects can be kept, without the whole of a large one being copied to find out.

Plain pickles, but for functions that no other process could import: those are kept as the place of their code and what
their closure holds. `concadvise_harness.recorded` reads them.
"""

import io
import os
import pickle
import sys
import types

PROTOCOL = min(5, pickle.HIGHEST_PROTOCOL)
# How deep and how wide the part is looked for that cannot be kept.
_DEPTH = 4
_WIDTH = 50
# A part that is larger is taken to be none that cannot be kept.
_LOOKED_BYTES = 1 << 20


class TooLarge(Exception):
    """A pickle longer than its limit."""

    def __init__(self, limit):
        super().__init__(f"more than {limit} bytes")
        self.limit = limit


def dumps(value, limit):
    """Its pickle. Raises `TooLarge`, or whatever its classes do."""
    if limit < 0:
        raise TooLarge(limit)
    into = _Bounded(limit)
    _Pickler(into).dump(value)
    return into.getvalue()


def plain(value):
    """The pickle of something of ours."""
    return pickle.dumps(value, PROTOCOL)


def trouble(name, value, error):
    """A clause: which part of a value cannot be kept, as far as that can be told."""
    place, part = _culprit(name, value, _DEPTH)
    kind = type(part)
    shown = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    said = " ".join(str(error).split())[:120]
    return f"{place} is a {shown} and cannot be pickled ({said})"


class _Bounded(io.BytesIO):
    def __init__(self, limit):
        super().__init__()
        self.limit = limit

    def write(self, part):
        self.room(len(part))
        return super().write(part)

    def room(self, more):
        if self.tell() + more > self.limit:
            raise TooLarge(self.limit)


class _Pickler(pickle.Pickler):
    def __init__(self, into):
        super().__init__(into, PROTOCOL, buffer_callback=self._weigh)
        self._into = into

    def _weigh(self, buffer):
        # An array is weighed before it is copied.
        self._into.room(buffer.raw().nbytes)
        return True

    def reducer_override(self, value):
        if type(value) is not types.FunctionType or _importable(value):
            return NotImplemented
        code = value.__code__
        cells = [_content(cell) for cell in value.__closure__ or ()]
        place = value.__module__, os.path.realpath(code.co_filename), code.co_firstlineno, code.co_name
        return function, (*place, value.__defaults__, value.__kwdefaults__, cells)


def function(module, path, line, name, defaults, keyword_defaults, cells):
    """Stands for a function that has no name to be imported by."""
    raise NotImplementedError("only the harness makes it again")


def _importable(value):
    if "<" in value.__qualname__:
        return False
    found = sys.modules.get(value.__module__)
    for part in value.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is value


def _content(cell):
    return cell.cell_contents


def _culprit(place, value, depth):
    if depth:
        for name, part in _parts(value):
            try:
                dumps(part, _LOOKED_BYTES)
            except TooLarge:
                continue
            except Exception:
                return _culprit(place + name, part, depth - 1)
    return place, value


def _parts(value):
    parts = []
    try:
        if isinstance(value, dict):
            parts = [(f"[{_brief(key)}]", part) for key, part in list(value.items())[:_WIDTH]]
        elif isinstance(value, (list, tuple, set, frozenset)):
            parts = [(f"[{n}]", part) for n, part in enumerate(list(value)[:_WIDTH])]
        else:
            parts = [(f".{name}", part) for name, part in list(vars(value).items())[:_WIDTH]]
    except Exception:
        pass
    return parts


def _brief(key):
    return repr(key)[:20] if isinstance(key, (str, int)) else type(key).__name__
