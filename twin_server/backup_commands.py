"""`batterytwin backup` and `batterytwin restore`."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from batterytwin.errors import ConflictError, InvalidArgumentError
from twin_server.instance import read_instance
from twin_server.up_command import make_settings

if TYPE_CHECKING:
    from storage.backup_manifest import BackupManifest

DataDir = Annotated[Path | None, typer.Option(help="Data directory. [.batterytwin]")]


def backup(
    target: Annotated[Path, typer.Argument(help="New folder to write; a name that ends in .tar makes one file.")],
    *,
    data_dir: DataDir = None,
    copy: Annotated[
        bool, typer.Option("--copy", help="Copy the archive's files even where they could be linked.")
    ] = False,
) -> None:
    """Back up database, archive and keys, whether the server runs or not.

    Everything that was acknowledged before the backup began is in it. The backup appears under its name when it is
    complete. It holds keys and password hashes: keep it as safe as the server.
    """
    from storage.backup import make_backup  # noqa: PLC0415  # kept out of `batterytwin --help`
    from twin_server.store_access import open_database  # noqa: PLC0415  # likewise

    settings = make_settings(data_dir=data_dir)
    if settings.database_url is None and not settings.data_dir.is_dir():
        raise InvalidArgumentError(
            f"{settings.data_dir} does not exist. Name the data directory of the server with --data-dir.",
            field="data_dir",
            value=settings.data_dir,
        )

    async def run() -> "BackupManifest":
        async with open_database(data_dir, bring_up_to_date=False) as url:
            return await asyncio.to_thread(
                make_backup, url, settings.data_dir, target, archive=settings.archive_dir, copy=copy
            )

    typer.echo(f"{target}: {_told(asyncio.run(run()))}")


def restore(
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="Folder or file that `batterytwin backup` made.")],
    *,
    data_dir: Annotated[Path | None, typer.Option(help="Data directory to make. [.batterytwin]")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Move a directory that is not empty aside; drop tables of DATABASE_URL.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Only read the backup and say whether it is sound.")] = False,
) -> None:
    """Make a data directory of a backup; `batterytwin up` on it goes on from the instant of the backup.

    The whole backup is checked first, and nothing is changed if a single byte of it is wrong. With DATABASE_URL, the
    database goes there.
    """
    from storage.backup_restore import check_backup, restore_backup  # noqa: PLC0415  # kept out of `--help`

    if check:
        typer.echo(f"{source}: sound; {_told(check_backup(source))}")
        return
    settings = make_settings(data_dir=data_dir)
    if (running := read_instance(settings.data_dir)) is not None:
        raise ConflictError(
            f"A server (pid {running.pid}) runs on {settings.data_dir}. Stop it, or restore to another directory.",
            field="data_dir",
            value=settings.data_dir,
        )
    url = settings.database_url.get_secret_value() if settings.database_url else None
    for number in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C: what was begun is taken away, its database with it
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    manifest = restore_backup(source, settings.data_dir, database_url=url, archive=settings.archive_dir, force=force)
    typer.echo(f"{settings.data_dir}: restored; {_told(manifest)}")


def _told(manifest: "BackupManifest") -> str:
    size = sum(entry.bytes for entry in manifest.files.values())
    # Partitions, or the one hypertable.
    rows = sum(count for name, count in manifest.tables.items() if name == "reading" or name.startswith("reading_2"))
    return f"as of {manifest.made_at}, {rows:,} readings in the database, {len(manifest.files):,} files, {size:,} bytes"
