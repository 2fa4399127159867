"""What diagnoses say of injected faults: found or not, how late, and what was said that is not so."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from batterytwin.diagnosis import FaultClass
from tests.validation.fault_cases import CASE_OF

HEALTHY = "healthy"

Fact = tuple[int, int, FaultClass]
"""String, position and class of what is true of a block."""


@dataclass(frozen=True, slots=True)
class Said:
    """A diagnosis when it was first made: string, class, blocks (positions; empty = whole string), time and frame."""

    string: int
    fault: FaultClass
    positions: tuple[int, ...]
    time_s: float
    frame: int


@dataclass(frozen=True, slots=True)
class Injection:
    """A fault that was put into a string.

    Attributes:
        case: name of its `FaultCase`.
        string: number of the string in its world.
        position: block concerned; -1 = the whole string.
        start_s: begin, s since 1970 UTC.
        start_frame: first frame of the string at or after the begin; -1 = not come to yet.
        loaded_s: begin of its first discharge above 20 A after the start; NaN = none.
        also: strings that it concerns too: all those of a site, for a fault of its cooling.
    """

    case: str
    string: int
    position: int
    start_s: float
    start_frame: int = -1
    loaded_s: float = math.nan
    also: tuple[int, ...] = ()


@dataclass
class Tally:
    """Sums over worlds: what became of each injection, and what was said without reason.

    Attributes:
        found: of each case, delays of those found (s), in order of injection.
        frames: the same in frames.
        after_load: the same, s after the begin of the first discharge above 20 A.
        injected: number of each case.
        first_said: for each case, how often each class came first (`None` = nothing was said).
        wrong: classes said of healthy strings, or of faulted ones that name something else.
        battery_months: of all strings together.
    """

    found: dict[str, list[float]] = field(default_factory=dict)
    frames: dict[str, list[int]] = field(default_factory=dict)
    after_load: dict[str, list[float]] = field(default_factory=dict)
    injected: Counter[str] = field(default_factory=Counter)
    first_said: dict[str, Counter[str]] = field(default_factory=dict)
    wrong: Counter[tuple[str, str]] = field(default_factory=Counter)
    battery_months: float = 0.0

    def add(self, other: "Tally") -> None:
        """Adds the sums of another part of the campaign."""
        for mine, theirs in (
            (self.found, other.found),
            (self.frames, other.frames),
            (self.after_load, other.after_load),
        ):
            for name, values in theirs.items():
                mine.setdefault(name, []).extend(values)  # type: ignore[arg-type]
        self.injected += other.injected
        for name, counts in other.first_said.items():
            self.first_said[name] = self.first_said.get(name, Counter()) + counts
        self.wrong += other.wrong
        self.battery_months += other.battery_months


def score(
    injections: Sequence[Injection], said: Iterable[Said], battery_months: float, facts: Collection[Fact] = ()
) -> Tally:
    """Compares what was said of the strings of a world with what was injected.

    A diagnosis is right if its class names the case and, where both name blocks, the block is among them. Of one
    string, each wrong class counts once for each time it was newly made.

    Args:
        injections: what was put in.
        said: what was said.
        battery_months: how much was watched.
        facts: what is true without having been put in, such as a block that age has made weak: neither found nor wrong.
    """
    tally = Tally(battery_months=battery_months)
    of_string = {place: injection for injection in injections for place in (injection.string, *injection.also)}
    right: dict[int, Said] = {}
    first: dict[int, Said] = {}
    for one in sorted(said, key=lambda one: one.time_s):
        injection = of_string.get(one.string)
        true = any((one.string, position, one.fault) in facts for position in one.positions)
        if true and (injection is None or one.fault not in CASE_OF[injection.case].right):
            continue
        if injection is None or one.time_s < injection.start_s:
            tally.wrong[HEALTHY, one.fault.name] += 1
            continue
        case = CASE_OF[injection.case]
        first.setdefault(one.string, one)
        places = injection.position < 0 or not one.positions or injection.position in one.positions
        if one.fault in case.right and places:
            right.setdefault(one.string, one)
        elif one.fault not in case.tolerated | case.right or not places:
            tally.wrong[injection.case, one.fault.name] += 1
    for injection in injections:
        name = injection.case
        tally.injected[name] += 1
        heard = first.get(injection.string)
        tally.first_said.setdefault(name, Counter())[heard.fault.name if heard else "-"] += 1
        if injection.string in right:
            hit = right[injection.string]
            tally.found.setdefault(name, []).append(hit.time_s - injection.start_s)
            tally.frames.setdefault(name, []).append(hit.frame - injection.start_frame + 1)
            tally.after_load.setdefault(name, []).append(hit.time_s - injection.loaded_s)
    return tally


def share_found(tally: Tally, name: str) -> float:
    """Share of the injections of a case that were found with the right class, percent; NaN = none injected."""
    count = tally.injected[name]
    return 100.0 * len(tally.found.get(name, [])) / count if count else math.nan


def share_of_all(tally: Tally) -> float:
    """The same over all cases, every injection alike, percent."""
    count = sum(tally.injected.values())
    return 100.0 * sum(len(found) for found in tally.found.values()) / count if count else math.nan


def wrong_per_1000_battery_months(tally: Tally) -> float:
    """Wrong or false diagnoses per 1,000 battery-months of the whole campaign; NaN = nothing was watched."""
    return 1e3 * sum(tally.wrong.values()) / tally.battery_months if tally.battery_months else math.nan


def quantile(delays: Mapping[str, Sequence[float] | Sequence[int]], name: str, share: float) -> float:
    """Quantile of the delays of a case; NaN = none."""
    values = [value for value in delays.get(name, []) if math.isfinite(value)]
    return float(np.quantile(values, share)) if values else math.nan
