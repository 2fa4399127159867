"""Where a drill lives: a server of its own, over a database of its own, with a plant in the place of gateways."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from simulator.scenario_course import ScenarioPart
from storage.alert_records import AlertRecord


@dataclass(frozen=True, slots=True)
class DrillPlan:
    """What a drill begins with.

    Attributes:
        drill_id: its name.
        source_url: database of the live server, from which twins, strings, users and sessions are read.
        database_url: database of the drill; exists and is migrated, and holds nothing yet.
        archive: folder of the live server's sealed days.
        data_dir: data directory of the live server, which holds the key that tokens are signed with.
        names: locations, strings or batteries whose strings are copied; empty = all.
        at_us: an instant of the past to copy, microseconds since 1970 UTC; None = the present.
        parts: what happens.
        seed: draws what the twins do not know.
        speed: wanted pace, branch time over real time.
        duration_h: it ends after so many hours of its time; None = it does not.
    """

    drill_id: str
    source_url: str
    database_url: str
    archive: Path
    data_dir: Path
    names: Sequence[str]
    at_us: int | None
    parts: Sequence[ScenarioPart]
    seed: int
    speed: float
    duration_h: float | None = None


@dataclass(frozen=True, slots=True)
class DrillStatus:
    """How far a drill has come.

    Attributes:
        target: address of its API, on the loopback, without TLS.
        location_ids: locations that it holds.
        battery_count: batteries in it.
        begin_us: begin in its own time, microseconds since 1970 UTC.
        now_us: its present.
        speed: wanted pace.
        achieved_speed: pace of the last seconds.
        reading_count: readings that its twins have taken.
        active_alert_count: alerts that stand in it.
        is_over: its duration has passed; it lives no longer and waits to be stopped.
        failure: why it lives no longer, for people; empty = it does.
    """

    target: str
    location_ids: tuple[str, ...]
    battery_count: int
    begin_us: int
    now_us: int
    speed: float
    achieved_speed: float
    reading_count: int
    active_alert_count: int
    is_over: bool = False
    failure: str = ""


@dataclass(frozen=True, slots=True)
class DrillStory:
    """What happened in a drill.

    Attributes:
        alerts: that it raised, oldest first, with who acknowledged and resolved them.
        alert_count: all of them, also those left out.
        extremes: lowest and highest of what its batteries showed, one line each, for people.
    """

    alerts: tuple[AlertRecord, ...] = ()
    alert_count: int = 0
    extremes: tuple[str, ...] = field(default=())


class DrillHost(Protocol):
    """One drill. Every method may raise `TwinError`; `UnavailableError` where its process has died."""

    async def start(self, plan: DrillPlan) -> DrillStatus:
        """Copies the twins and lets them live; answers when the API of the drill does.

        Raises:
            NotFoundError: a name is none of the fleet.
            InvalidArgumentError: a scenario does not fit, or there is no reading to begin from.
        """

    async def change(self, parts: Sequence[ScenarioPart] | None, speed: float | None) -> DrillStatus:
        """Lets something else happen, or at another pace, from now on; None = as it was.

        Raises:
            InvalidArgumentError: a scenario does not fit.
        """

    async def status(self) -> DrillStatus:
        """How far it has come."""

    async def story(self) -> DrillStory:
        """What happened, until now."""

    async def stop(self) -> None:
        """Ends it, whatever it does; its database is left without connections. Repeating it changes nothing."""


class DrillHosts(Protocol):
    """Makes hosts."""

    def make(self) -> DrillHost:
        """A host that has not started."""

    async def warm(self) -> None:
        """Prepares a process, so that the next drill starts at once; costs nothing where one waits already."""

    async def close(self) -> None:
        """Ends a process that waits."""
