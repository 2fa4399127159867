"""Drills as the store gives them: plain values, times in microseconds since 1970 UTC."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from batterytwin.alerts import AlertRule, AlertState, Severity
from batterytwin.scenarios import DrillState
from storage.alert_records import AlertRecord
from storage.instants import to_us, to_us_or_none


@dataclass(frozen=True, slots=True)
class DrillPart:
    """A scenario that is played somewhere in a drill.

    Attributes:
        scenario_name: its name.
        definition: all of it, JSON.
        targets: locations, strings or batteries; empty = all locations that were copied.
        parameters: all of them with their values.
        start_s: when it begins, s of the drill's time after its begin.
    """

    scenario_name: str
    definition: str
    targets: tuple[str, ...] = ()
    parameters: Mapping[str, float] = field(default_factory=dict)
    start_s: float = 0.0


@dataclass(frozen=True, slots=True)
class DrillRecord:
    """A drill as it stands. Empty names = nobody; None = it has no such time (yet).

    Attributes:
        drill_id: its name.
        title: for people.
        parts: what happens.
        names: what was copied; empty = all.
        location_ids: locations that it holds.
        battery_count: batteries in it.
        seed: draws what the twins do not know.
        speed: wanted pace, its time over real time.
        started_us: when it was started.
        started_by: who started it.
        state: how far it has come.
        reason: why it failed; empty = it did not.
        begin_us: begin in its own time.
        now_us: its present.
        end_us: it ends by itself then.
        stopped_us: when it ended, by the server's clock.
        stopped_by: who stopped it.
        reading_count: readings that its twins have taken.
        revision: raised with every change by a person, from 1.
        achieved_speed: pace of the last seconds; not stored.
        active_alert_count: alerts that stand in it; not stored.
    """

    drill_id: str
    title: str
    parts: tuple[DrillPart, ...]
    names: tuple[str, ...]
    location_ids: tuple[str, ...]
    battery_count: int
    seed: int
    speed: float
    started_us: int
    started_by: str
    state: DrillState = DrillState.STARTING
    reason: str = ""
    begin_us: int | None = None
    now_us: int | None = None
    end_us: int | None = None
    stopped_us: int | None = None
    stopped_by: str = ""
    reading_count: int = 0
    revision: int = 1
    achieved_speed: float = 0.0
    active_alert_count: int = 0


@dataclass(frozen=True, slots=True)
class DrillChangeRecord:
    """What a person did with a drill.

    Attributes:
        changed_us: when, by the server's clock.
        branch_us: when, in the drill's time; None = it had none yet.
        changed_by: who.
        words: what, for people.
    """

    changed_us: int
    branch_us: int | None
    changed_by: str
    words: str


@dataclass(frozen=True, slots=True)
class DrillReportRecord:
    """What happened in a drill.

    Attributes:
        alerts: alerts that it raised, oldest first.
        alert_count: all of them, also those left out.
        extremes: lowest and highest of what its batteries showed, one line each, for people.
    """

    alerts: tuple[AlertRecord, ...] = ()
    alert_count: int = 0
    extremes: tuple[str, ...] = ()


def drill_of_row(row: Any) -> DrillRecord:
    """Drill in a row of `drills.sql`."""
    return DrillRecord(
        drill_id=row.drill_id,
        title=row.title,
        parts=tuple(DrillPart(**part | {"targets": tuple(part["targets"])}) for part in row.parts),
        names=tuple(row.names),
        location_ids=tuple(row.location_ids),
        battery_count=row.battery_count,
        seed=row.seed,
        speed=row.speed,
        started_us=to_us(row.started_at),
        started_by=row.started_by,
        state=DrillState(row.state),
        reason=row.reason,
        begin_us=to_us_or_none(row.begin_at),
        now_us=to_us_or_none(row.now_at),
        end_us=to_us_or_none(row.end_at),
        stopped_us=to_us_or_none(row.stopped_at),
        stopped_by=row.stopped_by,
        reading_count=row.reading_count,
        revision=row.revision,
    )


def parts_to_json(parts: tuple[DrillPart, ...]) -> str:
    """Parts as the database keeps them."""
    return json.dumps([asdict(part) for part in parts])


def alerts_to_json(alerts: tuple[AlertRecord, ...]) -> str:
    """Alerts as the database keeps them; what is no number becomes null."""
    return json.dumps(
        [{name: None if _is_no_number(value) else value for name, value in asdict(alert).items()} for alert in alerts]
    )


def alert_of_json(values: Mapping[str, Any]) -> AlertRecord:
    """Alert as it was kept."""
    restored = {
        "rule": AlertRule(values["rule"]),
        "severity": Severity(values["severity"]),
        "state": AlertState(values["state"]),
        "value": math.nan if values["value"] is None else values["value"],
        "threshold": math.nan if values["threshold"] is None else values["threshold"],
    }
    return AlertRecord(**dict(values) | restored)


def _is_no_number(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
