"""The string analysis: one frame of many strings in, faults out. Plain NumPy over all strings at once."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from actors.string_block_faults import block_signs
from actors.string_discharge import follow_discharge
from actors.string_explain import explain_and_time
from actors.string_frame import StringFrame, StringSheets
from actors.string_look import look_at
from actors.string_means import remember, take_in
from actors.string_robust import Floats
from actors.string_sensor_faults import sensor_signs
from actors.string_signs import Sign
from actors.string_slow_faults import site_rises_k, slow_signs, string_voltage_off
from actors.string_state import initial_states, resized
from batterytwin.telemetry import Rows


@dataclass(frozen=True, slots=True)
class Findings:
    """What a frame has changed; one entry each, all of shape `(n_changes,)`.

    Attributes:
        row: row of the frame.
        condition: number of the fault (`FaultClass`), or one of the string's voltage (`string_state`).
        place: index of the block; the number of places = the whole string.
        raised: it stands now; else it has fallen.
    """

    row: NDArray[np.intp]
    condition: NDArray[np.intp]
    place: NDArray[np.intp]
    raised: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.row)


def analyse(state: Rows, frame: StringFrame, sheets: StringSheets, site_rise_k: Floats) -> tuple[Rows, Findings]:
    """Takes one frame of each string in. Pure: the same state and frame always give the same answer.

    Args:
        state: what is remembered, from `initial_states`, shape `(n_strings,)`; not changed.
        frame: one later frame of each.
        sheets: their data sheets.
        site_rise_k: how much warmer the strings of each one's site are than over the last day, K, `(n_strings, 1)`.

    Returns:
        The new state, and what has been raised and has fallen.
    """
    after = state.copy()
    return after, _take_in(after, frame, sheets, site_rise_k)[0]


def _take_in(
    state: Rows, frame: StringFrame, sheets: StringSheets, site_rise_k: Floats
) -> tuple[Findings, NDArray[np.float64]]:
    """The same, in place; and how far the voltage of each string is off its set point, fraction, `(n_strings,)`."""
    before = state["active"].copy()
    with np.errstate(invalid="ignore"):
        look = look_at(frame, sheets, state)
        changes = take_in(look)
        follow_discharge(look)
        signs: dict[int, Sign] = {}
        signs.update(sensor_signs(look, changes).items())
        signs.update(block_signs(look).items())
        signs.update(slow_signs(look, changes, site_rise_k))
        explain_and_time(look, signs)
        remember(look)
    row, condition, place = np.nonzero(before != state["active"])
    return Findings(row, condition, place, state["active"][row, condition, place]), string_voltage_off(look)[:, 0]


class StringFleet:
    """The strings of a fleet and what is remembered of them.

    Attributes:
        sheets: data sheets of all strings.
        site_of: number of each string's site, shape `(n_strings,)`.
        states: what is remembered, shape `(n_strings,)`.
        voltage_off: voltage over each string against its compensated set point in the newest frame that had it,
            fraction, shape `(n_strings,)`; NaN = none had.
    """

    def __init__(self, sheets: StringSheets, site_of: NDArray[np.int32]) -> None:
        self.sheets = sheets
        self.site_of = site_of
        self.states = initial_states(len(site_of), sheets.present.shape[1])
        self.voltage_off = np.full(len(site_of), np.nan)

    def extended(self, sheets: StringSheets, site_of: NDArray[np.int32]) -> Self:
        """The same strings with others behind them."""
        larger = type(self)(sheets, site_of)
        larger.states[: len(self.states)] = resized(self.states, sheets.present.shape[1])
        larger.voltage_off[: len(self.states)] = self.voltage_off
        return larger

    def take(self, strings: NDArray[np.intp], frame: StringFrame) -> Findings:
        """Analyses one frame of each of some strings (each at most once), and keeps what is to be remembered."""
        rise_k = self.states["warmth_fast"] - self.states["warmth_day"]
        rises = site_rises_k(rise_k, self.site_of, self.site_of[strings])
        taken = self.states[strings]
        findings, off = _take_in(taken, frame, self.sheets.take(strings), rises)
        self.states[strings] = taken
        self.voltage_off[strings] = np.where(np.isnan(off), self.voltage_off[strings], off)
        return findings
