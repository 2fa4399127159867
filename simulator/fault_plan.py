"""Plans of faults: read from a TOML file, or drawn at random."""

import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from batterytwin.errors import InvalidArgumentError
from batterytwin.inventory import Inventory
from simulator.fault_labels import targets_block, targets_location
from simulator.faults import FaultEvent, FaultKind

_DAY_S: Final = 86_400.0
_TRIES: Final = 20
_BATTERY_MONTH_S: Final = 365.2425 / 12.0 * _DAY_S
_KEYS: Final = {"kind", "target", "start", "start_days", "end", "days", "magnitude"}


class _Usual(NamedTuple):
    """How a kind of fault usually is: magnitude from least to most, of either sign or not, days (none = for good)."""

    least: float
    most: float
    either_sign: bool = False
    days: tuple[float, float] | None = None


_SENSOR_DAYS: Final = (2.0, 30.0)
_USUAL: Final = {
    FaultKind.SHORTED_CELL: _Usual(1.0, 1.0),
    FaultKind.OPEN_CELL: _Usual(100.0, 1_000.0),
    FaultKind.REVERSED_BLOCK: _Usual(0.5, 0.8),
    FaultKind.LOOSE_CONNECTION_INSIDE: _Usual(0.005, 0.03),
    FaultKind.LOOSE_CONNECTION_OUTSIDE: _Usual(0.005, 0.03),
    FaultKind.DRY_OUT: _Usual(0.1, 0.5),
    FaultKind.THERMAL_RUNAWAY: _Usual(3.0, 8.0),
    FaultKind.ACCELERATED_AGEING: _Usual(3.0, 10.0),
    FaultKind.RESISTANCE_RISE: _Usual(0.3, 1.0),
    FaultKind.WEAK_BLOCK: _Usual(0.15, 0.5),
    FaultKind.CHARGER_VOLTAGE: _Usual(0.04, 0.12, either_sign=True, days=(1.0, 30.0)),
    FaultKind.CHARGER_NO_COMPENSATION: _Usual(0.0, 0.0, days=(5.0, 60.0)),
    FaultKind.HVAC_FAILURE: _Usual(0.0, 0.0, days=(0.25, 2.0)),
    FaultKind.HVAC_DEGRADED: _Usual(0.5, 0.9, days=(1.0, 10.0)),
    FaultKind.VOLTAGE_OFFSET: _Usual(0.1, 0.5, either_sign=True, days=_SENSOR_DAYS),
    FaultKind.VOLTAGE_DRIFT: _Usual(0.01, 0.1, either_sign=True, days=_SENSOR_DAYS),
    FaultKind.VOLTAGE_STUCK: _Usual(0.0, 0.0, days=_SENSOR_DAYS),
    FaultKind.VOLTAGE_SPIKES: _Usual(0.5, 5.0, days=_SENSOR_DAYS),
    FaultKind.TEMPERATURE_OFFSET: _Usual(3.0, 10.0, either_sign=True, days=_SENSOR_DAYS),
    FaultKind.TEMPERATURE_DRIFT: _Usual(0.3, 2.0, either_sign=True, days=_SENSOR_DAYS),
    FaultKind.TEMPERATURE_STUCK: _Usual(0.0, 0.0, days=_SENSOR_DAYS),
    FaultKind.TEMPERATURE_SPIKES: _Usual(5.0, 40.0, days=_SENSOR_DAYS),
    FaultKind.CURRENT_OFFSET: _Usual(0.3, 3.0, either_sign=True, days=_SENSOR_DAYS),
    FaultKind.CURRENT_SIGN: _Usual(0.0, 0.0, days=(10.0, 90.0)),
    FaultKind.CURRENT_STUCK: _Usual(0.0, 0.0, days=_SENSOR_DAYS),
    FaultKind.DROPOUT: _Usual(0.02, 0.5, days=_SENSOR_DAYS),
    FaultKind.CLOCK_SKEW: _Usual(5.0, 100.0, days=_SENSOR_DAYS),
    FaultKind.LATE_ROWS: _Usual(0.02, 0.3, days=_SENSOR_DAYS),
    FaultKind.REPEATED_ROWS: _Usual(0.02, 0.3, days=_SENSOR_DAYS),
}


