"""Real blocks and what became of them."""

from dataclasses import dataclass
from enum import IntEnum

from batterytwin.events import ReplacementReason


class LifeOutcome(IntEnum):
    """What became of a block, and who says so. Values are stored."""

    END_TESTED = 1
    """It had come to the end of its life: a capacity test showed less than the data sheet's limit."""
    END_SAID = 2
    """It had come to the end of its life: who replaced it said so."""
    END_TOLD = 3
    """It had come to the end of its life: its twin told less than the limit, and nobody said otherwise."""
    REPLACED = 4
    """It was replaced for another reason: it lived at least so long."""
    SERVING = 5
    """It still serves; never stored."""

    @property
    def is_end(self) -> bool:
        """Whether it came to the end of its life."""
        return self <= LifeOutcome.END_TOLD


@dataclass(frozen=True, slots=True)
class ShownCapacity:
    """What a capacity test showed.

    Attributes:
        time_us: when it ended, microseconds since 1970 UTC.
        soh_capacity: capacity over rated.
        stopped: it was stopped before the end voltage: the capacity is at least this.
    """

    time_us: int
    soh_capacity: float
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """One block in its slot, with what is known of its end. Times are microseconds since 1970 UTC.

    Attributes:
        battery_key: database key of the slot.
        battery_id: its name.
        unit_seq: counts the blocks of the slot.
        serial: serial number.
        since_us: when it came into service.
        gone_us: when the next block came; None = it still serves.
        event_id: replacement that took it away, or empty.
        reason: what who replaced it said.
        end_soh: capacity over rated at which its data sheet ends its life.
        newest_us: newest reading that a prediction of it rested on; None = there was none.
        below_us: since when its twin has told less than `end_soh`, until the last it told; None = it has not.
        tests: its capacity tests, oldest first.
    """

    battery_key: int
    battery_id: str
    unit_seq: int
    serial: str
    since_us: int
    gone_us: int | None
    event_id: str
    reason: ReplacementReason
    end_soh: float
    newest_us: int | None
    below_us: int | None
    tests: tuple[ShownCapacity, ...] = ()


@dataclass(frozen=True, slots=True)
class BlockEnd:
    """What became of a block.

    Attributes:
        outcome: what, and who says so.
        until_us: end of its life; where it did not come to it, until when it is known to have lived.
    """

    outcome: LifeOutcome
    until_us: int
