"""What is known of a PostgreSQL process from its `postmaster.pid`, which outlives it when it is killed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import psutil
import psycopg

_STATUS_LINE: Final = 7


@dataclass(frozen=True, slots=True)
class Postmaster:
    """The process that the pid file of a cluster names. It may be gone, and its pid may belong to another one now."""

    cluster: Path
    pid: int
    socket_dir: Path
    is_stopping: bool
    """Whether it has been told to stop, and takes no new sessions: by SIGTERM it waits for the old ones to end."""

    @classmethod
    def read(cls, cluster: Path) -> Self | None:
        """Reads the pid file; None when there is none, or none that is complete."""
        try:
            lines = (cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            if not Path(lines[4]).is_absolute():
                return None  # it is just being written
            status = lines[_STATUS_LINE].strip() if len(lines) > _STATUS_LINE else ""
            return cls(cluster, int(lines[0]), Path(lines[4]), status == "stopping")
        except (OSError, ValueError, IndexError):
            return None

    def is_alive(self) -> bool:
        """Whether the pid is a PostgreSQL process of this very cluster (it works in the cluster's folder)."""
        try:
            process = psutil.Process(self.pid)
            return process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()) == self.cluster.resolve()
        except psutil.Error:
            return False

    def answers(self, user: str) -> bool:
        """Whether a server answers at the socket and says that it serves this cluster."""
        try:
            with psycopg.connect(
                host=str(self.socket_dir), user=user, dbname="postgres", connect_timeout=2, autocommit=True
            ) as connection:
                row = connection.execute("SHOW data_directory").fetchone()
        except psycopg.OperationalError:
            return False
        return row is not None and Path(str(row[0])).resolve() == self.cluster.resolve()
