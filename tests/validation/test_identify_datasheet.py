"""Identification finds a data sheet that is known, says what it could not see, and never sees the judged block."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from batterytwin.datasheet import BatteryDatasheet
from tests.validation.identify_datasheet import Identified, aged, identify
from tests.validation.measured_9ah_health import block_of, fold
from tests.validation.measured_blocks import AGM_9AH_BLOCKS, columns, full_discharges_of_9_ah
from tests.validation.open_loop import Floats, Record, expected_voltages

_PRIOR = BatteryDatasheet(model="PRIOR", rated_capacity_ah=120.0, cells=6)
_TRUE = aged(
    _PRIOR.model_copy(update={"r0_ohm": 0.006, "ocv_v": tuple(v - 0.1 for v in _PRIOR.ocv_v)}),
    _PRIOR.rated_capacity_ah,
)
_NOISE_V = 0.003


def _discharge(sheet: BatteryDatasheet, rate_c: float, block: str, seed: int) -> Record:
    """What a battery of this sheet would show, from full until 97 % of its capacity is out."""
    time_s = np.linspace(60.0, 0.97 * 3600.0 / rate_c, 80)
    current_a = np.full(time_s.size, -rate_c * sheet.rated_capacity_ah)
    record = Record(block, time_s, np.full(time_s.size, 12.0), current_a, np.full(time_s.size, 25.0))
    noise_v = _NOISE_V * np.random.default_rng(seed).standard_normal(time_s.size)
    return Record(block, time_s, expected_voltages([sheet], [record])[0] + noise_v, current_a, record.temperature_c)


@pytest.fixture(scope="module")
def found() -> Identified:
    return identify([_discharge(_TRUE, rate, "one", k) for k, rate in enumerate((0.05, 0.1, 0.2))], _PRIOR)


@pytest.mark.parametrize("rate_c", [0.07, 0.1, 0.15])
def test_a_known_battery_is_expected_right_at_rates_that_were_not_shown(found: Identified, rate_c: float) -> None:
    shown = _discharge(_TRUE, rate_c, "one", 9)
    told = expected_voltages([found.sheet, _PRIOR], [shown, shown])
    own, prior = (float(np.abs(v - shown.voltage_v).mean()) for v in told)
    assert own < 0.010
    assert own < 0.2 * prior


def test_it_is_sure_of_the_voltage_and_not_of_what_constant_current_does_not_show(found: Identified) -> None:
    assert found.fit_mae_v < 0.008
    assert found.sigma["ocv_step_6"] < 0.3
    assert found.sigma["tau1_s"] > 0.5
    assert all(0.0 < sigma < 1.1 for sigma in found.sigma.values())


def test_resistance_that_grows_as_capacity_falls_is_found() -> None:
    growing = _TRUE.model_copy(update={"resistance_gain_at_end_of_life": 1.2})
    shares = (1.0, 0.92, 0.84)
    records = [
        _discharge(aged(growing, share * growing.rated_capacity_ah), rate, f"{share}", k)
        for k, (share, rate) in enumerate((share, rate) for share in shares for rate in (0.05, 0.2))
    ]
    sheet = identify(records, _PRIOR).sheet
    assert sheet.resistance_gain_at_end_of_life > 0.7


def test_a_copy_of_a_state_tells_what_was_expected_and_voltages_are_not_looked_at() -> None:
    shown = _discharge(_TRUE, 0.1, "one", 3)
    other = Record("one", shown.time_s, shown.voltage_v - 1.0, shown.current_a, shown.temperature_c)
    mine, same = expected_voltages([_TRUE, _TRUE], [shown, other])
    np.testing.assert_array_equal(mine, same)


@pytest.mark.shared_data
def test_nothing_of_the_judged_block_is_opened_to_identify_the_others(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def open_and_note(path: Path, names: Sequence[str]) -> list[Floats]:
        opened.append(path.stem)
        return columns(path, names)

    used: list[Record] = []

    def note(records: Sequence[Record], prior: BatteryDatasheet) -> Identified:
        used.extend(records)
        return Identified(prior, 1.0, {}, 0.0)

    monkeypatch.setattr("tests.validation.measured_9ah_health.identify", note)
    discharges = {b: full_discharges_of_9_ah(shared_data, b, open_and_note) for b in AGM_9AH_BLOCKS[:3]}
    assert opened == list(AGM_9AH_BLOCKS[:3])
    for block in discharges:
        used.clear()
        left_out = fold(discharges, block)
        held = {tuple(record.voltage_v) for record in left_out.judged}
        assert held
        assert held.isdisjoint(tuple(record.voltage_v) for record in used)
        assert block not in {block_of(record) for record in left_out.others}
