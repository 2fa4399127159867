"""What is installed is what the tree holds, and nothing that ties it to one machine."""

import re
import subprocess
import tomllib
from importlib import metadata, resources
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"batterytwin", "twin_server", "actors", "ml", "storage", "simulator", "clients", "streamlit_app"}


def test_our_top_level_names_are_ours_alone() -> None:
    owners = metadata.packages_distributions()
    # An editable install may list its names only through its finder; whoever is listed has to be us.
    assert {owner for name in PACKAGES for owner in owners.get(name, ())} <= {"batterytwin"}


def test_version_is_that_of_the_project_file() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert metadata.version("batterytwin") == project["version"]


def test_data_files_come_with_the_package() -> None:
    data = resources.files("batterytwin") / "data"
    assert {"fleet.toml", "hx12-120.toml"} <= {entry.name for entry in data.iterdir()}


def test_lock_pins_every_dependency_by_hash_and_names_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    pinned = {
        match.group(1).lower().replace("_", "-")
        for match in re.finditer(r"^([A-Za-z0-9_.-]+)(?:\[.*\])?==", lock, re.M)
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    names = {re.split(r"[\[>=<~! ]", want)[0].lower().replace("_", "-") for want in wanted}
    assert names <= pinned
    assert lock.count("--hash=sha256:") >= len(pinned)


@pytest.fixture(scope="module")
def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("this tree is not a git checkout")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


def test_no_tracked_file_is_large(tracked_files: list[Path]) -> None:
    assert [path.name for path in tracked_files if path.exists() and path.stat().st_size > 1_000_000] == []


def test_source_files_stay_readable(tracked_files: list[Path]) -> None:
    sources = [path for path in tracked_files if path.suffix == ".py" and "_pb2" not in path.name and path.exists()]
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in sources
    }
    assert {name: n for name, n in lengths.items() if n > 400} == {}
    assert sorted(lengths.values())[len(lengths) // 2] < 150
