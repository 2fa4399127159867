"""Scenarios and drills to and from the messages of `ScenarioService`."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from batterytwin.scenarios import DrillState, TargetLevel
from batterytwin.v1 import scenario_pb2
from batterytwin.v1.scenario_service_pb2 import (
    ListLibraryResponse,
    ListScenariosResponse,
    StartScenarioRequest,
    StopScenarioRequest,
    UpdateScenarioRequest,
)
from clients.alerts_proto import alert_from_proto
from clients.scenarios import (
    Drill,
    DrillChange,
    DrillPage,
    DrillReport,
    Scenario,
    ScenarioLibrary,
    ScenarioParameter,
    ScenarioPart,
)
from clients.wire import enum_from_number, optional_time, time_from_proto, time_to_proto


def library_from_proto(response: ListLibraryResponse) -> ScenarioLibrary:
    """Reads the library."""
    return ScenarioLibrary(
        tuple(scenario_from_proto(scenario) for scenario in response.scenarios), response.most_drills
    )


def scenario_from_proto(message: scenario_pb2.Scenario) -> Scenario:
    """Reads one scenario."""
    return Scenario(
        name=message.name,
        version=message.version,
        title=message.title,
        words=message.words,
        targets=tuple(enum_from_number(TargetLevel, target) for target in message.targets),
        parameters=tuple(
            ScenarioParameter(p.name, p.unit, p.default_value, p.least, p.most, p.words) for p in message.parameters
        ),
        definition=message.definition,
    )


def part_from_proto(message: scenario_pb2.ScenarioPart) -> ScenarioPart:
    """Reads one part."""
    return ScenarioPart(
        message.scenario_name, message.definition, tuple(message.targets), dict(message.parameters), message.start_s
    )


def part_to_proto(part: ScenarioPart) -> scenario_pb2.ScenarioPart:
    """Writes one part."""
    return scenario_pb2.ScenarioPart(
        scenario_name=part.scenario_name,
        definition=part.definition,
        targets=part.targets,
        parameters=dict(part.parameters),
        start_s=part.start_s,
    )


def drill_from_proto(message: scenario_pb2.Drill) -> Drill:
    """Reads one drill."""
    return Drill(
        drill_id=message.drill_id,
        title=message.title,
        state=enum_from_number(DrillState, message.state),
        reason=message.reason,
        parts=tuple(part_from_proto(part) for part in message.parts),
        names=tuple(message.names),
        location_ids=tuple(message.location_ids),
        battery_count=message.battery_count,
        seed=message.seed,
        speed=message.speed,
        achieved_speed=message.achieved_speed,
        begin_time=optional_time(message, "begin_time"),
        now_time=optional_time(message, "now_time"),
        end_time=optional_time(message, "end_time"),
        start_time=time_from_proto(message.start_time),
        started_by=message.started_by,
        stop_time=optional_time(message, "stop_time"),
        stopped_by=message.stopped_by,
        reading_count=message.reading_count,
        active_alert_count=message.active_alert_count,
        revision=message.revision,
    )


def report_from_proto(message: scenario_pb2.DrillReport) -> DrillReport:
    """Reads how a drill went."""
    return DrillReport(
        drill=drill_from_proto(message.drill),
        changes=tuple(
            DrillChange(
                time_from_proto(change.change_time),
                optional_time(change, "branch_time"),
                change.changed_by,
                change.words,
            )
            for change in message.changes
        ),
        alerts=tuple(alert_from_proto(alert) for alert in message.alerts),
        alert_count=message.alert_count,
        extremes=tuple(message.extremes),
    )


def page_from_proto(response: ListScenariosResponse) -> DrillPage:
    """Reads one page of drills."""
    return DrillPage(tuple(drill_from_proto(drill) for drill in response.drills), response.next_page_token)


def start_request(
    parts: Iterable[ScenarioPart],
    *,
    names: Iterable[str],
    at_time: datetime | None,
    speed: float,
    seed: int,
    title: str,
    duration_h: float | None,
    request_id: str,
) -> StartScenarioRequest:
    """Starts a drill, under a name of its own where none is given."""
    return StartScenarioRequest(
        request_id=request_id or str(uuid.uuid4()),
        parts=[part_to_proto(part) for part in parts],
        names=names,
        at_time=time_to_proto(at_time, "at_time"),
        speed=speed,
        seed=seed,
        title=title,
        duration_h=duration_h or 0.0,
    )


def update_request(
    drill_id: str, parts: Iterable[ScenarioPart], speed: float | None, revision: int, request_id: str
) -> UpdateScenarioRequest:
    """Changes a drill, under a name of its own where none is given."""
    return UpdateScenarioRequest(
        drill_id=drill_id,
        request_id=request_id or str(uuid.uuid4()),
        parts=[part_to_proto(part) for part in parts],
        speed=speed or 0.0,
        revision=revision,
    )


def stop_request(drill_id: str, request_id: str) -> StopScenarioRequest:
    """Stops a drill, under a name of its own where none is given."""
    return StopScenarioRequest(drill_id=drill_id, request_id=request_id or str(uuid.uuid4()))
