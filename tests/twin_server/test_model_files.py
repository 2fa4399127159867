"""Models as folders: whole, whatever has become of a file."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from batterytwin.errors import StoreUnavailableError
from ml.artefact import DEFAULT_MODEL, load_model
from ml.model_archive import pack_model
from twin_server.model_files import ModelFiles


class Store:
    """Has one model; is away while `away` says so."""

    def __init__(self, folder: Path) -> None:
        self.archive = pack_model(folder)
        self.away = False

    async def life_model_archive(self, _version: str) -> tuple[bytes, bytes] | None:
        if self.away:
            raise StoreUnavailableError("The database is away.", retry_after_s=1.0)
        return self.archive, hashlib.sha256(self.archive).digest()


@pytest.mark.parametrize("name", ["median.cbm", "card.json", "cases.npz"])
@pytest.mark.parametrize("left", [None, 0, 100])
async def test_a_folder_with_a_torn_file_is_made_anew(tmp_path: Path, name: str, left: int | None) -> None:
    files = ModelFiles(Store(DEFAULT_MODEL), tmp_path)
    folder = await files.folder_of("m")
    torn = folder / name
    if left is None:
        torn.unlink()
    else:
        torn.write_bytes(torn.read_bytes()[:left])
    found = await asyncio.gather(*(ModelFiles(Store(DEFAULT_MODEL), tmp_path).folder_of("m") for _ in range(4)))
    assert set(found) == {folder}
    assert load_model(folder).card == load_model(DEFAULT_MODEL).card
    assert _names(tmp_path) == [folder.name], "nothing else is left"


async def test_cases_are_told_again_when_the_database_is_back(tmp_path: Path) -> None:
    store = Store(DEFAULT_MODEL)
    files, store.away = ModelFiles(store, tmp_path), True
    assert await files.case("m", 0) is None
    store.away = False
    assert await files.case("m", 0) is not None


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]
