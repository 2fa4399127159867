"""What a backup holds: its manifest with a SHA-256 of every file, and the check against it."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, Self

from batterytwin.errors import InvalidArgumentError

FORMAT: Final = 1
"""Number of the layout of backups; a newer one cannot be restored by this version."""

_MANIFEST: Final = "manifest.json"
_DIGEST: Final = "manifest.sha256"
_OWN_FILES: Final = frozenset({_MANIFEST, _DIGEST})


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a backup.

    Attributes:
        bytes: its length.
        sha256: its checksum, hexadecimal.
    """

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class BackupManifest:
    """Contents and origin of a backup.

    Attributes:
        made_at: instant of the backup, ISO 8601: whatever was committed before is in it.
        wal_position: where the database's log ended then, for people.
        product_version: version of the product that made the backup.
        postgres_version: version of the database server.
        migrations: names of the migrations that the database had.
        snapshot_layouts: layouts of the stored states of twins.
        extensions: extensions that the database needs.
        tables: rows of each table at that instant.
        files: every file by its path below the backup, apart from the manifest itself.
        format: layout of the backup.
    """

    made_at: str
    wal_position: str
    product_version: str
    postgres_version: str
    migrations: list[str]
    snapshot_layouts: list[str]
    extensions: list[str]
    tables: dict[str, int]
    files: dict[str, FileEntry] = field(default_factory=dict)
    format: int = FORMAT

    def write(self, folder: Path) -> None:
        """Writes the manifest with its own checksum; both are on the disk when this returns."""
        text = json.dumps(asdict(self), indent=1, sort_keys=True).encode()
        _write_durably(folder / _MANIFEST, text)
        _write_durably(folder / _DIGEST, f"{hashlib.sha256(text).hexdigest()}\n".encode())

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Reads the manifest of a backup.

        Raises:
            InvalidArgumentError: there is none, it is damaged, or it was written by a newer version.
        """
        try:
            text = (folder / _MANIFEST).read_bytes()
            digest = (folder / _DIGEST).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidArgumentError(
                f"{folder} is no complete backup: {error}. Name a folder or file that `batterytwin backup` has made.",
                field="backup",
                value=folder,
            ) from error
        if hashlib.sha256(text).hexdigest() != digest:
            raise _damaged(folder, _MANIFEST, "has another checksum than was written down")
        content = json.loads(text)
        if content["format"] > FORMAT:
            raise InvalidArgumentError(
                f"{folder} has format {content['format']}; this version knows formats up to {FORMAT}. "
                "Restore it with the version that made it.",
                field="backup",
                value=folder,
            )
        files = {name: FileEntry(**entry) for name, entry in content.pop("files").items()}
        return cls(**content, files=files)

    def check(self, folder: Path) -> None:
        """Reads every file and compares it with the manifest.

        Raises:
            InvalidArgumentError: a file is missing, was added or has changed; the message names it.
        """
        found = set(_names(folder))
        for name in sorted(set(self.files) - found):
            raise _damaged(folder, name, "is missing")
        for name in sorted(found - set(self.files)):
            raise _damaged(folder, name, "does not belong to it")
        for name, entry in self.files.items():
            if file_entry(folder / name) != entry:
                raise _damaged(folder, name, "has another checksum than its manifest says")


def entries_below(folder: Path) -> dict[str, FileEntry]:
    """Every file below a folder, with length and checksum."""
    return {name: file_entry(folder / name) for name in _names(folder)}


def file_entry(path: Path) -> FileEntry:
    """Length and checksum of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return FileEntry(file.tell(), digest)


def sync_folder(folder: Path) -> None:
    """Makes names that were made in a folder, or renamed, survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Makes the content of a file survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _names(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in _OWN_FILES:
            yield name


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _damaged(folder: Path, name: str, what: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"Backup {folder} is damaged: {name} {what}. Nothing was restored; use another backup.",
        field="backup",
        value=name,
    )
