"""The programs that are gated, and the changes that are made to them.

Each variant (a program as it is, or with one change) is laid out in a folder of its own under the same file name, so
that its command is the same before and after, as it is in a pull request.
"""

import hashlib
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DATA = ROOT / "target" / "bench-gate"

# Samples chosen before anything was calibrated, and never looked at for it.
HELD_OUT = {"border", "held", "skewed", "pipeline"}


@dataclass(frozen=True)
class Variant:
    """A program, as it is or changed: `fetch`, `fetch-lock`."""

    name: str
    file: str
    text: str = field(repr=False)

    @property
    def forms(self) -> list:
        """How it can be asked about: its own function as the task, or the command with a synthetic workload."""
        return ["task", "plain"] if self.file.endswith(".py") else ["plain"]

    @cached_property
    def folder(self) -> Path:
        """Where it lies, laid out; a C program compiled."""
        folder = DATA / "work" / self.name
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / self.file
        if not path.exists() or path.read_text() != self.text:
            path.write_text(self.text)
        if path.suffix == ".c":
            subprocess.run(["cc", "-O2", "-o", folder / "app", path], check=True)
        return folder

    def words(self, form: str) -> list:
        """What `concadvise` is asked, after its options."""
        if form == "task":
            return ["--python", sys.executable, "--task", f"{self.file}:task", "--items", "ITEMS"]
        start = {".py": [sys.executable], ".sh": ["sh"], ".c": ["./app"]}[Path(self.file).suffix]
        return ["--", *start, *([] if self.file.endswith(".c") else [self.file])]

    def fingerprint(self) -> str:
        """Changes when the program does."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Change:
    """One change to one program."""

    name: str
    about: str
    before: Variant
    after: Variant
    plain: bool
    held_out: bool

    @property
    def forms(self) -> list:
        """In which forms it can be seen."""
        return [form for form in self.after.forms if form == "task" or self.plain]


def samples() -> dict:
    """The programs as they are, by name."""
    paths = sorted(HERE.glob("programs/*.*"))
    return {path.stem: Variant(path.stem, f"app{path.suffix}", path.read_text()) for path in paths}


def changes() -> list:
    """Every change; one whose text is not in its program, or more than once, is a mistake of ours."""
    programs, found = samples(), []
    for told in tomllib.loads((HERE / "changes.toml").read_text())["change"]:
        before = programs[told["program"]]
        text = before.text
        for old, new in told["edits"]:
            if text.count(old) != 1:
                raise SystemExit(f"changes.toml: {told['name']} replaces {old!r}, which is there {text.count(old)} times")
            text = text.replace(old, new)
        after = Variant(told["name"], before.file, text)
        held = told.get("held_out", False)
        found.append(Change(told["name"], told["about"], before, after, told.get("plain", True), held))
    return found
