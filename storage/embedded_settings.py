"""Configuration files of the embedded PostgreSQL. They belong to the product and are written anew at every start."""

from pathlib import Path
from typing import Final

_SETTINGS: Final = {
    # Reached through a socket file only, which the server's own user alone may open.
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": 200,  # one a shard: 81 when every string has an actor of its own
    # What is acknowledged must survive a power cut.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # Bulk loading: checkpoints by time rather than by volume, segments reused instead of made anew.
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": 0.9,
    "wal_buffers": "16MB",
    # What sessions write goes to the disk bit by bit: left to the kernel, it goes all at once after half a minute, and
    # commits wait for that.
    "backend_flush_after": "1MB",
    # Short statements: compiling them costs more than it saves, and helper processes cost memory.
    "jit": "off",
    "io_method": "sync",
    "max_parallel_workers": 2,
    "max_parallel_maintenance_workers": 0,
    "maintenance_work_mem": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A week of logs, each day's file overwritten a week later.
    "logging_collector": "on",
    "log_directory": "../log",
    "log_filename": "postgresql-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": 0,
    "log_line_prefix": "%m [%p] %a ",
    "log_checkpoints": "off",
}

_ACCESS: Final = "local all all trust\n"


def write_settings(cluster: Path, socket_dir: Path) -> None:
    """Writes `postgresql.conf` and `pg_hba.conf` of a stopped cluster.

    Whoever can open the socket is trusted: its folder and file let in the server's own user (and root) only.
    """
    settings = {**_SETTINGS, "unix_socket_directories": f'"{socket_dir}"'}
    lines = [f"{name} = {_quote(value)}" for name, value in settings.items()]
    (cluster / "postgresql.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (cluster / "pg_hba.conf").write_text(_ACCESS, encoding="utf-8")


def _quote(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
