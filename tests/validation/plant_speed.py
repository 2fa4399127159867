"""How fast the plant runs: a year of the whole fleet, read every minute, and years until blocks fail, read hourly."""

import os
import time
from datetime import UTC, datetime

import numpy as np

from batterytwin.inventory import load_fleet
from simulator.climate import SECONDS_PER_YEAR
from simulator.minutes import summarise
from simulator.options import DEFAULT_SEED
from simulator.plant import Plant
from tests.validation.section import Context

_START = datetime(2026, 1, 1, tzinfo=UTC)
_DAY_S = 86_400.0


def measure(context: Context | None = None) -> dict[str, float]:
    """Times both runs; with `context.quick`, a month and a year.

    Returns:
        Wall time of a year by the minute on the processors there are, s (a shorter run is scaled); processor time of
        one reading of one block, ns; wall time of ten years by the hour, s; readings that are no numbers.
    """
    quick = context is not None and context.quick
    say = context.say if context is not None else print
    plant = Plant(load_fleet(), DEFAULT_SEED, _START)
    summarise(plant, 60.0, 1)  # compiles
    days = 30 if quick else 365
    wall_s, processor_s = time.perf_counter(), time.process_time()
    minutely = summarise(plant, _DAY_S, days)
    wall_s, processor_s = time.perf_counter() - wall_s, time.process_time() - processor_s
    readings = days * 1_440 * len(plant.fleet.blocks)
    say(f"{days} days by the minute: {wall_s:.1f} s on {os.cpu_count()} processors, {processor_s:.1f} s of processor")

    years = 1 if quick else 10
    hourly_s = time.perf_counter()
    hourly = summarise(plant, SECONDS_PER_YEAR // 3_600.0 * 3_600.0, years, period_s=3_600.0)
    hourly_s = time.perf_counter() - hourly_s
    failed = np.count_nonzero(hourly.life[-1] >= 1.0)
    say(f"{years} years by the hour: {hourly_s:.1f} s; {failed} of {len(plant.fleet.blocks)} blocks past their life")
    not_finite = sum(int(np.count_nonzero(~np.isfinite(column))) for column in (*minutely, *hourly))
    return {
        "plant.year_minutely_s": wall_s * 365.0 / days,
        "plant.ns_per_block_minute": processor_s * 1e9 / readings,
        "plant.failure_years_hourly_s": hourly_s * 10.0 / years,
        "plant.not_finite": float(not_finite),
    }


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name}: {value:.4g}")
