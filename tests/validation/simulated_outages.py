"""One outage of every string of the fleet, from minutes to the end voltage: charge, resistance and capacity.

The fleet is lived through twice, in two seasons and from two seeds, so that 3,888 blocks of all ages have had one
outage of their own depth. Two blocks in each string have lost capacity beyond their age, which nothing but the outage
can show.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.inventory import Inventory, load_fleet
from batterytwin.telemetry import Regime
from simulator.faults import FaultEvent, FaultKind
from simulator.plant import Plant
from tests.validation.scoring import coverage, root_mean_square
from tests.validation.section import Context
from tests.validation.simulated_fleet import Floats, Outage, Recording, force_outages, record_string
from tests.validation.twin_runs import TwinRun, run_twins, with_soc

_FLEETS: Final = ((20_262, datetime(2026, 4, 1, tzinfo=UTC)), (20_263, datetime(2026, 9, 1, tzinfo=UTC)))
_DAYS: Final = 4
_WEAK_A_STRING: Final = 2
_WRONG_BY: Final = 0.2
_SCORED_BELOW: Final = 0.10
_DEEP: Final = 0.30
_PHASES: Final = (Regime.DISCHARGE, Regime.REST, Regime.RECHARGE)

Found = dict[str, list[Floats]]


def measure(context: Context) -> Mapping[str, float]:
    """Errors of SOC, R0 and capacity, each against its own sigma."""
    found: Found = defaultdict(list)
    for seed, start in _FLEETS[: 1 if context.quick else 2]:
        for number, (recording, weak) in enumerate(outages_of_fleet(seed, start, every=4 if context.quick else 1)):
            run = run_twins(recording)
            rng = np.random.default_rng([seed, 903, number])
            _score_soc(recording, run, rng, found)
            _score_wrong_starts(recording, found)
            _score_parameters(recording, run, weak, found)
            if number % 20 == 19:
                context.say(f"{number + 1} strings of fleet {seed}")
    return _figures({name: np.concatenate(parts) for name, parts in found.items()})


def outages_of_fleet(seed: int, start: datetime, every: int = 1) -> Iterator[tuple[Recording, NDArray[np.bool_]]]:
    """Recordings of strings around their outage, and which of their blocks are weak."""
    inventory = load_fleet()
    faults = weak_blocks(inventory, seed)
    weak = {fault.target_id for fault in faults}
    plant = Plant(inventory, seed, start, faults)
    force_outages(plant, start.timestamp(), _one_outage_each(inventory, seed, start))
    strings = [string for location in inventory.locations for string in location.strings()]
    for number in range(0, len(strings), every):
        recording = record_string(plant, inventory, seed, number, start + timedelta(days=_DAYS))
        yield recording, np.array([battery.battery_id in weak for battery in strings[number].batteries])


def weak_blocks(inventory: Inventory, seed: int) -> list[FaultEvent]:
    """10 to 35 % of their capacity, from two blocks in each string and for ever."""
    rng = np.random.default_rng([seed, 902])
    return [
        FaultEvent(FaultKind.WEAK_BLOCK, string.batteries[int(k)].battery_id, 0.0, magnitude=rng.uniform(0.10, 0.35))
        for location in inventory.locations
        for string in location.strings()
        for k in rng.choice(len(string.batteries), _WEAK_A_STRING, replace=False)
    ]


def _one_outage_each(inventory: Inventory, seed: int, start: datetime) -> list[list[Outage]]:
    rng = np.random.default_rng([seed, 901])
    return [
        [
            Outage(
                start.timestamp() + rng.uniform(1.0, 1.5) * 86_400.0,
                60.0 * float(np.exp(rng.uniform(np.log(20.0), np.log(300.0)))),
                rng.uniform(0.8, 1.3),
            )
        ]
        for _ in inventory.locations
    ]


def _at_truths(recording: Recording, run: TwinRun, name: str, begin: int = 0) -> Floats:
    """An estimate at the visits where the truth is known; NaN before `begin`."""
    values = np.full(recording.soc.shape, np.nan)
    known = recording.truth_at >= begin
    values[known] = run[name][recording.truth_at[known] - begin]
    return values


def _score_soc(recording: Recording, run: TwinRun, rng: np.random.Generator, found: Found) -> None:
    """One sample a block and phase, at an instant of its own: neighbours in time are not independent.

    Above 90 % sigma stands at the floor of a full battery, which is a bound and no estimate.
    """
    error = _at_truths(recording, run, "soc") - recording.soc
    sigma = _at_truths(recording, run, "soc_sigma")
    phase = recording.regime[recording.truth_at]
    for kind in (*_PHASES, Regime.FLOAT):
        chosen = phase == int(kind)
        for block in range(error.shape[1]):
            below = chosen if kind is Regime.FLOAT else chosen & (recording.soc[:, block] < 1.0 - _SCORED_BELOW)
            instants = np.flatnonzero(below)
            if len(instants):
                mine = (rng.choice(instants, 1), block)
                found[f"soc.{kind.name}.error"].append(error[mine])
                found[f"soc.{kind.name}.sigma"].append(sigma[mine])


def _score_wrong_starts(recording: Recording, found: Found) -> None:
    """Starts 20 points wrong: too low at the begin of the outage, too low or too high in the middle of it."""
    discharging = recording.regime[recording.truth_at] == int(Regime.DISCHARGE)
    if not discharging.any():
        return
    first = int(np.flatnonzero(recording.regime == int(Regime.DISCHARGE))[0])
    _score_start(recording, "begin", first, np.full(recording.soc.shape[1], -_WRONG_BY), found)
    middle = np.flatnonzero(discharging & (recording.soc.mean(axis=1) < 0.8))
    if len(middle):
        signs = np.where(np.arange(recording.soc.shape[1]) % 2 == 0, -_WRONG_BY, _WRONG_BY)
        _score_start(recording, "middle", int(recording.truth_at[middle[0]]), signs, found)


def _score_start(recording: Recording, name: str, visit: int, wrong_by: Floats, found: Found) -> None:
    """Tells the twins a wrong SOC after a visit, as sure of it as it is wrong, and scores what they say later."""
    before = run_twins(recording, keep_after=[visit], end=visit + 1)
    # truth at the visit itself, between two instants at which it was read
    soc = np.array([np.interp(visit, recording.truth_at, recording.soc[:, b]) for b in range(recording.soc.shape[1])])
    state = with_soc(before.states[0], np.clip(soc + wrong_by, 0.0, 1.0), _WRONG_BY)
    run = run_twins(recording, begin=visit + 1, state=state)
    error = _at_truths(recording, run, "soc", begin=visit + 1) - recording.soc
    phase = recording.regime[recording.truth_at]
    after = recording.truth_at > visit
    deep = np.maximum.accumulate(after[:, None] & (recording.soc <= soc - _SCORED_BELOW), axis=0)
    for kind in _PHASES:
        mine = deep & (phase == int(kind))[:, None]
        found[f"wrong.{name}.{kind.name}"].append(error[mine])


def _score_parameters(recording: Recording, run: TwinRun, weak: NDArray[np.bool_], found: Found) -> None:
    """R0 and capacity before the outage and after the recharge, one sample a block."""
    rated_ah = np.array([spec.datasheet.rated_capacity_ah for spec in recording.specs])
    discharging = np.flatnonzero(recording.regime[recording.truth_at] == int(Regime.DISCHARGE))
    if len(discharging) == 0:
        return
    depth = 1.0 - recording.soc[discharging].min(axis=0)
    for when, truth in (("before", discharging[0] - 1), ("after", len(recording.truth_at) - 1)):
        visit = int(recording.truth_at[truth])
        found[f"r0.{when}.error"].append(run["r0_ohm"][visit] / recording.r0_ohm[truth] - 1.0)
        found[f"r0.{when}.sigma"].append(run["r0_sigma_ohm"][visit] / recording.r0_ohm[truth])
        capacity = recording.capacity_ah[truth]
        found[f"capacity.{when}.error"].append(run["soh_capacity"][visit] * rated_ah / capacity - 1.0)
        found[f"capacity.{when}.sigma"].append(run["soh_capacity_sigma"][visit] * rated_ah / capacity)
    found["depth"].append(depth)
    found["weak"].append(weak.astype(np.float64))


def _figures(of: Mapping[str, Floats]) -> dict[str, float]:
    figures: dict[str, float] = {}
    _soc_figures(of, figures)
    natural = of["weak"] == 0.0
    deep = of["depth"] >= _DEEP
    for when in ("before", "after"):
        _coverage_figures(figures, f"sigma.r0_{when}", of, f"r0.{when}", natural)
        _coverage_figures(figures, f"sigma.capacity_{when}", of, f"capacity.{when}", natural)
        figures[f"sigma.r0_{when}_error_percent"] = _median_percent(of[f"r0.{when}.error"])
    _coverage_figures(figures, "sigma.capacity_after_deep", of, "capacity.after", natural & deep)
    _coverage_figures(figures, "sigma.capacity_after_shallow", of, "capacity.after", natural & ~deep)
    _coverage_figures(figures, "sigma.capacity_weak_after_deep", of, "capacity.after", ~natural & deep)
    for name, chosen in (
        ("capacity.deep_outage", natural & deep),
        ("capacity.deep_outage_weak_block", ~natural & deep),
    ):
        figures[f"{name}_error_percent"] = _median_percent(of["capacity.after.error"][chosen])
        figures[f"{name}_error_before_percent"] = _median_percent(of["capacity.before.error"][chosen])
        figures[f"{name}_bias_percent"] = 100.0 * float(np.median(of["capacity.after.error"][chosen]))
        figures[f"{name}_blocks"] = float(chosen.sum())
    return figures


def _soc_figures(of: Mapping[str, Floats], figures: dict[str, float]) -> None:
    wrong: dict[str, Floats] = {}
    for kind in _PHASES:
        parts = [of[f"wrong.{name}.{kind.name}"] for name in ("begin", "middle") if f"wrong.{name}.{kind.name}" in of]
        wrong[kind.name] = np.concatenate(parts) if parts else np.empty(0)
        figures[f"soc.{kind.name.lower()}_rmse_points"] = 100.0 * root_mean_square(wrong[kind.name])
    # hours of recharge must not hide minutes of discharge: each phase counts alike
    squares = [root_mean_square(error) ** 2 for error in wrong.values()]
    figures["soc.rmse_from_wrong_start_points"] = 100.0 * float(np.sqrt(np.nanmean(squares)))
    for name in ("begin", "middle"):
        parts = [of[key] for key in of if key.startswith(f"wrong.{name}.")]
        figures[f"soc.rmse_wrong_at_{name}_points"] = (
            100.0 * root_mean_square(np.concatenate(parts)) if parts else np.nan
        )
    for kinds, label in (
        (_PHASES, "soc"),
        *(((kind,), f"soc_{kind.name.lower()}") for kind in (*_PHASES, Regime.FLOAT)),
    ):
        names = [kind.name for kind in kinds if f"soc.{kind.name}.error" in of]
        pooled = {
            f"pooled.{part}": np.concatenate([of[f"soc.{name}.{part}"] for name in names]) if names else np.empty(0)
            for part in ("error", "sigma")
        }
        _coverage_figures(figures, f"sigma.{label}", pooled, "pooled", np.ones(len(pooled["pooled.error"]), np.bool_))


def _coverage_figures(
    figures: dict[str, float], name: str, of: Mapping[str, Floats], key: str, chosen: NDArray[np.bool_]
) -> None:
    share = coverage(of[f"{key}.error"][chosen], of[f"{key}.sigma"][chosen])
    figures[f"{name}_within_1_percent"] = share.one_sigma
    figures[f"{name}_within_2_percent"] = share.two_sigma
    figures[f"{name}_samples"] = float(share.samples)


def _median_percent(relative: Sequence[float] | Floats) -> float:
    return 100.0 * float(np.median(np.abs(relative))) if len(relative) else float("nan")
