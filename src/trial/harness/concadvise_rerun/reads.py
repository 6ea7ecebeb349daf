"""Which of its module's names a function reads, by itself and through functions and classes of the same module."""

import dis
import types

# Functions that are gone through.
_MOST = 200

_NO_DATA = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type)


def of(frame):
    """`all` names, and those of them that mean `data`, which a program may have set when it was running."""
    own = frame.f_globals
    names, seen, codes = set(), set(), [frame.f_code]
    first = frame.f_code.co_varnames[:1]
    if first and first[0] in frame.f_locals:
        for kind in type(frame.f_locals[first[0]]).__mro__:
            if kind.__module__ == own.get("__name__"):
                codes += _codes(kind, own)
    while codes and len(seen) < _MOST:
        code = codes.pop()
        if id(code) in seen:
            continue
        seen.add(id(code))
        codes += [part for part in code.co_consts if isinstance(part, types.CodeType)]
        for name in _globals(code):
            if name in own and name not in names:
                names.add(name)
                codes += _codes(own[name], own)
    data = [name for name in sorted(names) if not isinstance(own[name], _NO_DATA)]
    return {"all": sorted(names), "data": data}


def _globals(code):
    return {one.argval for one in dis.get_instructions(code) if one.opname in ("LOAD_GLOBAL", "LOAD_NAME")}


def _codes(value, own):
    """The code behind a function or a class of the same module."""
    value = getattr(value, "__wrapped__", value)
    if isinstance(value, types.FunctionType):
        return [value.__code__] if value.__globals__ is own else []
    if isinstance(value, type) and value.__module__ == own.get("__name__"):
        parts = [getattr(part, "__func__", getattr(part, "fget", part)) for part in vars(value).values()]
        return [part.__code__ for part in parts if isinstance(part, types.FunctionType)]
    return []
