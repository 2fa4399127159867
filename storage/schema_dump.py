"""Writes `schema.sql`, the whole schema in one file for people to read: `python -m storage.schema_dump`."""

import re
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from storage.embedded import EmbeddedPostgres
from storage.embedded_binaries import find_binaries
from storage.migrate import migrate

SCHEMA_FILE: Final = Path(__file__).with_name("schema.sql")
_HEADING: Final = "-- The schema that all migrations together make. Written by `python -m storage.schema_dump`."
_NOISE: Final = ("--", "SET ", "SELECT pg_catalog.set_config", "\\restrict", "\\unrestrict")


def dump_schema(url: str) -> str:
    """Schema of a database as SQL that makes it again; equal text means equal catalogues.

    Raises:
        CalledProcessError: the database does not answer.
    """
    result = subprocess.run(  # noqa: S603 - a program of the wheel with arguments of our own
        [
            *(find_binaries(None, Path()).path("pg_dump"), "--dbname", url),
            *("--schema-only", "--no-owner", "--no-privileges"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line for line in result.stdout.splitlines() if line and not line.startswith(_NOISE)]
    spaced = "\n".join(f"\n{line}" if line.startswith(("CREATE", "COMMENT ON TABLE")) else line for line in lines)
    # PostgreSQL numbers these names by order of creation; nothing refers to them.
    spaced = re.sub(r"CONSTRAINT \w+ NOT NULL", "NOT NULL", spaced)
    return f"{_HEADING}\n{spaced}\n"


def _write() -> None:
    with tempfile.TemporaryDirectory(prefix="batterytwin-schema-") as folder:
        Path(folder).chmod(0o755)  # for the server's own user, when this is run by root
        server = EmbeddedPostgres(Path(folder) / "postgresql")
        try:
            url = server.start()
            migrate(url)
            SCHEMA_FILE.write_text(dump_schema(url), encoding="utf-8")
        finally:
            server.stop()


if __name__ == "__main__":
    _write()
