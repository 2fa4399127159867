"""Folders of Rays that are gone do not pile up, and those of others are left alone."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.ray_folder import make_ray_folder, remove_ray_folder


@pytest.fixture
def left() -> Iterator[Path]:
    """A folder without an owner, as a process of Ray makes it that writes a last line after all was removed."""
    folder = Path(tempfile.mkdtemp(prefix="batterytwin-ray-", dir="/tmp"))
    (folder / "session").mkdir()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_a_folder_without_an_owner_is_removed_once_it_is_old(left: Path) -> None:
    remove_ray_folder(make_ray_folder())
    assert left.exists()  # somebody may just be making it
    two_minutes_ago = time.time() - 120.0
    os.utime(left, (two_minutes_ago, two_minutes_ago))
    remove_ray_folder(make_ray_folder())
    assert not left.exists()


def test_a_folder_whose_owner_lives_is_left_alone() -> None:
    ours = make_ray_folder()
    try:
        remove_ray_folder(make_ray_folder())
        assert ours.exists()
    finally:
        remove_ray_folder(ours)
