"""What one gateway sent, and what of it the server acknowledged: the truth that the checker holds the database to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from batterytwin.readings import ReadingBatch, ReadingColumns
from batterytwin.telemetry import snap_to_grid

_STEPS = 200


@dataclass(slots=True)
class SentBatch:
    """A batch on its way: some sequences, each for every battery of the gateway.

    Attributes:
        sequences: numbers from 1.
        sent_s: when it was handed over, monotonic s.
        acked_s: when it was seen acknowledged, monotonic s; None = not yet.
    """

    sequences: tuple[int, ...]
    sent_s: float
    acked_s: float | None = None


@dataclass(slots=True)
class Ledger:
    """Book of one gateway. The sequence is in the sample time, and once more in the voltage.

    Attributes:
        battery_ids: batteries that it reads, all of them at each sequence.
        base_us: sample time of sequence 0, microseconds since 1970.
        period_us: time between two sequences.
        batches: what was sent, in the order of sending.
    """

    battery_ids: tuple[str, ...]
    base_us: int
    period_us: int = 1_000_000
    batches: list[SentBatch] = field(default_factory=list)
    newest: int = 0

    def take(self, count: int) -> tuple[int, ...]:
        """The next `count` sequences."""
        first, self.newest = self.newest + 1, self.newest + count
        return tuple(range(first, self.newest + 1))

    def acked(self) -> NDArray[np.int64]:
        """Sequences acknowledged, sorted, each once."""
        return _joined(batch.sequences for batch in self.batches if batch.acked_s is not None)

    def sent(self) -> NDArray[np.int64]:
        """Sequences sent, sorted, each once."""
        return _joined(batch.sequences for batch in self.batches)

    def time_us(self, sequences: NDArray[np.int64]) -> NDArray[np.int64]:
        """Sample times of sequences."""
        return self.base_us + sequences * self.period_us

    def reading_batch(self, sequences: Sequence[int]) -> ReadingBatch:
        """The batch that carries these sequences for every battery."""
        every = np.repeat(np.asarray(sequences, np.int64), len(self.battery_ids))
        rows = len(every)
        return ReadingBatch(
            ReadingColumns(
                self.battery_ids * len(sequences),
                self.time_us(every) * 1_000,
                voltage_v=voltage_v(every),
                current_a=np.full(rows, 0.02, np.float32),
                temperature_c=np.full(rows, 26.0, np.float32),
            )
        )


def voltage_v(sequences: NDArray[np.int64]) -> NDArray[np.float32]:
    """Voltage that carries a sequence: a float voltage that repeats after 200."""
    volts = (13.55 + 0.001 * (sequences % _STEPS)).astype(np.float32)
    return snap_to_grid("voltage_v", volts).astype(np.float32)


def _joined(parts: Iterable[Sequence[int]]) -> NDArray[np.int64]:
    return np.unique(np.fromiter((s for part in parts for s in part), np.int64))
