"""A backup as one file: an uncompressed tar, since what is in it is compressed already."""

import os
import tarfile
from pathlib import Path
from typing import Final

from batterytwin.errors import InvalidArgumentError
from storage.backup_manifest import sync_folder

_SUFFIX: Final = ".tar"


def is_file_name(path: Path) -> bool:
    """Whether a backup of this name is one file rather than a folder."""
    return path.suffix == _SUFFIX


def pack(folder: Path, target: Path) -> None:
    """Makes one file of a folder; it appears under its name when it is complete and on the disk.

    Raises:
        OSError: there is no room, or the place cannot be written.
    """
    partial = folder.with_name(f"{folder.name}{_SUFFIX}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w") as tar:
                for path in sorted(folder.rglob("*")):
                    tar.add(path, path.relative_to(folder).as_posix(), recursive=False)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)
    sync_folder(target.parent)


def unpack(file: Path, folder: Path) -> None:
    """Puts the content of a packed backup into a folder.

    Raises:
        InvalidArgumentError: the file is no packed backup, or not a whole one.
    """
    try:
        with tarfile.open(file, "r:") as tar:
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InvalidArgumentError(
            f"{file} cannot be unpacked: {error}. Nothing was restored; use another backup.", field="backup", value=file
        ) from error
