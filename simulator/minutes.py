"""A whole fleet at an even period over long times, reduced while it runs.

A year by the minute has a thousand million rows, which nobody keeps. Strings know nothing of each other, so they run
side by side on all processors; the result does not depend on how.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from simulator.block_laws import TEN_HOUR_SHARE
from simulator.compiled import kernel
from simulator.evolution import evolve_string
from simulator.parameters import Floats
from simulator.plant_in_time import PlantInTime
from simulator.world import Fleet


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
    n_blocks, n_strings = len(plant.fleet.blocks), len(plant.fleet.strings)
    of_blocks = [np.zeros((spans, n_blocks)) for _ in range(8)]
    of_strings = [np.zeros((spans, n_strings)) for _ in range(4)]
    summary = Summary(*of_blocks, *of_strings)
    readings = round(span_s / period_s)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        work = [
            threads.submit(_summarise, plant.fleet, s, begin_s, period_s, readings, summary) for s in range(n_strings)
        ]
        for done in work:
            done.result()
    return summary


@kernel
def _summarise(fleet: Fleet, s: int, begin_s: float, period_s: float, readings: int, summary: Summary) -> None:  # noqa: PLR0917 - kernels have no keywords
    state, string = fleet.blocks, fleet.strings
    first, last = fleet.world.first_block[s], fleet.world.first_block[s + 1]
    for span in range(len(summary.life)):
        summary.current_min_a[span, s] = np.inf
        for i in range(first, last):
            summary.voltage_min_v[span, i], summary.voltage_max_v[span, i] = np.inf, -np.inf
            summary.soc_min[span, i] = np.inf
        for k in range(readings):
            evolve_string(fleet, s, begin_s + (span * readings + k + 1) * period_s)
            total_v = 0.0
            for i in range(first, last):
                voltage_v = state[i].voltage_v
                total_v += voltage_v
                summary.voltage_mean_v[span, i] += voltage_v / readings
                summary.voltage_min_v[span, i] = min(summary.voltage_min_v[span, i], voltage_v)
                summary.voltage_max_v[span, i] = max(summary.voltage_max_v[span, i], voltage_v)
                summary.post_mean_c[span, i] += state[i].post_c / readings
                summary.core_mean_c[span, i] += state[i].core_c / readings
                summary.soc_min[span, i] = min(summary.soc_min[span, i], state[i].soc)
            summary.string_voltage_mean_v[span, s] += total_v / readings
            summary.current_mean_a[span, s] += string[s].current_a / readings
            summary.current_min_a[span, s] = min(summary.current_min_a[span, s], string[s].current_a)
            summary.load_s[span, s] += period_s * string[s].discharging
        for i in range(first, last):
            summary.life[span, i] = state[i].life
            summary.capacity_ah[span, i] = state[i].capacity_ah * TEN_HOUR_SHARE
