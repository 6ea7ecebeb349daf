"""The job of the user's own function: its items, and whether every model's results are the sequential ones.

What a worker does is `user`'s, finding function and items is `load`'s, comparing is `answers`'.
"""

import asyncio
import os
import pickle
import sys
import time

from . import answers, load, recorded, user
from .executors import NotApplicable, WrongResult

# Comparing results may take this part of the time that they took to make, and this long at least.
_COMPARE_PART = 0.25
_COMPARE_S = 0.3


class Task:
    """What a question's `task` names, imported."""

    def __init__(self, question):
        self.folder = question["folder"]
        # Before the user's module, because native libraries read it when they are loaded.
        os.environ.update(question["environment"])
        _phase(self.folder, "importing")
        # Their folder comes first, as `python app.py` would have it, and ours last.
        ours = sys.path.pop(0)
        sys.path.append(ours)
        self.recorded = question["recorded"] and question["recorded"]["folder"]
        self.setup = self.teardown = None
        if self.recorded is None:
            self._find(question)
        else:
            self.named, self.function = recorded.callable_of(self.recorded)
            self.setup = recorded.Ready(self.recorded)
        self.coroutine = load.is_coroutine(self.function)
        self.on_loop = self.function if self.coroutine else None
        if question["async_function"]:
            self.on_loop = load.callable_of(self.named, question["async_function"], "--async-task")
            if not load.is_coroutine(self.on_loop):
                raise load.Unusable(f"--async-task {question['async_function']} is no async def, so no loop can run it")
        self.more = False
        _phase(self.folder, "items")
        self._question = question
        self._get_items()
        if self.recorded is not None and os.path.exists(self._frozen):
            self.items = recorded.frozen(self.items)
        load.check_call(self.named, self.function, self.items[0])
        if self.on_loop is not None:
            load.check_call(self.named, self.on_loop, self.items[0])
        _phase(self.folder, "running")

    def _find(self, question):
        """What the user named."""
        self.named = load.Named(question["function"])
        self.function = load.callable_of(self.named, self.named.attribute, "--task")
        self.setup, self.teardown = (
            load.callable_of(self.named, question[name], f"--{name}") if question[name] else None
            for name in ("setup", "teardown")
        )
        for name in ("setup", "teardown"):
            if question[name] and load.is_coroutine(getattr(self, name)):
                raise load.Unusable(f"--{name} {question[name]} is async def; name a plain function")

    def _get_items(self):
        self.items = load.kept_items(self._kept)
        if self.items is None and self.recorded is not None:
            self.items = recorded.items(self.recorded, self._question["recorded"]["calls"])
        elif self.items is None:
            self.items, self.more = load.items(self.named, self._question["items"])

    def freeze(self):
        """From now on each call gets arguments of its own, here and in the processes to come: calls change them."""
        self._get_items()
        try:
            self.items = recorded.frozen(self.items)
        except Exception:
            return  # They hold what only threads can share; then they are as the calls before left them.
        with open(self._frozen, "wb"):
            pass

    def shown(self, index):
        item = self.items[index]
        return answers.shown(recorded.thawed(item) if self.recorded is not None else item, None)

    def keep_items(self):
        return load.keep_items(self.items, self._kept)

    def keep_references(self, references):
        with open(self._references, "wb") as file:
            pickle.dump(references, file)

    def references(self):
        """What the sequential run answered, by index; none before it ran."""
        try:
            with open(self._references, "rb") as file:
                return pickle.load(file)
        except FileNotFoundError:
            return {}

    def order(self):
        """All indices so that every prefix is spread over the whole: bits reversed, as van der Corput's sequence."""
        width = max(1, (len(self.items) - 1).bit_length())
        return sorted(range(len(self.items)), key=lambda index: int(f"{index:0{width}b}"[::-1], 2))

    def set_up(self):
        user.set_up(self.setup, self.teardown)

    def tear_down(self):
        user.tear_down(self.teardown)

    @property
    def _kept(self):
        return os.path.join(self.folder, "items.pickle")

    @property
    def _frozen(self):
        return os.path.join(self.folder, "frozen")

    @property
    def _references(self):
        return os.path.join(self.folder, "references.pickle")


class TaskJob:
    """The user's function on the user's items."""

    def __init__(self, trial, task, watch):
        self._task, self._model = task, trial["model"]
        self._watch = watch
        self._compare = trial["task"]["compare"] and trial["model"] != "sequential"
        self._function, self._coroutine, self._on_loop = task.function, task.coroutine, task.on_loop
        self.coroutines = task.coroutine
        if trial["model"] == "asyncio" and task.on_loop is None:
            raise NotApplicable(f"{task.named.text} is no coroutine function; name its async form with --async-task")

    def indices(self, tasks):
        """The subset of that size: the same for every model, spread over all items, in their own order."""
        return sorted(self._task.order()[:tasks])

    def empty(self):
        job = object.__new__(TaskJob)
        job.__dict__.update(
            self.__dict__, _function=user.nothing, _on_loop=user.nothing_on_loop, _coroutine=False, _compare=False
        )
        return job

    def ledger(self, tasks):
        return Ledger(self._task, tasks, self._watch, self._compare)

    def call(self, index):
        return user.call(self._function, self._coroutine, index, self._task.items[index])

    def bundle(self, indices):
        items = self._task.items
        return user.chunk, self._function, self._coroutine, [(index, items[index]) for index in indices]

    async def on_loop(self, index):
        return await user.call_on_loop(self._on_loop, index, self._task.items[index])

    async def beside_pool(self, index, submit):
        return await submit(user.call, self._function, self._coroutine, index, self._task.items[index])

    def arrival(self, ready, gate):
        return user.arrive, self._task.setup, self._task.teardown, ready, gate

    def arrive_here(self, workers):
        self._task.set_up()

    def leave_here(self):
        self._task.tear_down()

    def new_loop(self):
        return asyncio.new_event_loop()

    def of_interpreter(self):
        # An interpreter within this one works out its own import path.
        return {"initializer": exec, "initargs": (f"import sys; sys.path[:] = {sys.path!r}",)}


class Ledger:
    """Keeps the answers, as a program that wants them would, and looks at them when the time has been taken."""

    def __init__(self, task, tasks, watch, compare):
        self._task, self._tasks, self._watch, self._compare = task, tasks, watch, compare
        self._answers = []
        self._begun = time.perf_counter()

    def take(self, answer):
        self._answers.append(answer)
        self._watch.beat()

    def close(self):
        took = time.perf_counter() - self._begun
        missing = self._tasks - len({answer[0] for answer in self._answers})
        if missing:
            raise WrongResult(f"{missing} of {self._tasks} tasks gave no result")
        if self._compare:
            self._look(time.perf_counter() + max(_COMPARE_S, _COMPARE_PART * took))

    def _look(self, deadline):
        references = self._task.references()
        for index, result, raised in sorted(self._answers, key=lambda answer: answer[0]):
            reference = references.get(index)
            if reference is not None and reference.same(result, raised) is False:
                item = self._task.shown(index)
                got = answers.shown(result, raised)
                raise WrongResult(f"item {index} ({item}): {_got(got)}, and one after another {_got(reference.shown)}")
            if time.perf_counter() > deadline:
                break


def _got(shown):
    return shown if shown.startswith("it raised ") else f"it gave {shown}"


def _phase(folder, name):
    """So that a harness that had to be killed has left word of where it was."""
    with open(os.path.join(folder, "phase"), "w") as file:
        file.write(name)
