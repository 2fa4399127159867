"""Strings of few blocks are analysed like others: a single one has no neighbours to differ from."""

import numpy as np
import pytest

from actors.string_analysis import StringFleet
from actors.string_frame import StringFrame, StringSheets
from actors.string_rank import discharge_ranks
from actors.string_robust import Floats
from actors.string_state import STRING_VOLTAGE_WARNING
from batterytwin.datasheet import load_datasheet
from batterytwin.telemetry import StringMode

SHEET = load_datasheet("HX12-120")
START_US = 1_780_000_000_000_000
NOISE_V = 0.004


class ShortString:
    """One string; all of its blocks are sound and alike."""

    def __init__(self, n_blocks: int) -> None:
        self.fleet = StringFleet(StringSheets.of([(SHEET, n_blocks)]), np.zeros(1, np.int32))
        self.raised: list[int] = []
        self._n_blocks = n_blocks
        self._now_us = START_US
        self._rng = np.random.default_rng(n_blocks)

    def rest_on_float(self, hours: float) -> None:
        self.frames(np.full(round(6 * hours), SHEET.float_v), 0.02, period_s=600)

    def discharge(self) -> None:
        self.frames(np.linspace(12.6, 12.1, 40), -45.0)

    def frames(self, block_v: Floats, current_a: float, period_s: int = 60) -> None:
        for volts in block_v.tolist():
            self._now_us += period_s * 1_000_000
            voltage_v = volts + NOISE_V * self._rng.standard_normal((1, self._n_blocks))
            frame = StringFrame(
                time_us=np.array([self._now_us]),
                voltage_v=voltage_v,
                temperature_c=25.0 + 0.1 * self._rng.standard_normal(voltage_v.shape),
                resistance_mohm=np.full(voltage_v.shape, np.nan),
                current_a=np.array([current_a + 0.003 * self._rng.standard_normal()]),
                string_voltage_v=voltage_v.sum(axis=1),
                mode=np.array([StringMode.DISCHARGE if current_a < 0.0 else StringMode.FLOAT], np.int16),
            )
            found = self.fleet.take(np.zeros(1, np.intp), frame)
            self.raised += found.condition[found.raised].tolist()


@pytest.mark.parametrize("n_blocks", [1, 2, 3])
def test_a_sound_string_has_no_fault_on_float_and_in_a_discharge(n_blocks: int) -> None:
    string = ShortString(n_blocks)
    string.rest_on_float(30.0)
    string.discharge()
    string.rest_on_float(30.0)
    assert not string.raised


def test_the_voltage_of_a_single_block_is_judged() -> None:
    string = ShortString(1)
    string.frames(np.full(15, 1.015 * SHEET.float_v), 0.02)
    assert string.raised == [STRING_VOLTAGE_WARNING]


def test_a_single_block_has_no_rank() -> None:
    string = ShortString(1)
    string.rest_on_float(30.0)
    string.discharge()
    told, _ = discharge_ranks(string.fleet.states, SHEET, np.array([0.9]), np.array([0.05]))
    assert np.isnan(told).all()  # what its twin believes is no evidence for it
