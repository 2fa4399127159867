"""What the documents name exists, and what exists is documented."""

import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_group

from batterytwin.errors import Reason
from twin_server.cli import app

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (document.parent / link).exists()] == []


def test_every_reason_is_documented() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    assert [reason for reason in Reason if f"`{reason}`" not in text] == []


def test_the_readme_shows_every_command_and_no_other() -> None:
    shown = set(re.findall(r"batterytwin ([a-z]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    group = get_group(app)
    asked: Any = None  # no context is needed to list them
    commands = set(group.list_commands(asked))
    assert all(group.get_command(asked, name) for name in commands)
    assert commands <= shown
    assert shown - commands <= {"keeps"}


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"make ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert [target for target in named if not re.search(rf"^{target}:", makefile, re.M)] == []


def test_architecture_names_only_folders_that_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    folders = re.findall(r"^\| `([a-z_]+)/`", text, re.M)
    assert folders
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []
