"""A fleet followed month by month until its blocks fail: what its monitors saw, and apart from it the hidden truth."""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batterytwin.datasheet import load_datasheet
from simulator.ageing import follow_age
from simulator.failure_plan import START, TOLD_MODEL, FailurePlan
from simulator.outlook import AgeMark, remaining_s
from simulator.parameters import Floats, Ints
from simulator.plant import Plant
from simulator.population import make_blocks
from simulator.sampling import SamplingPlan, SiteSampler, string_offsets_us
from simulator.sensors import measure
from simulator.visits import Visits, VisitTruth
from simulator.world import batteries_of

MONTH_US: Final = 2_629_800_000_000
_US: Final = 1_000_000
_HOUR_US: Final = 3_600 * _US
_YEAR_S: Final = 365.25 * 86_400.0
_REPLACED_A_MONTH: Final = 0.7
"""Share of the failed blocks that are replaced in the month after their failure."""
_REMOVED_A_YEAR: Final = 0.005
"""Share of the blocks that are removed for another reason."""


class FleetMonth(NamedTuple):
    """What came from a fleet in a month. Rows are in time order for each slot.

    Attributes:
        slot: slot of each reading, int32, `(n_rows,)`.
        time_us: sample time, microseconds UTC, int64.
        voltage_v: float32, like all that follow.
        current_a: > 0 charges.
        temperature_c: of the post.
        resistance_mohm: the instrument's; NaN = not measured.
        mode: what the charger reports, `StringMode`, int32.
        test_slot: slots whose capacity was tested at the end of the month, `(n_tests,)`.
        test_soh: what the tests showed, fraction of rated.
        test_sigma: error that is told with them.
        end_us: end of the month.
        renewed: slots that got a new block at the end of the month, after the tests, `(n_renewed,)`.
    """

    slot: NDArray[np.int32]
    time_us: Ints
    voltage_v: NDArray[np.float32]
    current_a: NDArray[np.float32]
    temperature_c: NDArray[np.float32]
    resistance_mohm: NDArray[np.float32]
    mode: NDArray[np.int32]
    test_slot: Ints
    test_soh: Floats
    test_sigma: float
    end_us: int
    renewed: Ints


class FleetTruth(NamedTuple):
    """What nobody but a simulator knows at the end of a month, `(n_slots,)` each; for labels alone.

    Attributes:
        soh: true capacity over rated, before anything was renewed.
        left_s: how long the block would still last, s; NaN but where blocks are renewed, and in the last month.
    """

    soh: Floats
    left_s: Floats


