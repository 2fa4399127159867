"""Made-up scenarios, drills and projections."""

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from batterytwin.alerts import AlertRule, AlertState, Severity
from clients import types as clients

BEGIN: Final = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
"""Begin of every drill in its own time; people started it an hour later by their clock."""
START: Final = BEGIN + timedelta(hours=1)
_LEVELS: Final = {level.name.lower(): level for level in clients.TargetLevel}


def scenario(
    name: str, title: str, targets: tuple[str, ...], effect: dict[str, Any], *parameters: Any
) -> clients.Scenario:
    """A scenario of one effect; a parameter is name, unit, default, least, most and words."""
    names = ("name", "unit", "default", "least", "most", "words")
    declared = [dict(zip(names, parameter, strict=True)) for parameter in parameters]
    definition = {
        "name": name, "version": 1, "title": title, "words": f"What {title.lower()} does.", "targets": targets,
        "parameter": declared, "effect": [effect],
    }  # fmt: skip
    return clients.Scenario(
        name, 1, title, f"What {title.lower()} does.", tuple(_LEVELS[target] for target in targets),
        tuple(clients.ScenarioParameter(*parameter) for parameter in parameters), json.dumps(definition),
    )  # fmt: skip


LIBRARY: Final = clients.ScenarioLibrary(
    (
        scenario(
            "hvac_failure", "Cooling fails", ("location",),
            {"kind": "ROOM", "magnitude": 100.0, "rate_k_h": "rate_k_h", "duration_h": "duration_h"},
            ("rate_k_h", "K/h", 2.0, 0.1, 20.0, "How fast the room warms."),
            ("duration_h", "h", 24.0, 0.25, 17_520.0, "How long the cooling is away."),
        ),
        scenario(
            "power_outage", "Power outage", ("location",), {"kind": "OUTAGE", "duration_h": "duration_h"},
            ("duration_h", "h", 0.5, 0.01, 24.0, "How long the mains are away."),
        ),
        scenario(
            "shorted_cell", "Shorted cell", ("battery",), {"kind": "SHORTED_CELL", "magnitude": "cells"},
            ("cells", "", 1.0, 1.0, 5.0, "How many cells."),
        ),
    ),
    5,
)  # fmt: skip


def part(
    scenario_name: str = "hvac_failure", targets: tuple[str, ...] = ("BRK",), **chosen: float
) -> clients.ScenarioPart:
    """A part as the server tells it."""
    found = next(entry for entry in LIBRARY if entry.name == scenario_name)
    values = {parameter.name: parameter.default_value for parameter in found.parameters} | chosen
    return clients.ScenarioPart(scenario_name, found.definition, targets, values)


def drill(
    drill_id: str, *parts: clients.ScenarioPart, title: str = "", by: str = "somchai", speed: float = 60.0
) -> clients.Drill:
    """A drill that has run for a minute."""
    played = parts or (part(),)
    return clients.Drill(
        drill_id=drill_id, title=title or "Cooling fails", state=clients.DrillState.RUNNING, reason="", parts=played,
        names=(), location_ids=("BRK",), battery_count=216, seed=1, speed=speed, achieved_speed=speed,
        begin_time=BEGIN, now_time=BEGIN + timedelta(minutes=speed), end_time=None, start_time=START, started_by=by,
        stop_time=None, stopped_by="", reading_count=12_960, active_alert_count=2, revision=1,
    )  # fmt: skip


def alert(number: int, minutes: float, *, seen_after_s: float | None = None) -> clients.Alert:
    """An alert of a drill at 60 times real time, raised so many minutes after its begin, perhaps acknowledged."""
    battery_id = f"BRK-U1-S03-B{number:02d}"
    raised = BEGIN + timedelta(minutes=minutes)
    seen = None if seen_after_s is None else raised + timedelta(minutes=seen_after_s)
    return clients.Alert(
        alert_id=f"{battery_id}/TEMPERATURE_HIGH/{number}", battery_id=battery_id, string_id="BRK-U1-S03",
        location_id="BRK", rule=AlertRule.TEMPERATURE_HIGH, severity=Severity.CRITICAL,
        state=AlertState.RAISED if seen_after_s is None else AlertState.ACKNOWLEDGED,
        message="47.1 degC, above 45 degC for 5 min", value=47.1, threshold=45.0, unit="degC", raise_time=raised,
        clear_time=None, acknowledge_time=seen,
        acknowledged_by="" if seen_after_s is None else "malee", acknowledge_note="" if seen_after_s is None else "fan",
        resolve_time=None, resolved_by="", resolve_note="",
    )  # fmt: skip


def report(found: clients.Drill) -> clients.DrillReport:
    """It was started, two alerts were raised, one was seen after twenty seconds, the pace was changed."""
    changes = (
        clients.DrillChange(START, BEGIN, found.started_by, "started at 60 times real time: hvac_failure at BRK"),
        clients.DrillChange(
            START + timedelta(seconds=60), BEGIN + timedelta(hours=1), "anna", "pace 60 → 120 times real time"
        ),
    )
    alerts = (alert(1, 12.0, seen_after_s=20.0), alert(2, 30.0))
    return clients.DrillReport(found, changes, alerts, 2, ("Hottest post: 47.1 °C, BRK-U1-S03-B01 at 03:12 UTC",))


def _five(middle: float) -> clients.FiveQuantiles:
    return (0.8 * middle, 0.92 * middle, middle, 1.07 * middle, 1.2 * middle)


def course(years: float, factor: float) -> clients.ProjectedCourse:
    """A course of events; `factor` times as many replacements, and as much earlier losses."""
    systems = tuple(
        clients.CarryingSystem(site, f"{site}-U1", 3, 0.99 - 0.1 * n, max(0.95 - 0.2 * n * factor, 0.0), 0.97)
        for n, site in enumerate(("BRK", "NBI", "HKT"))
    )
    losses = (
        clients.FirstLoss("BRK", tuple(value / factor for value in _five(400.0))),
        clients.FirstLoss("NBI", (900.0, 1_500.0, 3_000.0, math.nan, math.nan)),
        clients.FirstLoss("HKT", (math.nan,) * 5),
    )
    replacements = tuple(_five(factor * 90.0 * year) for year in range(1, math.ceil(years) + 1))
    return clients.ProjectedCourse(replacements, losses, systems[::-1], systems[:0:-1])


def projection(projection_id: str, request: clients.ProjectionRequest, number: int = 0) -> clients.Projection:
    """A projection that is done."""
    warmth = tuple(clients.WarmthCost(float(k), _five(900.0 * 1.06**k), 225_000.0 * 1.06**k) for k in range(1, 6))
    return clients.Projection(
        projection_id=projection_id, request=request, state=clients.ProjectionState.DONE, progress=1.0, reason="",
        begin_time=BEGIN, battery_count=1_944, ask_time=START + timedelta(minutes=number), asked_by="somchai",
        done_time=START + timedelta(minutes=number, seconds=21), took_s=21.0, baseline=course(request.years, 1.0),
        with_scenario=course(request.years, 1.3) if request.parts else None, warmth=warmth if request.warmth else (),
    )  # fmt: skip


def compared(found: clients.Projection) -> clients.ComparedProjection:
    """A row of a comparison."""
    shown = found.with_scenario or found.baseline
    assert shown is not None
    return clients.ComparedProjection(
        found.projection_id, found.request.title, shown.replacements, (40.0, 60.0, 81.0, 95.0, 120.0), 20_250.0, 2
    )
