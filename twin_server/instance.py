"""The one running server of a data directory: its lock, and where to find it."""

import fcntl
import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Final

import psutil

from batterytwin.errors import ConflictError, InvalidArgumentError

_LOCK_NAME: Final = "instance.lock"
_RECORD_NAME: Final = "instance.json"
_LOOKED_AT_S: Final = 0.5
"""Longer than somebody holds the lock who only looks whether a server does."""


@dataclass(slots=True)
class InstanceRecord:
    """Where a running server can be found.

    Attributes:
        pid: process of `batterytwin up`.
        target: address of the API for this machine, without TLS, for example "127.0.0.1:50051".
        dashboard_url: address of the dashboard, or empty.
        children: processes it started, `{pid: start time in s since 1970}`.
    """

    pid: int
    target: str = ""
    dashboard_url: str = ""
    children: dict[str, float] = field(default_factory=dict)


class Instance:
    """Holds the lock of a data directory for as long as the process lives."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._lock: IO[str] | None = None
        self.record = InstanceRecord(pid=os.getpid())

    def acquire(self) -> None:
        """Takes the lock and ends what a killed predecessor left running.

        Raises:
            ConflictError: another server uses this data directory.
            InvalidArgumentError: the directory cannot be made or written to.
        """
        try:
            self._data_dir.mkdir(parents=True, exist_ok=True)
            lock = (self._data_dir / _LOCK_NAME).open("a+")
        except OSError as error:
            raise InvalidArgumentError(
                f"The data directory cannot be used: {error}. Choose another --data-dir.",
                field="data_dir",
                value=self._data_dir,
            ) from error
        if not _lock_soon(lock):
            lock.close()
            other = _read_record(self._data_dir)
            raise ConflictError(
                f"A server (pid {other.pid if other else 'unknown'}) already uses {self._data_dir}. "
                "Stop it, or choose another --data-dir and other ports.",
                field="data_dir",
                value=self._data_dir,
            )
        self._lock = lock
        if (left := _read_record(self._data_dir)) is not None:
            _end_orphans(left)
        self.save()

    def add_child(self, pid: int) -> None:
        """Notes a process that has to end with this one, and forgets those that have ended."""
        children = self.record.children
        self.record.children = {pid: began for pid, began in children.items() if psutil.pid_exists(int(pid))}
        with suppress(psutil.NoSuchProcess):
            self.record.children[str(pid)] = psutil.Process(pid).create_time()
        self.save()

    def save(self) -> None:
        """Writes the record in one step, so that a reader never sees half of it."""
        path = self._data_dir / _RECORD_NAME
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(asdict(self.record), indent=2), encoding="utf-8")
        temporary.replace(path)

    def release(self) -> None:
        """Removes the record and gives the lock back."""
        if self._lock is None:
            return
        (self._data_dir / _RECORD_NAME).unlink(missing_ok=True)
        self._lock.close()
        self._lock = None


def read_instance(data_dir: Path) -> InstanceRecord | None:
    """Record of the server that runs on this data directory, or None when none runs.

    The lock says whether one does: the process number of one that was killed may be another's by now.
    """
    record = _read_record(data_dir)
    return record if record is not None and _is_locked(data_dir) else None


def _is_locked(data_dir: Path) -> bool:
    try:
        with (data_dir / _LOCK_NAME).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False


def _lock_soon(lock: IO[str]) -> bool:
    """Takes the lock unless a server holds it: who only looks does not for long."""
    give_up = time.monotonic() + _LOOKED_AT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up:
                return False
            time.sleep(0.01)
        else:
            return True


def _read_record(data_dir: Path) -> InstanceRecord | None:
    try:
        return InstanceRecord(**json.loads((data_dir / _RECORD_NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _end_orphans(record: InstanceRecord) -> None:
    """Ends children of a killed server; a process that merely reuses a pid has another start time and is left alone."""
    orphans = []
    for pid, started in record.children.items():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process = psutil.Process(int(pid))
            if abs(process.create_time() - started) < 1.0:
                process.send_signal(signal.SIGTERM)
                orphans.append(process)
    _, alive = psutil.wait_procs(orphans, timeout=3.0)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
