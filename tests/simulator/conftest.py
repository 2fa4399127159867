from datetime import UTC, datetime
from pathlib import Path

import pytest

from batterytwin.inventory import load_fleet
from simulator.options import DEFAULT_SEED
from simulator.plant import Plant
from simulator.sensors import measure
from tests.simulator.small_fleet import START, look, one_string, with_outages


@pytest.fixture(scope="session", autouse=True)
def kernels(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Compiles what simulations need, so that no test waits for it inside a time limit."""
    inventory = one_string(tmp_path_factory.mktemp("kernels") / "fleet.toml", blocks=2)
    measure(look(Plant(inventory, seed=1, start=START), 60.0), seed=1)


@pytest.fixture
def string_plant(tmp_path: Path) -> Plant:
    """One string of 24 blocks, on float, whose mains never fail."""
    return with_outages(Plant(one_string(tmp_path / "fleet.toml"), seed=3, start=START))


@pytest.fixture(scope="module")
def product_plant() -> Plant:
    """The fleet that comes with the product, with the default seed."""
    return Plant(load_fleet(), seed=DEFAULT_SEED, start=datetime(2026, 12, 1, tzinfo=UTC))
