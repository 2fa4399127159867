from datetime import UTC, datetime
from pathlib import Path

import pytest

from batterytwin.inventory import load_fleet
from simulator.options import DEFAULT_SEED
from simulator.plant import Plant
from tests.simulator.small_fleet import START, one_string, with_outages


@pytest.fixture
def string_plant(tmp_path: Path) -> Plant:
    """One string of 24 blocks, on float, whose mains never fail."""
    return with_outages(Plant(one_string(tmp_path / "fleet.toml"), seed=3, start=START))


@pytest.fixture(scope="module")
def product_plant() -> Plant:
    """The fleet that comes with the product, with the default seed."""
    return Plant(load_fleet(), seed=DEFAULT_SEED, start=datetime(2026, 12, 1, tzinfo=UTC))
