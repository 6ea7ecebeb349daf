"""Finds the user's function and items, as `python app.py` in this folder would: nothing is called but what was named.

Trouble is `Unusable`, whose text is a sentence for the user.
"""

import difflib
import importlib
import inspect
import itertools
import json
import os
import pickle
import re
import sys
import time
import traceback
from collections.abc import Iterable

from .user import raised

# Items that are taken of an endless or very long supply; and how long one may take to give them.
MOST_ITEMS = 100_000
MOST_UNSIZED = 10_000
_SUPPLY_S = 5.0
# Items whose pickle is tried, and the most that all of them may take on disk to be kept for the other processes.
_PICKLED_SAMPLE = 5
_KEPT_BYTES = 256 << 20


class Unusable(Exception):
    """What the user named cannot be used; says why and what to do."""


class Named:
    """`FILE.py:function` or `package.module:function`, imported."""

    def __init__(self, text):
        self.text = text
        where, colon, self.attribute = text.rpartition(":")
        if not colon or not where or not self.attribute:
            raise Unusable(f"{text!r} names no function; write FILE.py:function or package.module:function")
        self.module = _of_file(where) if where.endswith(".py") or os.sep in where else _of_module(where)
        self.imported_as = self.module.__name__
        self.value = _attribute(self.module, self.attribute)

    def sibling(self, text):
        """Another name, where a bare one is of the same module."""
        return _attribute(self.module, text) if ":" not in text else Named(text).value


def callable_of(named, text, what):
    value = named.sibling(text)
    if not callable(value):
        raise Unusable(f"{what} {text!r} is a {type(value).__name__} and cannot be called")
    return value


