"""Changes of drills to everybody who watches them; the latest state wins."""

import asyncio
from typing import Final

from storage.drill_records import DrillRecord

_MOST_ENDED: Final = 100


class DrillNews:
    """Keeps the newest state of each drill that has changed.

    Attributes:
        seq: number of the newest change.
    """

    def __init__(self) -> None:
        self.seq = 0
        self._newest: dict[str, tuple[int, DrillRecord]] = {}
        self._changed = asyncio.Event()

    def tell(self, record: DrillRecord) -> None:
        """Notes how a drill is now."""
        self.seq += 1
        self._newest.pop(record.drill_id, None)  # so that the oldest change comes first
        self._newest[record.drill_id] = self.seq, record
        while len(self._newest) > _MOST_ENDED:
            del self._newest[next(iter(self._newest))]
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait_newer(self, seq: int) -> tuple[int, list[DrillRecord]]:
        """Waits for changes after the one of this number; returns the number of the newest, and who changed."""
        while self.seq <= seq:
            await self._changed.wait()
        return self.seq, [record for number, record in self._newest.values() if number > seq]
