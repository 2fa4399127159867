"""A log to read in tests of the server."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from twin_server.logging_setup import configure_logging

ReadLog = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def read_log(tmp_path: Path) -> Iterator[ReadLog]:
    """Function that reads the lines logged so far; logging is as it was after the test."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers[:] = []
    path = tmp_path / "logs" / "server.log"
    configure_logging(path)
    yield lambda: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()
