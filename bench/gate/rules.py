"""Copies of the rules with a threshold or an admission changed, as a new version of them might have it."""

import shutil
from pathlib import Path

from programs import DATA, ROOT

# name: [(file, what stands there, what takes its place)]; of what stands there, every occurrence.
EDITS = {
    "tiny-grows": [(name, 'fact = "work_s", op = "<", value = 0.1', 'fact = "work_s", op = "<", value = 60')
                   for name in ("cpu_bound", "io_bound", "mixed")],
    "no-processes": [("cpu_bound", '"processes", "interpreters", ', ""), ("mixed", '"threads", "processes", ', '"threads", ')],
    "gil-demand": [("cpu_bound", 'op = "<=", value = 0.8', 'op = "<=", value = 0.1'),
                   ("mixed", 'op = "<=", value = 0.8', 'op = "<=", value = 0.1')],
    "processes-for-waits": [("io_bound", 'admit = ["threads", "sequential"]', 'admit = ["processes", "sequential"]'),
                            ("io_bound", 'admit = ["asyncio", "asyncio+threads"]', 'admit = ["asyncio+processes"]')],
    "some-computing": [("io_bound", 'fact = "cpu_share", op = ">=", value = 0.1', 'fact = "cpu_share", op = ">=", value = 0.0')],
}


def edited(name: str) -> Path:
    """The folder of a changed copy."""
    folder = DATA / "rules" / name
    if not folder.exists():
        shutil.copytree(ROOT / "rules", folder, ignore=shutil.ignore_patterns("findings"))
        for stem, old, new in EDITS[name]:
            path = folder / f"{stem}.toml"
            text = path.read_text()
            if old not in text:
                shutil.rmtree(folder)
                raise SystemExit(f"rules/{stem}.toml has no {old!r} any more; mend bench/gate/rules.py")
            path.write_text(text.replace(old, new))
    return folder
