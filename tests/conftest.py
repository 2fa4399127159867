"""Fixtures shared by all tests are plug-ins under `tests/fixtures`."""

import os

import pytest
from hypothesis import settings

pytest_plugins = [
    "tests.fixtures.shared_data",
    "tests.fixtures.reachable",
    "tests.fixtures.postgres",
    "tests.fixtures.server_store",
    "tests.fixtures.server",
]

settings.register_profile("default", deadline=None, derandomize=True)
settings.load_profile("default")


@pytest.fixture(autouse=True, scope="session")
def _no_outside_configuration() -> None:
    """Removes settings of the person who runs the tests, so that every run is the same."""
    for name in [n for n in os.environ if n.startswith(("BATTERYTWIN_", "PG")) or n == "DATABASE_URL"]:
        del os.environ[name]
