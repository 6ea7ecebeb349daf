"""What a worker of a cluster does. It is sent there by value and installed nowhere, so it needs only the standard
library and what Dask itself has, and nothing of it outlives the client that sent it.
"""

import pickle
import threading


class Errand:
    """The function that does several tasks, and what surrounds them; made from `code` in each worker that holds it.

    Dask copies it from worker to worker and drops copies as it likes. Only `code` travels, so each copy that is made
    runs the setup for itself, before its first task.
    """

    def __init__(self, code):
        self.__setstate__(code)

    def __getstate__(self):
        return self._code

    def __setstate__(self, code):
        self._code, self._parts, self._lock = code, None, threading.Lock()

    def __call__(self, tasks):
        """Whether the answers can be sent, and they, or why not."""
        import cloudpickle

        raised = self.begin()
        if raised is not None:
            raise RuntimeError(f"the setup raised {raised}")
        answers = self._parts[0](pickle.loads(tasks))
        try:
            return True, cloudpickle.dumps(answers)
        except Exception as error:
            return False, f"{type(error).__name__}: {error}"

    def begin(self):
        """Runs the user's setup, once; returns what it raised."""
        with self._lock:
            if self._parts is None:
                parts = pickle.loads(self._code)
                raised = _quietly(parts[1])
                if raised is not None:
                    return raised
                self._parts = parts
        return None

    def end(self):
        """The same for the teardown, where the setup ran."""
        return None if self._parts is None else _quietly(self._parts[2])


def importable(name):
    """Whether this worker has a module of that name of its own."""
    from importlib.util import find_spec

    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _quietly(function):
    try:
        if function is not None:
            function()
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return None
