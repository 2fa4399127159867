"""A backup holds what was acknowledged before it, exactly once, and a damaged one is never restored."""

import asyncio
import functools
import hashlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import psycopg
import pytest

from actors.fleet import TwinSpec
from actors.local_fleet import LocalFleet
from batterytwin.errors import ConflictError, InvalidArgumentError, SchemaMismatchError
from storage import backup_restore
from storage.archive_files import ArchiveDamagedError
from storage.backup import make_backup
from storage.backup_manifest import BackupManifest
from storage.backup_restore import check_backup, restore_backup
from storage.embedded import EmbeddedPostgres
from storage.postgres_shard_store import PostgresShardStore
from tests.actors.fleet_bench import NEVER_S
from tests.actors.postgres_bench import registered_specs
from tests.actors.telemetry import START_US, eventful_frames
from tests.fixtures.postgres import database_of

BLOCKS = 48
DAY_FILE = "archive/day=2026-01-01/part-0.parquet"


@dataclass(frozen=True)
class Drill:
    """A backup that was taken while readings came in.

    Attributes:
        folder: place for data directories, open to every user.
        backup: the backup.
        manifest: what it says of itself.
        specs: twins of the fleet.
        acked_before: frames acknowledged before the backup was asked for.
        acked_after: frames acknowledged when it had been made.
        hashes: states of all twins after each frame, by battery key.
    """

    folder: Path
    backup: Path
    manifest: BackupManifest
    specs: list[TwinSpec]
    acked_before: int
    acked_after: int
    hashes: list[dict[int, str]]


def open_fleet(url: str, specs: list[TwinSpec]) -> LocalFleet:
    return LocalFleet([specs], functools.partial(PostgresShardStore, url), NEVER_S)