def is_coroutine(function):
    """Whether calling it gives something to await."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))


def items(named, text):
    """The items as a list, and whether there would have been more."""
    return _materialised(_supply(named, text), text)


def check_call(named, function, item):
    """Refuses a function that does not take one argument."""
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        raise Unusable(f"{named.text} is a generator; name a function that does the work and returns a result")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # Some built-in functions do not tell.
    try:
        signature.bind(item)
    except TypeError as error:
        raise Unusable(
            f"{named.text}{signature} cannot be called with one item ({error}); write a function of one argument "
            "that calls it"
        ) from None


def why_not_picklable(value):
    """Why a value cannot be sent to another process; `None` when it can."""
    try:
        pickle.loads(pickle.dumps(value))
    except Exception as error:
        return raised(error)[1]
    return None


def keep_items(supply, path):
    """Keeps the items for the trials' processes, so that all get the same. Returns why they cannot be sent."""
    sample = supply[:: max(1, len(supply) // _PICKLED_SAMPLE)][:_PICKLED_SAMPLE]
    reason = why_not_picklable(sample)
    if reason is not None:
        return reason
    if len(pickle.dumps(sample)) / len(sample) * len(supply) <= _KEPT_BYTES:
        try:
            with open(path, "wb") as file:
                pickle.dump(supply, file)
        except Exception as error:
            os.unlink(path)
            return raised(error)[1]
    return None


def kept_items(path):
    """The items that were kept; `None` when they are to be made again."""
    try:
        with open(path, "rb") as file:
            return pickle.load(file)
    except FileNotFoundError:
        return None


def _of_file(where):
    path = os.path.abspath(where)
    if not os.path.isfile(path):
        raise Unusable(f"there is no file {where}; give its path from here ({os.getcwd()})")
    folder, file = os.path.split(path)
    name = file[:-3] if file.endswith(".py") else file
    if not file.endswith(".py") or "." in name:
        raise Unusable(f"{where} cannot be imported by that name; rename it to a word with .py")
    sys.path.insert(0, folder)
    sys.argv[:] = [where]
    module = _import(name, where)
    found = getattr(module, "__file__", None)
    if found is None or not os.path.samefile(found, path):
        raise Unusable(f"import {name} finds {found or 'a built-in module'} and not {where}; rename your file")
    return module


def _of_module(where):
    sys.path.insert(0, os.getcwd())
    sys.argv[:] = [where]
    return _import(where, where)


def imported(name):
    """A module by its name, wherever that is found."""
    return _import(name, name)


def carefully(make, where):
    """Runs the top of a module of the user's; whatever comes up there is `Unusable`."""
    from multiprocessing import process

    start = process.BaseProcess.start
    process.BaseProcess.start = _refuse_to_start
    try:
        return make()
    except StartsProcesses as error:
        raise Unusable(
            f"importing {where} starts processes ({error}): each worker that imports it would start them again; "
            'put that part under if __name__ == "__main__":'
        ) from None
    except SystemExit:
        raise Unusable(f'importing {where} ends the program; put that part under if __name__ == "__main__":') from None
    except Unusable:
        raise
    except BaseException as error:
        hint = "; --python chooses the interpreter" if isinstance(error, ModuleNotFoundError) else ""
        why = f"{_place(error)}{raised(error)[1]}{hint}"
        raise Unusable(f"{where} cannot be imported by {sys.executable}: {why}") from None
    finally:
        process.BaseProcess.start = start


def _import(name, where):
    return sys.modules[name] if name in sys.modules else carefully(lambda: _find_and_import(name), where)


def _find_and_import(name):
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name.split(".")[0]:
            raise
    raise Unusable(f"there is no module {name} for {sys.executable}; check the name, or give --python")


class StartsProcesses(BaseException):
    """An import that starts a process; no `except Exception` of the user's may hide it."""


def _refuse_to_start(process):
    for frame, line in traceback.walk_stack(None):
        file = frame.f_code.co_filename
        ours = frame.f_globals.get("__name__", "").startswith("concadvise_harness")
        if not ours and not file.startswith(os.path.dirname(os.__file__)) and not file.startswith("<"):
            raise StartsProcesses(f"{os.path.basename(file)} line {line}")
    raise StartsProcesses("in a library")


def _place(error):
    """Where an import broke, in the user's words: the last frame that is not the import system's."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{os.path.basename(error.filename)} line {error.lineno}: "
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
    frames = [frame for frame in frames if frame.filename not in (__file__, importlib.__file__)]
    return f"{os.path.basename(frames[-1].filename)} line {frames[-1].lineno}: " if frames else ""


def _attribute(module, path):
    value = module
    for part in path.split("."):
        try:
            value = getattr(value, part)
        except AttributeError:
            names = [name for name in dir(value) if not name.startswith("__")]
            near = difflib.get_close_matches(part, names, 3, 0.5) or [
                name for name in names if inspect.isfunction(getattr(value, name, None))
            ][:5]
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            owner = getattr(value, "__name__", type(value).__name__)
            raise Unusable(f"{owner} has no {part}{hint}") from None
    return value


def _supply(named, text):
    path = text[1:] if text.startswith("@") else text
    if text.startswith("@") or os.path.isfile(path):
        return _lines(path)
    if re.fullmatch(r"[\w./-]+:[\w.]+", text):
        value = Named(text).value
        return _guarded(value, text) if callable(value) and not isinstance(value, Iterable) else value
    return _guarded(lambda: eval(compile(text, "--items", "eval"), dict(vars(named.module))), text)


def _guarded(make, text):
    try:
        return make()
    except NameError as error:
        raise Unusable(f"--items {text!r} cannot be worked out: {error}; it may use what the module defines") from None
    except BaseException as error:
        raise Unusable(f"--items {text!r} cannot be worked out: {raised(error)[1]}") from None


def _lines(path):
    try:
        with open(path, encoding="utf-8") as file:
            lines = [line.rstrip("\r\n") for line in itertools.islice(file, MOST_ITEMS + 1)]
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"cannot read the items in {path}: {error}") from None
    lines = [line for line in lines if line]
    if not path.endswith(".jsonl"):
        return lines
    parsed = []
    for number, line in enumerate(lines, 1):
        try:
            parsed.append(json.loads(line))
        except ValueError as error:
            raise Unusable(f"item {number} of {path} is no JSON: {error}") from None
    return parsed


def _materialised(supply, text):
    if isinstance(supply, (str, bytes)):
        raise Unusable(f"--items {text!r} is one {type(supply).__name__} and no collection; write [item, ...]")
    if not isinstance(supply, Iterable):
        raise Unusable(f"--items {text!r} is a {type(supply).__name__} and cannot be iterated over")
    sized = hasattr(supply, "__len__")
    most = MOST_ITEMS if sized else MOST_UNSIZED
    kept, deadline = [], time.monotonic() + _SUPPLY_S
    more = False
    try:
        for item in supply:
            if len(kept) == most or (not sized and time.monotonic() > deadline):
                more = True
                break
            kept.append(item)
    except Exception as error:
        raise Unusable(f"--items {text!r} raised after {len(kept)} items: {raised(error)[1]}") from None
    if not kept:
        raise Unusable(f"--items {text!r} is empty, so there is nothing to run")
    return kept, more


