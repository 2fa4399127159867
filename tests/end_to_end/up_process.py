"""`batterytwin up` in a process of its own, as a user runs it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import psycopg

from batterytwin.errors import TwinError
from clients.sync_client import TwinClient
from storage.embedded import EmbeddedPostgres
from tests.bench.server_process import tree_of
from twin_server.instance import InstanceRecord, read_instance

BATTERYTWIN = Path(sys.executable).with_name("batterytwin")

SMALL_FLEET = """
grid = "th"
model = "HX12-120"
blocks_per_string = 24
sample_period_s = 60.0

[[location]]
id = "BRK"
name = "Bangrak"
region = "central"
latitude_deg = 13.73
longitude_deg = 100.52
systems = [{ id = "U1", kind = "ups", strings = 2, installed_on = "2023-02-06" }]

[[location]]
id = "HKT"
name = "Phuket"
region = "south"
latitude_deg = 7.88
longitude_deg = 98.39
systems = [{ id = "R1", kind = "rectifier", strings = 1, installed_on = "2021-05-03" }]
"""

_FINAL_SNAPSHOTS = """
SELECT count(*)
FROM (SELECT battery_key, max(sample_time) AS newest FROM reading GROUP BY battery_key) AS log
JOIN (SELECT battery_key, max(watermark) AS newest FROM twin_snapshot GROUP BY battery_key) AS state USING (battery_key)
WHERE state.newest = log.newest
"""


@contextmanager
def _hang_ups_obeyed() -> Iterator[None]:
    """What is started within obeys SIGHUP, as from a terminal: tests may run under `nohup`, which is inherited."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def run_command(*arguments: str | Path, check: bool = True) -> "subprocess.CompletedProcess[str]":
    """Runs `batterytwin` with arguments and returns what it printed."""
    return subprocess.run([BATTERYTWIN, *arguments], capture_output=True, text=True, check=check, timeout=60)


class UpProcess:
    """A running server on free ports with a small fleet.

    Args:
        folder: place for its data directory, fleet file and output.
        options: more options of `batterytwin up`.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self.data_dir = folder / "data"
        self.output = folder / "up.log"
        fleet = folder / "fleet.toml"
        fleet.write_text(SMALL_FLEET, encoding="utf-8")
        self._ports = ["--port", "0", "--dashboard-port", "0"]
        self._options = ["--fleet-file", str(fleet), "--backfill-days", "2", *options]
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        with self.output.open("ab") as output, _hang_ups_obeyed():
            return subprocess.Popen(
                [BATTERYTWIN, "up", "--data-dir", self.data_dir, *self._ports, *self._options],
                stdout=output,
                stderr=output,
                start_new_session=True,  # a process group of its own, as a terminal or a supervisor gives it
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.stop()

    def start_again(self) -> None:
        """Starts it on the data it had."""
        self.process = self._start()

    def status(self) -> dict[str, Any] | None:
        """What `batterytwin status --json` says, or None when it cannot reach the server."""
        answer = run_command("status", "--json", "--data-dir", self.data_dir, check=False)
        return json.loads(answer.stdout) if answer.returncode == 0 else None

    def wait_until_all_live(self, timeout_s: float = 150.0) -> dict[str, Any]:
        """Waits until the server is ready and every twin lives; returns its status as the command tells it."""
        give_up = time.monotonic() + timeout_s
        while time.monotonic() < give_up:
            assert self.process.poll() is None, self.output.read_text(errors="replace")
            if self._is_all_live():
                status = self.status()
                assert status is not None
                return status
            time.sleep(0.5)
        raise AssertionError(f"not all live: {self.status()}\n{self.output.read_text(errors='replace')}")

    def _is_all_live(self) -> bool:
        """Asked from this process: a command for each look would load the machine that the server starts on."""
        record = read_instance(self.data_dir)
        if record is not None and record.target:
            with suppress(TwinError), TwinClient(record.target) as client:
                status = client.get_status()
                return status.ready and status.twins_live == status.twins_total > 0
        return False

    def wait_for_jobs(self, last: str = "life cases", timeout_s: float = 120.0) -> set[str]:
        """Waits until background work has had its first round: one job after the other, `last` is the last one."""
        give_up = time.monotonic() + timeout_s
        url = EmbeddedPostgres(self.data_dir).start()  # adopts the server's
        begun: set[str] = set()
        while last not in begun:
            assert time.monotonic() < give_up, f"only {begun} have begun"
            time.sleep(0.5)
            with psycopg.connect(url) as connection:
                begun = {job for (job,) in connection.execute("SELECT job FROM scheduled_job")}
        return begun

    def family(self) -> list[psutil.Process]:
        """Every process that belongs to this server and its data directory."""
        mine = psutil.Process(self.process.pid)
        found = {process.pid: process for process in [mine, *mine.children(recursive=True)]}
        for process in psutil.process_iter(["cmdline"]):
            if any(str(self.data_dir) in argument for argument in process.info["cmdline"] or ()):
                found |= {member.pid: member for member in tree_of(process.pid)}
        return list(found.values())

    def stop(self) -> int:
        """Stops it as Ctrl-C does; returns its exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(timeout=30)

    def terminate_group(self) -> None:
        """SIGTERM for its process group, as from `timeout` or `kill -- -PGID`."""
        os.killpg(self.process.pid, signal.SIGTERM)

    def hang_up(self) -> None:
        """SIGHUP for its process group, as when its terminal is closed."""
        os.killpg(self.process.pid, signal.SIGHUP)

    def terminate_everything(self) -> None:
        """SIGTERM for every process, the database's sessions too, as from systemd for all of a service."""
        for process in self.family():
            with suppress(psutil.NoSuchProcess):
                process.terminate()

    def wait_for_readings(self, more: int, timeout_s: float = 60.0) -> None:
        """Waits until so many more readings are acknowledged."""
        give_up = time.monotonic() + timeout_s
        with TwinClient(self.record().target) as client:
            wanted = client.get_status().readings_accepted + more
            while client.get_status().readings_accepted < wanted:
                assert time.monotonic() < give_up, "no readings come"
                time.sleep(0.2)

    def record(self) -> InstanceRecord:
        """Where the running server says that it is found."""
        record = read_instance(self.data_dir)
        assert record is not None
        return record

    def twins_with_final_snapshot(self) -> int:
        """Batteries whose newest snapshot has taken every row; starts the database for the question."""
        postgres = EmbeddedPostgres(self.data_dir)
        try:
            with psycopg.connect(postgres.start()) as connection:
                row = connection.execute(_FINAL_SNAPSHOTS).fetchone()
        finally:
            postgres.stop()
        return 0 if row is None else int(row[0])

    def kill(self) -> None:
        """Ends it without a chance to clean up."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=10)
