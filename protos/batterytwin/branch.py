"""What a branch takes from a twin and what its plant gives back: plain words that twins and plants share."""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from batterytwin.telemetry import Rows

TWIN_COPY_DTYPE: Final = np.dtype(
    [
        (name, "<f8")
        for name in (
            "as_of_us",  # newest applied reading; 0 = none yet
            "installed_us",  # when the block came into service
            "on_float",  # 1 = the twin is on float
            "soc",
            "soc_sigma",
            "soh_capacity",
            "soh_capacity_sigma",
            "r0_ohm",  # at 25 degC, full
            "r0_sigma_ohm",
            "instrument_mohm",  # the instrument's slow mean at 25 degC; NaN = never measured
            "float_v",  # float voltage of the settled block at its temperature
            "float_sigma_v",
            "temperature_c",  # NaN = never measured
            "life_fraction",
            "v1_v",
            "v2_v",
            "charge_gap",
        )
    ]
)
"""What a plant is fitted to, one row a twin."""


@dataclass(frozen=True, slots=True)
class StringVisits:
    """Looks of a branch's monitors at its strings, in order of time; all blocks of a string are seen at once.

    Attributes:
        string: number of the string in the branch, `(n_visits,)`.
        time_us: sample time, microseconds since 1970 UTC, `(n_visits,)`.
        first_row: first row of `rows` of each visit, and one past the last of all, `(n_visits + 1,)`.
        rows: readings on the canonical grid, `READING_DTYPE`; `twin` counts the batteries of the branch.
        string_voltage_v: measured over the whole string, V, `(n_visits,)`.
        current_a: of the string, A, > 0 charges, `(n_visits,)`.
        mode: `StringMode` as reported, `(n_visits,)`.
    """

    string: NDArray[np.int64]
    time_us: NDArray[np.int64]
    first_row: NDArray[np.int64]
    rows: Rows
    string_voltage_v: NDArray[np.float64]
    current_a: NDArray[np.float64]
    mode: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.time_us)


class BranchPlant(Protocol):
    """The plant of a branch with its monitors."""

    def visits(self, after_us: int, until_us: int) -> StringVisits:
        """Moves the plant on and reads it as gateways do: at their period, every second under load.

        Args:
            after_us: begin, itself left out, microseconds since 1970 UTC; where the last call ended.
            until_us: end, itself included.
        """
