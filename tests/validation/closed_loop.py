"""A twin that is shown everything, and what it says as it goes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actors.filter import FilterParameters, initial_state
from actors.filter_layout import STATE_DTYPE, state_records
from batterytwin.datasheet import BatteryDatasheet
from batterytwin.telemetry import LIVE_ESTIMATE_COLUMNS
from tests.validation.open_loop import Floats, Record, full_state, run_unseen, show, twin_spec


@dataclass(frozen=True, slots=True)
class Told:
    """Estimates after each row, and the regimes, shape `(n_rows,)`; the state afterwards."""

    estimates: NDArray[np.float32]
    regime: NDArray[np.int16]
    state: NDArray[np.float64]

    def __getitem__(self, name: str) -> Floats:
        return self.estimates[:, LIVE_ESTIMATE_COLUMNS.index(name)].astype(np.float64)


class Twin:
    """One twin of a data sheet."""

    def __init__(self, sheet: BatteryDatasheet, *, full: bool) -> None:
        """Args: sheet: of the battery. full: it has floated for a day; else it has seen nothing."""
        self.sheet = sheet
        self.parameters = FilterParameters.from_specs([twin_spec(sheet)])
        self.state = full_state(self.parameters, [sheet]) if full else initial_state(self.parameters)

    def believe(self, soc: float, sigma: float) -> None:
        """Makes it believe in a state of charge, right or wrong."""
        x = state_records(self.state)
        for name in STATE_DTYPE.names or ():
            if name.startswith("p0"):
                x[name] = 0.0
        x["soc"], x["p00"] = soc, sigma**2

    def believe_capacity(self, sigma: float) -> None:
        """Makes it believe that its capacity is that of the data sheet, to this accuracy."""
        x = state_records(self.state)
        for name in ("p04", "p14", "p24", "p34"):
            x[name] = 0.0
        x["soh_capacity"], x["p44"] = 1.0, sigma**2

    def see(self, record: Record) -> Told:
        """Shows it a record; times count from the moment it was last seen, `START_US` for a new one."""
        n = record.time_s.size
        estimates, regime = show(
            self.state,
            self.parameters,
            np.zeros(n, np.intp),
            record.time_s,
            record.voltage_v,
            record.current_a,
            record.temperature_c,
        )
        return Told(estimates, regime, self.state)

    def expect(self, record: Record) -> Floats:
        """Voltages it expects at these currents, V, none of which it is shown."""
        return run_unseen(self.state, self.parameters, [record])[0]
