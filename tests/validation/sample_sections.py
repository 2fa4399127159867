"""Sections that behave as the tests of the harness need."""

import os
import time
from collections.abc import Mapping

from tests.validation.section import Context


def two_figures(context: Context) -> Mapping[str, float]:
    context.say("half way")
    return {"sample.kept": 1.0, "sample.missed": 3.0, "sample.other": 4.0}


def raises(_context: Context) -> Mapping[str, float]:
    raise ValueError("no such battery")


def dies(_context: Context) -> Mapping[str, float]:
    os._exit(7)


def hangs(_context: Context) -> Mapping[str, float]:
    time.sleep(60.0)
    return {}
