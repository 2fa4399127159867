"""Blocks with months of their lives, as a server stores them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from actors.life_inputs import LIFE_INPUTS_LAYOUT
from batterytwin.events import ReplacementReason
from batterytwin.life import Floats
from batterytwin.life_ends import Block, BlockEnd, LifeOutcome
from storage.life_case_table import LifeMoment, StoredCase

DAY_US = 86_400_000_000
END_US = 1_800_000_000_000_000

BLOCK = Block(
    battery_key=1,
    battery_id="BRK-U1-S01-B01",
    unit_seq=1,
    serial="SN-1",
    since_us=END_US - 2_000 * DAY_US,
    gone_us=END_US,
    event_id="event",
    reason=ReplacementReason.UNSPECIFIED,
    end_soh=0.8,
    newest_us=END_US - DAY_US,
    below_us=None,
)


def moment(row: Floats, days_left: float, *, battery_key: int = 1, until_us: int = END_US) -> LifeMoment:
    """What was known so many days before the end."""
    as_of_us = until_us - round(days_left * DAY_US)
    stored = np.ascontiguousarray(row, "<f8").tobytes()
    return LifeMoment(battery_key, 1, as_of_us, as_of_us, 0, 1.1 * days_left, np.nan, LIFE_INPUTS_LAYOUT, stored)


def stored_cases(
    battery_key: int, rows: Floats, days_left: Sequence[float], outcome: LifeOutcome = LifeOutcome.END_TESTED
) -> list[StoredCase]:
    """Moments of a block that has gone, oldest first."""
    block = replace(BLOCK, battery_key=battery_key, battery_id=f"BRK-U1-S01-B{battery_key:02d}")
    return [
        StoredCase(
            moment(row, days, battery_key=battery_key),
            block.battery_id,
            block.serial,
            block.since_us,
            END_US,
            BlockEnd(outcome, END_US),
        )
        for row, days in zip(rows, days_left, strict=True)
    ]
