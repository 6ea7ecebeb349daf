"""What brings `concadvise_rerun` into a program that is run again: found on `PYTHONPATH` before the user's own
`sitecustomize`, which is then loaded as if this one had never been there.

Whatever goes wrong with ours is written down for the tool and never reaches the program.
"""


def _begin():
    import os
    import sys

    folder = os.path.dirname(os.path.abspath(__file__))
    try:
        import concadvise_rerun

        concadvise_rerun.begin(folder)
    except BaseException as why:
        try:
            with open(os.path.join(folder, "trouble"), "a") as file:
                file.write("{}: {}\n".format(type(why).__name__, why))
        except OSError:
            pass
    finally:
        sys.path[:] = [entry for entry in sys.path if entry != folder]
        sys.modules.pop("sitecustomize", None)


_begin()
del _begin

# `site` takes an ImportError of this very name for "there is none", which is what it is then.
import sitecustomize  # noqa: E402, F401
