"""What became of blocks that have gone, with what was known of them and told before: added once, never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.events import ReplacementReason
from batterytwin.life_ends import Block, BlockEnd, LifeOutcome, ShownCapacity
from storage.instants import to_datetime, to_us, to_us_or_none
from storage.sql_files import read_sql
from storage.store_pool import Connection, StorePool

_BLOCKS: Final = read_sql("blocks")
_TESTED: Final = read_sql("tested_capacities")
_MOMENTS: Final = read_sql("life_moments")
_INSERT_END: Final = read_sql("insert_life_end")
_INSERT_CASE: Final = read_sql("insert_life_case")
_CASES: Final = read_sql("life_cases")
_OUTCOMES: Final = read_sql("life_outcomes")
_INPUTS: Final = read_sql("prediction_inputs")

ByteCounts = Mapping[int, str]
"""Layout of stored inputs by their length, bytes."""


@dataclass(frozen=True, slots=True)
class LifeMoment:
    """What was known of a block once, and told. Times are microseconds since 1970 UTC.

    Attributes:
        battery_key: database key of the slot.
        unit_seq: block in it.
        as_of_us: newest reading then.
        predicted_us: when it was told.
        model_key: model that spoke; 0 = none.
        told_days: median that was told, days from `as_of_us` on.
        model_days: median of the model alone; NaN = it had no say.
        inputs_layout: names the columns of `inputs`.
        inputs: what was known, float64 little-endian.
    """

    battery_key: int
    unit_seq: int
    as_of_us: int
    predicted_us: int
    model_key: int
    told_days: float
    model_days: float
    inputs_layout: str
    inputs: bytes


@dataclass(frozen=True, slots=True)
class StoredCase:
    """A moment of a block that has gone.

    Attributes:
        moment: what was known and told.
        battery_id: its slot.
        serial: of the block.
        since_us: when it came into service.
        gone_us: when it went.
        end: what became of it.
    """

    moment: LifeMoment
    battery_id: str
    serial: str
    since_us: int
    gone_us: int
    end: BlockEnd


class LifeCaseTable(StorePool):
    """Questions about tables `life_end` and `life_case`, and about what they are made from."""

    async def unnoted_blocks(self) -> list[Block]:
        """Blocks that have gone and of which nothing is noted yet.

        One of whose slot a test or a replacement has not reached the twin waits for that.
        """
        async with self._connection() as connection:
            return await _blocks(connection, gone=True, battery_keys=None)

    async def serving_blocks(self, battery_keys: Sequence[int]) -> list[Block]:
        """The blocks that stand in some slots."""
        async with self._connection() as connection:
            return await _blocks(connection, gone=False, battery_keys=list(battery_keys))

    async def note_end(self, block: Block, end: BlockEnd, layouts: ByteCounts) -> bool:
        """Notes what became of a block, with the moments of its life; returns whether it was new.

        Args:
            block: has gone.
            end: what became of it.
            layouts: of inputs that can be kept; moments with others are left out.
        """
        assert block.gone_us is not None
        values = {
            "battery_key": block.battery_key,
            "unit_seq": block.unit_seq,
            "serial": block.serial,
            "installed": to_datetime(block.since_us),
            "gone": to_datetime(block.gone_us),
            "until": to_datetime(end.until_us),
            "outcome": int(end.outcome),
            "event_id": block.event_id,
        }
        async with self._transaction() as connection:
            if not (await connection.execute(_INSERT_END, values)).rowcount:
                return False
            moments = await _moments(connection, [block], [end], layouts)
            async with connection.cursor() as cursor:
                await cursor.executemany(_INSERT_CASE, [_values(moment) for moment in moments])
        return True

    async def life_moments(
        self, blocks: Sequence[Block], ends: Sequence[BlockEnd], layouts: ByteCounts
    ) -> list[LifeMoment]:
        """The last moment of each month of some blocks before their ends, as far as it is still kept."""
        async with self._connection() as connection:
            return await _moments(connection, blocks, ends, layouts)

    async def life_cases(self, most_blocks: int, most_each: int) -> list[StoredCase]:
        """Moments of blocks that have gone, those noted last first, oldest moment of each block first.

        Args:
            most_blocks: at most so many blocks.
            most_each: at most so many moments of each, evenly chosen, the last one among them.
        """
        values = {"most_blocks": most_blocks, "most_each": most_each}
        async with self._connection() as connection:
            rows = await (await connection.execute(_CASES, values)).fetchall()
        return [
            StoredCase(
                _moment(row),
                row.battery_id,
                row.serial,
                to_us(row.installed_at),
                to_us(row.gone_at),
                BlockEnd(LifeOutcome(row.outcome), to_us(row.until_at)),
            )
            for row in rows
        ]

    async def life_outcomes(self) -> dict[LifeOutcome, int]:
        """How many blocks have gone, by what became of them."""
        async with self._connection() as connection:
            rows = await (await connection.execute(_OUTCOMES)).fetchall()
        return {LifeOutcome(row.outcome): row.blocks for row in rows}

    async def prediction_inputs(
        self, battery_keys: NDArray[np.int32], predicted_us: NDArray[np.int64]
    ) -> list[bytes | None]:
        """What predictions rested on; None = it is not kept any more."""
        values = {"keys": battery_keys.tolist(), "times": [to_datetime(us) for us in predicted_us.tolist()]}
        found: list[bytes | None] = [None] * len(battery_keys)
        async with self._connection() as connection:
            for row in await (await connection.execute(_INPUTS, values)).fetchall():
                found[row.place - 1] = bytes(row.inputs)
        return found


async def _blocks(connection: Connection, *, gone: bool, battery_keys: list[int] | None) -> list[Block]:
    rows = await (await connection.execute(_BLOCKS, {"gone": gone, "keys": battery_keys})).fetchall()
    keys = sorted({row.battery_key for row in rows})
    tests: dict[int, list[ShownCapacity]] = {key: [] for key in keys}
    for test in await (await connection.execute(_TESTED, {"keys": keys})).fetchall():
        tests[test.battery_key].append(ShownCapacity(to_us(test.at), test.soh_capacity, test.stopped))
    return [_block(row, tests[row.battery_key]) for row in rows]


def _block(row: Any, tests: Sequence[ShownCapacity]) -> Block:
    since_us, gone_us = to_us(row.since), to_us_or_none(row.gone_at)
    return Block(
        battery_key=row.battery_key,
        battery_id=row.battery_id,
        unit_seq=row.unit_seq,
        serial=row.serial,
        since_us=since_us,
        gone_us=gone_us,
        event_id=row.event_id or "",
        reason=ReplacementReason(row.replacement_reason or 0),
        end_soh=row.end_soh,
        newest_us=to_us_or_none(row.newest_as_of),
        below_us=to_us_or_none(row.below_since),
        tests=tuple(test for test in tests if since_us < test.time_us and (gone_us is None or test.time_us <= gone_us)),
    )


async def _moments(
    connection: Connection, blocks: Sequence[Block], ends: Sequence[BlockEnd], layouts: ByteCounts
) -> list[LifeMoment]:
    values = {
        "keys": [block.battery_key for block in blocks],
        "units": [block.unit_seq for block in blocks],
        "begins": [to_datetime(block.since_us) for block in blocks],
        "ends": [to_datetime(end.until_us) for end in ends],
        "lengths": list(layouts),
        "layouts": list(layouts.values()),
    }
    return [_moment(row) for row in await (await connection.execute(_MOMENTS, values)).fetchall()]


def _moment(row: Any) -> LifeMoment:
    return LifeMoment(
        battery_key=row.battery_key,
        unit_seq=row.unit_seq,
        as_of_us=to_us(row.as_of),
        predicted_us=to_us(row.predicted_at),
        model_key=row.model_key,
        told_days=row.told_days,
        model_days=row.model_days,
        inputs_layout=row.inputs_layout,
        inputs=bytes(row.inputs),
    )


def _values(moment: LifeMoment) -> dict[str, Any]:
    return {
        "battery_key": moment.battery_key,
        "unit_seq": moment.unit_seq,
        "as_of": to_datetime(moment.as_of_us),
        "predicted_at": to_datetime(moment.predicted_us),
        "model_key": moment.model_key,
        "told_days": moment.told_days,
        "model_days": moment.model_days,
        "inputs_layout": moment.inputs_layout,
        "inputs": moment.inputs,
    }
