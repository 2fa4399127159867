"""Accumulators of life as earlier versions stored them: 720 hours instead of 30 days."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actors.life_layout import DAY_HOURS, LIFE_DTYPE, MINUTE_US, RING_DAYS, UNKNOWN
from batterytwin.telemetry import Rows

_RING_HOURS: Final = 720
_KEPT: Final = tuple(
    name for name in LIFE_DTYPE.names or () if not name.startswith(("day_", "ring_")) and name != "unused"
)
"""Fields that mean the same in both layouts."""


def _hourly_fields() -> list[Any]:
    """Fields of the layout `life1`, in their order."""
    of_now: Any = LIFE_DTYPE.fields
    fields: list[Any] = []
    for name in _KEPT:
        if name == "month_year":
            fields.append(("ring_mean_cc", "<i2", (_RING_HOURS,)))
        fields.append((name, of_now[name][0]))
        if name == "hour_covered_us":
            fields.append(("hour_above_us", "<i8"))
        if name == "begun_late":
            fields.append(("unused", "u1", (3,)))
    return [*fields, ("ring_covered_min", "u1", (_RING_HOURS,)), ("ring_above_min", "u1", (_RING_HOURS,))]


HOURLY_LAYOUT: Final = "life1"
HOURLY_DTYPE: Final = np.dtype(_hourly_fields())
"""Accumulators with the last 720 hours one by one, each at its number modulo 720."""


def from_hourly_differences(data: NDArray[np.uint8]) -> Rows:
    """Accumulators from bytes in which the rings stand as differences from hour to hour.

    Means are folded so that small differences of both signs are small numbers, low bytes apart from high ones; minutes
    are exclusive-ored.

    Args:
        data: shape `(HOURLY_DTYPE.itemsize,)`; changed.

    Returns:
        `HOURLY_DTYPE`, shape `(1,)`.
    """
    hourly = data.view(HOURLY_DTYPE)
    folded = hourly["ring_mean_cc"][0].view(np.uint8).astype(np.int64)
    folded = folded[:_RING_HOURS] | folded[_RING_HOURS:] << 8
    hourly["ring_mean_cc"] = np.cumsum((folded >> 1) ^ -(folded & 1)).astype(np.uint16).view(np.int16)
    for name in ("ring_covered_min", "ring_above_min"):
        hourly[name] = np.bitwise_xor.accumulate(hourly[name][0])
    return hourly


def from_hourly(hourly: Rows) -> Rows:
    """The same life with its last 30 days by the day. The oldest of them lacks the hours that were forgotten already.

    Args:
        hourly: `HOURLY_DTYPE`, shape `(1,)`.

    Returns:
        `LIFE_DTYPE`, shape `(1,)`.
    """
    life = np.zeros(1, LIFE_DTYPE)
    for name in _KEPT:
        life[name] = hourly[name]
    present = int(hourly["hour"][0])
    hours = np.arange(present - _RING_HOURS, present)
    covered, mean_cc, above = (
        hourly[f"ring_{name}"][0][hours % _RING_HOURS].astype(np.int64)
        for name in ("covered_min", "mean_cc", "above_min")
    )
    life["day_hottest_cc"] = UNKNOWN
    for day in range(present // DAY_HOURS - RING_DAYS, present // DAY_HOURS + 1):
        seen = (hours // DAY_HOURS == day) & (covered > 0)
        covered_min, above_min, weighted = covered[seen].sum(), above[seen].sum(), (covered * mean_cc)[seen].sum()
        if day == present // DAY_HOURS:
            life["day_mc_us"] = 10 * weighted * MINUTE_US + hourly["hour_mc_us"]
            life["day_covered_us"] = covered_min * MINUTE_US + hourly["hour_covered_us"]
            life["day_above_us"] = above_min * MINUTE_US + hourly["hour_above_us"]
            life["day_hottest_cc"] = mean_cc[seen].max(initial=UNKNOWN)
        elif seen.any():
            place = day % RING_DAYS
            life["ring_mean_cc"][0, place] = (2 * weighted + covered_min) // (2 * covered_min)
            life["ring_hottest_cc"][0, place] = mean_cc[seen].max()
            life["ring_covered_min"][0, place], life["ring_above_min"][0, place] = covered_min, above_min
    return life
