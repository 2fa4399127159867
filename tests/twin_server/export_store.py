"""A store that makes up any amount of history, and counts what is asked of it and what is still held."""

import asyncio
import weakref
from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np

from storage.access_records import AuditEntry
from storage.history_export import ExportBatch


class EndlessStore:
    """Gives so many batches of each battery.

    Attributes:
        batches: how many batches each battery has.
        made: batches made so far.
        held: batches that somebody still holds.
        most_held: most of them at one time.
        ended: whether whoever read has come to the end or gone away.
        entries: the audit trail.
    """

    def __init__(self, batches: int) -> None:
        self.batches = batches
        self.made = self.held = self.most_held = 0
        self.ended = asyncio.Event()
        self.entries: list[AuditEntry] = []

    async def export_history(
        self, battery_keys: Sequence[int], start_us: int, end_us: int, metrics: Sequence[str], batch_rows: int
    ) -> AsyncIterator[ExportBatch]:
        random = np.random.default_rng(1)
        step_us = (end_us - start_us) // (self.batches * batch_rows)
        try:
            for key in battery_keys:
                for number in range(self.batches):
                    first_us = start_us + number * batch_rows * step_us
                    yield self._counted(
                        ExportBatch(
                            np.full(batch_rows, key, np.int32),
                            first_us + np.arange(batch_rows, dtype=np.int64) * step_us,
                            {name: random.random(batch_rows, np.float32) for name in metrics},
                            np.zeros(batch_rows, np.bool_),
                            np.zeros(batch_rows, np.bool_),
                        )
                    )
        finally:
            self.ended.set()

    async def query_history(self, *args: Any, **options: Any) -> Any:
        raise NotImplementedError("these exports are of raw rows")

    async def hours_only_until_us(self, *_: int) -> int | None:
        return None

    async def audit(self, entry: AuditEntry) -> None:
        self.entries.append(entry)

    def _counted(self, batch: ExportBatch) -> ExportBatch:
        self.made += 1
        self.held += 1
        self.most_held = max(self.most_held, self.held)
        # the time column is handed on as it is; when nobody holds it, nobody holds the batch
        weakref.finalize(batch.time_us, self._let_go)
        return batch

    def _let_go(self) -> None:
        self.held -= 1
