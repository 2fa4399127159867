"""Puts readings together to frames: all blocks of a string at one sample time.

Bounded, and never in the way of an acknowledgement.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.string_frame import StringFrame, robust_current
from actors.string_robust import Floats
from batterytwin.telemetry import MEASURED_COLUMNS, Rows, join_rows, mode_of
from twin_server.routing import FleetMap
from twin_server.string_samples import StringSamples

GRACE_S: Final = 5.0
"""How long a frame waits for blocks that are missing in it."""

FRAMES_A_TURN: Final = 16
"""Frames of one string that one turn analyses: the newest. A bulk load brings more, of the past."""

_FRAMES_OF_ALL: Final = 4 * 81 * FRAMES_A_TURN
"""Frames of all strings that one turn analyses: in a large fleet fewer of each, and always the newest."""

_FEWEST_ROWS: Final = 50_000
"""Rows that may always wait for the analysis; else twice what a turn analyses when all strings have frames."""

_STRINGS_A_SET: Final = 1_000
"""Strings that are analysed together; of each, the analysis works on a copy of 20 kB."""

_SAMPLE_DTYPE: Final = np.dtype([("string", "<i8"), ("time_us", "<i8"), ("voltage_v", "<f8"), ("mode", "<i2")])


@dataclass(frozen=True, slots=True)
class FrameSet:
    """Frames of strings with equally many blocks, one of each.

    Attributes:
        strings: their numbers in the fleet map, shape `(n_strings,)`.
        frame: what was measured.
    """

    strings: NDArray[np.intp]
    frame: StringFrame


@dataclass(frozen=True, slots=True)
class ArrivedBatch:
    """Good rows as they came in.

    Attributes:
        rows: `READING_DTYPE`, shape `(n_rows,)`.
        ordinals: their batteries, shape `(n_rows,)`.
        samples: what was measured once per string.
        arrived_s: when, monotonic time, s.
    """

    rows: Rows
    ordinals: NDArray[np.int32]
    samples: StringSamples | None
    arrived_s: float

    @property
    def size(self) -> int:
        """Rows of batteries and of strings."""
        return len(self.rows) + (0 if self.samples is None else len(self.samples.strings))


class FrameCollector:
    """Keeps what came in until a turn takes it.

    Args:
        fleet_map: strings and their batteries.
        clock_s: monotonic time, s.
    """

    def __init__(self, fleet_map: FleetMap, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._map = fleet_map
        self._clock_s = clock_s
        self._waiting: deque[ArrivedBatch] = deque()
        self._waiting_rows = 0
        self._newest_us = np.zeros(0, np.int64)
        self._measures_string = np.zeros(0, np.bool_)
        self._begins = self._counts = np.zeros(0, np.int64)
        self.skipped_frames = 0

    def put(self, rows: Rows, ordinals: NDArray[np.int32], samples: StringSamples | None) -> None:
        """Notes a batch that has been handed to the shards; costs next to nothing.

        Args:
            rows: good rows, `READING_DTYPE`, shape `(n_rows,)`; kept as they are and not changed.
            ordinals: their batteries, shape `(n_rows,)`.
            samples: what was measured once per string.
        """
        self._waiting.append(ArrivedBatch(rows, ordinals, samples, self._clock_s()))
        self._waiting_rows += self._waiting[-1].size
        most_rows = max(2 * _frames_a_turn(len(self._map.strings)) * len(self._map), _FEWEST_ROWS)
        while self._waiting_rows > most_rows and len(self._waiting) > 1:  # the oldest are left out
            self._waiting_rows -= self._waiting.popleft().size

    def forget_before(self, newest_us: NDArray[np.int64]) -> None:
        """Sets the newest frame that was analysed of each string, us, shape `(n_strings,)`."""
        self._newest_us = newest_us.copy()
        self._measures_string = np.zeros(len(newest_us), np.bool_)

    def take(self, most: int = FRAMES_A_TURN) -> list[list[FrameSet]]:
        """Frames that are closed; see `put_together`. For callers on one thread."""
        turns, still_open = self.put_together(self.empty(), most)
        self.put_back(still_open)
        return turns

    def empty(self) -> list[ArrivedBatch]:
        """Takes everything out that has come in."""
        batches = list(self._waiting)
        self._waiting.clear()
        self._waiting_rows = 0
        return batches

    def put_back(self, batches: Sequence[ArrivedBatch]) -> None:
        """Puts what is still open before that which has come in since."""
        self._waiting.extendleft(reversed(batches))
        self._waiting_rows += sum(batch.size for batch in batches)

    def put_together(
        self, batches: Sequence[ArrivedBatch], most: int
    ) -> tuple[list[list[FrameSet]], list[ArrivedBatch]]:
        """Finds frames that are closed. One call at a time; others may `put` meanwhile.

        A frame closes when all its blocks are there (and what is measured once per string, where that usually comes),
        when a later one of its string is there, or after `GRACE_S`. Frames before the last one analysed are left out.

        Args:
            batches: what has come in, in order of arrival.
            most: frames of one string at most, the newest.

        Returns:
            Frames in turns: each holds at most one frame of a string, later ones in later turns. And what is still
            open, for `put_back`.
        """
        self._grow()
        if not batches:
            return [], []
        rows = join_rows([batch.rows for batch in batches])
        ordinals = np.concatenate([batch.ordinals for batch in batches])
        arrived_s = np.repeat([batch.arrived_s for batch in batches], [len(batch.rows) for batch in batches])
        strings = self._map.string_of[ordinals].astype(np.int64)
        fresh = rows["sample_time_us"] > self._newest_us[strings]
        rows, ordinals, arrived_s, strings = rows[fresh], ordinals[fresh], arrived_s[fresh], strings[fresh]
        samples = self._samples(batches)
        if not len(rows):
            return [], []
        frames, frame_of = self._put_together(rows, ordinals, strings, samples)
        closed = self._closed(frames, arrived_s, frame_of)
        open_rows = ~closed[frame_of]
        still_open = []
        if open_rows.any():
            still_open = self._still_open(rows[open_rows], ordinals[open_rows], arrived_s[open_rows], batches)
        return self._turns(frames, closed, most), still_open

    def _put_together(
        self, rows: Rows, ordinals: NDArray[np.int32], strings: NDArray[np.int64], samples: Rows
    ) -> tuple["_Frames", NDArray[np.intp]]:
        """Frames in order of string and time, and the frame of each row."""
        times_us = np.ascontiguousarray(rows["sample_time_us"])
        order = np.lexsort((times_us, strings))
        in_order, in_order_us = strings[order], times_us[order]
        first = np.ones(len(order), np.bool_)
        first[1:] = (in_order[1:] != in_order[:-1]) | (in_order_us[1:] != in_order_us[:-1])
        frame_of = np.empty(len(order), np.intp)
        frame_of[order] = np.cumsum(first) - 1
        place = ordinals - self._begins[strings]
        frames = _Frames(self._counts, in_order[first], in_order_us[first], rows, place, frame_of, samples)
        return frames, frame_of

    def _grow(self) -> None:
        added = len(self._map.strings) - len(self._newest_us)
        if added > 0:
            self._newest_us = np.append(self._newest_us, np.zeros(added, np.int64))
            self._measures_string = np.append(self._measures_string, np.zeros(added, np.bool_))
        if len(self._begins) != len(self._map.strings):
            self._begins = np.array([ordinals.start for _, ordinals in self._map.strings], np.int64)
            self._counts = np.array([ordinals.stop - ordinals.start for _, ordinals in self._map.strings], np.int64)

    def _samples(self, batches: Sequence[ArrivedBatch]) -> Rows:
        parts = [batch.samples for batch in batches if batch.samples is not None and len(batch.samples.strings)]
        found = np.zeros(sum(len(part.strings) for part in parts), _SAMPLE_DTYPE)
        if parts:
            found["string"] = np.concatenate([part.strings for part in parts])
            found["time_us"] = np.concatenate([part.times_us for part in parts])
            found["voltage_v"] = np.concatenate([part.voltage_v for part in parts])
            found["mode"] = np.concatenate([part.modes for part in parts])
            self._measures_string[found["string"][~np.isnan(found["voltage_v"])]] = True
        return found[np.lexsort((found["time_us"], found["string"]))]

    def _closed(
        self, frames: "_Frames", arrived_s: NDArray[np.float64], frame_of: NDArray[np.intp]
    ) -> NDArray[np.bool_]:
        newest_arrival_s = np.zeros(len(frames.strings))
        np.maximum.at(newest_arrival_s, frame_of, arrived_s)
        complete = frames.whole & (frames.has_sample | ~self._measures_string[frames.strings])
        late = self._clock_s() - newest_arrival_s > GRACE_S
        # keys are in order of string and time: a frame followed by one of the same string is behind it
        followed = np.append(frames.strings[1:] == frames.strings[:-1], False)  # the last has none
        closed: NDArray[np.bool_] = complete | late | followed
        return closed

    def _still_open(
        self,
        rows: Rows,
        ordinals: NDArray[np.int32],
        arrived_s: NDArray[np.float64],
        batches: Sequence[ArrivedBatch],
    ) -> list[ArrivedBatch]:
        """Rows of open frames, which wait on; their strings' samples wait with them."""
        strings = np.unique(self._map.string_of[ordinals])
        samples = {batch.arrived_s: batch.samples for batch in reversed(batches) if batch.samples is not None}
        begins = np.flatnonzero(np.diff(arrived_s, prepend=-np.inf)).tolist()  # batches stand in order of arrival
        found = []
        for begin, end in zip(begins, [*begins[1:], len(rows)], strict=True):
            at_s = float(arrived_s[begin])
            found.append(ArrivedBatch(rows[begin:end], ordinals[begin:end], samples.get(at_s), at_s))
        for batch in batches:
            alone = batch.samples is not None and not np.isin(arrived_s, batch.arrived_s).any()
            if alone and batch.samples is not None and np.isin(batch.samples.strings, strings).any():
                found.append(ArrivedBatch(rows[:0], ordinals[:0], batch.samples, batch.arrived_s))
        return found

    def _turns(self, frames: "_Frames", closed: NDArray[np.bool_], most: int) -> list[list[FrameSet]]:
        chosen = np.flatnonzero(closed)
        if not len(chosen):
            return []
        strings = frames.strings[chosen]
        ends = np.append(np.flatnonzero(np.diff(strings)), len(strings) - 1)
        from_end = np.repeat(ends, np.diff(np.append(-1, ends))) - np.arange(len(strings))
        most = min(_frames_a_turn(len(ends)), most)
        self.skipped_frames += int(np.count_nonzero(from_end >= most))
        newest = chosen[from_end == 0]
        self._newest_us[frames.strings[newest]] = frames.times_us[newest]
        frames.lay_out(chosen[from_end < most])
        turns = []
        for age in range(min(int(from_end.max()), most - 1), -1, -1):
            turn = frames.sets(chosen[from_end == age])
            if turn:
                turns.append(turn)
        return turns


