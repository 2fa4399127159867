"""What has to change among the recorded outages so that they are those that history shows."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from batterytwin.events import EventKind
from storage.event_records import SERVER, EventRecord
from twin_server.outage_finder import Outage

_PAST: Final = "past-outage/"
"""Begin of the request ids of outages found in history: history alone may take them away again."""
_FOREVER_US: Final = 2**62


@dataclass(slots=True)
class OutageChanges:
    """Changes that belong together.

    Attributes:
        added: events to record.
        moved: events as they should be from now on.
        removed: ids of events that history no longer shows.
    """

    added: list[EventRecord] = field(default_factory=list)
    moved: list[EventRecord] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.added or self.moved or self.removed)


def outage_changes(
    location_id: str, found: Sequence[Outage], known: Sequence[EventRecord], touched_us: tuple[int, int], now_us: int
) -> OutageChanges:
    """Compares outages that history shows with those that are recorded.

    What a person recorded and what still lasts stays as it is, and covers what lies over it. What the watch over the
    present saw may become longer. What was found in history before becomes what history shows now.

    Args:
        location_id: where.
        found: outages, apart from each other.
        known: recorded outages that lie over the same time.
        touched_us: first and last time for which history has changed: apart from it nothing recorded is changed.
        now_us: by the server's clock.
    """
    changes = OutageChanges()
    past = [event for event in known if _is_past(event)]
    others = {event.event_id: event for event in known if not _is_past(event)}
    for outage in found:
        mine = sorted((event for event in past if _lies_over(event, outage)), key=lambda event: event.event_key)
        past = [event for event in past if event not in mine]
        seen = [event for event in others.values() if _lies_over(event, outage)]
        if not mine and not seen:
            changes.added.append(_new_event(location_id, outage, now_us))
        elif not _overlap(outage.start_us, outage.end_us, *touched_us):
            continue
        elif seen:
            changes.removed += [event.event_id for event in mine]
            if all(event.end_us is not None and event.recorded_by == SERVER for event in seen):
                others[seen[0].event_id] = _joined(seen[0], outage)
        else:
            told = replace(mine[0], start_us=outage.start_us, end_us=outage.end_us, note=_note(outage))
            changes.moved += [told] if told != mine[0] else []
            changes.removed += [event.event_id for event in mine[1:]]
    changes.moved += [others[event.event_id] for event in known if others.get(event.event_id, event) != event]
    changes.removed += [e.event_id for e in past if _overlap(e.start_us, e.done_us, *touched_us)]
    return changes


def _joined(event: EventRecord, outage: Outage) -> EventRecord:
    return replace(event, start_us=min(event.start_us, outage.start_us), end_us=max(event.done_us, outage.end_us))


def _lies_over(event: EventRecord, outage: Outage) -> bool:
    end_us = _FOREVER_US if event.end_us is None else event.end_us
    return _overlap(event.start_us, end_us, outage.start_us, outage.end_us)


def _overlap(start_us: int, end_us: int, other_start_us: int, other_end_us: int) -> bool:
    return start_us < other_end_us and end_us > other_start_us


def _is_past(event: EventRecord) -> bool:
    return event.request_id.startswith(_PAST) and event.recorded_by == SERVER


def _note(outage: Outage) -> str:
    return f"On battery: {', '.join(outage.systems)}"


def _new_event(location_id: str, outage: Outage, now_us: int) -> EventRecord:
    event_id = str(uuid.uuid4())
    return EventRecord(
        event_id=event_id,
        request_id=f"{_PAST}{location_id}/{event_id}",  # not its begin, which more history may move
        kind=EventKind.OUTAGE,
        location_id=location_id,
        string_id="",
        battery_key=None,
        battery_id="",
        start_us=outage.start_us,
        end_us=outage.end_us,
        note=_note(outage),
        capacity_test=None,
        recorded_by=SERVER,
        record_us=now_us,
    )
