"""The folder of a private Ray: short enough for socket names, and cleaned up after a killed owner.

When its owner is killed, Ray's own processes die with it, except two agents that go on for a minute and the files.
"""

import json
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

_PREFIX: Final = "batterytwin-ray-"
_OWNER: Final = "owner.json"
_MADE_WITHIN_S: Final = 60.0
_LONGEST_PARENT: Final = 24  # Ray appends up to 64 characters, its folder here 24, and a socket's name may have 107


def make_ray_folder() -> Path:
    """Makes a folder that only this user can enter, and ends what is left of a Ray whose owner is gone."""
    parent = Path(tempfile.gettempdir())
    if len(str(parent)) > _LONGEST_PARENT:
        parent = Path("/tmp")  # noqa: S108 # a private folder is made in it by mkdtemp
    for folder in parent.glob(f"{_PREFIX}*"):
        if _is_abandoned(folder):
            _end_processes(folder)
            remove_ray_folder(folder)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    me = psutil.Process()
    (folder / _OWNER).write_text(json.dumps({"pid": me.pid, "started": me.create_time()}), encoding="ascii")
    return folder


def remove_ray_folder(folder: Path) -> None:
    """Removes a folder of Ray with everything in it."""
    shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path) -> bool:
    try:
        if folder.stat().st_uid != os.getuid():
            return False
        owner = json.loads((folder / _OWNER).read_text(encoding="ascii"))
        return bool(abs(psutil.Process(owner["pid"]).create_time() - owner["started"]) > 1.0)
    except psutil.NoSuchProcess:
        return True
    except FileNotFoundError:
        return _has_been_left(folder)
    except (OSError, ValueError, KeyError, psutil.Error):
        return False  # not ours


def _has_been_left(folder: Path) -> bool:
    """Whether a folder that names no owner is not just being made by one."""
    with suppress(FileNotFoundError):
        return time.time() - folder.stat().st_mtime > _MADE_WITHIN_S
    return False


def _end_processes(folder: Path) -> None:
    """Ends the processes that keep files of this folder open, which is how they are known."""
    for process in psutil.process_iter():
        try:
            if any(Path(file.path).is_relative_to(folder) for file in process.open_files()):
                process.kill()
        except psutil.Error:
            continue  # gone already, or of another user