def seal(url: str, path: str, content: bytes) -> None:
    """Puts a file into the manifest of the archive."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO archive_file (path, kind, first_day, last_day, first_battery_key, last_battery_key, "
            "row_count, byte_count, sha256) VALUES (%s, 1, '2026-01-01', '2026-01-01', 1, 2, 1, 4096, %s)",
            (path, hashlib.sha256(content).digest()),
        )


async def back_up_under_load(url: str, folder: Path) -> Drill:
    data_dir = folder / "data"
    (data_dir / DAY_FILE).parent.mkdir(parents=True)
    content = os.urandom(4096)
    (data_dir / DAY_FILE).write_bytes(content)
    (data_dir / "archive" / "half.parquet.partial").write_bytes(b"not finished")
    (data_dir / "secret").write_text("s" * 64)
    seal(url, DAY_FILE.removeprefix("archive/"), content)
    specs = await registered_specs(url, BLOCKS)
    fleet = open_fleet(url, specs)
    await fleet.start()
    frames = eventful_frames(BLOCKS, 600)
    hashes: list[dict[int, str]] = []
    backup = folder / "backup"
    making: asyncio.Task[BackupManifest] | None = None
    acked_before = 0
    for frame in frames:
        await fleet.apply(0, frame, START_US)
        hashes.append(await fleet.state_hashes())
        if len(hashes) == 30:
            acked_before = len(hashes)
            making = asyncio.create_task(asyncio.to_thread(make_backup, url, data_dir, backup))
        if making is not None and making.done():
            break
    assert making is not None
    manifest = await making
    await fleet.stop()
    return Drill(folder, backup, manifest, specs, acked_before, len(hashes), hashes)


@pytest.fixture(scope="module")
def drill(postgres_url: str) -> Iterator[Drill]:
    folder = Path(tempfile.mkdtemp(prefix="batterytwin-test-"))
    folder.chmod(0o755)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE backed_up TEMPLATE migrated")
    try:
        yield asyncio.run(back_up_under_load(database_of(postgres_url, "backed_up"), folder))
    finally:
        for cluster in folder.glob("*/cluster"):
            EmbeddedPostgres(cluster.parent).stop()
        shutil.rmtree(folder)
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute("DROP DATABASE backed_up WITH (FORCE)")


@pytest.fixture
def copy_of_backup(drill: Drill) -> Iterator[Path]:
    copy = drill.folder / "copy"
    shutil.copytree(drill.backup, copy)
    yield copy
    shutil.rmtree(copy)


async def test_the_drill_restores_every_acknowledged_reading_once_and_the_same_twins(drill: Drill) -> None:
    packed = drill.folder / "packed"
    shutil.copytree(drill.backup, packed)
    restored = drill.folder / "restored"
    restore_backup(packed, restored)
    assert (restored / DAY_FILE).read_bytes() == (drill.backup / DAY_FILE).read_bytes()
    assert (restored / DAY_FILE).stat().st_nlink == 1
    assert stat.S_IMODE((restored / "secret").stat().st_mode) == 0o600
    server = EmbeddedPostgres(restored)
    url = server.start()
    try:
        with psycopg.connect(url) as connection:
            counted = connection.execute(
                "SELECT sample_time, count(*), count(DISTINCT battery_key) FROM reading "
                "GROUP BY sample_time ORDER BY sample_time"
            ).fetchall()
        assert drill.acked_before <= len(counted) <= drill.acked_after
        assert {(rows, batteries) for _, rows, batteries in counted} == {(BLOCKS, BLOCKS)}
        expected = [int(f["sample_time_us"][0]) for f in eventful_frames(BLOCKS, len(counted))]
        assert [int(time.timestamp() * 1e6) for time, _, _ in counted] == expected
        fleet = open_fleet(url, drill.specs)
        await fleet.start()
        assert await fleet.state_hashes() == drill.hashes[len(counted) - 1]
        await fleet.stop()
    finally:
        server.stop()


def test_a_backup_is_private_and_names_what_it_holds(drill: Drill) -> None:
    assert stat.S_IMODE(drill.backup.stat().st_mode) == 0o700
    assert drill.manifest == check_backup(drill.backup)
    assert {"keys/secret", DAY_FILE} <= set(drill.manifest.files)
    assert not any("partial" in name for name in drill.manifest.files)
    assert drill.manifest.tables["battery"] == 96
    assert [path.name for path in drill.folder.iterdir() if path.name.startswith(".backup")] == []


def test_one_file_holds_the_same(drill: Drill, postgres_url: str) -> None:
    packed = drill.folder / "backup.tar"
    manifest = make_backup(database_of(postgres_url, "backed_up"), drill.folder / "data", packed)
    assert check_backup(packed) == manifest
    assert manifest.tables == check_backup(packed).tables
    assert stat.S_IMODE(packed.stat().st_mode) == 0o600
    content = bytearray(packed.read_bytes())
    random_bytes = (drill.folder / "data" / DAY_FILE).read_bytes()[:64]
    for place in (content.index(random_bytes), content.index(b"keys/secret")):  # in a file, and in a name
        content[place] ^= 1
        packed.write_bytes(content)
        with pytest.raises(InvalidArgumentError):
            check_backup(packed)
        content[place] ^= 1
    packed.write_bytes(content[: len(content) // 3])
    with pytest.raises(InvalidArgumentError):
        check_backup(packed)
    packed.unlink()
    assert [path.name for path in drill.folder.iterdir() if path.name.startswith(".backup")] == []


@pytest.mark.parametrize("name", ["database/toc.dat", DAY_FILE, "keys/secret", "manifest.json", "manifest.sha256"])
def test_one_flipped_bit_is_found_before_anything_is_restored(copy_of_backup: Path, name: str) -> None:
    path = copy_of_backup / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()  # the file may be shared with the archive
    path.write_bytes(content)
    target = copy_of_backup.parent / "never"
    with pytest.raises(InvalidArgumentError, match="damaged"):
        restore_backup(copy_of_backup, target)
    assert list(copy_of_backup.parent.glob("*never*")) == []


def test_missing_and_added_files_are_found(copy_of_backup: Path) -> None:
    (copy_of_backup / "keys" / "another").touch()
    with pytest.raises(InvalidArgumentError, match="another"):
        check_backup(copy_of_backup)
    (copy_of_backup / "keys" / "another").unlink()
    (copy_of_backup / DAY_FILE).unlink()
    with pytest.raises(InvalidArgumentError, match="part-0"):
        check_backup(copy_of_backup)


def test_a_backup_without_a_file_that_the_archive_names_is_none(drill: Drill, postgres_url: str) -> None:
    empty = drill.folder / "elsewhere"
    with pytest.raises(InvalidArgumentError, match="manifest names"):
        make_backup(database_of(postgres_url, "backed_up"), drill.folder / "data", drill.folder / "no", archive=empty)
    assert list(drill.folder.glob("*no*")) == []


def test_a_file_of_the_archive_that_is_damaged_is_told_and_all_else_is_backed_up(
    drill: Drill, postgres_url: str
) -> None:
    archive, target = drill.folder / "rotten", drill.folder / "with-rot"
    shutil.copytree(drill.folder / "data" / "archive", archive)
    (archive / DAY_FILE.removeprefix("archive/")).write_bytes(bytes(4096))
    with pytest.raises(ArchiveDamagedError, match=r"part-0.*Keep older backups"):
        make_backup(database_of(postgres_url, "backed_up"), drill.folder / "data", target, archive=archive)
    assert check_backup(target).tables.keys() == drill.manifest.tables.keys()


def test_a_restore_that_is_told_to_end_or_fails_leaves_nothing(drill: Drill) -> None:
    target, archive = drill.folder / "ended", drill.folder / "ended-archive"
    command = "from twin_server.cli import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", command, "restore", drill.backup, "--data-dir", target],
        env=os.environ | {"BATTERYTWIN_ARCHIVE_DIR": str(archive)},
        cwd=Path(__file__).parents[2],
    ) as restoring:
        while not (staging := list(drill.folder.glob(".ended.restoring-*"))) or not staging[0].exists():
            time.sleep(0.01)
            assert restoring.poll() is None
        server = EmbeddedPostgres(staging[0])
        while not EmbeddedPostgres(staging[0]).is_running():
            time.sleep(0.01)
            assert restoring.poll() is None
        home = EmbeddedPostgres(staging[0]).home
        restoring.send_signal(signal.SIGTERM)
        assert restoring.wait(60) != 0
    assert not server.is_running()
    assert not home.exists()
    assert list(drill.folder.glob("*ended*")) == []


def test_a_restore_without_room_says_so_and_can_be_repeated(drill: Drill, monkeypatch: pytest.MonkeyPatch) -> None:
    target, archive = drill.folder / "full", drill.folder / "full-archive"
    with monkeypatch.context() as patch:
        patch.setattr(backup_restore, "_put_in_place", mock.Mock(side_effect=OSError(28, "No space left on device")))
        with pytest.raises(InvalidArgumentError, match="No space left"):
            restore_backup(drill.backup, target, archive=archive)
    assert list(drill.folder.glob("*full*")) == []
    restore_backup(drill.backup, target, archive=archive)
    assert (archive / DAY_FILE.removeprefix("archive/")).is_file()


def test_nothing_is_overwritten(drill: Drill, postgres_url: str) -> None:
    with pytest.raises(ConflictError, match="exists"):
        make_backup(database_of(postgres_url, "backed_up"), drill.folder / "data", drill.backup)
    with pytest.raises(ConflictError, match="not empty"):
        restore_backup(drill.backup, drill.folder / "data")


async def test_a_database_server_of_ones_own_is_filled_and_the_old_directory_moved_aside(
    drill: Drill, empty_database: str
) -> None:
    target = drill.folder / "other"
    target.mkdir()
    (target / "precious").touch()
    with psycopg.connect(empty_database) as connection:
        connection.execute("CREATE TABLE left_over (n int)")
    with pytest.raises(ConflictError, match="DATABASE_URL"):
        restore_backup(drill.backup, target.with_name("fresh"), database_url=empty_database)
    with (
        psycopg.connect(empty_database, application_name="batterytwin-server"),
        pytest.raises(ConflictError, match="A server uses"),
    ):
        restore_backup(drill.backup, target, database_url=empty_database, force=True)
    restore_backup(drill.backup, target, database_url=empty_database, force=True)
    assert (target / "secret").is_file()
    (aside,) = drill.folder.glob("other.before-*")
    assert (aside / "precious").is_file()
    fleet = open_fleet(empty_database, drill.specs)
    await fleet.start()
    assert await fleet.state_hashes() in drill.hashes
    await fleet.stop()


def test_a_backup_of_a_newer_version_is_refused_before_anything_is_made(copy_of_backup: Path) -> None:
    manifest = BackupManifest.read(copy_of_backup)
    manifest.migrations.append("9999_future.sql")
    manifest.write(copy_of_backup)
    with pytest.raises(SchemaMismatchError, match="9999_future"):
        restore_backup(copy_of_backup, copy_of_backup.parent / "never")
    assert list(copy_of_backup.parent.glob("*never*")) == []
