"""A month of strings of every site whose parameters the twins do not know: voltage, its uncertainty, persistence.

Outages are forced so that every regime has data: two ordinary ones, one of an hour and one that empties the UPS strings
until the load is cut off, with hours of rest before the mains return. Regimes are the plant's, not the filter's.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from batterytwin.inventory import Inventory, load_fleet
from batterytwin.telemetry import Regime
from simulator.plant import Plant
from tests.validation.scoring import mean_absolute, skill
from tests.validation.section import Context
from tests.validation.simulated_fleet import Floats, Ints, Outage, Recording, force_outages, record_string
from tests.validation.twin_runs import TwinRun, predict_ahead, run_twins

SEED: Final = 20_261
"""Not the simulator's default, which whoever builds the filter looks at every day."""
_START: Final = datetime(2026, 4, 1, tzinfo=UTC)
_DAYS: Final = 30
_DAYS_QUICK: Final = 9
_STRINGS_A_SITE: Final = 2
_HORIZON_US: Final = 600_000_000
_WINDOWS_A_STRING: Final = {Regime.FLOAT: 200, Regime.DISCHARGE: 150, Regime.RECHARGE: 200, Regime.REST: 100}
_LEARNING_S: Final = 3_600.0
REGIMES: Final = (Regime.FLOAT, Regime.DISCHARGE, Regime.RECHARGE, Regime.REST)


def measure(context: Context) -> Mapping[str, float]:
    """Errors and NIS by regime."""
    found: dict[str, list[Floats]] = defaultdict(list)
    days = _DAYS_QUICK if context.quick else _DAYS
    for number, recording in enumerate(month_of_strings(days, 1 if context.quick else _STRINGS_A_SITE)):
        _judge(recording, found)
        if number % 4 == 3:
            context.say(f"{number + 1} strings")
    return _figures(found)


def month_of_strings(days: int, strings_a_site: int, seed: int = SEED) -> Iterator[Recording]:
    """Recordings of the first strings of each kind of system at each site."""
    inventory = load_fleet()
    plant = Plant(inventory, seed, _START)
    force_outages(plant, _START.timestamp(), month_of_outages(inventory, seed))
    for string in some_strings(inventory, strings_a_site):
        yield record_string(plant, inventory, seed, string, _START + timedelta(days=days))


def some_strings(inventory: Inventory, per_site: int) -> list[int]:
    """Numbers of strings, evenly from the first to the last of each site: UPS and rectifier, old and newer."""
    chosen, first = [], 0
    for location in inventory.locations:
        count = sum(1 for _ in location.strings())
        chosen += [first + int(k) for k in np.linspace(0, count - 1, per_site)]
        first += count
    return chosen


def month_of_outages(inventory: Inventory, seed: int) -> list[list[Outage]]:
    """Outages of each site: ordinary ones on days 2 and 15, an hour on day 20, one to the end voltage on day 4."""
    rng = np.random.default_rng([seed, 901])
    plan = []
    for _ in inventory.locations:
        kinds = ((2, 5.0, 15.0), (4, 300.0, 480.0), (15, 5.0, 15.0), (20, 40.0, 90.0))  # day, minutes
        plan.append(
            [
                Outage(
                    _START.timestamp() + (day + rng.uniform(0.0, 1.0)) * 86_400.0,
                    60.0 * rng.uniform(shortest, longest),
                    rng.uniform(0.8, 1.3),
                )
                for day, shortest, longest in kinds
            ]
        )
    return plan


def horizon_windows(recording: Recording, horizon_us: int = _HORIZON_US) -> tuple[Ints, Ints]:
    """Visits at which a forecast begins and those at which it ends, wholly within one regime, thinned by regime."""
    time_us, regime = recording.time_us, recording.regime
    target = np.searchsorted(time_us, time_us + horizon_us)
    start = np.flatnonzero(target < len(time_us))
    target = target[start]
    # a regime that lasts has no change of it in between
    changes = np.concatenate([[0], np.cumsum(np.diff(regime) != 0)])
    near = time_us[target] - time_us[start] < horizon_us + 61_000_000
    learnt = time_us[start] - time_us[0] > _LEARNING_S * 1e6
    whole = (changes[start] == changes[target]) & near & learnt
    start, target = start[whole], target[whole]
    chosen: list[int] = []
    for kind, most in _WINDOWS_A_STRING.items():
        mine = np.flatnonzero(regime[start] == int(kind))
        # evenly in time, not in samples: an outage has sixty times as many
        moments = time_us[start[mine]]
        if len(mine):
            wanted = np.linspace(moments[0], moments[-1], most)
            chosen += [int(mine[k]) for k in np.unique(np.clip(np.searchsorted(moments, wanted), 0, len(mine) - 1))]
    order = np.array(sorted(set(chosen)), dtype=np.int64)
    # two windows may share a start only by accident of thinning; ascending starts are what run_twins wants
    return start[order], target[order]


def _judge(recording: Recording, found: dict[str, list[Floats]]) -> None:
    start, target = horizon_windows(recording)
    run = run_twins(recording, keep_after=start)
    innovation, sigma = run["innovation_v"].astype(np.float64), run["innovation_sigma_v"].astype(np.float64)
    learnt = recording.time_us - recording.time_us[0] > _LEARNING_S * 1e6
    for kind in REGIMES:
        mine = (recording.regime == int(kind)) & learnt
        found[f"{kind.name}.one_step"].append(innovation[mine].ravel())
        found[f"{kind.name}.nis"].append(((innovation[mine] / sigma[mine]) ** 2).ravel())
        found[f"{kind.name}.agreed"].append((run.regime[mine] == int(kind)).ravel().astype(np.float64))
    _judge_ahead(recording, run, start, target, found)


def _judge_ahead(recording: Recording, run: TwinRun, start: Ints, target: Ints, found: dict[str, list[Floats]]) -> None:
    actual = recording.voltage_v[target].astype(np.float64)
    ahead = actual - predict_ahead(recording, run.states, start, target)
    held = actual - recording.voltage_v[start].astype(np.float64)
    for kind in REGIMES:
        mine = recording.regime[start] == int(kind)
        found[f"{kind.name}.ahead"].append(ahead[mine].ravel())
        found[f"{kind.name}.held"].append(held[mine].ravel())


def _figures(found: Mapping[str, list[Floats]]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for kind in REGIMES:
        of = {
            name: np.concatenate(found[f"{kind.name}.{name}"])
            for name in ("one_step", "nis", "agreed", "ahead", "held")
        }
        name = kind.name.lower()
        figures[f"voltage.{name}_mae_mv"] = 1e3 * mean_absolute(of["one_step"])
        figures[f"voltage.{name}_skill_10min"] = skill(of["ahead"], of["held"])
        figures[f"voltage.{name}_nis"] = float(np.nanmean(of["nis"])) if of["nis"].size else float("nan")
        figures[f"voltage.{name}_mae_10min_mv"] = 1e3 * mean_absolute(of["ahead"])
        figures[f"voltage.{name}_persistence_10min_mv"] = 1e3 * mean_absolute(of["held"])
        figures[f"voltage.{name}_nis_median"] = float(np.nanmedian(of["nis"])) if of["nis"].size else float("nan")
        figures[f"voltage.{name}_readings"] = float(np.isfinite(of["one_step"]).sum())
        figures[f"voltage.{name}_windows"] = float(np.isfinite(of["ahead"]).sum())
        figures[f"voltage.{name}_regime_agreed_percent"] = 100.0 * mean_absolute(of["agreed"])
    return figures
