"""Starts what workloads talk to — HTTP, PostgreSQL, Redis — on free ports of loopback, and ends what it started.

Their addresses go to the workloads by environment variables (`_kit.py` reads them). A service that this machine does
not have is a sentence in `missing`; workloads that need it are left out, by name.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Long enough for initdb's server on a busy machine.
READY_S = 60


class Services:
    """The services that run: `environment` for workloads, `missing` with a reason for each that does not."""

    def __init__(self, python: Path, data: Path):
        self.environment = {"BENCH_DATA": str(data)}
        self.missing: dict[str, str] = {}
        self._python = python
        self._stack = ExitStack()

    def __enter__(self):
        started = {"http": self._http, "postgres": self._postgres, "redis": self._redis}
        for name, start in started.items():
            try:
                self.environment[f"BENCH_{name.upper()}"] = self._stack.enter_context(start())
            except (OSError, RuntimeError, subprocess.SubprocessError) as error:
                self.missing[name] = str(error)
        return self

    def __exit__(self, *error):
        self._stack.close()

    @contextmanager
    def _http(self):
        process = subprocess.Popen(
            [str(self._python), str(HERE / "server.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            yield f"127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()
            end(process)

    @contextmanager
    def _redis(self):
        server = shutil.which("redis-server")
        if server is None:
            raise RuntimeError("redis-server is not installed: apt-get install redis-server")
        with tempfile.TemporaryDirectory() as folder:
            port = free_port()
            process = subprocess.Popen(
                [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder, "--hz", "100"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            )
            try:
                answers(port, process)
                yield f"127.0.0.1:{port}"
            finally:
                end(process)

    @contextmanager
    def _postgres(self):
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
        if not found:
            raise RuntimeError("PostgreSQL's server is not installed: apt-get install postgresql")
        folder = found[-1].parent
        user = other_user()
        with tempfile.TemporaryDirectory() as place:
            if user:
                os.chown(place, user.pw_uid, user.pw_gid)
            who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
            quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "cwd": place, **who}
            told = subprocess.run(
                [str(folder / "initdb"), "-D", f"{place}/data", "-U", "bench", "--auth=trust", "--no-sync"],
                stderr=subprocess.PIPE, text=True, check=False, **quiet,
            )
            if told.returncode:
                raise RuntimeError(f"initdb could not make a database in {place}: {told.stderr.strip()}")
            port = free_port()
            process = subprocess.Popen(
                [str(folder / "postgres"), "-D", f"{place}/data", "-p", str(port), "-k", place,
                 "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=300", "-c", "logging_collector=off"],
                stderr=subprocess.DEVNULL, **quiet,
            )
            try:
                answers(port, process)
                yield f"host=127.0.0.1 port={port} user=bench dbname=postgres"
            finally:
                # "Fast shutdown": clients are cut off, its own children are ended by it.
                end(process, signal.SIGINT)


def other_user():
    """PostgreSQL refuses to run as root; Debian's package makes a user for it."""
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else None


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port: int, process: subprocess.Popen) -> None:
    """Returns when the port takes connections."""
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with status {process.returncode} before it listened")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{process.args[0]} did not listen on port {port} within {READY_S} s")


def end(process: subprocess.Popen, how: int = signal.SIGTERM) -> None:
    """Ends a child of ours, by the handle that we hold."""
    process.send_signal(how)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        print(f"{process.args[0]} did not end when asked and was killed", file=sys.stderr)
        process.kill()
        process.wait()
