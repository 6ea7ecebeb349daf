"""Looks into a program of the user's while it is run again, and turns one knob of it; nothing of the user's is changed.

One process of the run is looked into: the first whose command line is the one that the plan names. Its environment and
its import path are put back to the user's own at once, so that the program sees neither us nor the variables that
brought us, and no child that it executes has us. One that it forks has a copy of us, which is a collector's to switch
off (`os.register_at_fork`).

`plan.json` in our private folder says what to do:

    {"argv": [..] or null, "parts": {"sites": {..}, "calls": {..}}}

`argv` is the command line of the process that is meant (null: the first Python). **A collector plugs in** by a module
of this package named like its part, with `install(part, folder)`: it is called once, before any code of the program,
with its part of the plan (any JSON value), and tells what it finds by `answers.tell(folder, kind, value)`: a line of
JSON in `answers.jsonl`, written at once, so that `os._exit` or a signal loses nothing. Of lines that supersede one
another the last counts. A module that a collector needs from the program is had by `imports.when_imported(name, do)`,
never by importing it: a program that does not use `multiprocessing` must not get it from us.

It must run on CPython 3.8 and later, with the standard library and as little of it as can be.
"""

import os
import sys

VARIABLE = "CONCADVISE_RERUN"
# What PYTHONPATH was before us; absent when it was not set.
PATH_BEFORE = "CONCADVISE_PYTHONPATH"


def begin(folder):
    """Takes this process over as the plan says, or leaves it alone. Called by our `sitecustomize`."""
    if VARIABLE not in os.environ:
        return

    import json

    with open(os.path.join(folder, "plan.json"), encoding="utf-8") as file:
        plan = json.load(file)
    if plan.get("argv") is not None and plan["argv"] != command_line():
        return  # A launcher: its child is meant, which finds us by the same variables.
    del os.environ[VARIABLE]
    before = os.environ.pop(PATH_BEFORE, None)
    if before is None:
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = before
    try:
        os.close(os.open(os.path.join(folder, "claimed"), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return

    from importlib import import_module

    from . import answers

    answers.tell(folder, "begun", {"pid": os.getpid(), "version": list(sys.version_info[:3])})
    # What is installed later is asked first by the import system, and what was installed first is done last.
    for part in sorted(plan["parts"]):
        import_module("." + part, __name__).install(plan["parts"][part], folder)


def command_line():
    """The words that this process was started with, as the kernel has them; what is no text as surrogates."""
    with open("/proc/self/cmdline", "rb") as file:
        words = file.read().split(b"\0")[:-1]
    return [os.fsdecode(word) for word in words]
