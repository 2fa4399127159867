"""The clock of a simulation: simulated seconds for each real one."""

import asyncio
import time

_US = 1e6
_TICK_S = 0.02  # wake-ups closer than this cost more than they show


class Pace:
    """Simulated time that runs `speed` times as fast as real time from the moment this is made.

    Args:
        start_us: simulated time now, microseconds since 1970 UTC.
        speed: simulated seconds a second, > 0.
    """

    def __init__(self, start_us: int, speed: float) -> None:
        self._start_us = start_us
        self.speed = speed
        self._begin = time.monotonic()

    def now_us(self) -> int:
        """Simulated time."""
        return self._start_us + round((time.monotonic() - self._begin) * self.speed * _US)

    async def wait_until(self, time_us: int) -> None:
        """Sleeps until a simulated time; one that has passed costs a turn of the event loop."""
        left_s = (time_us - self.now_us()) / self.speed / _US
        await asyncio.sleep(max(left_s, _TICK_S) if left_s > 0 else 0)
