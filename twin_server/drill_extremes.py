"""Lowest and highest of what a drill has shown, for its report."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batterytwin.branch import StringVisits
from batterytwin.telemetry import Rows

Values = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is looked for: the lowest of signed values.

    Attributes:
        words: names it, for people.
        sign: 1 = the lowest, -1 = the highest.
        form: how a value is written.
    """

    words: str
    sign: float
    form: str


_LOWEST_V = _Kind("Lowest block voltage", 1.0, "{:.3f} V")
_HIGHEST_V = _Kind("Highest block voltage", -1.0, "{:.3f} V")
_HOTTEST = _Kind("Hottest post", -1.0, "{:.1f} °C")
_LOWEST_STRING_V = _Kind("Lowest string voltage", 1.0, "{:.1f} V")
_DISCHARGE = _Kind("Largest discharge current", 1.0, "{:.1f} A")
_CHARGE = _Kind("Lowest state of charge", 1.0, "{:.1%}")


@dataclass(frozen=True, slots=True)
class _Found:
    value: float
    name: str
    time_us: int


class Extremes:
    """Remembers extremes.

    Args:
        battery_ids: names of batteries, `(n_batteries,)`.
        string_ids: names of strings, `(n_strings,)`.
    """

    def __init__(self, battery_ids: Sequence[str] | NDArray[Any], string_ids: Sequence[str] | NDArray[Any]) -> None:
        self._battery_ids = battery_ids
        self._string_ids = string_ids
        self._found: dict[_Kind, _Found] = {}

    def take(self, visits: StringVisits) -> None:
        """Looks at what monitors have measured, sensors that fail included: it is what people were shown."""
        rows = visits.rows
        of_blocks = (self._battery_ids, rows["twin"], rows["sample_time_us"])
        self._look(_LOWEST_V, rows["voltage_v"], *of_blocks)
        self._look(_HIGHEST_V, rows["voltage_v"], *of_blocks)
        self._look(_HOTTEST, rows["temperature_c"], *of_blocks)
        of_strings = (self._string_ids, visits.string, visits.time_us)
        self._look(_LOWEST_STRING_V, visits.string_voltage_v, *of_strings)
        discharging = np.where(visits.current_a < 0.0, visits.current_a, np.nan)
        self._look(_DISCHARGE, discharging, *of_strings)

    def take_twins(self, live: Rows, since_us: int) -> None:
        """Looks at what twins estimate: `LIVE_DTYPE`, shape `(n_batteries,)`; only of samples after `since_us`."""
        soc = np.where(live["as_of_us"] > since_us, live["soc"], np.nan)
        self._look(_CHARGE, soc, self._battery_ids, np.arange(len(live)), live["as_of_us"])

    def words(self) -> tuple[str, ...]:
        """One line each, for people."""
        return tuple(
            f"{kind.words}: {kind.form.format(found.value)}, {found.name}, "
            f"{datetime.fromtimestamp(found.time_us * 1e-6, UTC):%Y-%m-%d %H:%M:%S} UTC"
            for kind, found in self._found.items()
        )

    def _look(
        self, kind: _Kind, values: Values, names: Sequence[str] | NDArray[Any], of: NDArray[Any], times_us: NDArray[Any]
    ) -> None:
        signed = np.where(np.isnan(values), np.inf, kind.sign * values)
        if not len(signed):
            return
        place = int(np.argmin(signed))
        known = self._found.get(kind)
        if np.isfinite(signed[place]) and (known is None or signed[place] < kind.sign * known.value):
            self._found[kind] = _Found(float(values[place]), str(names[int(of[place])]), int(times_us[place]))
