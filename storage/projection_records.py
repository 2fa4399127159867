"""Projections as plain values. Times are microseconds since 1970 UTC."""

from dataclasses import dataclass

from batterytwin.scenarios import ProjectionState


@dataclass(frozen=True, slots=True)
class NewProjection:
    """A projection to be taken into the queue.

    Attributes:
        projection_id: its name.
        request_id: of the call that asks.
        request: `batterytwin.v1.ProjectionRequest` with the defaults filled in.
        location_ids: locations in it.
        battery_count: batteries in it.
        batteries_sha256: of their names.
        asked_us: when it was asked for.
        asked_by: who asked.
    """

    projection_id: str
    request_id: str
    request: bytes
    location_ids: tuple[str, ...]
    battery_count: int
    batteries_sha256: bytes
    asked_us: int
    asked_by: str


@dataclass(frozen=True, slots=True)
class ProjectionOutcome:
    """What came of a projection.

    Attributes:
        state: DONE or FAILED.
        begin_us: the instant whose twins were copied; None = it did not come so far.
        took_s: time that computing it took, s.
        reason: why it failed, for people.
        result: `batterytwin.v1.Projection` with nothing but the results; None = it failed.
        totals: blocks replaced on each day in each member, packed; None likewise.
        location_ids: locations that were copied, where the fleet may have grown since it was asked; None = as asked.
        battery_count: batteries that were copied, likewise.
        batteries_sha256: of their names, likewise.
    """

    state: ProjectionState
    begin_us: int | None
    took_s: float
    reason: str = ""
    result: bytes | None = None
    totals: bytes | None = None
    location_ids: tuple[str, ...] | None = None
    battery_count: int | None = None
    batteries_sha256: bytes | None = None


@dataclass(frozen=True, slots=True)
class ProjectionRecord:
    """A stored projection.

    Attributes:
        projection_key: its number; later ones are greater.
        projection_id: its name.
        request: what was asked, as in `NewProjection`.
        location_ids: locations in it.
        battery_count: batteries in it.
        batteries_sha256: of their names.
        asked_us: when it was asked for.
        asked_by: who asked.
        state: how far it has come.
        reason: why it failed, for people; empty = it did not.
        begin_us: the instant whose twins were copied; None = not copied yet.
        done_us: when it was done, cancelled or failed; None = not yet.
        took_s: time that computing it took, s.
        result: as in `ProjectionOutcome`; None also in lists.
    """

    projection_key: int
    projection_id: str
    request: bytes
    location_ids: tuple[str, ...]
    battery_count: int
    batteries_sha256: bytes
    asked_us: int
    asked_by: str
    state: ProjectionState
    reason: str
    begin_us: int | None
    done_us: int | None
    took_s: float
    result: bytes | None
