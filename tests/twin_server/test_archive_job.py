"""What the job of the archive tells of a round that could not do all."""

from pathlib import Path

import psycopg
import pytest

from batterytwin.errors import StoreUnavailableError
from storage.archive_files import FileSummary
from storage.archive_manifest import FileKind, current_files, exchange_files
from storage.archive_settings import ArchiveSettings
from twin_server.archive_job import run_archive_keeper

MONDAY = 19_940  # 2024-08-05


async def test_what_fails_is_told_of_and_what_is_old_is_forgotten_all_the_same(
    database_url: str, tmp_path: Path
) -> None:
    lost, old = (FileSummary(f"{day}.parquet", day, day, 1, 3, 9, 9, bytes(32)) for day in (MONDAY, MONDAY - 4_000))
    with psycopg.connect(database_url, autocommit=True) as connection:
        with connection.transaction():
            exchange_files(connection, FileKind.READINGS, [lost, old])
        connection.execute(
            "UPDATE archive_file SET sealed_at = sealed_at - interval '15 years' WHERE path = %s", (old.path,)
        )
        with pytest.raises(StoreUnavailableError, match=f"making hours: .*joining weeks: File {lost.path}"):
            await run_archive_keeper(database_url, tmp_path, ArchiveSettings())
        assert [file.path for file in current_files(connection, FileKind.READINGS)] == [lost.path]
