"""The harness's way in: run this folder with the interpreter that is to be measured (`python -I FOLDER`).

A folder that is run puts itself first on `sys.path`, in isolated mode too, and hands that path on to spawned children;
and a `__main__` that belongs to a folder is never run again in a child. Written so that every Python can read it:
one that is too old must be able to say so.
"""

import json
import sys

OLDEST = (3, 8)


def main():
    if sys.version_info < OLDEST:
        found = ".".join(str(part) for part in sys.version_info[:3])
        message = "trials need CPython 3.8 or newer, and this is %s" % found
        print(json.dumps({"error": "not-applicable", "message": message}))
        return
    from concadvise_harness import protocol

    protocol.serve()


if __name__ == "__main__":
    main()
