"""What the truth says of itself: capacity, charge, resistance and the labels of faults."""

from pathlib import Path

import numpy as np
import pytest

from batterytwin.errors import InvalidArgumentError
from simulator.fault_labels import kinds_of
from simulator.faults import FaultEvent, FaultKind
from simulator.plant import Plant
from tests.simulator.small_fleet import START, START_S, look, one_string, with_outages

DAY_S = 86_400.0


def test_labels_stand_where_and_while_a_fault_is_at_work(tmp_path: Path) -> None:
    faults = (
        FaultEvent(FaultKind.VOLTAGE_OFFSET, "BRK-U1-S01-B07", START_S + 100.0, START_S + 200.0, 0.1),
        FaultEvent(FaultKind.CURRENT_SIGN, "BRK-U1-S01", START_S + 150.0),
        FaultEvent(FaultKind.CLOCK_SKEW, "BRK", START_S + 150.0, START_S + 170.0, 30.0),
    )
    plant = Plant(one_string(tmp_path / "fleet.toml"), 3, START, faults)
    seen = [look(plant, second) for second in (99.0, 100.0, 160.0, 200.0)]
    of_block = [kinds_of(truth.block_faults[6]) for truth in seen]
    assert of_block == [(), (FaultKind.VOLTAGE_OFFSET,), (FaultKind.VOLTAGE_OFFSET,), ()]
    assert not any(np.delete(truth.block_faults, 6).any() for truth in seen)
    of_string = [kinds_of(truth.string_faults[0]) for truth in seen]
    assert of_string == [(), (), (FaultKind.CURRENT_SIGN, FaultKind.CLOCK_SKEW), (FaultKind.CURRENT_SIGN,)]


@pytest.mark.parametrize(
    ("kind", "target"), [(FaultKind.SHORTED_CELL, "BRK-U1-S01"), (FaultKind.HVAC_FAILURE, "BRK-U1-S01-B01")]
)
def test_a_fault_without_its_target_is_refused(tmp_path: Path, kind: FaultKind, target: str) -> None:
    with pytest.raises(InvalidArgumentError):
        Plant(one_string(tmp_path / "fleet.toml"), 3, START, (FaultEvent(kind, target, START_S),))


def test_a_full_block_is_full_and_its_edges_grow_with_time(string_plant: Plant) -> None:
    truth = look(string_plant, 60.0)
    assert truth.soc == pytest.approx(np.ones(24), abs=1e-4)
    assert np.all(truth.r0_ohm < truth.edge_1s_ohm)
    assert np.all(truth.edge_1s_ohm < truth.edge_60s_ohm)
    assert truth.gassing_a == pytest.approx(np.full(24, truth.current_a[0]), rel=0.05)
    assert truth.core_c == pytest.approx(truth.post_c, abs=0.6)


def test_charge_that_leaves_is_missing_from_soc(tmp_path: Path) -> None:
    plant = with_outages(Plant(one_string(tmp_path / "fleet.toml"), 3, START), (0.0, 1_800.0))
    taken_ah = -sum(look(plant, float(second)).current_a[0] * 5.0 for second in range(5, 1_801, 5)) / 3_600.0
    truth = look(plant, 1_800.0)
    assert (1.0 - truth.soc) * truth.capacity_ah == pytest.approx(np.full(24, taken_ah), rel=0.01)
