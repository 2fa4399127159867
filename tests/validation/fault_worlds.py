"""Simulated fleets with one fault in most strings, seen through their sensors, frame by frame.

Frame k of a window holds the k-th look at every string in it; strings do not look at the same instant, and a string
under load is looked at more often, as in life.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.string_frame import StringFrame
from batterytwin.diagnosis import FaultClass
from batterytwin.inventory import Inventory, load_fleet
from batterytwin.telemetry import snap_to_grid
from simulator.faults import FaultEvent, FaultKind
from simulator.plant import Plant
from simulator.population import make_strings
from simulator.sampling import SamplingPlan, SiteSampler, string_offsets_us
from simulator.sensor_faults import sensor_faults
from simulator.sensors import measure
from simulator.visits import Visits, VisitTruth
from tests.validation.fault_cases import CASE_OF, CASES, FaultCase, Pace, draw_event
from tests.validation.fault_score import Fact, Injection
from tests.validation.simulated_fleet import Ints, Outage, force_outages

_US: Final = 1_000_000
_DAY_S: Final = 86_400.0
_SHOWN_ABOVE_A: Final = 20.0
_BLOCK_V: Final = 12.0
_EMPTIED: Final = 1.05
_WEAK_SHARE: Final = 0.8
"""Of the capacity of its string's median block; a block that has less is weak, whatever made it so."""
START: Final = datetime(2026, 3, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class WorldPlan:
    """How a world runs: `days` long in windows of `window_h`; sampled every `period_s`, and `load_period_s` under load.

    Faults begin between `earliest_day` and `latest_day`. With `forced` every site has an ordinary outage and one of
    20 to 90 minutes after all faults have begun, longer where a weak cell would not be emptied in it; otherwise the
    mains fail and strings are tested as the plant has it.
    """

    days: float
    window_h: float
    period_s: float
    load_period_s: float
    earliest_day: float
    latest_day: float
    forced: bool


PLANS: Final = {
    Pace.DAYS: WorldPlan(4.0, 3.0, 60.0, 5.0, 1.0, 1.8, forced=True),
    Pace.ROOM: WorldPlan(4.0, 24.0, 300.0, 10.0, 1.2, 2.6, forced=True),
    Pace.MONTHS: WorldPlan(182.0, 240.0, 3_600.0, 10.0, 20.0, 30.0, forced=False),
}


@dataclass(frozen=True, slots=True)
class Window:
    """Looks at strings within some hours, by string and then by time.

    Attributes:
        first: first look at each string, and one past the last of all, `(n_strings + 1,)`.
        frame: the looks as one long frame.
    """

    first: Ints
    frame: StringFrame

    def rounds(self) -> Iterator[tuple[Ints, StringFrame]]:
        """The k-th look at every string that has one: numbers of these strings, and their frame."""
        counts = np.diff(self.first)
        for k in range(int(counts.max(initial=0))):
            strings = np.flatnonzero(counts > k)
            yield strings, take(self.frame, self.first[strings] + k)


def take(frame: StringFrame, rows: Ints) -> StringFrame:
    """Some rows of a frame."""
    return StringFrame(
        frame.time_us[rows],
        frame.voltage_v[rows],
        frame.temperature_c[rows],
        frame.resistance_mohm[rows],
        frame.current_a[rows],
        frame.string_voltage_v[rows],
        frame.mode[rows],
    )


def joined(windows: Sequence[Window]) -> Window:
    """Windows of several worlds as one, strings of the first world first."""
    offsets = np.cumsum([0, *(window.first[-1] for window in windows)])
    first = [window.first[:-1] + offset for window, offset in zip(windows, offsets, strict=False)]
    names = ("time_us", "voltage_v", "temperature_c", "resistance_mohm", "current_a", "string_voltage_v", "mode")
    columns = [np.concatenate([getattr(window.frame, name) for window in windows]) for name in names]
    return Window(np.append(np.concatenate(first), offsets[-1]), StringFrame(*columns))


class FaultWorld:
    """One fleet with its faults.

    Args:
        pace: how it is sampled; the cases of this pace are injected.
        seed: of the plant, the sensors and the injections.
        wanted: injections of each case, by name; what does not fit into one fleet is left out.

    Attributes:
        inventory: the fleet.
        injections: what was put into it, at most one in a string.
        plan: how it runs.
        facts: what was true of blocks without having been put in: weak by age, or driven below 0 V by their neighbours.
    """

    def __init__(self, pace: Pace, seed: int, wanted: Mapping[str, int]) -> None:
        self.inventory: Inventory = load_fleet()
        self.plan = PLANS[pace]
        self._seed = seed
        self._rng = np.random.default_rng([seed, 904])
        self._drawn = self._draw(pace, wanted)
        faults = [event for _, event in self._drawn if event is not None]
        self.injections = [injection for injection, _ in self._drawn]
        self.facts: set[Fact] = set()
        self._sensor_faults = sensor_faults(self.inventory, faults)
        self._plant = Plant(self.inventory, seed, START, faults)
        if self.plan.forced:
            force_outages(self._plant, START.timestamp(), self._outages())
        per_site = [sum(1 for _ in location.strings()) for location in self.inventory.locations]
        offsets = string_offsets_us(per_site, self.plan.period_s)
        ends = np.cumsum(per_site)
        self._samplers = [
            SiteSampler(int(end) - n, offsets[end - n : end]) for end, n in zip(ends, per_site, strict=True)
        ]
        self._sampling = [
            SamplingPlan((round(self.plan.period_s * _US),) * n, round(self.plan.load_period_s * _US)) for n in per_site
        ]
        self._seen = np.zeros(int(ends[-1]), dtype=np.int64)

    def windows(self) -> Iterator[Window]:
        """Lives through the world; injections learn their first frame and load on the way."""
        step = timedelta(hours=self.plan.window_h)
        for k in range(round(self.plan.days * 24.0 / self.plan.window_h)):
            begin, end = START + k * step, START + (k + 1) * step
            self._unbalance(end.timestamp())
            yield self._look(int(begin.timestamp() * _US), int(end.timestamp() * _US))

    def _draw(self, pace: Pace, wanted: Mapping[str, int]) -> list[tuple[Injection, FaultEvent | None]]:
        """Injections at random strings; those of a room take all strings of their site."""
        sites = list(self.inventory.locations)
        strings = [(site, string) for site in sites for string in site.strings()]
        strong = make_strings(self.inventory, self._seed)[0].load_w > 1.25 * _SHOWN_ABOVE_A * _BLOCK_V * 24
        free = [int(k) for k in self._rng.permutation(len(strings))]
        taken_sites: set[str] = set()
        drawn = []
        for case in sorted((case for case in CASES if case.pace is pace), key=lambda case: not case.loaded):
            for _ in range(wanted.get(case.name, 0)):
                fits = (
                    k for k in free if (strong[k] or not case.loaded) and strings[k][0].location_id not in taken_sites
                )
                number = next(fits, None)
                if number is None:
                    break
                site, string = strings[number]
                gone = [k for k in free if pace is Pace.ROOM and strings[k][0] is site] or [number]
                free = [k for k in free if k not in gone]
                if pace is Pace.ROOM:
                    taken_sites.add(site.location_id)
                ids = [battery.battery_id for battery in string.batteries]
                event = draw_event(case, self._rng, (ids, string.string_id, site.location_id), self._begin_s(case))
                start_s = self._begin_s(case) if event is None else event.start_s
                position = ids.index(event.target_id) if event is not None and event.target_id in ids else -1
                drawn.append((Injection(case.name, number, position, start_s, also=tuple(sorted(gone))), event))
        return drawn

    def _begin_s(self, case: FaultCase) -> float:
        day = self._rng.uniform(self.plan.earliest_day, self.plan.latest_day)
        if not case.kinds:  # the world can only change between windows
            day = np.ceil(day * 24.0 / self.plan.window_h) * self.plan.window_h / 24.0
        return START.timestamp() + float(day) * _DAY_S

    def _outages(self) -> list[list[Outage]]:
        plans = []
        for site in range(len(self.inventory.locations)):
            main = START.timestamp() + self._rng.uniform(2.8, 3.2) * _DAY_S
            short = START.timestamp() + self._rng.uniform(3.4, 3.9) * _DAY_S
            load_factor = self._rng.uniform(0.85, 1.3)
            length_s = max(60.0 * self._rng.uniform(20.0, 90.0), self._emptied_s(site) / load_factor)
            plans.append(
                [
                    Outage(main, length_s, load_factor),
                    Outage(short, 60.0 * self._rng.uniform(1.0, 12.0), self._rng.uniform(0.85, 1.3)),
                ]
            )
        return plans

    def _emptied_s(self, site: int) -> float:
        """Time in which the usual load empties every weak cell of a site, s: one that is not empty cannot reverse."""
        strings = self._plant.fleet.world.strings
        times_s = [0.0]
        for injection, event in self._drawn:
            if event is not None and event.kind == FaultKind.REVERSED_BLOCK and strings.site[injection.string] == site:
                string = strings[injection.string]
                share_h = string.load_w / (_BLOCK_V * 24 * string.rated_ah)
                times_s.append(_EMPTIED * (1.0 - event.magnitude) / share_h * 3_600.0)
        return max(times_s)

    def _unbalance(self, until_s: float) -> None:
        """Spreads the gassing of strings whose imbalance begins in the coming window."""
        begin_s = until_s - self.plan.window_h * 3_600.0
        first = self._plant.fleet.world.first_block
        for injection, event in self._drawn:
            if event is None and begin_s <= injection.start_s < until_s:
                mine = slice(*first[injection.string : injection.string + 2])
                low, high = CASE_OF[injection.case].magnitude
                spread = self._rng.uniform(low, high) * np.clip(
                    self._rng.standard_normal(mine.stop - mine.start), -2, 2
                )
                self._plant.fleet.world.blocks.ln_gas_a[mine] += spread

    def _look(self, after_us: int, until_us: int) -> Window:
        self._plant.cover(until_us * 1e-6)
        loads = self._plant.fleet.world.discharges
        found = [
            sampler.visits(plan, loads, after_us, until_us)
            for sampler, plan in zip(self._samplers, self._sampling, strict=True)
        ]
        string, time_us = (np.concatenate([getattr(visits, name) for visits in found]) for name in Visits._fields)
        order = np.lexsort((time_us, string))
        truth = self._plant.visit(Visits(string[order], time_us[order]))
        readings = measure(truth, self._seed, self._sensor_faults)
        self._note(truth)
        shape = (len(time_us), -1)

        def snapped(column: str, values: NDArray[np.float32]) -> NDArray[np.float64]:
            return snap_to_grid(column, values).astype(np.float64)

        return Window(
            np.searchsorted(truth.visits.string, np.arange(len(self._seen) + 1)).astype(np.int64),
            StringFrame(
                truth.visits.time_us,
                snapped("voltage_v", readings.voltage_v).reshape(shape),
                snapped("temperature_c", readings.temperature_c).reshape(shape),
                snapped("internal_resistance_mohm", readings.resistance_mohm).reshape(shape),
                snapped("current_a", readings.current_a),
                readings.string_voltage_v.astype(np.float64),
                truth.mode.astype(np.int16),
            ),
        )

    def _note(self, truth: VisitTruth) -> None:
        """Numbers the frames at which faults begin, and notes when they have first been under load."""
        visits = truth.visits
        for k, injection in enumerate(self.injections):
            mine = slice(*np.searchsorted(visits.string, [injection.string, injection.string + 1]))
            time_s = visits.time_us[mine] * 1e-6
            since = time_s >= injection.start_s
            loaded = since & (truth.current_a[mine] < -_SHOWN_ABOVE_A)
            frame, loaded_s = injection.start_frame, injection.loaded_s
            if frame < 0 and since.any():
                frame = int(self._seen[injection.string] + np.argmax(since))
            if np.isnan(loaded_s) and loaded.any():
                loaded_s = float(time_s[np.argmax(loaded)])
            self.injections[k] = replace(injection, start_frame=frame, loaded_s=loaded_s)
        self._note_facts(truth)
        self._seen += np.bincount(visits.string, minlength=len(self._seen))

    def _note_facts(self, truth: VisitTruth) -> None:
        string = truth.visits.string
        voltage_v = truth.voltage_v.reshape(len(string), -1)
        capacity_ah = truth.capacity_ah.reshape(voltage_v.shape)
        reversed_at = np.argwhere(voltage_v < 0.0)
        self.facts.update((int(string[row]), int(place), FaultClass.REVERSAL) for row, place in reversed_at)
        last = np.append(np.flatnonzero(np.diff(string)), len(string) - 1)
        weak = capacity_ah[last] < _WEAK_SHARE * np.median(capacity_ah[last], axis=1, keepdims=True)
        self.facts.update(
            (int(string[last[row]]), int(place), FaultClass.WEAK_BLOCK) for row, place in np.argwhere(weak)
        )
