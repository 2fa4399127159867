"""Strings of the simulator as a gateway would report them, with the hidden truth beside the readings.

The sensors' view is what `simulator.sensors.measure` makes of the plant at the instants at which gateways sample. The
twins are given nothing else, and of each block its data sheet and day of installation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from actors.fleet import TwinSpec
from batterytwin.inventory import Inventory
from batterytwin.telemetry import Regime, snap_to_grid
from simulator.mains import MainsSchedule, padded
from simulator.maintenance import Discharges, discharges
from simulator.plant import Plant
from simulator.sampling import SiteSampler, live_plan, string_offsets_us
from simulator.sensors import measure
from simulator.visits import Visits

_FLOAT_BELOW_A: Final = 0.5
_FLOAT_HOLD_US: Final = 600_000_000
_COARSE_TRUTH_US: Final = 3_600_000_000
_FINE_TRUTH_US: Final = 120_000_000
_EVENTFUL_US: Final = 36 * 3_600_000_000
"""How long after an outage its recharge counts as eventful."""
_CHUNK: Final = 10_000

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Outage:
    """A failure of the mains at one site: begin (s since 1970), length (s), load over the system's usual one."""

    start_s: float
    duration_s: float
    load_factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Recording:
    """What one string's monitors reported, and what was true.

    Attributes:
        specs: its blocks as a shard knows them.
        time_us: sample times, `(n_visits,)`.
        voltage_v: reported voltages, V, `(n_visits, n_blocks)`, like temperature and resistance.
        temperature_c: of the posts.
        resistance_mohm: the instrument's; NaN = not measured.
        current_a: reported current of the string, A, `(n_visits,)`.
        mode: what the charger reports, `(n_visits,)`.
        regime: what the string truly does, numbers of `Regime`, `(n_visits,)`.
        truth_at: visits at which the truth below was read, `(n_truths,)`.
        soc: charge left over ten-hour capacity, `(n_truths, n_blocks)`, like those that follow.
        capacity_ah: ten-hour capacity at 25 degC.
        r0_ohm: series resistance at 25 degC above 60 % charge.
    """

    specs: list[TwinSpec]
    time_us: Ints
    voltage_v: NDArray[np.float32]
    temperature_c: NDArray[np.float32]
    resistance_mohm: NDArray[np.float32]
    current_a: NDArray[np.float32]
    mode: NDArray[np.int32]
    regime: NDArray[np.int16]
    truth_at: Ints
    soc: Floats
    capacity_ah: Floats
    r0_ohm: Floats


def force_outages(plant: Plant, after_s: float, outages: Sequence[Sequence[Outage]]) -> None:
    """Replaces the mains failures after an instant by given ones, site by site; what was before stays.

    Each site's must be in time order and must not overlap. Planned tests are left out, so that the outages are all
    that discharges the strings.
    """
    world = plant.fleet.world
    rows = []
    for site, wanted in enumerate(outages):
        before = world.mains.end_s[site] < after_s
        past = np.stack([column[site][before] for column in world.mains], axis=1)
        rows.append(np.concatenate([past, [(o.start_s, o.start_s + o.duration_s, o.load_factor) for o in wanted]]))
    table = padded(rows)
    mains = MainsSchedule(*(np.ascontiguousarray(table[:, :, k]) for k in range(3)))
    forced = world._replace(mains=mains, discharges=discharges(mains, world.strings.site))
    plant.fleet = plant.fleet._replace(world=forced)


def twin_specs(inventory: Inventory) -> list[list[TwinSpec]]:
    """Blocks of each string as a shard knows them: the data sheet and the day of installation, nothing else."""
    specs = []
    key = 0
    for location in inventory.locations:
        for string in location.strings():
            specs.append(
                [
                    TwinSpec(
                        key + n,
                        block.battery_id,
                        string.string_id,
                        string.datasheet,
                        block.installed_on,
                        location.sample_period_s,
                    )
                    for n, block in enumerate(string.batteries, 1)
                ]
            )
            key += len(string.batteries)
    return specs


