"""The operating-system user of the embedded PostgreSQL, which refuses to run as root."""

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_NAME: Final = "batterytwin"
_FALLBACK: Final = "nobody"


@dataclass(frozen=True, slots=True)
class ServerUser:
    """Who runs the server when this process is root."""

    uid: int
    gid: int

    def can_enter(self, folder: Path) -> bool:
        """Whether the user may pass through a folder and all its parents."""
        resolved = folder.resolve()
        return all(self._may_search(part) for part in (resolved, *resolved.parents))

    def _may_search(self, folder: Path) -> bool:
        status = folder.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)


def find_server_user(cluster: Path) -> ServerUser | None:
    """User for the server: None (this one) unless this process is root.

    A cluster that exists keeps its owner. Otherwise a system user is made for the product; where that cannot be done,
    `nobody` serves.
    """
    if os.geteuid() != 0:
        return None
    if cluster.exists() and (status := cluster.stat()).st_uid != 0:
        return ServerUser(status.st_uid, status.st_gid)
    entry = _lookup(_NAME) or _create() or _lookup(_FALLBACK)
    return ServerUser(entry.pw_uid, entry.pw_gid) if entry else ServerUser(65534, 65534)


def process_options(user: ServerUser | None) -> dict[str, Any]:
    """Options of `subprocess.run` that make a child run as the user, deaf to the caller's PostgreSQL variables."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": "C"}
    options: dict[str, Any] = {"env": environment, "stdin": subprocess.DEVNULL, "umask": 0o077}
    if user:
        options |= {"user": user.uid, "group": user.gid, "extra_groups": []}
    return options


def make_private_folder(folder: Path, user: ServerUser | None) -> None:
    """Makes a folder that only the user may enter; its parents keep their modes."""
    folder.mkdir(exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    if user:
        os.chown(folder, user.uid, user.gid)


def _lookup(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _create() -> pwd.struct_passwd | None:
    for command in (
        ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/bin/false", _NAME],
        ["adduser", "-S", "-D", "-H", "-s", "/bin/false", _NAME],
    ):
        if program := shutil.which(command[0]):
            # Another server may be making the same user; whoever is late finds it made.
            subprocess.run([program, *command[1:]], capture_output=True, check=False)  # noqa: S603 - fixed arguments
            if entry := _lookup(_NAME):
                return entry
    return None
