"""What is told to the person who started the server harms nobody who tells it."""

import io
import os
import sys

import pytest
from rich.console import Console

from twin_server.progress import StartReport


@pytest.mark.parametrize("device", ["closed pipe", "/dev/full"])
def test_a_report_that_nobody_can_read_any_more_is_no_error(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who keeps the database running tells that it has ended before it starts it again."""
    if device == "closed pipe":
        reading, writing = os.pipe()
        os.close(reading)
    else:
        writing = os.open(device, os.O_WRONLY)
    before = os.dup(sys.__stdout__.fileno()) if sys.__stdout__ is not None else None
    with io.TextIOWrapper(io.FileIO(writing, "w"), write_through=True) as nobody:
        monkeypatch.setattr(sys, "stdout", nobody)
        report = StartReport()
        for _ in range(2):
            report.warn("the database ended; starting it again")
            report.step("stopping")
    assert before is None or os.fstat(before).st_ino == os.fstat(1).st_ino, "only the report falls silent"


def test_words_of_others_are_told_as_they_are() -> None:
    told = io.StringIO()
    StartReport(Console(file=told, width=200)).warn('no entry for host "[local]", see [/var/log]')
    assert 'no entry for host "[local]", see [/var/log]' in told.getvalue()
