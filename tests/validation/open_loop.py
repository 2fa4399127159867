"""What the filter's model expects of a battery whose current is known and whose voltage is not shown to it.

Only the public face of the filter is used. A row without a voltage moves a state without correcting it; a copy of that
state, shown the next voltage, tells by its innovation what it had expected.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.filter import FilterParameters, initial_state, run_filter
from actors.fleet import TwinSpec
from batterytwin.datasheet import BatteryDatasheet
from batterytwin.telemetry import LIVE_ESTIMATE_COLUMNS, StringMode, pack_status, regime_of

START_US: Final = 1_700_000_000_000_000
_INSTALLED: Final = datetime.fromtimestamp(START_US * 1e-6, UTC).date()
_FLOAT_S: Final = 24.0 * 3600.0
_FLOAT_STEP_S: Final = 3600.0
_INNOVATION: Final = LIVE_ESTIMATE_COLUMNS.index("innovation_v")
_NAN: Final = np.float32(np.nan)
_SHOWN_V_CELL: Final = 2.0
_COLUMNS: Final = ("time_s", "current_a", "temperature_c")

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Record:
    """Readings of one block, shape `(n_rows,)`; current > 0 charges, NaN = not measured."""

    block: str
    time_s: Floats
    voltage_v: Floats
    current_a: Floats
    temperature_c: Floats

    @property
    def taken_ah(self) -> Floats:
        """Charge taken out until each row, Ah."""
        steps_h = np.diff(self.time_s) / 3600.0
        mean_a = 0.5 * (self.current_a[1:] + self.current_a[:-1])
        return np.concatenate([[0.0], np.cumsum(-mean_a * steps_h)])

    def rows(self, chosen: NDArray[np.bool_] | NDArray[np.intp] | slice) -> "Record":
        """Some of its rows."""
        columns = (self.time_s, self.voltage_v, self.current_a, self.temperature_c)
        return Record(self.block, *(column[chosen] for column in columns))


def twin_spec(sheet: BatteryDatasheet) -> TwinSpec:
    """A new battery of this data sheet."""
    return TwinSpec(1, "B", "S", sheet, _INSTALLED, 60.0)


def full_state(parameters: FilterParameters, sheets: Sequence[BatteryDatasheet]) -> NDArray[np.float64]:
    """Twins that have floated for a day and end at `START_US`: full, and known to be."""
    state = initial_state(parameters)
    n = len(sheets)
    for ago_s in np.arange(_FLOAT_S, -1.0, -_FLOAT_STEP_S):
        show(
            state,
            parameters,
            np.arange(n),
            np.full(n, -ago_s),
            np.array([sheet.float_v for sheet in sheets]),
            np.zeros(n),
            np.full(n, 25.0),
            mode=StringMode.FLOAT,
        )
    return state


def show(  # noqa: PLR0917  # one argument a column of a reading
    state: NDArray[np.float64],
    parameters: FilterParameters,
    twin: NDArray[np.intp],
    time_s: Floats,
    voltage_v: Floats,
    current_a: Floats,
    temperature_c: Floats,
    *,
    slot: NDArray[np.intp] | None = None,
    mode: int = 0,
) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    """Shows readings to twins; returns estimates and regimes after each. Times count from `START_US`."""
    n = time_s.size
    estimates = np.empty((n, len(LIVE_ESTIMATE_COLUMNS)), np.float32)
    status = np.full(n, pack_status(0, mode), np.int16)
    run_filter(
        state,
        parameters,
        np.asarray(twin if slot is None else slot, np.int32),
        np.asarray(twin, np.int32),
        START_US + np.round(time_s * 1e6).astype(np.int64),
        np.asarray(voltage_v, np.float32),
        np.asarray(current_a, np.float32),
        np.asarray(temperature_c, np.float32),
        np.full(n, _NAN),
        status,
        estimates,
    )
    return estimates, regime_of(status)


def expected_voltages(sheets: Sequence[BatteryDatasheet], records: Sequence[Record]) -> list[Floats]:
    """Voltages that twins of these data sheets that are full expect, V, one array a record.

    Args:
        sheets: one a record.
        records: times count from the moment the twin was last seen, and are > 0. Their voltages are not used.
    """
    parameters = FilterParameters.from_specs([twin_spec(sheet) for sheet in sheets])
    return run_unseen(full_state(parameters, sheets), parameters, records)


def run_unseen(state: NDArray[np.float64], parameters: FilterParameters, records: Sequence[Record]) -> list[Floats]:
    """Moves twins by the currents of records and returns the voltages they expect, V; the states change."""
    longest = max(record.time_s.size for record in records)
    before = np.empty((longest, *state.shape))
    for k in range(longest):
        before[k] = state
        on = np.array([i for i, record in enumerate(records) if k < record.time_s.size])
        time_s, current_a, temperature_c = (np.array([getattr(records[i], name)[k] for i in on]) for name in _COLUMNS)
        show(state, parameters, on, time_s, np.full(on.size, np.nan), current_a, temperature_c)
    return [_expected(before[: r.time_s.size, i].copy(), parameters, i, r) for i, r in enumerate(records)]


def _expected(before: NDArray[np.float64], parameters: FilterParameters, twin: int, record: Record) -> Floats:
    """Each state of one twin is shown the row that follows it, with a voltage, and asked how far off that was."""
    n = record.time_s.size
    shown_v = np.full(n, _SHOWN_V_CELL * parameters.of_twins["cells"][twin])
    estimates, _ = show(
        before,
        parameters,
        np.full(n, twin),
        record.time_s,
        shown_v,
        record.current_a,
        record.temperature_c,
        slot=np.arange(n),
    )
    return shown_v - estimates[:, _INNOVATION].astype(np.float64)
