"""Drills without twins: hosts and databases that do what a test says, and remember what was asked of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from batterytwin.alerts import AlertRule, AlertState, Severity
from batterytwin.errors import StoreUnavailableError, TwinError, UnavailableError
from simulator.scenario_course import ScenarioPart
from storage.alert_records import AlertRecord
from twin_server.drill_host import DrillPlan, DrillStatus, DrillStory
from twin_server.live_drill import DrillPlace

BEGIN_US = 1_790_000_000_000_000


class ScriptedHost:
    """One drill that is told how it goes.

    Attributes:
        plan: what it was started with.
        failure: what every question is answered with; None = it lives.
        is_stopped: whether it was ended.
    """

    def __init__(self, hosts: "ScriptedHosts") -> None:
        self._hosts = hosts
        self.plan: DrillPlan | None = None
        self.failure: TwinError | None = None
        self.is_stopped = False
        self.now_us = BEGIN_US
        self.is_over = False
        self.speed = 1.0

    async def start(self, plan: DrillPlan) -> DrillStatus:
        self.plan, self.speed = plan, plan.speed
        await self._hosts.gate.wait()
        if self._hosts.refusal is not None:
            raise self._hosts.refusal
        return self._status()

    async def change(self, parts: Sequence[ScenarioPart] | None, speed: float | None) -> DrillStatus:
        assert self.plan is not None
        self.plan = replace(self.plan, parts=self.plan.parts if parts is None else parts)
        self.speed = speed or self.speed
        return self._status()

    async def status(self) -> DrillStatus:
        if self.failure is not None:
            raise self.failure
        self.now_us += 1_000_000
        return self._status()

    async def story(self) -> DrillStory:
        if self.failure is not None or self.plan is None:
            raise self.failure or UnavailableError("It does not live.")
        return DrillStory((alert("a"), alert("b")), 2, ("lowest voltage: 9.9 V, AAA-U1-S01-B01",))

    async def stop(self) -> None:
        self.is_stopped = True

    def _status(self) -> DrillStatus:
        assert self.plan is not None
        return DrillStatus(
            target=self._hosts.target,
            location_ids=tuple(self.plan.names) or ("AAA", "BBB"),
            battery_count=48,
            begin_us=BEGIN_US,
            now_us=self.now_us,
            speed=self.speed,
            achieved_speed=self.speed,
            reading_count=7,
            active_alert_count=2,
            is_over=self.is_over,
        )


class ScriptedHosts:
    """Makes scripted hosts.

    Attributes:
        made: all of them.
        gate: starts end when it is set.
        refusal: what starts end with; None = well.
        target: address of every drill's API.
    """

    def __init__(self, target: str = "127.0.0.1:1") -> None:
        self.made: list[ScriptedHost] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.refusal: TwinError | None = None
        self.target = target
        self.warmed = 0
        self.is_closed = False

    def make(self) -> ScriptedHost:
        self.made.append(ScriptedHost(self))
        return self.made[-1]

    async def warm(self) -> None:
        self.warmed += 1

    async def close(self) -> None:
        self.is_closed = True


class ScriptedDatabases:
    """Databases that are names in a set."""

    def __init__(self) -> None:
        self.there: set[str] = set()
        self.refusal: TwinError | None = None

    def prepare(self) -> None:
        pass

    def create(self, drill_id: str) -> str:
        self.there.add(drill_id)
        return f"postgresql:///drill_{drill_id}"

    def url_of(self, drill_id: str) -> str:
        raise StoreUnavailableError(f"There is no database {drill_id}.")

    def drop(self, drill_id: str) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.there.discard(drill_id)

    def drop_left_over(self) -> list[str]:
        left, self.there = sorted(self.there), set()
        return left


def scripted_place(hosts: ScriptedHosts, databases: ScriptedDatabases, data_dir: Path) -> DrillPlace:
    """Where scripted drills live."""
    return DrillPlace(hosts, databases, "postgresql:///live", data_dir / "archive", data_dir)


def alert(alert_id: str, value: float = float("nan")) -> AlertRecord:
    """An alert of a drill that somebody has acknowledged."""
    return AlertRecord(
        alert_id=alert_id,
        battery_id="AAA-U1-S01-B01",
        string_id="AAA-U1-S01",
        location_id="AAA",
        rule=AlertRule(1),
        severity=Severity.CRITICAL,
        state=AlertState.ACKNOWLEDGED,
        message="it is low",
        value=value,
        threshold=10.5,
        unit="V",
        raise_time_us=BEGIN_US + 1,
        clear_time_us=None,
        acknowledge_time_us=BEGIN_US + 2,
        acknowledged_by="anna",
        acknowledge_note="seen",
        resolve_time_us=None,
        resolved_by="",
        resolve_note="",
    )
