"""The user's function on the arguments that its calls were recorded with (`concadvise_rerun.recorder` kept them).

What was recorded lies in a folder, and its path is all that a worker is sent of the function: each process finds the
function once, by itself, as `module` does. Arguments are sent to workers as a program would send them.
"""

import inspect
import io
import json
import os
import pickle
import sys
import types

from . import load, module

# Found already, by folder, in this process.
_found = {}


class Function:
    """The user's function, which takes one recorded call for an item."""

    def __init__(self, folder):
        self._folder = folder
        self._function = find(folder).function

    def __call__(self, call):
        positional, named = thawed(call)
        return self._function(*positional, **named)

    def __reduce__(self):
        return type(self), (self._folder,)


class Coroutine(Function):
    """The same where it is a coroutine function."""

    async def __call__(self, call):
        positional, named = thawed(call)
        return await self._function(*positional, **named)


class Ready:
    """What each worker process does before its first task, so that this is no part of it."""

    def __init__(self, folder):
        self._folder = folder

    def __call__(self):
        find(self._folder)


class Named:
    """Stands where `load.Named` does for a function that the user named."""

    def __init__(self, found):
        self.text = found.text
        self.module = found.module
        # A program's main module is imported by another name than the one that it has here.
        main = found.about["main"]
        of_main = found.about["module"] == "__main__"
        self.imported_as = main["name"] or os.path.basename(main["file"])[:-3] if of_main else found.about["module"]
        self.attribute = found.about["qualname"].replace("<locals>.", "")


def callable_of(folder):
    """The function in the form that trials call, and what it is named."""
    found = find(folder)
    coroutine = inspect.iscoroutinefunction(found.function)
    return Named(found), (Coroutine if coroutine else Function)(folder)


def items(folder, calls):
    """As many calls as the program made, bounded: the recorded ones, again and again."""
    sample = _sample(folder)
    return [sample[n % len(sample)] for n in range(max(len(sample), min(calls, load.MOST_ITEMS)))]


def _sample(folder):
    found = find(folder)
    names = sorted((name for name in os.listdir(folder) if name.endswith(".call")), key=lambda name: int(name[:-5]))
    if not names:
        raise load.Unusable(f"no call of {found.text} could be recorded")
    shared = {}

    def value(blob):
        if isinstance(blob, bytes):
            return found.loads(blob, "an argument")
        if blob not in shared:
            with open(os.path.join(os.path.dirname(folder), blob), "rb") as file:
                shared[blob] = found.loads(file.read(), "an argument")
        return shared[blob]

    calls = []
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            positional, named = pickle.load(file)
        calls.append(([value(blob) for blob in positional], {key: value(blob) for key, blob in named.items()}))
    return calls


def doubts(folder):
    """What differs from the program, each a clause."""
    return find(folder).doubts


def frozen(calls):
    """The same calls, each of which has arguments of its own whenever it is made."""
    blobs = {id(call): pickle.dumps(call) for call in calls}
    return [blobs[id(call)] for call in calls]


def thawed(call):
    """A call's arguments."""
    return pickle.loads(call) if type(call) is bytes else call


def data(folder):
    """What the names that the function reads mean now, of those that mean data."""
    found = find(folder)
    return {name: value for name, value in vars(found.module).items() if name in found.about["globals"]}


def find(folder):
    """The recorded function; the first time in a process it is made ready to be called."""
    if folder not in _found:
        _found[folder] = Found(folder)
    return _found[folder]


