"""The main module of a recorded program, without its work.

A program that guards its work (`if __name__ == "__main__":`) is run but for that, as the children of a process pool run
it, and under the name that it has there. Of one that does not, only those statements are run that came before the work
and define what the function needs: imports, functions, classes, calls that set up libraries, and assignments to names
that are read and were not recorded.
"""

import __future__

import ast
import os
import sys
import types
from importlib.machinery import ModuleSpec

from . import load

# What multiprocessing calls the main module in a child.
NAME = "__mp_main__"

_DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Pass)
_FUTURES = {name: getattr(__future__, name).compiler_flag for name in __future__.all_feature_names}


class Main:
    """The main module that `told` tells of. `names` are read by the function, those `recorded` need not be made."""

    def __init__(self, told, names, recorded):
        self._told = told
        self._needed = set(names) - recorded
        self.module = None

    def load(self):
        """Once. Returns what is doubtful about it, each a clause."""
        if self.module is not None:
            return []
        path = self._told["file"]
        tree = _tree(path)
        flags = _flags(tree)
        self.module = types.ModuleType(NAME)
        self.module.__file__ = path
        self.module.__package__ = self._told["package"]
        if self._told["package"]:
            load.imported(self._told["package"])
        # Children of ours would run the main module again, but for one with that name.
        self.module.__spec__ = ModuleSpec("__main__", None)
        sys.modules[NAME] = sys.modules["__main__"] = self.module
        running = self._told["line"]
        work = next((one for one in tree.body if running is not None and _first(one) <= running <= one.end_lineno), None)
        if work is not None and _is_guard(work):
            load.carefully(lambda: self._run(tree.body, path, flags), os.path.basename(path))
            return []
        before = tree.body if work is None else tree.body[: tree.body.index(work)]
        doubts = [
            f"{os.path.basename(path)} does its work when it is imported: put that under "
            f'if __name__ == "__main__": before using processes'
        ]
        for statement in Needed(before, self._needed).kept():
            try:
                load.carefully(lambda: self._run([statement], path, flags), os.path.basename(path))  # noqa: B023
            except load.Unusable as error:
                if not isinstance(statement, ast.Expr):
                    raise
                doubts.append(f"line {statement.lineno} was left out: {error}")
        return doubts

    def _run(self, statements, path, flags):
        body = ast.Module(body=statements, type_ignores=[])
        exec(compile(body, path, "exec", flags, dont_inherit=True), vars(self.module))


class Needed:
    """Which of a module's statements make what a function needs."""

    def __init__(self, statements, names):
        self._statements = statements
        self._names = set(names)
        # Those that running a kept statement reads, so that functions with these names are run with it.
        self._read = set()
        self._imported = set()
        for statement in statements:
            for part in ast.walk(statement):
                if isinstance(part, (ast.Import, ast.ImportFrom)):
                    self._imported |= {(one.asname or one.name).split(".")[0] for one in part.names}

    def kept(self):
        kept = set()
        while True:
            known = len(kept) + len(self._names)
            for n, statement in enumerate(self._statements):
                if n in kept or self._keeps(statement):
                    kept.add(n)
                    whole = getattr(statement, "name", None) in self._read
                    self._read |= _names(statement) if whole else _reads(statement)
            self._names |= self._read
            if len(kept) + len(self._names) == known:
                return [self._statements[n] for n in sorted(kept)]

    def _keeps(self, statement):
        if _is_guard(statement):
            return False
        if isinstance(statement, _DEFINITIONS):
            return True
        if isinstance(statement, ast.Expr):
            return self._sets_up(statement.value)
        if isinstance(statement, (ast.If, ast.Try)) and all(
            self._keeps(part) or isinstance(part, (ast.Assign, ast.AnnAssign)) for part in _inner(statement)
        ):
            return True
        return bool(_binds(statement) & self._names)

    def _sets_up(self, call):
        """`sys.path.insert(…)`, `logging.basicConfig(…)`: a call through something imported."""
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            return False
        root = call.func
        while isinstance(root, ast.Attribute):
            root = root.value
        return isinstance(root, ast.Name) and root.id in self._imported


def code_at(path, line, name):
    """The code of a function by its place in its file; `None` when it is not there."""
    tree = _tree(path)
    codes = [compile(tree, path, "exec", _flags(tree), dont_inherit=True)]
    while codes:
        code = codes.pop()
        if (code.co_firstlineno, code.co_name) == (line, name):
            return code
        codes += [part for part in code.co_consts if isinstance(part, types.CodeType)]
    return None


def same(one, other):
    """Whether a name means the same; of objects that cannot be told apart by asking it does."""
    if type(one) is not type(other):
        return False
    if type(one).__eq__ is object.__eq__:
        return True
    try:
        return bool(one == other)
    except Exception:
        return True


def _tree(path):
    try:
        with open(path, "rb") as file:
            return ast.parse(file.read(), path)
    except (OSError, SyntaxError, ValueError) as error:
        raise load.Unusable(f"{path} cannot be read again: {error}") from None


def _flags(tree):
    flags = 0
    for one in tree.body:
        if isinstance(one, ast.ImportFrom) and one.module == "__future__":
            for feature in one.names:
                flags |= _FUTURES.get(feature.name, 0)
    return flags


def _first(statement):
    return min([statement.lineno] + [one.lineno for one in getattr(statement, "decorator_list", [])])


def _is_guard(statement):
    return isinstance(statement, ast.If) and any(
        isinstance(part, ast.Name) and part.id == "__name__" for part in ast.walk(statement.test)
    )


def _inner(statement):
    for field in ("body", "orelse", "finalbody"):
        yield from getattr(statement, field, [])
    for handler in getattr(statement, "handlers", []):
        yield from handler.body


def _binds(statement):
    """Names that a statement gives a meaning, or changes what they mean: `names["a"] = 1` too."""
    names = set()
    for part in ast.walk(statement):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            names.add(part.id)
        elif isinstance(part, (ast.Subscript, ast.Attribute)) and isinstance(part.ctx, ast.Store):
            root = part.value
            while isinstance(root, (ast.Subscript, ast.Attribute)):
                root = root.value
            if isinstance(root, ast.Name):
                names.add(root.id)
    return names


def _names(statement):
    return {part.id for part in ast.walk(statement) if isinstance(part, ast.Name)}


def _reads(statement):
    """Names that running a statement reads; what a function's body reads is needed only when it is called."""
    names, parts = set(), [statement]
    while parts:
        part = parts.pop()
        if isinstance(part, ast.Name):
            names.add(part.id)
        if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)):
            parts += part.decorator_list + part.args.defaults + [one for one in part.args.kw_defaults if one]
            annotated = [one.annotation for one in ast.walk(part.args) if isinstance(one, ast.arg) and one.annotation]
            parts += annotated + ([part.returns] if part.returns else [])
        elif not isinstance(part, ast.Lambda):
            parts += ast.iter_child_nodes(part)
    return names
