"""The model `cluster`: tasks on the workers of a Dask scheduler that runs already, by its `Client.get_executor()`.

What is sent there is `remote`'s. Functions go by value, once to each worker; the tasks' arguments go pickled, so that
Dask does not take a user's tuples and strings for its own graphs and keys.
"""

import concurrent.futures
import operator
import pickle
import socket
import sys
import threading
from collections import deque
from functools import partial
from urllib.parse import urlsplit

from . import demand, remote, user
from .executors import NotApplicable

# A scheduler that is there answers within milliseconds, over any network within a second.
CONNECT_S = 4.0
# So often a wait looks whether the scheduler is still there.
_LOOK_S = 0.1


class ClusterLost(Exception):
    """The scheduler went away."""


class BrokenWorker(Exception):
    """Workers ended in the middle of a task."""


def join(address):
    """A client of the scheduler there."""
    distributed = _distributed()
    _knock(address)
    joined = []

    def connect():
        try:
            joined.append(distributed.Client(address, timeout=CONNECT_S, set_as_default=False, name="concadvise"))
        except Exception as error:
            joined.append(error)

    # Its own time limit does not hold against a server that accepts and says nothing: it would wait for ever. The
    # process ends without waiting for this thread.
    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(CONNECT_S + _LOOK_S)
    if joined and not isinstance(joined[0], Exception):
        return joined[0]
    why = f": {_said(joined[0])}" if joined else ""
    raise NotApplicable(
        f"{address} accepts connections but did not answer as a Dask scheduler within {CONNECT_S:.0f} s{why}; give "
        f"--cluster the address that the scheduler prints, of a version like {distributed.__version__}"
    )


def describe(address):
    """What there is to run tasks on."""
    client = join(address)
    try:
        workers = _workers(client)
        if not workers:
            raise NotApplicable(f"the scheduler at {address} has no workers; start some with: dask worker {address}")
        _refuse_other_versions(client, address)
        limits = [worker.get("memory_limit") or 0 for worker in workers.values()]
        return {
            "workers": len(workers),
            "threads": sum(worker["nthreads"] for worker in workers.values()),
            "hosts": len({worker.get("host") for worker in workers.values()}),
            # A worker without a limit may take all its machine has, and how much that is it does not say.
            "memory_each_bytes": min(limits) if all(limits) else None,
        }
    finally:
        client.close(timeout=CONNECT_S)


