"""What training is given: fleets that were followed until their blocks failed, whoever followed them.

The simulator makes such fleets; the composition root hands them over, so that nothing here knows a simulator. Real
replacements can be told in the same words.
"""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from batterytwin.datasheet import BatteryDatasheet
from batterytwin.life import Floats, Ints


class MonthOfFleet(Protocol):
    """What monitors and technicians saw in a month. Rows are in time order for each slot."""

    @property
    def slot(self) -> NDArray[np.int32]: ...  # noqa: D102  # the columns are those of a reading

    @property
    def time_us(self) -> Ints: ...  # noqa: D102

    @property
    def voltage_v(self) -> NDArray[np.float32]: ...  # noqa: D102

    @property
    def current_a(self) -> NDArray[np.float32]: ...  # noqa: D102

    @property
    def temperature_c(self) -> NDArray[np.float32]: ...  # noqa: D102

    @property
    def resistance_mohm(self) -> NDArray[np.float32]: ...  # noqa: D102

    @property
    def mode(self) -> NDArray[np.int32]: ...  # noqa: D102

    @property
    def test_slot(self) -> Ints:
        """Slots whose capacity was tested at the end of the month."""

    @property
    def test_soh(self) -> Floats:
        """What the tests showed, fraction of rated."""

    @property
    def test_sigma(self) -> float:
        """Error that is told with them."""

    @property
    def end_us(self) -> int:
        """End of the month."""

    @property
    def renewed(self) -> Ints:
        """Slots that got a new block at the end of the month, after the tests."""


class TruthOfFleet(Protocol):
    """What is true at the end of a month and no twin is told; for labels alone."""

    @property
    def soh(self) -> Floats:
        """True capacity over rated of each slot, before anything was renewed."""

    @property
    def left_s(self) -> Floats:
        """How long a block that is renewed, or was watched to the end of the study, would still last, s.

        NaN = not known.
        """


class FleetSource(Protocol):
    """One fleet to learn from or to be judged by."""

    @property
    def name(self) -> str:
        """Of the plant; fleets of one plant are kept together when data are split."""

    @property
    def datasheet(self) -> BatteryDatasheet:
        """What twins are told of the blocks."""

    @property
    def installed_us(self) -> Ints:
        """When the first block of each slot came into service, microseconds UTC, `(n_slots,)`."""

    @property
    def site(self) -> Ints:
        """Site of each slot."""

    @property
    def end_soh(self) -> float:
        """Capacity over rated at which a life ends."""

    def months(self) -> Iterator[tuple[MonthOfFleet, TruthOfFleet]]:
        """Goes through the whole time, month by month."""
