"""One drill that lives, as the server that plays it knows it."""

import asyncio
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Protocol

import grpc.aio

from batterytwin.inventory import Inventory
from batterytwin.scenarios import DrillState
from storage.access_records import AuditEntry
from storage.drill_records import DrillChangeRecord, DrillRecord, DrillReportRecord
from twin_server.drill_host import DrillHost, DrillHosts, DrillStatus

_HOUR_US: Final = 3_600_000_000
_MAX_MESSAGE: Final = 64 * 1024 * 1024
_CHANNEL_OPTIONS: Final = (
    ("grpc.max_receive_message_length", _MAX_MESSAGE),
    ("grpc.max_send_message_length", _MAX_MESSAGE),
    ("grpc.enable_retries", 0),  # whoever has called us retries
    ("grpc.use_local_subchannel_pool", 1),  # the next drill may get the same port
)


class DrillDatabases(Protocol):
    """Databases of drills, blocking; see `storage.drill_databases`."""

    def prepare(self) -> None:
        """Makes what the next database is copied from, unless it is there."""

    def create(self, drill_id: str) -> str:
        """Makes a migrated database without rows; returns its URL."""

    def url_of(self, drill_id: str) -> str:
        """URL of the database of a drill, whether it is there or not."""

    def drop(self, drill_id: str) -> None:
        """Drops the database of a drill with whatever is connected to it. Repeating it changes nothing."""

    def drop_left_over(self) -> list[str]:
        """Drops the databases of all drills, which an earlier server has left."""


@dataclass(frozen=True, slots=True)
class DrillPlace:
    """Where drills live, and what they copy.

    Attributes:
        hosts: makes their processes.
        databases: makes their databases.
        source_url: database of the live server.
        archive: folder of its sealed days.
        data_dir: its data directory.
    """

    hosts: DrillHosts
    databases: DrillDatabases
    source_url: str
    archive: Path
    data_dir: Path


@dataclass(frozen=True, slots=True)
class DrillEnd:
    """How a drill is to end.

    Attributes:
        state: STOPPED or FAILED.
        words: what is noted among its changes.
        reason: why it failed; empty = it did not.
        by: who ended it; empty = nobody.
        audit: entry of the audit trail about it.
    """

    state: DrillState
    words: str
    reason: str = ""
    by: str = ""
    audit: AuditEntry | None = None


def failure(reason: str) -> DrillEnd:
    """End of a drill that cannot go on."""
    return DrillEnd(DrillState.FAILED, f"failed: {reason}", reason)


@dataclass(slots=True)
class LiveDrill:
    """A drill of which something is left.

    Attributes:
        record: as it stands.
        inventory: what was copied.
        host: its process.
        begun_s: when it was started, monotonic clock, s.
        heard_s: when it last answered, likewise.
        duration_h: it ends after so many hours of its time; None = it does not.
        channel: to its API; None = it has none (any more).
        end: how it is to end; None = it is to go on.
        story: what happened in it, once that is kept.
        look: asks how far it has come; None = nobody has asked.
        lock: held by whoever starts, changes or ends it.
    """

    record: DrillRecord
    inventory: Inventory
    host: DrillHost
    begun_s: float
    heard_s: float
    duration_h: float | None
    channel: grpc.aio.Channel | None = None
    end: DrillEnd | None = None
    story: DrillReportRecord | None = None
    look: asyncio.Task[None] | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def is_running(self) -> bool:
        """Whether it can be asked."""
        return self.record.state is DrillState.RUNNING and self.channel is not None

    def changed(self, by: str, words: str) -> DrillChangeRecord:
        """Says that somebody has done something with it just now."""
        return DrillChangeRecord(now_us(), self.record.now_us, by, words)

    def take(self, status: DrillStatus) -> None:
        """Notes how far it has come."""
        end_us = None if self.duration_h is None else status.begin_us + round(self.duration_h * _HOUR_US)
        self.record = replace(
            self.record,
            location_ids=status.location_ids,
            battery_count=status.battery_count,
            begin_us=status.begin_us,
            now_us=status.now_us,
            end_us=end_us,
            achieved_speed=status.achieved_speed,
            reading_count=status.reading_count,
            active_alert_count=status.active_alert_count,
        )


def now_us() -> int:
    """Microseconds since 1970 UTC."""
    return time.time_ns() // 1_000


def channel_to(target: str) -> grpc.aio.Channel:
    """The way to the API of a drill, on the loopback."""
    return grpc.aio.insecure_channel(target, options=_CHANNEL_OPTIONS)
