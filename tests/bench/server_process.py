"""A real server in processes of its own, and what they cost."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path

import psutil

from batterytwin.errors import TwinError
from clients.sync_client import TwinClient
from clients.types import ServerStatus
from storage.embedded import EmbeddedPostgres
from twin_server.instance import read_instance
from twin_server.operator_token import operator_token

_BATTERYTWIN = Path(sys.executable).with_name("batterytwin")


def is_shard(process: psutil.Process) -> bool:
    """Whether it holds twins: such a process listens for rows."""
    return _is_shard_actor(process) and _listens_for_rows(process)


def is_spare(process: psutil.Process) -> bool:
    """Whether it is kept ready for the twins of a shard that dies."""
    return _is_shard_actor(process) and not _listens_for_rows(process)


def _is_shard_actor(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return "_ShardActor" in process.name()
    return False


def _listens_for_rows(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return any(Path(str(socket.laddr)).name.startswith("line-") for socket in process.net_connections("unix"))
    return False


class ServerProcess:
    """`batterytwin up` on free ports with a data directory of its own.

    Args:
        data_dir: its data directory; the log lies beside it.
        options: more options.
        environment: variables beside those of this process.
    """

    def __init__(self, data_dir: Path, *options: str, environment: Mapping[str, str] | None = None) -> None:
        self._data_dir = data_dir
        self._log = (data_dir.parent / f"{data_dir.name}.log").open("ab")
        self.began = time.monotonic()
        self._process = subprocess.Popen(
            [_BATTERYTWIN, "up", "--data-dir", data_dir, "--port", "0", "--dashboard-port", "0", *options],
            stdout=self._log,
            stderr=self._log,
            env={**os.environ, **(environment or {})},
        )
        self.target = ""

    def is_running(self) -> bool:
        """Whether its own process has not ended."""
        return self._process.poll() is None

    def wait_for(self, condition: str, timeout_s: float = 300.0) -> float:
        """Waits for `first_live`, `ready` or `all_live`; returns the seconds since the start."""
        give_up = time.monotonic() + timeout_s
        while time.monotonic() < give_up:
            if self._process.poll() is not None:
                raise RuntimeError(f"the server ended early; see {self._log.name}")
            status = self.status()
            if (
                status is not None
                and {
                    "first_live": status.twins_live > 0,
                    "ready": status.ready,
                    "all_live": status.twins_live == status.twins_total > 0,
                }[condition]
            ):
                return time.monotonic() - self.began
            time.sleep(0.1)
        raise TimeoutError(f"{condition} not reached in {timeout_s:.0f} s; see {self._log.name}")

    def wait_for_dashboard(self, timeout_s: float = 120.0) -> float:
        """Waits until the dashboard serves its first page; returns the seconds since the start."""
        give_up = time.monotonic() + timeout_s
        while time.monotonic() < give_up:
            record = read_instance(self._data_dir)
            if record is not None and record.dashboard_url:
                with suppress(OSError), urllib.request.urlopen(record.dashboard_url, timeout=5) as page:
                    if page.status == HTTPStatus.OK:
                        return time.monotonic() - self.began
            time.sleep(0.1)
        raise TimeoutError(f"no dashboard in {timeout_s:.0f} s; see {self._log.name}")

    def status(self) -> ServerStatus | None:
        """What the server says of itself, or None while it does not answer."""
        if not self.target:
            record = read_instance(self._data_dir)
            if record is None or not record.target:
                return None
            self.target = record.target
        with suppress(TwinError), TwinClient(self.target) as client:
            return client.get_status()
        return None

    def processes(self) -> list[psutil.Process]:
        """Every process of the server: its own, Ray's, the shards, PostgreSQL's, and what else it started."""
        roots = [self._process.pid, *(process.pid for process in self._postmasters())]
        return list({process.pid: process for root in roots for process in tree_of(root)}.values())

    def _postmasters(self) -> list[psutil.Process]:
        pid_file = EmbeddedPostgres(self._data_dir).cluster / "postmaster.pid"
        with suppress(OSError, ValueError, IndexError, psutil.NoSuchProcess):
            return [psutil.Process(int(pid_file.read_text().split()[0]))]
        return []

    def shards(self) -> list[psutil.Process]:
        """The processes that hold twins."""
        return [process for process in self.processes() if is_shard(process)]

    def spares(self) -> list[psutil.Process]:
        """The processes that are kept ready for the twins of a shard that dies."""
        return [process for process in self.processes() if is_spare(process)]

    def wait_for_end(self, timeout_s: float) -> int | None:
        """Waits until it has ended by itself; returns its exit code, None = it has not."""
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout=timeout_s)
        return None

    def cut_power(self) -> None:
        """Ends every process at the same instant, the database's too, as a power cut does.

        All are stopped first, so that none sees another one die. What lies in the kernel's cache is not lost: that
        commits reach the disk is a matter of the database's settings, which `durability_gaps` looks at.
        """
        cut_power(self.processes)
        self._process.wait(timeout=10)
        self._log.close()

    def cpu_s(self) -> float:
        """Processor seconds used so far by all its processes and the children they have reaped."""
        total = 0.0
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        return total

    def pss_by_name(self) -> dict[str, float]:
        """Proportional memory of its processes, MB, added up by kind."""
        sizes: dict[str, float] = {}
        for process in self.processes():
            with suppress(psutil.NoSuchProcess, OSError, StopIteration):
                lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
                kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
                name = kind_of(process.cmdline())
                sizes[name] = sizes.get(name, 0.0) + kilobytes / 1024
        return sizes

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Stops all its processes, the database's too, for a while (SIGSTOP): they take no processor time."""
        stopped = self.processes()
        try:
            for process in stopped:
                with suppress(psutil.NoSuchProcess):
                    process.suspend()
            yield
        finally:
            for process in stopped:
                with suppress(psutil.NoSuchProcess):
                    process.resume()

    def stop(self, timeout_s: float = 30.0) -> float:
        """Stops it as Ctrl-C would; returns the seconds it took."""
        began = time.monotonic()
        if self.is_running():
            os.kill(self._process.pid, signal.SIGTERM)
        self._process.wait(timeout=timeout_s)
        self._log.close()
        return time.monotonic() - began


