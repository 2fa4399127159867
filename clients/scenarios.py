"""Scenarios and drills as clients see them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from batterytwin.scenarios import ACTIVE_DRILL_STATES, DrillState, TargetLevel
from clients.alerts import Alert


@dataclass(frozen=True, slots=True)
class ScenarioParameter:
    """A number that whoever plays a scenario may choose.

    Attributes:
        name: as effects refer to it.
        unit: for example "h"; empty = a plain number.
        default_value: where nothing is chosen.
        least: smallest value allowed.
        most: largest value allowed.
        words: what it is, for people.
    """

    name: str
    unit: str
    default_value: float
    least: float
    most: float
    words: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens, and what of it can be chosen.

    Attributes:
        name: unique in the library.
        version: raised with every change of what happens.
        title: for lists.
        words: what it is good for.
        targets: what it may be aimed at, the first being the usual one; a bare number if the server is newer.
        parameters: what can be chosen.
        definition: all of it as JSON; may be sent back as a definition of one's own.
    """

    name: str
    version: int
    title: str
    words: str
    targets: tuple[TargetLevel | int, ...]
    parameters: tuple[ScenarioParameter, ...]
    definition: str


@dataclass(frozen=True, slots=True)
class ScenarioLibrary:
    """The scenarios that come with the server, in order of their names.

    Attributes:
        scenarios: all of them.
        most_drills: most drills at once.
    """

    scenarios: tuple[Scenario, ...]
    most_drills: int

    def __iter__(self) -> Iterator[Scenario]:
        return iter(self.scenarios)

    def __len__(self) -> int:
        return len(self.scenarios)


@dataclass(frozen=True, slots=True)
class ScenarioPart:
    """A scenario that is played somewhere, from some time on.

    Attributes:
        scenario_name: name in the library; this or `definition` is needed.
        definition: a scenario of one's own, TOML, YAML or JSON, up to 65,536 characters. Answers hold it always.
        targets: locations, strings or batteries; empty = all locations that were copied.
        parameters: what was chosen, by name; others have their defaults. Answers hold all.
        start_s: when it begins, s of the drill's time after its begin.
    """

    scenario_name: str = ""
    definition: str = ""
    targets: tuple[str, ...] = ()
    parameters: Mapping[str, float] = field(default_factory=dict)
    start_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Drill:
    """Copies of twins that live on with scenarios.

    Attributes:
        drill_id: its name, for `in_drill`.
        title: for people.
        state: how far it has come; a bare number if the server is newer than this client.
        reason: why it failed, for people; empty = it did not.
        parts: what happens in it.
        names: locations, strings or batteries whose strings were copied; empty = all.
        location_ids: locations that it holds.
        battery_count: batteries in it.
        seed: draws what the twins do not know.
        speed: wanted pace, the drill's time over real time.
        achieved_speed: pace of the last seconds; less where the machine cannot keep up.
        begin_time: begin in the drill's time, UTC; None = not copied yet.
        now_time: the drill's present, UTC; None = not copied yet.
        end_time: it stops by itself then, in the drill's time, UTC; None = it does not.
        start_time: when it was started, UTC.
        started_by: who started it.
        stop_time: when it was stopped, UTC; None = not yet.
        stopped_by: who stopped it; empty = nobody, or it ended by itself.
        reading_count: readings that its twins have taken.
        active_alert_count: alerts that stand in it.
        revision: raised with every change by a person, from 1.
    """

    drill_id: str
    title: str
    state: DrillState | int
    reason: str
    parts: tuple[ScenarioPart, ...]
    names: tuple[str, ...]
    location_ids: tuple[str, ...]
    battery_count: int
    seed: int
    speed: float
    achieved_speed: float
    begin_time: datetime | None
    now_time: datetime | None
    end_time: datetime | None
    start_time: datetime
    started_by: str
    stop_time: datetime | None
    stopped_by: str
    reading_count: int
    active_alert_count: int
    revision: int

    @property
    def is_active(self) -> bool:
        """Whether something of it is left beside its report."""
        return self.state in ACTIVE_DRILL_STATES


@dataclass(frozen=True, slots=True)
class DrillChange:
    """What a person did with a drill.

    Attributes:
        change_time: when, by the server's clock, UTC.
        branch_time: when, in the drill's time, UTC; None = before it had one.
        changed_by: who.
        words: what, for people.
    """

    change_time: datetime
    branch_time: datetime | None
    changed_by: str
    words: str


@dataclass(frozen=True, slots=True)
class DrillReport:
    """How a drill went, so far.

    Attributes:
        drill: as it ended, or as it is.
        changes: what people did with it, oldest first.
        alerts: that it raised, oldest first, with who acknowledged and resolved them; at most 10,000.
        alert_count: alerts that it raised, those left out included.
        extremes: lowest and highest of what its batteries showed, and where, one line each.
    """

    drill: Drill
    changes: tuple[DrillChange, ...]
    alerts: tuple[Alert, ...]
    alert_count: int
    extremes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DrillPage:
    """One page of drills, those that live first, then newest first; `next_page_token` is empty on the last page."""

    drills: tuple[Drill, ...]
    next_page_token: str

    def __iter__(self) -> Iterator[Drill]:
        return iter(self.drills)

    def __len__(self) -> int:
        return len(self.drills)
