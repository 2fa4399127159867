"""A twin of the past as plain types."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from clients.twins import Twin


class TwinSource(IntEnum):
    """Where the estimates of a past twin come from. Numbers equal `batterytwin.v1.TwinSource`."""

    UNSPECIFIED = 0
    REPLAYED = 1
    STORED = 2


@dataclass(frozen=True, slots=True)
class PastTwin:
    """A twin as it was at an instant.

    Attributes:
        twin: the twin; its age and quality are those of the instant.
        source: REPLAYED = the twin bit for bit; STORED = it was lived under another filter version, which
            `twin.model_version` names, so these are the estimates that were stored then.
        snapshot_time: where the replay began; None = from nothing, or nothing was replayed.
        replayed_row_count: readings replayed.
        revision: how often its past had been computed anew because readings came late.
        known_time: what had been received until then counted.
    """

    twin: Twin
    source: TwinSource | int
    snapshot_time: datetime | None
    replayed_row_count: int
    revision: int
    known_time: datetime
