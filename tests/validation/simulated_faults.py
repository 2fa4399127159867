"""The fault campaign: a hundred injections of each kind into simulated fleets, and months without any.

Strings are seen through their sensors as gateways see them. Fast faults: 60 s, 5 s under load, four days a fleet, one
fault in every string. Slow ones: hourly and 10 s under load for half a year, with the plant's own outages, tests and
maintenance; more than a third of these strings stay healthy and say how often the analysis is wrong.
"""

import io
import math
import multiprocessing
import time
from collections import Counter
from collections.abc import Mapping
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.validation.fault_analysis import Listener
from tests.validation.fault_cases import CASES, Pace
from tests.validation.fault_score import (
    Tally,
    quantile,
    score,
    share_found,
    share_of_all,
    wrong_per_1000_battery_months,
)
from tests.validation.fault_worlds import FaultWorld, joined
from tests.validation.section import Context

_SEED: Final = 20_270
_MONTH_S: Final = 30.44 * 86_400.0
# worlds of each pace, so that 100 injections of each case find a string (81 in a world, 9 rooms)
_WORLDS: Final = {Pace.DAYS: 18, Pace.ROOM: 24, Pace.MONTHS: 10}
_WORLDS_QUICK: Final = {Pace.DAYS: 2, Pace.ROOM: 2, Pace.MONTHS: 2}
_PLACES: Final = {Pace.DAYS: 81, Pace.ROOM: 9, Pace.MONTHS: 50}
"""Injections into a world; what is left of its 81 strings stays healthy."""
_LONGEST_FIRST: Final = (Pace.DAYS, Pace.MONTHS, Pace.ROOM)
_SIDE_BY_SIDE: Final = 9
"""Worlds that run together: the analysis takes a frame of all their strings at once."""

Batch = tuple[Pace, tuple[tuple[int, dict[str, int]], ...]]


def measure(context: Context) -> Mapping[str, float]:
    """Shares found, delays, and what was wrongly said."""
    batches = _batches(_WORLDS_QUICK if context.quick else _WORLDS)
    tally = Tally()
    spent = 0.0
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        for number, (part, seconds) in enumerate(pool.imap_unordered(run_batch, batches, chunksize=1), 1):
            tally.add(part)
            spent += seconds
            context.say(f"{number} of {len(batches)} groups of fleets, {spent:.0f} s of processor time")
    for line in tables(tally).splitlines():
        context.say(line)
    return figures(tally)


def _batches(worlds: Mapping[Pace, int]) -> list[Batch]:
    """Groups of worlds that run together, and how many injections of each case go into each; the longest first."""
    batches: list[Batch] = []
    for offset, (pace, count) in enumerate(worlds.items()):
        seeds = [(_SEED + 1_000 * offset + k, _wanted(pace, k)) for k in range(count)]
        groups = max(2, -(-count // _SIDE_BY_SIDE))
        together = -(-count // groups)
        batches += [(pace, tuple(seeds[begin : begin + together])) for begin in range(0, count, together)]
    return sorted(batches, key=lambda batch: _LONGEST_FIRST.index(batch[0]))


def _wanted(pace: Pace, number: int) -> dict[str, int]:
    """Injections of each case into a world: as many as it has places for, in turn where they do not divide evenly."""
    cases = [case.name for case in CASES if case.pace is pace]
    places = _PLACES[pace]
    each, extra = divmod(places, len(cases))
    return {name: each + ((k + number) % len(cases) < extra) for k, name in enumerate(cases)}


def run_batch(batch: Batch) -> tuple[Tally, float]:
    """Lives through some worlds side by side; returns what came of them, and the processor time, s."""
    began = time.process_time()
    pace, seeds = batch
    worlds = [FaultWorld(pace, seed, wanted) for seed, wanted in seeds]
    listener = Listener(worlds)
    for windows in zip(*(world.windows() for world in worlds), strict=True):
        listener.hear(joined(windows))
    tally = Tally()
    for world, said in zip(worlds, listener.said, strict=True):
        batteries = sum(1 for location in world.inventory.locations for _ in location.batteries())
        months = batteries * world.plan.days * 86_400.0 / _MONTH_S
        tally.add(score(world.injections, said, months, world.facts))
    return tally, time.process_time() - began


def figures(tally: Tally) -> dict[str, float]:
    """Figures of the campaign."""
    found: dict[str, float] = {}
    for case in CASES:
        name = case.slug
        found[f"faults.{name}_found_percent"] = share_found(tally, case.name)
        found[f"faults.{name}_median_delay_min"] = quantile(tally.found, case.name, 0.5) / 60.0
        found[f"faults.{name}_injected"] = float(tally.injected[case.name])
    found["faults.all_found_percent"] = share_of_all(tally)
    found["faults.wrong_per_1000_battery_months"] = wrong_per_1000_battery_months(tally)
    found["faults.battery_months"] = tally.battery_months
    found["faults.shorted_cell_delay_p95_min"] = quantile(tally.found, "shorted cell", 0.95) / 60.0
    found["faults.open_cell_frames_p95"] = quantile(tally.frames, "open cell", 0.95)
    first = "loose connection"
    inside = [delay for delay in tally.after_load.get(first, []) if delay <= _FIRST_DISCHARGE_S]
    found["faults.loose_connection_in_first_discharge_percent"] = (
        100.0 * len(inside) / tally.injected[first] if tally.injected[first] else float("nan")
    )
    return found


_FIRST_DISCHARGE_S: Final = 90.0 * 60.0
"""The longest of the forced outages."""


def tables(tally: Tally) -> str:
    """Shares, delays and confusion, for people."""
    console = Console(width=170, record=True, file=io.StringIO())
    table = Table(title="Injected faults", title_justify="left")
    for column in ("case", "injected", "found %", "median", "95 %", "frames", "said first", "why it takes that time"):
        table.add_column(column)
    for case in CASES:
        if tally.injected[case.name]:
            said = tally.first_said.get(case.name, Counter[str]())
            ordered = sorted(said.items(), key=lambda item: -item[1])
            table.add_row(
                case.name,
                f"{tally.injected[case.name]}",
                f"{share_found(tally, case.name):.1f}",
                _duration(quantile(tally.found, case.name, 0.5)),
                _duration(quantile(tally.found, case.name, 0.95)),
                f"{quantile(tally.frames, case.name, 0.5):.0f}",
                ", ".join(f"{fault} {count}" for fault, count in ordered[:4]),
                case.why,
            )
    console.print(table)
    console.print(f"Wrong or false, of {tally.battery_months:,.0f} battery-months:")
    for (case_name, fault), count in tally.wrong.most_common():
        console.print(f"  {fault} said of a string with {case_name}: {count}", highlight=False)
    return console.export_text()


def _duration(seconds: float) -> str:
    if math.isnan(seconds):
        return "-"
    for unit, size in (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if abs(seconds) >= 2.0 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