class RunToFailure:
    """Follows one fleet.

    Args:
        plan: the fleet.

    Attributes:
        name: of the plant.
        datasheet: what twins are told.
        end_soh: capacity over rated at which a life ends.
        installed_us: when the first block of each slot came into service, microseconds UTC, `(n_slots,)`.
        site: site of each slot, `(n_slots,)`.
        string: string of each slot, `(n_slots,)`.
    """

    def __init__(self, plan: FailurePlan) -> None:
        self._plan = plan
        self.name = f"plant {plan.seed}"
        self.datasheet = load_datasheet(TOLD_MODEL)
        self.end_soh = self.datasheet.end_of_life_soh
        self._rng = np.random.default_rng([plan.seed, 32])
        self._plant = Plant(plan.inventory, plan.seed, START, plan.faults, plan.variant)
        world = self._plant.fleet.world
        counts = np.diff(world.first_block)
        self.string: Ints = np.repeat(np.arange(len(counts)), counts)
        self.site: Ints = np.asarray(world.strings.site, np.int64)[self.string]
        self.installed_us: Ints = np.rint(world.blocks.installed_s * _US).astype(np.int64)
        self._rated_ah: Floats = self._plant.fleet.blocks.capacity_ah / self._plant.soh_capacity
        self._spares = 0
        per_site = [sum(1 for _ in site.strings()) for site in plan.inventory.locations]
        offsets_us = string_offsets_us(per_site, 3_600.0)
        firsts = np.concatenate([[0], np.cumsum(per_site)])
        self._samplers = [SiteSampler(int(first), offsets_us[first:last]) for first, last in itertools.pairwise(firsts)]
        self._sampling = [SamplingPlan((_HOUR_US,) * n, 60 * _US, 600 * _US, 8 * _HOUR_US) for n in per_site]
        self._tested = self._rng.uniform(0.0, 1.0, len(counts))
        self._gone = np.zeros(len(self.string), dtype=np.int64)
        blocks = self._plant.fleet.blocks
        begin_s = np.full(len(blocks), START.timestamp())
        self._mark = AgeMark(begin_s, blocks.life.copy(), blocks.water_lost.copy())
        self._clear_failed(round(START.timestamp() * _US))

    def months(self) -> Iterator[tuple[FleetMonth, FleetTruth]]:
        """Lives through the whole time, month by month."""
        begin_us = round(START.timestamp() * _US)
        span = timedelta(days=365.25 * self._plan.years)
        count = int(span / timedelta(microseconds=MONTH_US))
        for month in range(count):
            end_us = begin_us + (month + 1) * MONTH_US
            yield self._month(end_us - MONTH_US, end_us, last=month == count - 1)

    def _month(self, after_us: int, until_us: int, *, last: bool) -> tuple[FleetMonth, FleetTruth]:
        self._plant.cover(until_us / _US)
        discharges = self._plant.fleet.world.discharges
        planned = [
            sampler.visits(sampling, discharges, after_us, until_us)
            for sampler, sampling in zip(self._samplers, self._sampling, strict=True)
        ]
        visits = Visits(*(np.concatenate([getattr(of_site, name) for of_site in planned]) for name in Visits._fields))
        truth = self._plant.visit(visits)
        readings = measure(truth, self._plan.seed)
        counts = np.diff(truth.first_row)
        self._plant.advance(until_us / _US)
        soh = self._plant.soh_capacity
        fleet = self._plant.fleet
        tested = self._tests()
        upkeep = self._plan.upkeep
        shown = soh[tested] * (1.0 + upkeep.test_sigma * self._rng.standard_normal(len(tested)))
        month = FleetMonth(
            slot=truth.block.astype(np.int32),
            time_us=np.repeat(visits.time_us, counts),
            voltage_v=readings.voltage_v,
            current_a=np.repeat(readings.current_a, counts),
            temperature_c=readings.temperature_c,
            resistance_mohm=self._instrument(truth, readings.resistance_mohm),
            mode=np.repeat(truth.mode, counts),
            test_slot=tested,
            test_soh=shown,
            test_sigma=upkeep.test_sigma,
            end_us=until_us,
            renewed=self._renewals(soh, until_us),
        )
        ending = np.arange(len(fleet.strings)) if last else np.unique(self.string[month.renewed])
        left_s = remaining_s(fleet, self._mark, ending, self._rated_ah, end_soh=self.end_soh)
        self._renew(month.renewed, until_us)
        return month, FleetTruth(soh, left_s)

    def _instrument(self, truth: VisitTruth, resistance_mohm: NDArray[np.float32]) -> NDArray[np.float32]:
        """Resistance as often and as well as this operator's instrument shows it."""
        upkeep = self._plan.upkeep
        day = np.repeat(truth.visits.time_us, np.diff(truth.first_row)) // (24 * _HOUR_US)
        noise = 1.0 + upkeep.resistance_sd * self._rng.standard_normal(len(resistance_mohm))
        seen = (day + truth.block) % upkeep.resistance_days == 0
        return np.where(seen, np.rint(resistance_mohm * noise * 100.0) / 100.0, np.nan).astype(np.float32)

    def _tests(self) -> Ints:
        self._tested += self._plan.upkeep.tests_per_year / 12.0
        due = np.flatnonzero(self._tested >= 1.0) if self._plan.upkeep.tests_per_year > 0.0 else np.empty(0, np.int64)
        self._tested[due] -= 1.0
        return np.flatnonzero(np.isin(self.string, due))

    def _renewals(self, soh: Floats, now_us: int) -> Ints:
        """Blocks that the operator replaces: failed ones, strings with too many of them or of the planned age."""
        upkeep, blocks = self._plan.upkeep, self._plant.fleet.world.blocks
        failed = soh < self.end_soh
        chance = self._rng.uniform(size=len(soh))
        chosen = (failed & (chance < _REPLACED_A_MONTH)) | (chance > 1.0 - _REMOVED_A_YEAR / 12.0)
        self._gone += failed & chosen
        for s in range(int(self.string[-1]) + 1):
            mine = self.string == s
            age = (now_us / _US - float(np.median(blocks.installed_s[mine]))) / _YEAR_S
            if self._gone[mine].sum() > upkeep.string_share * mine.sum() or age > upkeep.planned_age_years:
                chosen |= mine
                self._gone[mine] = 0
        return np.flatnonzero(chosen)

    def _clear_failed(self, now_us: int) -> None:
        failed = np.flatnonzero(self._plant.soh_capacity < self.end_soh + 0.01)
        self._renew(failed, now_us)
        self.installed_us[failed] = now_us

    def _renew(self, slots: Ints, now_us: int) -> None:
        """Puts new blocks, charged and drawn like the first ones, into slots."""
        if len(slots) == 0:
            return
        self._spares += 1
        fleet = self._plant.fleet
        spares = make_blocks(self._plan.inventory, self._plan.seed + 1_000_003 * self._spares, self._plan.variant)
        spares.installed_s[:] = now_us / _US
        fleet.world.blocks[slots] = spares[slots]
        for name, value in (("life", 0.0), ("water_lost", 0.0), ("cooked_cells", 0.0), ("wear_counted", 0.0)):
            getattr(fleet.blocks, name)[slots] = value
        for kept, value in zip(self._mark, (now_us / _US, 0.0, 0.0), strict=True):
            kept[slots] = value
        fleet.blocks.dip_left[slots] = 1.0
        fleet.blocks.discharged_from[slots] = fleet.blocks.soc[slots]
        for s in np.unique(self.string[slots]):
            fleet.strings.calm[s] = 0
            follow_age(batteries_of(fleet), int(s))