class Cluster:
    """So many tasks or chunks in flight as there are to be workers; answers in order."""

    def __init__(self, trial):
        _distributed()  # Importing it takes long and is not what starting a cluster's workers costs.
        from dask.utils import apply

        self._apply = apply
        self._address, self._job = trial["cluster"], trial["job"]
        self._chunk, self._in_flight = trial["chunk_size"], trial["workers"]
        self._client = self._pool = None
        self._sent = {}

    def start(self):
        """Returns when every worker has what it needs and has run the setup."""
        self._client = join(self._address)
        self._pool = self._client.get_executor(pure=False)
        self._send_by_value(self._job)
        self._everywhere(self._job, "begin", "setup")

    def run(self, job, indices, ledger):
        errand = self._errand(job)
        free = threading.Semaphore(self._in_flight)
        pending = deque()
        for first in range(0, len(indices), self._chunk):
            tasks = self._pickled(job.bundle(indices[first : first + self._chunk])[-1], "an item")
            while not free.acquire(timeout=_LOOK_S):
                self._look()
            future = self._pool.submit(self._apply, errand, [tasks])
            future.add_done_callback(lambda _: free.release())
            pending.append(future)
            while pending and pending[0].done():
                self._settle(pending.popleft(), ledger)
        while pending:
            self._settle(pending.popleft(), ledger)

    def close(self):
        self._everywhere(self._job, "end", "teardown")
        self._pool.shutdown()
        self._sent.clear()
        self._client.close(timeout=CONNECT_S)

    def _send_by_value(self, job):
        import cloudpickle

        for module in (demand, remote, user):
            cloudpickle.register_pickle_by_value(module)
        for module in self._missing(*job.modules()):
            cloudpickle.register_pickle_by_value(module)

    def _missing(self, modules, installed):
        """Those of the user's modules that have to be sent: of a script all, of a package what workers lack."""
        if not modules or not installed:
            return modules
        asks = self._spread((remote.importable, None, None), "a question")
        name = pickle.dumps(modules[0].__name__)
        there = [pickle.loads(self._ask(address, self._apply, asks, [name])[1]) for address in _workers(self._client)]
        return [] if all(there) else modules

    def _ask(self, address, function, *arguments):
        """Runs something on one worker and no other."""
        pool = self._client.get_executor(pure=False, workers=[address], allow_other_workers=False)
        return self._result(pool.submit(function, *arguments))

    def _errand(self, job):
        """A job's function, as it lies in every worker's memory."""
        if job not in self._sent:
            function, *fixed, _ = job.bundle([])
            self._sent[job] = self._spread((partial(function, *fixed), *job.around()), job.name)
        return self._sent[job]

    def _spread(self, parts, what):
        errand = remote.Errand(self._pickled(parts, what))
        return self._client.scatter(errand, hash=False, broadcast=True)

    def _everywhere(self, job, step, named):
        for address in _workers(self._client):
            raised = self._ask(address, operator.methodcaller(step), self._errand(job))
            if raised is not None:
                raise user.SetupFailed(f"the {named} raised {raised} on the worker {address}")

    def _pickled(self, value, what):
        import cloudpickle

        try:
            return cloudpickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
        except Exception as error:
            raise NotApplicable(f"{what} cannot be sent to the cluster: {_said(error)}") from None

    def _settle(self, future, ledger):
        for answer in self._sent_back(future):
            ledger.take(answer)

    def _sent_back(self, future):
        sent, answers = self._result(future)
        if not sent:
            raise NotApplicable(f"what {self._job.name} returns cannot be sent back from the cluster: {answers}")
        return pickle.loads(answers)

    def _result(self, future):
        while not concurrent.futures.wait([future], _LOOK_S).done:
            self._look()
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise ClusterLost(f"the scheduler at {self._address} gave up the tasks; its log may say why") from None
        except ModuleNotFoundError as error:
            raise NotApplicable(f"the cluster's workers lack a module: {error}; install it there") from None
        except Exception as error:
            if type(error).__name__ == "KilledWorker":
                raise BrokenWorker(_said(error)) from None
            raise

    def _look(self):
        if self._client.status != "running":
            raise ClusterLost(f"the scheduler at {self._address} went away in the middle of the trial")


def _distributed():
    try:
        import distributed
    except ImportError as error:
        raise NotApplicable(
            f"a cluster needs the package distributed, which {sys.executable} cannot import ({error}); install it "
            f"with: {sys.executable} -m pip install distributed"
        ) from None
    return distributed


def _knock(address):
    """Whether anything answers there at all: Dask itself would try again and again, and not say why."""
    place = urlsplit(address)
    try:
        socket.create_connection((place.hostname, place.port), CONNECT_S).close()
    except (OSError, ValueError) as error:
        raise NotApplicable(
            f"nobody answers at {address} ({_said(error)}); start a scheduler there (dask scheduler) or correct --cluster"
        ) from None


def _workers(client):
    try:
        return client.scheduler_info(n_workers=-1)["workers"]
    except TypeError:  # Older ones always tell of all of them.
        return client.scheduler_info()["workers"]


def _refuse_other_versions(client, address):
    """Code that is sent by value is of one version."""
    this = "{}.{}".format(*sys.version_info)
    for worker, told in client.get_versions()["workers"].items():
        version = str(dict((told or {}).get("host") or {}).get("python") or "")
        if version and not version.startswith(this + "."):
            raise NotApplicable(
                f"the worker {worker} at {address} runs CPython {version} and this is {this}, so functions cannot be "
                "sent there; start workers of the same version, or choose theirs with --python"
            )


def _said(error):
    text = " ".join(str(error).split())
    return (text or type(error).__name__)[:200]
