"""The processes of the private Ray without which no shard can be started again."""

from typing import Final, Self

import psutil

_NEEDED: Final = ("gcs_server", "raylet")


class RayProcesses:
    """Knows whether Ray's own processes still run; Ray starts none of them again.

    Without its raylet the shards end within seconds and stay away, without the GCS the process that drives them is
    ended after a minute. Neither can be mended from within: whoever drives Ray has to start anew.

    Args:
        processes: by name.
    """

    def __init__(self, processes: dict[str, psutil.Process]) -> None:
        self._processes = processes

    @classmethod
    def of_this_process(cls) -> Self:
        """Finds them among the children of this process, which has started Ray."""
        found = {}
        for process in psutil.Process().children(recursive=True):
            try:
                if process.name() in _NEEDED:
                    found[process.name()] = process
            except psutil.NoSuchProcess:
                continue
        return cls(found)

    def ended(self) -> list[str]:
        """Names of those that have ended."""
        return sorted(name for name, process in self._processes.items() if not _runs(process))


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
