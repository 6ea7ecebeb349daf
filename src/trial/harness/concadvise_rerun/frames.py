"""Whose code is executing: the first frame that is neither ours nor the standard library's."""

import os
import sys

_folder = ""
_library = os.path.dirname(os.__file__)
_cwd = os.getcwd()
_known = {}


def begin(folder):
    """`folder` is ours."""
    global _folder
    _folder = folder


def place():
    """(path, line, whether it is an installed package's) of the code that called into the standard library; the path is
    relative to the folder that the program was started in where it lies below that. `None` where nobody did."""
    frame = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        whose = _known.get(file)
        if whose is None:
            whose = _known[file] = _whose(file)
        if whose == "user" or whose == "library":
            return _shown(file), frame.f_lineno, whose == "library"
        if whose == "joblib":
            return None  # The pools behind a Parallel are its own.
        frame = frame.f_back
    return None


def _whose(file):
    if file == "<string>":
        return "user"
    if file.startswith("<"):
        return "python"
    path = os.path.abspath(os.path.join(_cwd, file))
    if path.startswith(_folder + os.sep):
        return "ours"
    parts = path.split(os.sep)
    if "site-packages" in parts or "dist-packages" in parts:
        return "joblib" if "joblib" in parts else "library"
    if path.startswith(_library + os.sep):
        return "python"
    return "user"


def _shown(file):
    if file.startswith("<"):
        return file
    path = os.path.abspath(os.path.join(_cwd, file))
    below = _cwd.rstrip(os.sep) + os.sep
    return path[len(below) :] if path.startswith(below) else path
