"""The private Ray of this process: how it is started, and how it ends."""

import logging
import os
import secrets
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil

from actors.ray_folder import make_ray_folder, remove_ray_folder
from batterytwin.errors import TwinError

# Ray reads these when it is imported. The token keeps other users of the machine from running code in our actors;
# without "cluster" Ray listens on the loopback address alone.
os.environ.setdefault("RAY_AUTH_MODE", "token")
os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")

import ray
import ray.exceptions

__all__ = ["ray", "ray_folder", "start_ray", "stop_ray"]

_OBJECT_STORE_BYTES: Final = 80 * 2**20
_ENVIRONMENT: Final = {
    "OMP_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    # Serve looks ten times a second whether its one replica lives, which takes 2.7 % of a core with what answers it
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "1",
}
_SYSTEM_CONFIG: Final = {
    # nobody reads these, and they cost a fifth of each call
    "task_events_report_interval_ms": 0,
    "event_stats": False,
    "enable_metrics_collection": False,
    # it would kill shards for the appetite of others
    "memory_monitor_refresh_ms": 0,
    # it would let shards stand behind everything else on the machine, drills nearly beside them
    "worker_niceness": 0,
}
_folders: Final[list[Path]] = []
_ATTEMPTS: Final = 2
_LONGEST_END_S: Final = 5.0
_LOOKS_EVERY_S: Final = 0.01

_log = logging.getLogger(__name__)


def start_ray(core_count: int) -> None:
    """Starts a private Ray on this machine: loopback only, token required, nothing shared with other instances.

    It ends with this process, however that ends, and by SIGKILL alone: a SIGTERM for every process of a service would
    otherwise end Ray under those who are about to store their last snapshots. Install signal handlers after this call:
    Ray installs its own.

    Args:
        core_count: cores that Ray may plan with.

    Raises:
        TwinError: Ray did not start.
    """
    logging.getLogger("ray").setLevel(logging.ERROR)  # its notes to developers are not for users
    for attempt in range(1, _ATTEMPTS + 1):
        folder = make_ray_folder()
        _folders.append(folder)
        try:
            with _environment(_ENVIRONMENT), _stop_signals_blocked():
                ray.init(
                    address="local",
                    num_cpus=core_count,
                    object_store_memory=_OBJECT_STORE_BYTES,
                    include_dashboard=False,
                    log_to_driver=False,
                    configure_logging=False,
                    namespace=folder.name,
                    _temp_dir=str(folder),
                    _node_ip_address="127.0.0.1",
                    _system_config=_SYSTEM_CONFIG,
                )
        except Exception as error:  # it raises a bare one where a busy machine takes longer than its half minute
            stop_ray()
            if attempt == _ATTEMPTS:
                raise TwinError(f"Ray did not start: {error}") from error
            _log.warning("Ray did not start, it is tried again: %s", error)
        else:
            break
    _end_what_nobody_needs()


def _end_what_nobody_needs() -> None:
    """Ends processes that Ray starts whatever one asks for: 50 MB each, and together 1.1 % of a core while idle.

    One carries lines of log to the driver, who wants none (`log_to_driver`), the other would start more machines. Ray
    has methods for it, but not in its public part: where they have gone, the processes stay.
    """
    node = getattr(ray._private.worker, "_global_node", None)
    for name in ("kill_log_monitor", "kill_monitor"):
        if (end := getattr(node, name, None)) is not None:
            end(check_alive=False)


def ray_folder() -> Path:
    """Folder of the Ray that runs; short enough for sockets."""
    return _folders[-1]


def stop_ray() -> None:
    """Ends the private Ray and removes what it left. Repeating it changes nothing."""
    processes = [process for folder in _folders for process in _processes_of(folder)]
    _let_ray_kill()
    ray.shutdown(wait_for_processes=True)
    for process in processes:  # Ray itself reaches only those that it has started directly
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _wait_for_end_of(processes)  # or they would make files in the folder that is removed
    for folder in _folders:  # those of earlier starts too: Ray's shutdown makes a folder in the first one each time
        remove_ray_folder(folder)


def _processes_of(folder: Path) -> list[psutil.Process]:
    """Processes of a Ray that this process has started: those that were told the folder, and all below them."""
    found: list[psutil.Process] = []
    for process in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if any(str(folder) in argument for argument in process.cmdline()):
                found += [process, *process.children(recursive=True)]
    return found


def _wait_for_end_of(processes: list[psutil.Process]) -> None:
    """Waits for killed processes, but not until somebody has taken note of their end: most are no children of ours."""
    give_up = time.monotonic() + _LONGEST_END_S
    while not all(_has_ended(process) for process in processes) and time.monotonic() < give_up:
        time.sleep(_LOOKS_EVERY_S)


def _has_ended(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _let_ray_kill() -> None:
    """Lets Ray end its processes by SIGKILL at once; it would wait a second for each of them to obey SIGTERM.

    As above: where Ray is made otherwise, its end takes three seconds longer.
    """
    node = getattr(ray._private.worker, "_global_node", None)
    for started in getattr(node, "all_processes", {}).values():
        for info in started:
            info.process.terminate = info.process.kill


@contextmanager
def _stop_signals_blocked() -> Iterator[None]:
    """Stop signals are blocked in all that is started within: that is inherited. Ray itself blocks SIGINT."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Environment for what is started within; as it was afterwards."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
