"""The database as files and back, by PostgreSQL's own programs."""

import os
import subprocess
from pathlib import Path
from typing import Final

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from batterytwin.errors import StoreUnavailableError
from storage.embedded_binaries import MAJOR_VERSION, installed_binaries

_SHOWN_CHARACTERS: Final = 800
_NEWEST_SERVER: Final = MAJOR_VERSION * 10_000 + 9_999


def check_server_version(version: int) -> None:
    """Checks that this version's programs can dump a server.

    Args:
        version: as in `server_version_num`, for example 180004.

    Raises:
        StoreUnavailableError: the server is newer than they are.
    """
    if version > _NEWEST_SERVER:
        raise StoreUnavailableError(
            f"The database runs PostgreSQL {version // 10_000}; this version can back up up to {MAJOR_VERSION}. "
            "Update batterytwin, or use the server's own tools.",
            field="DATABASE_URL",
        )


def dump_database(url: str, folder: Path, snapshot: str) -> None:
    """Writes all schemas and rows as they are in a snapshot; all is on the disk when this returns.

    Logical rather than a copy of the server's files: it works with any server that can be connected to, without a
    right of replication, is restored by any later major version, and holds neither indexes nor dead rows.

    Args:
        url: libpq connection string or URL.
        folder: made by this call.
        snapshot: name of a snapshot that another session exported and keeps open.

    Raises:
        StoreUnavailableError: the dump failed; the message holds the program's own words.
    """
    # One job: with several, a table that someone waits to drop ends the dump; and the cores belong to ingest.
    _run(
        "pg_dump",
        url,
        ["--format=directory", f"--file={folder}", f"--snapshot={snapshot}", "--compress=gzip:1", "--no-owner"],
    )


def load_database(url: str, folder: Path, jobs: int = 1) -> None:
    """Fills an empty database from what `dump_database` wrote.

    Args:
        url: libpq connection string or URL.
        folder: the dump.
        jobs: tables filled at once; 1 where an extension has tables that refer to each other.

    Raises:
        StoreUnavailableError: a statement failed; the database is of no use then.
    """
    _run(
        "pg_restore",
        url,
        ["--exit-on-error", "--no-owner", "--no-privileges", f"--jobs={jobs}", str(folder)],
    )


def _run(program: str, url: str, arguments: list[str]) -> None:
    # The password must not stand in a list of processes.
    given = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    password = given.pop("password", None)
    environment = os.environ | ({} if password is None else {"PGPASSWORD": password})
    path = installed_binaries().path(program)
    result = subprocess.run(  # noqa: S603 - programs of the wheel with arguments of our own
        [path, f"--dbname={make_conninfo('', **given)}", *arguments],
        env=environment | {"LC_ALL": "C"},  # variables such as PGSSLMODE hold for this connection as for others
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        words = result.stderr.strip()[-_SHOWN_CHARACTERS:]
        raise StoreUnavailableError(f"{program} failed: {words}")