class Found:
    """The function, with the module it lives in as that was when it was called."""

    def __init__(self, folder):
        with open(os.path.join(folder, "about.json")) as file:
            self.about = json.load(file)
        self._folder = folder
        self.doubts = []
        about, main = self.about, self.about["main"]
        self.text = f"{os.path.basename(about['file'])}:{about['qualname'].replace('<locals>.', '')}"
        sys.argv[:] = about["argv"]
        sys.path[:] = about["path"] + [entry for entry in sys.path if entry not in about["path"]]
        of_main = about["module"] == "__main__"
        recorded = {name for name, why in about["globals"].items() if why is None}
        self._main = None
        if main["file"] is not None:
            self._main = module.Main(main, about["names"] if of_main else [], recorded if of_main else set())
        if of_main or os.path.exists(os.path.join(folder, "main")):
            # Before anything is read that is of it: sent to a worker, it names the module and does not bring it.
            self._main_module()
        self.module = self._main.module if of_main else load.imported(about["module"])
        self._restore(recorded)
        self.function = self._function()

    def loads(self, blob, what):
        """What was pickled in the program."""
        try:
            return _Unpickler(self, io.BytesIO(blob)).load()
        except load.Unusable:
            raise
        except Exception as error:
            raise load.Unusable(f"{what} of {self.text} cannot be read back: {load.raised(error)[1]}") from None

    def made(self, name, path, line, code_name, defaults, keyword_defaults, cells):
        """A function that has no name to be imported by, made again."""
        own = self._main_module() if name == "__main__" else load.imported(name)
        code = module.code_at(path, line, code_name)
        if code is None:
            raise load.Unusable(f"{code_name} is no more at line {line} of {path}")
        made = types.FunctionType(code, vars(own), code_name, defaults, tuple(map(types.CellType, cells)))
        made.__kwdefaults__ = keyword_defaults
        return made

    def _main_module(self):
        if self._main is None:
            raise load.Unusable(f"{self.text}: the program has no file to load its main module from")
        self.doubts += self._main.load()
        return self._main.module

    def _restore(self, recorded):
        """Gives the names that the function reads what they meant when it was called."""
        own, changed = vars(self.module), []
        for name in sorted(recorded):
            with open(os.path.join(self._folder, f"{name}.global"), "rb") as file:
                value = self.loads(file.read(), f"the name {name}")
            if name not in own or not module.same(own[name], value):
                own[name] = value
                changed.append(name)
        if changed:
            self.doubts.append(f"{_and(changed)} had been set by the time it was called, and is set so in the trials")
        for name, why in self.about["globals"].items():
            if why is not None and name not in own:
                raise load.Unusable(f"{self.text} reads {name}, which was set when the program ran: {why}")
            if why is not None:
                self.doubts.append(f"it reads {name}, which is as it is after the import and not as it was: {why}")

    def _function(self):
        about = self.about
        value = self.module
        for part in about["qualname"].split("."):
            value = inspect.getattr_static(value, part, None)
            value = getattr(value, "__func__", value)
        if value is not None and self._is_it(value):
            return value
        cells = []
        for name, why in about["cells"].items():
            if why is not None:
                raise load.Unusable(f"{self.text} uses {name} of the function around it: {why}")
            with open(os.path.join(self._folder, f"{name}.cell"), "rb") as file:
                cells.append(self.loads(file.read(), f"the name {name}"))
        if value is not None:
            self.doubts.append("what its name means is not what was called; its own code is tried")
        elif "<" in about["qualname"]:
            where = "has no name" if about["name"] == "<lambda>" else "is defined inside another function"
            self.doubts.append(
                f"it {where}, so a process pool cannot find it: put it at the top of its module before using processes "
                "(the trials did)"
            )
        return self.made(about["module"], about["file"], about["line"], about["name"], None, None, cells)

    def _is_it(self, value):
        """Whether calling that reaches the recorded code: itself, or below decorators that say what they wrap."""
        code = getattr(inspect.unwrap(value) if callable(value) else value, "__code__", None)
        return code is not None and (code.co_firstlineno, code.co_name) == (self.about["line"], self.about["name"])


class _Unpickler(pickle.Unpickler):
    def __init__(self, found, file):
        super().__init__(file)
        self._found = found

    def find_class(self, name, attribute):
        if (name, attribute) == ("concadvise_rerun.pickles", "function"):
            return self._found.made
        return super().find_class(name, attribute)


def _and(names):
    return " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"