def _frames_a_turn(string_count: int) -> int:
    """Frames of each string that one turn analyses when so many have some."""
    return min(max(_FRAMES_OF_ALL // string_count, 1), FRAMES_A_TURN)


class _Frames:
    """Rows that have been put in order by string and sample time."""

    def __init__(  # noqa: PLR0917  # the columns of one table
        self,
        counts: NDArray[np.int64],
        strings: NDArray[np.int64],
        times_us: NDArray[np.int64],
        rows: Rows,
        place: NDArray[np.int64],
        frame_of: NDArray[np.intp],
        samples: Rows,
    ) -> None:
        self.strings, self.times_us = strings, times_us
        self._rows, self._place, self._frame_of = rows, place, frame_of
        self.counts = counts[strings]
        there = np.zeros((len(strings), int(self.counts.max())), np.bool_)
        there[frame_of, place] = True
        self.whole = there.sum(axis=1) == self.counts
        self.voltage_v = np.full(len(strings), np.nan)
        self.mode = np.zeros(len(strings), np.int16)
        np.maximum.at(self.mode, frame_of, mode_of(rows["status"]).astype(np.int16))
        self.has_sample = np.zeros(len(strings), np.bool_)
        self._line_of = np.empty(0, np.intp)
        self._columns: dict[str, Floats] = {}
        self._match(samples)

    def _match(self, samples: Rows) -> None:
        """Finds the first sample of each frame's string and time; samples are in this order too."""
        if not len(samples):
            return
        instants = np.unique(samples["time_us"])
        keys = samples["string"] * len(instants) + np.searchsorted(instants, samples["time_us"])
        nearest = np.minimum(np.searchsorted(instants, self.times_us), len(instants) - 1)
        wanted = self.strings * len(instants) + nearest
        found = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        there = (instants[nearest] == self.times_us) & (keys[found] == wanted)
        self.has_sample[there] = True
        self.voltage_v[there] = samples["voltage_v"][found[there]]
        self.mode[there] = samples["mode"][found[there]]

    def lay_out(self, chosen: NDArray[np.intp]) -> None:
        """Makes tables of what was measured in some frames, which `sets` takes its own from."""
        self._line_of = np.full(len(self.strings), -1, np.intp)
        self._line_of[chosen] = np.arange(len(chosen))
        lines = self._line_of[self._frame_of]
        use = np.flatnonzero(lines >= 0)
        at = lines[use], self._place[use]
        for name in MEASURED_COLUMNS:
            column = np.full((len(chosen), int(self.counts.max())), np.nan)
            column[at] = self._rows[name][use]
            self._columns[name] = column

    def sets(self, chosen: NDArray[np.intp]) -> list[FrameSet]:
        """Frames that are laid out as arrays, apart by the number of their blocks, and some strings at a time."""
        found = []
        for count in np.unique(self.counts[chosen]).tolist():
            of_count = chosen[self.counts[chosen] == count]
            parts = range(0, len(of_count), _STRINGS_A_SET)
            found += [self._set(of_count[begin : begin + _STRINGS_A_SET], count) for begin in parts]
        return found

    def _set(self, mine: NDArray[np.intp], count: int) -> FrameSet:
        lines = self._line_of[mine]
        columns = {name: column[lines, :count] for name, column in self._columns.items()}
        frame = StringFrame(
            time_us=self.times_us[mine],
            voltage_v=columns["voltage_v"],
            temperature_c=columns["temperature_c"],
            resistance_mohm=columns["internal_resistance_mohm"],
            current_a=robust_current(columns["current_a"]),
            string_voltage_v=self.voltage_v[mine],
            mode=self.mode[mine],
        )
        return FrameSet(self.strings[mine].astype(np.intp), frame)
