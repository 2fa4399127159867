"""A whole fleet at an even period over long times, reduced while it runs.

A year by the minute has a thousand million rows, which nobody keeps. Strings know nothing of each other, so they run
side by side on all processors; the result does not depend on how.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

import numpy as np

from simulator.block_laws import TEN_HOUR_SHARE
from simulator.compiled import compiled, kernel
from simulator.evolution import FLOAT_STEP_S, age_until_now, evolve_string
from simulator.float_minutes import LONGEST_PERIOD_S, Tally, float_periods, quiet_periods
from simulator.parameters import Floats
from simulator.plant_in_time import PlantInTime
from simulator.room import room_series_c
from simulator.world import Fleet, batteries_of

_PERIODS_AT_ONCE: Final = 50_000
"""Periods for which the air of rooms is kept, so that long times need no more memory than short ones."""


class Summary(NamedTuple):
    """What was read at an even period, by spans of time; `(n_spans, n_blocks)`, the last four `(n_spans, n_strings)`.

    Attributes:
        voltage_mean_v: mean terminal voltage.
        voltage_min_v: least one.
        voltage_max_v: greatest one.
        post_mean_c: mean temperature of the post.
        core_mean_c: mean temperature of the core.
        soc_min: least charge, over that of both wells.
        life: life used up at the end of the span.
        capacity_ah: present 10-hour capacity at the end of the span.
        current_mean_a: mean current.
        current_min_a: least (most discharging) one.
        string_voltage_mean_v: mean of the sum of the blocks' voltages.
        load_s: time on load.
    """

    voltage_mean_v: Floats
    voltage_min_v: Floats
    voltage_max_v: Floats
    post_mean_c: Floats
    core_mean_c: Floats
    soc_min: Floats
    life: Floats
    capacity_ah: Floats
    current_mean_a: Floats
    current_min_a: Floats
    string_voltage_mean_v: Floats
    load_s: Floats


def summarise(plant: PlantInTime, span_s: float, spans: int, period_s: float = 60.0) -> Summary:
    """Takes a plant forward and reads every block at each period.

    Every reading is a state that was solved at its own instant.

    Args:
        plant: the plant; all its strings must be at the same time, and are `spans * span_s` later afterwards.
        span_s: length of a span, a multiple of the period, s.
        spans: how many spans.
        period_s: time from one reading to the next, s.
    """
    begin_s = float(plant.fleet.strings.time_s.max())
    plant.cover(begin_s + spans * span_s)
    fleet, readings = plant.fleet, round(span_s / period_s)
    of_blocks = [np.zeros((spans, len(fleet.blocks))) for _ in range(8)]
    of_strings = [np.zeros((spans, len(fleet.strings))) for _ in range(4)]
    summary = Summary(*of_blocks, *of_strings)
    spans_at_once = max(_PERIODS_AT_ONCE // readings, 1)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for first in range(0, spans, spans_at_once):
            last = min(first + spans_at_once, spans)
            air_c = _air_c(fleet, threads, begin_s, period_s, range(first * readings, last * readings))

            def summarise_string(s: int, first: int = first, last: int = last, air_c: Floats = air_c) -> None:
                _summarise(fleet, s, begin_s, period_s, readings, first, last, air_c, summary)

            list(threads.map(summarise_string, range(len(fleet.strings))))
    return summary


def _air_c(fleet: Fleet, threads: ThreadPoolExecutor, begin_s: float, period_s: float, periods: range) -> Floats:
    """Room air in the middle of each period, `(n_sites, n_periods)`; none where periods are too long to be used."""
    world = fleet.world
    if period_s > LONGEST_PERIOD_S:
        return np.empty((len(world.rooms.leak), 0))
    middles_s = begin_s + period_s * (np.array(periods, np.float64) + 0.5)
    sites = range(len(world.rooms.leak))
    return np.stack(
        list(threads.map(lambda k: room_series_c(world.rooms, world.climate, world.mains, k, middles_s), sites))
    )


@kernel
def _summarise(  # noqa: PLR0917 - kernels have no keywords
    fleet: Fleet,
    s: int,
    begin_s: float,
    period_s: float,
    readings: int,
    first_span: int,
    last_span: int,
    air_c: Floats,
    summary: Summary,
) -> None:
    """Spans of one string; where it floats at ease, many periods at once."""
    batteries, string = batteries_of(fleet), fleet.strings
    first, last = fleet.world.first_block[s], fleet.world.first_block[s + 1]
    state, site = fleet.blocks[first:last], fleet.world.strings[s].site
    count = last - first
    tally = Tally(np.empty(count), np.empty(count), np.empty(count), np.empty(count), np.empty(count), np.empty(3))
    for span in range(first_span, last_span):
        _clear(tally)
        summary.soc_min[span, first:last] = np.inf
        k = 0
        while k < readings:
            period = span * readings + k
            near = period - first_span * readings
            quiet = min(quiet_periods(fleet, s, period_s, readings - k), air_c.shape[1] - near)
            taken = 0
            if quiet > 0:
                taken = float_periods(fleet, s, begin_s, period, period_s, air_c[site, near : near + quiet], tally)
            if taken > 0:
                if string[s].time_s - string[s].aged_s >= FLOAT_STEP_S:
                    age_until_now(batteries, s)
            else:
                evolve_string(fleet, s, begin_s + (period + 1) * period_s)
                _read(fleet, s, tally)
                taken = 1
                summary.load_s[span, s] += period_s * string[s].discharging
            for i in range(count):
                summary.soc_min[span, first + i] = min(summary.soc_min[span, first + i], state[i].soc)
            k += taken
        for i in range(count):
            summary.voltage_mean_v[span, first + i] = tally.voltage_v[i] / readings
            summary.voltage_min_v[span, first + i] = tally.voltage_min_v[i]
            summary.voltage_max_v[span, first + i] = tally.voltage_max_v[i]
            summary.post_mean_c[span, first + i] = tally.post_c[i] / readings
            summary.core_mean_c[span, first + i] = tally.core_c[i] / readings
            summary.life[span, first + i] = state[i].life
            summary.capacity_ah[span, first + i] = state[i].capacity_ah * TEN_HOUR_SHARE
        summary.string_voltage_mean_v[span, s] = tally.string[0] / readings
        summary.current_mean_a[span, s] = tally.string[1] / readings
        summary.current_min_a[span, s] = tally.string[2]


@compiled
def _clear(tally: Tally) -> None:
    tally.voltage_v[:] = 0.0
    tally.voltage_min_v[:] = np.inf
    tally.voltage_max_v[:] = -np.inf
    tally.post_c[:] = 0.0
    tally.core_c[:] = 0.0
    tally.string[0] = tally.string[1] = 0.0
    tally.string[2] = np.inf


@compiled
def _read(fleet: Fleet, s: int, tally: Tally) -> None:
    """Adds the present of a string to what is read of it."""
    first, last = fleet.world.first_block[s], fleet.world.first_block[s + 1]
    state, total_v = fleet.blocks, 0.0
    for i in range(first, last):
        voltage_v = state[i].voltage_v
        total_v += voltage_v
        tally.voltage_v[i - first] += voltage_v
        tally.voltage_min_v[i - first] = min(tally.voltage_min_v[i - first], voltage_v)
        tally.voltage_max_v[i - first] = max(tally.voltage_max_v[i - first], voltage_v)
        tally.post_c[i - first] += state[i].post_c
        tally.core_c[i - first] += state[i].core_c
    current_a = fleet.strings[s].current_a
    tally.string[0] += total_v
    tally.string[1] += current_a
    tally.string[2] = min(tally.string[2], current_a)
