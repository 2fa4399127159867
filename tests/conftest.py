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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: begun last, one of them would run alone while the other processors wait."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True, scope="session")
def _no_outside_configuration() -> None:
    """Removes settings of the person who runs the tests, so that every run is the same."""
    for name in [n for n in os.environ if n.startswith(("BATTERYTWIN_", "PG")) or n == "DATABASE_URL"]:
        del os.environ[name]
