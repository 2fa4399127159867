"""Takes a batch from the wire to the shards and back: checks it, splits it, hands it over, counts what became of it."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.fleet import Fleet
from actors.heap import HeapTrimmer
from batterytwin.errors import InvalidArgumentError
from batterytwin.events import TwinInput
from batterytwin.readings import ReadingBatch, SingleReading
from batterytwin.telemetry import Outcome, Rows
from twin_server.frame_collector import FrameCollector
from twin_server.ingest_validation import IngestValidation, ValidBatch
from twin_server.live_table import LiveTable
from twin_server.past_outages import PastOutages
from twin_server.row_refusals import RefusedRow
from twin_server.shard_pump import ShardPump
from twin_server.single_validation import check_single
from twin_server.string_table import StringTable


@dataclass(frozen=True, slots=True)
class IngestOutcome:
    """What became of a batch. accepted + duplicate + conflict + late + too_late + refused = rows of `readings`.

    Attributes:
        accepted: durable and, unless suspect, applied.
        duplicate: were stored before; nothing changed.
        conflict: another row of the same battery and time was stored before; that one stays.
        late: older than their twin's newest sample; durable, and part of its past now.
        too_late: more than a day older; durable, not applied.
        refused: refused rows of `readings`; those of `string_readings` are named and not counted.
        suspect: of the accepted, implausible and not applied.
        refused_rows: the first refused rows.
    """

    accepted: int
    duplicate: int
    conflict: int
    late: int
    too_late: int
    refused: int
    suspect: int
    refused_rows: list[RefusedRow]


class IngestRouter:
    """The way in for readings and for evidence that is none: validation, then one pump per shard.

    Attributes:
        strings: newest measurements of strings that came with the readings.
    """

    def __init__(
        self,
        fleet: Fleet,
        live: LiveTable,
        on_alerts: Callable[[], None],
        *,
        max_waiting_rows: int,
        frames: FrameCollector | None = None,
        past_outages: PastOutages | None = None,
        heap: HeapTrimmer | None = None,
    ) -> None:
        self._fleet = fleet
        self._live = live
        self._map = live.fleet_map
        self.strings = StringTable(live.fleet_map)
        self._on_alerts = on_alerts
        self._frames = frames
        self._past_outages = past_outages
        self._heap = heap
        self._max_waiting_rows = max_waiting_rows
        self._validation = IngestValidation(live.fleet_map, live.clocks)
        self._pumps: list[ShardPump] = []

    def extend(self) -> None:
        """Starts a pump for every shard of the fleet map that has none, and makes room for its strings."""
        self.strings.extend()
        while len(self._pumps) < self._map.shard_count:
            pump = ShardPump(
                len(self._pumps), self._fleet, self._live, self._on_alerts, max_waiting_rows=self._max_waiting_rows
            )
            pump.start()
            self._pumps.append(pump)

    def look_after(self, shards: Iterable[int]) -> None:
        """Brings shards back that do not answer, if they have died."""
        for shard in shards:
            self._pumps[shard].look_after()

    async def stop(self, grace_s: float) -> None:
        """Sends what waits for up to `grace_s` seconds, then ends."""
        try:
            async with asyncio.timeout(grace_s):
                await asyncio.gather(*(pump.stop() for pump in self._pumps))
        except TimeoutError:
            for pump in self._pumps:
                pump.abort()

    def submit(self, batch: ReadingBatch, allowed_locations: NDArray[np.bool_] | None) -> "Submission":
        """Checks a batch and hands its good rows to the shards, all or none, without waiting.

        Rows of batches that are submitted one after the other reach each twin in that order.

        Args:
            batch: columns as they were sent.
            allowed_locations: which locations the caller may write to, shape `(n_locations,)`; None = all.

        Raises:
            InvalidArgumentError: the batch as a whole cannot be used.
            OverloadedError: too much waits already; nothing of the batch was taken.
            UnavailableError: the server is shutting down.
        """
        return self._hand_over(self._validation.check(batch, allowed_locations))

    def submit_single(self, reading: SingleReading, allowed_locations: NDArray[np.bool_] | None) -> "Submission | None":
        """Like `submit` for a batch of one row; None where something is wrong with it: then `submit` tells what.

        Raises:
            OverloadedError: too much waits already.
            UnavailableError: the server is shutting down.
        """
        valid = check_single(self._map, self._live.clocks, reading, allowed_locations)
        if valid is None:
            return None
        ordinal = int(valid.ordinals[0])
        pump = self._pumps[self._map.shard[ordinal]]
        pump.check_room(1)
        if self._frames is not None:
            self._frames.put(valid.rows, valid.ordinals, None)
        if self._past_outages is not None:
            self._past_outages.note_one(int(self._map.location_of[ordinal]), reading.sample_time_unix_ns // 1_000)
        return Submission(valid, [pump.put(valid.rows)])

    def _hand_over(self, valid: ValidBatch) -> "Submission":
        parts = self._split(valid)
        for shard, rows in parts:
            self._pumps[shard].check_room(len(rows))
        if valid.strings is not None and len(valid.strings.strings):
            self.strings.take(valid.strings)
        if self._frames is not None:
            self._frames.put(valid.rows, valid.ordinals, valid.strings)
        if self._past_outages is not None and len(valid.rows):
            self._past_outages.note(valid.ordinals, valid.rows["sample_time_us"])
        if self._heap is not None:
            self._heap.note(len(valid.rows))
        return Submission(valid, [self._pumps[shard].put(rows) for shard, rows in parts])

    async def submit_inputs(self, inputs: Sequence[TwinInput]) -> list[bool]:
        """Hands evidence to the twins that it is for, and waits until it is durable and applied.

        Repeating it changes nothing: what a twin has taken from the same source counts once.

        Returns:
            Whether each input was new.

        Raises:
            InvalidArgumentError: a battery or a value cannot be used.
            UnavailableError: a shard could not take its part; submit all of it again.
        """
        places: dict[int, list[int]] = {}
        for place, given in enumerate(inputs):
            ordinal = self._map.find_key(given.battery_key)
            if ordinal is None:
                raise InvalidArgumentError(
                    f"There is no battery with key {given.battery_key}.", field="battery_key", value=given.battery_key
                )
            places.setdefault(int(self._map.shard[ordinal]), []).append(place)
        parts = {shard: self._pumps[shard].put_inputs([inputs[n] for n in of]) for shard, of in places.items()}
        if len(parts) > 1:
            await asyncio.wait(parts.values())
        fresh = [False] * len(inputs)
        for shard, part in parts.items():
            outcomes = await part
            for place, outcome in zip(places[shard], outcomes.tolist(), strict=True):
                fresh[place] = outcome == Outcome.APPLIED
        return fresh

    def _split(self, valid: ValidBatch) -> list[tuple[int, Rows]]:
        if not len(valid.rows):
            return []
        shards = self._map.shard[valid.ordinals]
        first = int(shards[0])
        if len(shards) == 1 or bool((shards == first).all()):
            return [(first, valid.rows)]
        order = np.argsort(shards, kind="stable")
        rows, shards = valid.rows[order], shards[order]
        begins = np.flatnonzero(np.diff(shards, prepend=-1))
        return [(int(shards[begin]), part) for begin, part in zip(begins, np.split(rows, begins[1:]), strict=True)]


class Submission:
    """A batch under way."""

    def __init__(self, valid: ValidBatch, parts: "list[asyncio.Future[NDArray[np.uint8]]]") -> None:
        self._valid = valid
        self._parts = parts

    async def outcome(self) -> IngestOutcome:
        """Waits until every good row is durable and applied.

        Raises:
            UnavailableError: at least one shard could not take its rows; send the whole batch again.
        """
        if len(self._valid.rows) == 1 and not self._valid.refused:
            return _OF_ONE[int((await self._parts[0])[0])]
        counts = np.zeros(len(Outcome), np.int64)
        if len(self._parts) > 1:
            await asyncio.wait(self._parts)  # an error of one part is told when the others are settled too
        for part in self._parts:
            counts += np.bincount(await part, minlength=len(Outcome))
        return _outcome(counts.tolist(), self._valid.refused_count, self._valid.refused)


def _outcome(counts: Sequence[int], refused_count: int, refused: list[RefusedRow]) -> IngestOutcome:
    return IngestOutcome(
        accepted=counts[Outcome.APPLIED] + counts[Outcome.SUSPECT],
        duplicate=counts[Outcome.DUPLICATE],
        conflict=counts[Outcome.CONFLICT],
        late=counts[Outcome.LATE],
        too_late=counts[Outcome.TOO_LATE],
        refused=refused_count,
        suspect=counts[Outcome.SUSPECT],
        refused_rows=refused,
    )


_OF_ONE: Final = [_outcome([int(of == outcome) for of in Outcome], 0, []) for outcome in Outcome]
"""What becomes of a batch that is one good row, by its `Outcome`."""
