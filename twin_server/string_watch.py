"""Watches over strings: analyses their frames beside the alert hub and keeps what the analysis remembers."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from actors.string_analysis import StringFleet
from actors.string_frame import StringSheets
from actors.string_limits import LIMITS
from actors.string_rank import discharge_ranks
from actors.string_state import LAYOUT, forget_block, pack_state, unpack_state, unpack_units
from actors.string_words import standing
from batterytwin.datasheet import BatteryDatasheet
from batterytwin.diagnosis import Diagnosis
from batterytwin.errors import StoreUnavailableError, TwinError
from batterytwin.events import TwinInput, TwinInputKind
from storage.string_state_table import StringStateRecord
from twin_server.frame_budget import FrameBudget
from twin_server.frame_collector import FRAMES_A_TURN, FrameCollector, FrameSet
from twin_server.live_table import LiveTable
from twin_server.string_alerts import StringAlerts

LOOK_S: Final = 0.8
"""The frames of a look are analysed over so long. One after the other, those of a bulk load held the processors for a
third of a second each second, and who waited for an acknowledgement then waited for that.
"""

_SAVE_EVERY_S: Final = 300.0
_SAVED_TOGETHER: Final = 512
"""Strings of one transaction: 1 MB."""

_log = structlog.get_logger(__name__)


class StringStateStore(Protocol):
    """What the watch needs of the store; see `storage.string_state_table`."""

    async def save_string_states(self, records: Sequence[StringStateRecord]) -> None:
        """Stores states; an earlier one of the same string is replaced."""

    async def load_string_states(self, layout: str) -> dict[str, bytes]:
        """States of a layout by name of the string."""


class StringWatch:
    """Analyses frames of strings, and turns faults into alerts.

    Strings with equally many blocks are analysed together. The work is done in a thread, a turn at a time, so that it
    holds up neither acknowledgements nor answers.

    Attributes:
        collector: takes readings on their way in.
        cost_s: processor time that the analysis has taken, s.
        frames: frames analysed.
        submit_inputs: takes what discharges say of capacity to the twins; None = nobody does.
    """

    def __init__(self, store: StringStateStore, live: LiveTable, alerts: StringAlerts) -> None:
        fleet_map = live.fleet_map
        self.collector = FrameCollector(fleet_map)
        self.submit_inputs: Callable[[Sequence[TwinInput]], Awaitable[list[bool]]] | None = None
        self._live = live
        self._ranks: list[TwinInput] = []
        self.cost_s = 0.0
        self.frames = 0
        self._store = store
        self._map = fleet_map
        self._alerts = alerts
        self._fleets: dict[int, StringFleet] = {}
        self._members: dict[int, list[int]] = {}
        self._sheets: list[tuple[BatteryDatasheet, int]] = []
        self._row = np.zeros(0, np.intp)
        self._learnt_of = np.zeros(0, np.int16)  # number of the block that was learnt of in each slot, in fleet order
        self._changed: set[int] = set()
        self._unfollowed: set[int] = set()  # strings whose alerts have to follow whatever the next frame brings
        self._budget = FrameBudget()
        self._saved_s = time.monotonic()
        self._one_at_a_time = asyncio.Lock()
        self._extend()

    async def load(self) -> None:
        """Takes up what was remembered when the server ended, and the alerts that stand.

        What was learnt of blocks that have gone since is forgotten. Where it is not said which block it was, it was the
        first of its slot: before that was noted, a call that was cut off left the old block's behind.

        Raises:
            StoreUnavailableError: the database is away.
        """
        states = await self._store.load_string_states(LAYOUT)
        newest_us = np.zeros(len(self._map.strings), np.int64)
        self._learnt_of = self._map.unit_seqs.copy()  # nothing so far, so that there is nothing to forget
        for number, (string_id, ordinals) in enumerate(self._map.strings):
            if string_id not in states:
                continue
            count = ordinals.stop - ordinals.start
            try:
                state = unpack_state(states[string_id], count, count)
                units = unpack_units(states[string_id], count)
            except ValueError as error:
                _log.warning("state of a string cannot be used", string_id=string_id, reason=str(error))
                continue
            self._fleets[count].states[self._row[number]] = state[0]
            self._learnt_of[ordinals] = self._first_units(ordinals) if units is None else units
            newest_us[number] = int(state["last_us"][0])
        await self._save(self._forget(self._replaced()))
        self.collector.forget_before(newest_us)
        await self._alerts.load()

    async def look(self) -> None:
        """Like `turn`, within the budget of a server that has other work, and spread over `LOOK_S`."""
        self._budget.spend(await self.turn(self._budget.most(), over_s=LOOK_S))

    async def turn(self, most_frames: int = FRAMES_A_TURN, *, over_s: float = 0.0) -> int:
        """Analyses what has come in since the last turn.

        Args:
            most_frames: frames of one string at most, the newest.
            over_s: time over which several frames of a string are spread, s; a single one waits for nothing.

        Returns:
            Frames of one string that it has analysed, of the string with the most.
        """
        async with self._one_at_a_time:
            self._extend()
            await self._save(self._forget(self._replaced()))
            turns: list[list[FrameSet]] = []
            if batches := self.collector.empty():
                turns, still_open = await asyncio.to_thread(self.collector.put_together, batches, most_frames)
                self.collector.put_back(still_open)
            begun_s = time.monotonic()
            for number, sets in enumerate(turns):
                await asyncio.sleep(begun_s + over_s * number / len(turns) - time.monotonic())
                await self._follow(await asyncio.to_thread(self._analyse, sets))
                await self._tell_ranks()
            if time.monotonic() - self._saved_s > _SAVE_EVERY_S:
                await self.save()
        return len(turns)

    async def _follow(self, numbers: list[int]) -> None:
        """Lets the alerts of strings follow what has been found there."""
        if not numbers:
            return
        changed = await self._alerts.follow({number: self.diagnoses_of(number) for number in numbers}, self)
        if self._alerts.is_behind:
            self._unfollowed.update(numbers)
        await self._save(changed)  # with the alerts, so that a restart finds both or neither

    async def save(self) -> None:
        """Stores what is remembered of every string that has changed."""
        self._saved_s = time.monotonic()
        await self._save(sorted(self._changed))

    async def forget_block(self, ordinal: int, unit_seq: int) -> None:
        """Forgets what was learnt of a block that has gone, unless that is done.

        Its alerts fall when the string is looked at next.

        Args:
            ordinal: the slot.
            unit_seq: number of the block that stands there now.
        """
        async with self._one_at_a_time:
            self._extend()
            await self._save(self._forget({ordinal: unit_seq}))

    def _replaced(self) -> dict[int, int]:
        """Slots in which the fleet map knows another block than was learnt of: number of that block by ordinal."""
        ordinals = np.flatnonzero(self._learnt_of < self._map.unit_seqs)
        return dict(zip(ordinals.tolist(), self._map.unit_seqs[ordinals].tolist(), strict=True))

    def _forget(self, unit_seqs: Mapping[int, int]) -> list[int]:
        """Forgets what slots have learnt of blocks before these, by ordinal; returns the strings concerned."""
        numbers = set()
        for ordinal, unit_seq in unit_seqs.items():
            if self._learnt_of[ordinal] >= unit_seq:
                continue
            number = int(self._map.string_of[ordinal])
            row, (_, count) = self._row[number], self._sheet(number)
            forget_block(self._fleets[count].states[row : row + 1], ordinal - self._map.strings[number][1].start)
            self._learnt_of[ordinal] = unit_seq
            numbers.add(number)
        self._unfollowed |= numbers
        self._changed |= numbers
        return sorted(numbers)

    def _first_units(self, ordinals: slice) -> list[int]:
        return [identity.battery.unit_seq for identity in self._map.identities[ordinals]]

    def diagnoses_of(self, number: int) -> tuple[Diagnosis, ...]:
        """Faults that stand on a string, gravest first."""
        if number >= len(self._row):
            return ()
        sheet, count = self._sheet(number)
        row = self._row[number]
        return standing(self._fleets[count].states[row : row + 1], sheet, count)

    def condition(self, number: int, condition: int) -> bool:
        """Whether a condition of the whole string stands."""
        if number >= len(self._row):
            return False
        _, count = self._sheet(number)
        return bool(self._fleets[count].states["active"][self._row[number], condition, -1])

    def value(self, number: int, name: str) -> float:
        """A remembered value of the whole string."""
        _, count = self._sheet(number)
        return float(self._fleets[count].states[name][self._row[number]])

    def voltage_off(self, number: int) -> float:
        """Voltage over the string against its compensated set point in its newest frame, fraction."""
        _, count = self._sheet(number)
        return float(self._fleets[count].voltage_off[self._row[number]])

    def _sheet(self, number: int) -> tuple[BatteryDatasheet, int]:
        while len(self._sheets) <= number:
            ordinals = self._map.strings[len(self._sheets)][1]
            datasheet = self._map.identities[ordinals.start].string.datasheet
            self._sheets.append((datasheet, ordinals.stop - ordinals.start))
        return self._sheets[number]

    def _analyse(self, sets: list[FrameSet]) -> list[int]:
        """Takes a frame of some strings in; returns those whose alerts have to follow."""
        begun_s = time.thread_time()
        to_follow: set[int] = set()
        for frames in sets:
            fleet = self._fleets[frames.frame.voltage_v.shape[1]]
            rows, strings = self._row[frames.strings], frames.strings.tolist()
            before_us, had_learned = fleet.states["judged_us"][rows], self._has_learned(fleet, rows)
            findings = fleet.take(rows, frames.frame)
            for number in frames.strings[fleet.states["judged_us"][rows] > before_us].tolist():
                self._rank(number, fleet)
            to_follow.update(frames.strings[findings.row].tolist())
            to_follow.update(frames.strings[self._has_learned(fleet, rows) != had_learned].tolist())
            to_follow.update(self._unfollowed.intersection(strings))
            self._changed.update(strings)
            self.frames += len(strings)
        self._unfollowed -= to_follow
        self.cost_s += time.thread_time() - begun_s
        return sorted(to_follow)

    @staticmethod
    def _has_learned(fleet: StringFleet, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Whether the baselines of strings are known, without which no alert ends."""
        learned: NDArray[np.bool_] = fleet.states["learned_s"][rows] >= LIMITS.learn_s
        return learned

    def _rank(self, number: int, fleet: StringFleet) -> None:
        """Notes what a discharge that is over says of the capacities of its blocks."""
        string_id, ordinals = self._map.strings[number]
        live, row = self._live.rows[ordinals], self._row[number]
        state = fleet.states[row : row + 1]
        soh, sigma = discharge_ranks(
            state,
            self._sheet(number)[0],
            live["soh_capacity"].astype(np.float64),
            live["soh_capacity_sigma"].astype(np.float64),
        )
        event_us = int(state["event_us"][0])
        self._ranks += [
            TwinInput(
                battery_key=identity.battery_key,
                kind=TwinInputKind.DISCHARGE_RANK,
                time_us=int(state["load_us"][0]),
                soh_capacity=float(soh[place]),
                sigma=float(sigma[place]),
                source_id=f"{string_id}/RANK/{event_us}",
            )
            for place, identity in enumerate(self._map.identities[ordinals])
            if np.isfinite(soh[place])
        ]

    async def _tell_ranks(self) -> None:
        if not self._ranks:
            return
        if self.submit_inputs is not None:
            try:
                await self.submit_inputs(self._ranks)
            except TwinError as error:
                _log.warning("ranks of a discharge cannot be taken, trying again", reason=error.message)
                return
        self._ranks = []

    async def _save(self, numbers: list[int]) -> None:
        for begin in range(0, len(numbers), _SAVED_TOGETHER):
            part = numbers[begin : begin + _SAVED_TOGETHER]
            try:
                await self._store.save_string_states(await asyncio.to_thread(self._records, part))
            except StoreUnavailableError as error:
                _log.warning("baselines of strings cannot be stored, trying again", reason=error.message)
                return
            self._changed.difference_update(part)

    def _records(self, numbers: Sequence[int]) -> list[StringStateRecord]:
        """What is remembered of strings as it is stored; packing takes a tenth of a millisecond each."""
        records = []
        for number in numbers:
            _, count = self._sheet(number)
            row = self._row[number]
            state = self._fleets[count].states[row : row + 1]
            string_id, ordinals = self._map.strings[number]
            content = pack_state(state, count, self._learnt_of[ordinals])
            records.append(StringStateRecord(string_id, int(state["last_us"][0]), LAYOUT, content))
        return records

    def _extend(self) -> None:
        """Makes room for the strings that the fleet map has gained."""
        known = len(self._row)
        added = len(self._map.strings) - known
        if added <= 0:
            return
        self._row = np.append(self._row, np.zeros(added, np.intp))
        self._learnt_of = np.append(self._learnt_of, self._map.unit_seqs[len(self._learnt_of) :])
        grown = set()
        self._unfollowed.update(range(known, known + added))
        for number in range(known, known + added):
            count = self._sheet(number)[1]
            members = self._members.setdefault(count, [])
            self._row[number] = len(members)
            members.append(number)
            grown.add(count)
        for count in grown:
            members = self._members[count]
            sheets = StringSheets.of([self._sheet(number) for number in members])
            sites = self._map.string_location[members].astype(np.int32)
            fleet = self._fleets.get(count)
            self._fleets[count] = StringFleet(sheets, sites) if fleet is None else fleet.extended(sheets, sites)
