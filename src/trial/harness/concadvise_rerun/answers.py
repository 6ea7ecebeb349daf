"""What is told to the tool: lines of JSON, each written at once and whole."""

import json
import os

# The program may close every descriptor or replace these names; we keep what they were.
_open, _write, _close = os.open, os.write, os.close
_dumps = json.dumps


def tell(folder, kind, value):
    """Appends `{"kind": kind, "value": value}`. A program that has filled the disk is not disturbed by us."""
    line = _dumps({"kind": kind, "value": value}, separators=(",", ":")) + "\n"
    try:
        # Opened anew each time: a descriptor of ours would change the numbers that the program's own get.
        file = _open(os.path.join(folder, "answers.jsonl"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            _write(file, line.encode("utf-8", "backslashreplace"))
        finally:
            _close(file)
    except OSError:
        pass