def record_string(plant: Plant, inventory: Inventory, seed: int, string: int, until: datetime) -> Recording:
    """Takes one string from its present to an instant as a gateway samples it: 60 s, and 1 s in an outage."""
    per_site = [sum(1 for _ in location.strings()) for location in inventory.locations]
    site = int(np.searchsorted(np.cumsum(per_site), string, side="right"))
    first = sum(per_site[:site])
    period_s = inventory.locations[site].sample_period_s
    offsets_us = string_offsets_us(per_site, period_s)[first : first + per_site[site]]
    loads = plant.fleet.world.discharges
    after_us = int(plant.fleet.strings.time_s[string] * 1e6)
    visits = SiteSampler(first, offsets_us).visits(
        live_plan(period_s, per_site[site]), loads, after_us, int(until.timestamp() * 1e6)
    )
    time_us = visits.time_us[visits.string == string]
    parts = [_look(plant, seed, string, chunk) for chunk in np.split(time_us, range(_CHUNK, len(time_us), _CHUNK))]
    view = _Look(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    at = _truth_visits(time_us, loads, string)
    mine = slice(*plant.fleet.world.first_block[string : string + 2])
    return Recording(
        specs=twin_specs(inventory)[string],
        time_us=time_us,
        voltage_v=snap_to_grid("voltage_v", view.voltage_v),
        temperature_c=snap_to_grid("temperature_c", view.temperature_c),
        resistance_mohm=snap_to_grid("internal_resistance_mohm", view.resistance_mohm),
        current_a=snap_to_grid("current_a", view.current_a),
        mode=view.mode,
        regime=true_regimes(time_us, view.true_current_a),
        truth_at=at,
        soc=view.soc[at],
        capacity_ah=view.capacity_ah[at],
        r0_ohm=plant.fleet.world.blocks.r0_ohm[mine] * view.resistance_ratio[at],
    )


class _Look(NamedTuple):
    """Readings and truth, `(n_visits, n_blocks)`; of the string, `(n_visits,)`."""

    voltage_v: NDArray[np.float32]
    temperature_c: NDArray[np.float32]
    resistance_mohm: NDArray[np.float32]
    current_a: NDArray[np.float32]
    true_current_a: Floats
    mode: NDArray[np.int32]
    soc: Floats
    capacity_ah: Floats
    resistance_ratio: Floats


def _look(plant: Plant, seed: int, string: int, time_us: Ints) -> _Look:
    truth = plant.visit(Visits(np.full(len(time_us), string, dtype=np.int64), time_us))
    readings = measure(truth, seed)
    shape = (len(time_us), -1)
    return _Look(
        readings.voltage_v.reshape(shape),
        readings.temperature_c.reshape(shape),
        readings.resistance_mohm.reshape(shape),
        readings.current_a,
        truth.current_a,
        truth.mode,
        truth.soc.reshape(shape),
        truth.capacity_ah.reshape(shape),
        truth.resistance_ratio.reshape(shape),
    )


def _truth_visits(time_us: Ints, loads: Discharges, string: int) -> Ints:
    """Visits at which the truth is kept: hourly, and every two minutes around outages."""
    eventful = np.zeros(len(time_us), dtype=np.bool_)
    for start_s, end_s in zip(loads.start_s[string], loads.end_s[string], strict=True):
        eventful |= (time_us >= start_s * 1e6) & (time_us < end_s * 1e6 + _EVENTFUL_US)
    per_coarse = _COARSE_TRUTH_US // _FINE_TRUTH_US
    slot = np.where(eventful, time_us // _FINE_TRUTH_US, time_us // _COARSE_TRUTH_US * per_coarse)
    return np.append(np.flatnonzero(np.diff(slot)), len(time_us) - 1)


def true_regimes(time_us: Ints, current_a: Floats) -> NDArray[np.int16]:
    """What a string truly does, by its true current: none at all is rest, ten minutes below 0.5 A are float."""
    regime = np.full(len(time_us), int(Regime.RECHARGE), dtype=np.int16)
    discharging, resting = current_a < 0.0, current_a == 0.0
    busy = (current_a >= _FLOAT_BELOW_A) | discharging | resting
    busy_since = np.maximum.accumulate(np.where(busy, time_us, np.iinfo(np.int64).min // 2))
    regime[~busy & (time_us - busy_since > _FLOAT_HOLD_US)] = int(Regime.FLOAT)
    regime[discharging] = int(Regime.DISCHARGE)
    regime[resting] = int(Regime.REST)
    return regime
