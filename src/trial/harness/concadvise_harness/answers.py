"""Whether two results are the same: by equality where that can be asked, else by a digest that does not depend on the
process, on the seed of its hashes, or on which equal objects happen to be one.
"""

import pickle
import reprlib
import struct
import time
from hashlib import blake2b

PROTOCOL = 4
# Characters of a value that are shown.
_SHOWN = 60
# References whose values are kept for comparing by equality; of all others a digest is.
_KEPT_BYTES = 8 << 20
_KEPT_EACH = 256 << 10
# Results of many megabytes take long to digest; after this time the rest of them is not.
_DIGESTING_S = 1.0

# Never the whole of a large value.
_brief = reprlib.Repr()
_brief.maxstring = _brief.maxother = _brief.maxlong = _SHOWN

_SCALARS = (type(None), bool, int, float, complex, str, bytes)


class Reference:
    """What the sequential run answered for one item."""

    __slots__ = ("digest", "raised", "seconds", "shown", "value")

    def __init__(self, result, raised, seconds, room):
        self.raised, self.seconds = raised, seconds
        self.digest = self.value = None
        self.shown = shown(result, raised)
        if raised is None:
            self.digest = digest(result)
            try:
                value = pickle.dumps(result, PROTOCOL)
            except Exception:
                return
            if len(value) <= min(room, _KEPT_EACH):
                self.value = value

    def __getstate__(self):
        return [getattr(self, name) for name in self.__slots__]

    def __setstate__(self, state):
        for name, value in zip(self.__slots__, state):
            setattr(self, name, value)

    def same(self, result, raised):
        """Whether an answer is the same; `None` when that cannot be told."""
        if self.raised is not None or raised is not None:
            return self.raised is not None and raised is not None and self.raised[0] == raised[0]
        if self.value is not None:
            try:
                if bool(pickle.loads(self.value) == result):
                    return True
            except Exception:
                pass  # Arrays refuse to be true or false.
        other = digest(result)
        return None if self.digest is None or other is None else self.digest == other


def references(answers, seconds):
    """`answers` by index, with how long each took; as many of them as there is time for."""
    room, made = _KEPT_BYTES, {}
    deadline = time.perf_counter() + _DIGESTING_S
    for index, result, raised in answers:
        if made and time.perf_counter() > deadline:
            break
        made[index] = Reference(result, raised, seconds[index], room)
        room -= len(made[index].value or b"")
    return made


def shown(result, raised):
    """An answer, cut, in one line, without what a terminal would obey."""
    try:
        text = f"it raised {raised[1]}" if raised is not None else _brief.repr(result)
    except Exception:
        text = f"a {type(result).__name__}"
    text = text.encode("unicode_escape", "backslashreplace").decode("ascii")
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def digest(value):
    """Of a value's content; `None` when it has none that could be sent to another process."""
    try:
        return _digest(value, {})
    except Exception:
        return None


def _digest(value, known):
    kind = type(value)
    if kind in _SCALARS:
        return _of_scalar(kind, value)
    if id(value) in known:  # Seen already, or being looked at right now: a cycle.
        return known[id(value)][0]
    known[id(value)] = (b"cycle", value)
    content = blake2b(kind.__qualname__.encode("utf-8", "replace"), digest_size=16)
    for part in _parts(kind, value, known):
        content.update(part)
    known[id(value)] = (content.digest(), value)
    return known[id(value)][0]


def _of_scalar(kind, value):
    if kind is float:
        text = struct.pack("<d", value) if value == value else b"nan"
    elif kind is str:
        text = value.encode("utf-8", "surrogatepass")
    elif kind is bytes:
        text = value
    elif kind is int:
        text = b"%x" % value
    else:
        text = repr(value).encode()
    return blake2b(kind.__name__.encode() + b":" + text, digest_size=16).digest()


def _parts(kind, value, known):
    if kind in (list, tuple):
        if all(type(one) in (int, float, bool, type(None)) for one in value):
            yield repr(value).encode()  # Many numbers, much faster.
        else:
            for one in value:
                yield _digest(one, known)
    elif kind in (set, frozenset):
        yield from sorted(_digest(one, known) for one in value)
    elif kind is dict:
        yield from sorted(_digest(key, known) + _digest(one, known) for key, one in value.items())
    elif kind is bytearray:
        yield bytes(value)
    else:
        yield from _of_object(value, known)


def _of_object(value, known):
    """By the same door as pickle, which every class that can be sent has."""
    if hasattr(value, "__qualname__"):  # Classes and functions are sent by name.
        yield f"{value.__module__}.{value.__qualname__}".encode()
        return
    reduced = value.__reduce_ex__(PROTOCOL)
    if isinstance(reduced, str):
        yield reduced.encode()
        return
    made_by, arguments, *rest = reduced
    yield f"{made_by.__module__}.{made_by.__qualname__}".encode()
    yield _digest(arguments, known)
    state, listed, mapped = (rest + [None] * 3)[:3]
    yield _digest(state, known)
    for one in listed or ():
        yield _digest(one, known)
    for pair in mapped or ():
        yield _digest(pair, known)
