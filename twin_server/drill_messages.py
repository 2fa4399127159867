"""Scenarios and drills as messages of `ScenarioService`."""

from collections.abc import Sequence

from batterytwin.v1 import scenario_pb2
from simulator.scenario import Scenario
from storage.alert_records import AlertRecord
from storage.drill_records import DrillChangeRecord, DrillPart, DrillRecord
from twin_server.alert_proto import alert_to_proto
from twin_server.scenario_parts import definition_of
from twin_server.time_proto import optional_timestamp, us_to_timestamp


def scenario_message(scenario: Scenario) -> scenario_pb2.Scenario:
    """Message of a scenario."""
    return scenario_pb2.Scenario(
        name=scenario.name,
        version=scenario.version,
        title=scenario.title,
        words=scenario.words.strip(),
        targets=[scenario_pb2.TargetLevel.Value(f"TARGET_LEVEL_{target.name}") for target in scenario.targets],
        parameters=[
            scenario_pb2.ScenarioParameter(
                name=p.name, unit=p.unit, default_value=p.default, least=p.least, most=p.most, words=p.words
            )
            for p in scenario.parameters
        ],
        definition=definition_of(scenario),
    )


def drill_message(drill: DrillRecord) -> scenario_pb2.Drill:
    """Message of a drill."""
    return scenario_pb2.Drill(
        drill_id=drill.drill_id,
        title=drill.title,
        state=scenario_pb2.DrillState.ValueType(drill.state),
        reason=drill.reason,
        parts=[_part(part) for part in drill.parts],
        names=drill.names,
        location_ids=drill.location_ids,
        battery_count=drill.battery_count,
        seed=drill.seed,
        speed=drill.speed,
        achieved_speed=drill.achieved_speed,
        begin_time=optional_timestamp(drill.begin_us),
        now_time=optional_timestamp(drill.now_us),
        end_time=optional_timestamp(drill.end_us),
        start_time=us_to_timestamp(drill.started_us),
        started_by=drill.started_by,
        stop_time=optional_timestamp(drill.stopped_us),
        stopped_by=drill.stopped_by,
        reading_count=drill.reading_count,
        active_alert_count=drill.active_alert_count,
        revision=drill.revision,
    )


def report_message(
    drill: DrillRecord,
    changes: Sequence[DrillChangeRecord],
    alerts: Sequence[AlertRecord],
    alert_count: int,
    extremes: Sequence[str],
) -> scenario_pb2.DrillReport:
    """Message of how a drill went."""
    return scenario_pb2.DrillReport(
        drill=drill_message(drill),
        changes=[
            scenario_pb2.DrillChange(
                change_time=us_to_timestamp(change.changed_us),
                branch_time=optional_timestamp(change.branch_us),
                changed_by=change.changed_by,
                words=change.words,
            )
            for change in changes
        ],
        alerts=[alert_to_proto(alert) for alert in alerts],
        alert_count=alert_count,
        extremes=extremes,
    )


def _part(part: DrillPart) -> scenario_pb2.ScenarioPart:
    return scenario_pb2.ScenarioPart(
        scenario_name=part.scenario_name,
        definition=part.definition,
        targets=part.targets,
        parameters=dict(part.parameters),
        start_s=part.start_s,
    )