@contextmanager
def running_server(data_dir: Path, *options: str, patience_s: float = 300.0) -> Iterator[tuple[ServerProcess, str]]:
    """A server without simulator and dashboard, ready, and a token for it.

    Args:
        data_dir: of the server.
        options: more of `batterytwin up`.
        patience_s: how long a start may take, and a stop a tenth of it; then it is killed.
    """
    server = ServerProcess(data_dir, "--no-simulator", "--no-dashboard", *options)
    try:
        server.wait_for("ready", patience_s)
        yield server, operator_token(data_dir)
    finally:
        try:
            server.stop(patience_s / 10)
        except subprocess.TimeoutExpired:  # what was measured counts; nothing may be left behind
            server.cut_power()


def end_in_order_on_sigterm() -> None:
    """Lets SIGTERM end this process as Ctrl-C does: by an exception, so that servers that it has started end too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def tree_of(pid: int) -> list[psutil.Process]:
    """A process and everything below it; empty when it is gone."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def cut_power(family: Callable[[], list[psutil.Process]]) -> None:
    """Stops all processes of a family, those started meanwhile included, then kills them and waits for their end."""
    stopped: dict[int, psutil.Process] = {}
    while new := [process for process in family() if process.pid not in stopped]:
        for process in new:
            stopped[process.pid] = process
            with suppress(psutil.NoSuchProcess):
                process.suspend()
    for process in stopped.values():
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _, alive = psutil.wait_procs(stopped.values(), timeout=10, callback=None)
    if left := [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]:
        raise RuntimeError(f"processes outlive SIGKILL: {left}")


def kind_of(command: list[str]) -> str:
    """Which part of the server a command line belongs to."""
    text = " ".join(command)
    for word, kind in (
        ("batterytwin up", "server"),
        ("postgres", "PostgreSQL"),
        ("ray::", "shards"),
        ("raylet", "Ray"),
        ("gcs_server", "Ray"),
        ("/ray/", "Ray"),
        ("simulator", "simulator"),
        ("streamlit_app", "dashboard"),
    ):
        if word in text:
            return kind
    return "other"