def load_fault_plan(path: Path, begin: datetime) -> tuple[FaultEvent, ...]:
    """Reads a plan of faults.

    Args:
        path: TOML file of `[[fault]]` tables: `kind` and `target`; `start` (a time) or `start_days`; optional `end` or
            `days` that it lasts, and `magnitude`.
        begin: what `start_days` counts from, with time zone.

    Raises:
        InvalidArgumentError: the file is missing, not TOML, or says something that no fault has.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        if set(data) - {"fault"}:
            raise ValueError(f"only [[fault]] tables are known, not {', '.join(sorted(set(data) - {'fault'}))}")
        return tuple(_event(entry, begin) for entry in data.get("fault", []))
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidArgumentError(
            f"The plan of faults {path} cannot be used: {error}", field="faults", value=path
        ) from error


def _event(entry: dict[str, Any], begin: datetime) -> FaultEvent:
    if unknown := set(entry) - _KEYS:
        raise ValueError(f"a fault has {', '.join(sorted(_KEYS))}, not {', '.join(sorted(unknown))}")
    name = str(entry["kind"])
    if name not in FaultKind.__members__:
        raise ValueError(f"no kind of fault is called {name}; there are {', '.join(FaultKind.__members__)}")
    start_s = _instant(entry["start"]) if "start" in entry else begin.timestamp() + _DAY_S * float(entry["start_days"])
    end_s = float("inf")
    if "end" in entry:
        end_s = _instant(entry["end"])
    elif "days" in entry:
        end_s = start_s + _DAY_S * float(entry["days"])
    return FaultEvent(FaultKind[name], str(entry["target"]), start_s, end_s, float(entry.get("magnitude", 0.0)))


def _instant(value: datetime) -> float:
    if value.tzinfo is None:
        raise ValueError(f"the time {value} needs a zone, such as Z")
    return value.timestamp()


def random_fault_plan(
    inventory: Inventory,
    string_ids: Sequence[str],
    seed: int,
    span: tuple[datetime, datetime],
    per_100_battery_months: float,
) -> tuple[FaultEvent, ...]:
    """Draws faults of all kinds, in the order of their begin; no target has two at a time.

    All kinds are equally likely, but where the one drawn finds its target busy another is drawn.

    Args:
        inventory: the fleet.
        string_ids: strings whose blocks, chargers, sensors, rooms and gateways may fail.
        seed: chooses them.
        span: begin and end; faults begin in the first nine tenths of it.
        per_100_battery_months: how many begin in a hundred months of single batteries.
    """
    begin_s, end_s = (moment.astimezone(UTC).timestamp() for moment in span)
    chosen = set(string_ids)
    sites = [
        (location.location_id, [string for string in location.strings() if string.string_id in chosen])
        for location in inventory.locations
    ]
    locations = [location_id for location_id, strings in sites if strings]
    strings = [string for _, mine in sites for string in mine]
    string_names = [string.string_id for string in strings]
    blocks = [battery.battery_id for string in strings for battery in string.batteries]
    rng = np.random.default_rng([seed, 18])
    months = len(blocks) * (end_s - begin_s) / _BATTERY_MONTH_S
    kinds = list(FaultKind)
    events: list[FaultEvent] = []
    busy_until_s: dict[str, float] = {}
    starts_s = np.sort(
        begin_s + rng.uniform(0.0, 0.9, rng.poisson(per_100_battery_months * months / 100.0)) * (end_s - begin_s)
    )
    for start_s in starts_s.tolist():
        for _ in range(_TRIES):
            kind = kinds[int(rng.integers(len(kinds)))]
            names = locations if targets_location(kind) else blocks if targets_block(kind) else string_names
            event = _draw(rng, kind, names[int(rng.integers(len(names)))], start_s)
            if busy_until_s.get(event.target_id, begin_s) <= start_s:
                busy_until_s[event.target_id] = event.end_s
                events.append(event)
                break
    return tuple(events)


def _draw(rng: np.random.Generator, kind: FaultKind, target_id: str, start_s: float) -> FaultEvent:
    usual = _USUAL[kind]
    magnitude = float(rng.uniform(usual.least, usual.most)) * (
        -1.0 if usual.either_sign and rng.uniform() < 0.5 else 1.0
    )
    end_s = start_s + _DAY_S * float(rng.uniform(*usual.days)) if usual.days else float("inf")
    return FaultEvent(kind, target_id, start_s, end_s, magnitude)
