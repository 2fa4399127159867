"""Models as folders in the data directory, taken from the database when they are first needed."""

import asyncio
import hashlib
import json
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from actors.remaining_life import LifePopulation
from batterytwin.errors import InvalidArgumentError, StoreUnavailableError, UnknownModelError
from batterytwin.life import LifeCase
from ml.case_library import CaseLibrary
from ml.model_archive import CARD_FILE, CASES_FILE, open_model
from ml.real_cases import CaseSpace

_LONGEST_CHECK_S: Final = 120.0


class ArchiveStore(Protocol):
    """What files need of the store; see `storage.life_model_table`."""

    async def life_model_archive(self, version: str) -> tuple[bytes, bytes] | None:
        """Archive of a model and its SHA-256; None = there is none."""


class ModelFiles:
    """Folders of models, and the cases in them.

    Args:
        store: where archives are.
        folder: where folders are made.
    """

    def __init__(self, store: ArchiveStore, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._spaces: dict[str, CaseSpace | None] = {}

    async def folder_of(self, version: str) -> Path:
        """Folder of a model; made where it is not there.

        Raises:
            UnknownModelError: there is no such model.
            InvalidArgumentError: what is stored of it is damaged.
        """
        found = await self._store.life_model_archive(version)
        if found is None:
            raise unknown_model(version)
        archive, sha256 = found
        if hashlib.sha256(archive).digest() != sha256:
            raise InvalidArgumentError(
                f"What is stored of model {version} is damaged; import it again under another version.", field="version"
            )
        return await asyncio.to_thread(self._unpack, archive, sha256)

    async def check(self, archive: bytes) -> None:
        """Lets a process of its own read a model that is to be registered.

        Raises:
            InvalidArgumentError: it cannot be used here; the message says why.
        """
        files = open_model(archive)
        with tempfile.TemporaryDirectory(prefix="batterytwin-model-") as folder:
            await asyncio.to_thread(_write, Path(folder), files)
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "ml.check_model", folder),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
            try:
                told, _ = await asyncio.wait_for(process.communicate(), _LONGEST_CHECK_S)
                answer = json.loads(told)
            except (TimeoutError, ValueError):
                answer = {"error": "The process that tried to read the model ended without an answer."}
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        if "error" in answer:
            raise InvalidArgumentError(str(answer["error"]), field="archive")

    async def case(self, version: str, number: int) -> LifeCase | None:
        """One case of a model's library; None = it has none such any more."""
        space = await self.case_space(version) if number >= 0 else None
        return None if space is None or number >= len(space.library) else space.library.case(number)

    async def case_space(self, version: str) -> CaseSpace | None:
        """Where a model finds cases alike; None = it has no cases, or they cannot be had now."""
        if version and version not in self._spaces:
            with suppress(StoreUnavailableError):
                self._spaces[version] = await self._read_space(version)
        return self._spaces.get(version)

    async def _read_space(self, version: str) -> CaseSpace | None:
        try:
            return await asyncio.to_thread(_case_space, await self.folder_of(version))
        except (InvalidArgumentError, UnknownModelError, OSError, ValueError, KeyError, TypeError):
            return None

    def _unpack(self, archive: bytes, sha256: bytes) -> Path:
        target, files = self._folder / sha256.hex()[:16], open_model(archive)
        if not _holds(target, files):  # also where a file is torn, as after a power cut
            self._folder.mkdir(parents=True, exist_ok=True)
            staging = Path(tempfile.mkdtemp(dir=self._folder, prefix=".new-"))
            try:
                _write(staging, files)
                if not _holds(target, files):
                    shutil.rmtree(target, ignore_errors=True)
                staging.replace(target)
            except OSError:
                shutil.rmtree(staging, ignore_errors=True)
                if not _holds(target, files):  # else somebody else was quicker
                    raise
        return target


def unknown_model(version: str) -> UnknownModelError:
    """There is no such model."""
    return UnknownModelError(f"There is no model {version[:200]}.", field="version", value=version)


def _holds(folder: Path, files: dict[str, bytes]) -> bool:
    """Whether a folder has these files, whole."""
    try:
        return all((folder / name).read_bytes() == content for name, content in files.items())
    except OSError:
        return False


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _case_space(folder: Path) -> CaseSpace:
    card = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
    library = CaseLibrary.from_bytes((folder / CASES_FILE).read_bytes())
    return CaseSpace(library, LifePopulation(**card["population"]), tuple(card["features"]))
