"""How fast a drill goes: towards the wanted pace, without making up for what it could not keep."""

import time
from collections import deque
from collections.abc import Callable
from typing import Final

_LOOK_BACK_S: Final = 5.0
_MOST_DEBT_S: Final = 1.0
"""Real time that a drill may be behind; what is more is let off, so that a slow machine makes no debt."""

_US: Final = 1e6


class DrillPace:
    """Says where a drill should be.

    Args:
        begin_us: begin of its time, us since 1970 UTC.
        speed: wanted pace, its time over real time.
        clock_s: monotonic time, s.

    Attributes:
        speed: wanted pace.
    """

    def __init__(self, begin_us: int, speed: float, clock_s: Callable[[], float] = time.monotonic) -> None:
        self.speed = speed
        self._clock_s = clock_s
        self._base_us, self._base_s = begin_us, clock_s()
        self._reached: deque[tuple[float, int]] = deque([(self._base_s, begin_us)])

    @property
    def due_us(self) -> int:
        """Where the drill should be now."""
        return self._base_us + round((self._clock_s() - self._base_s) * self.speed * _US)

    @property
    def achieved_speed(self) -> float:
        """Pace of the last seconds; 0 = nothing has been reached yet."""
        (since_s, since_us), (until_s, until_us) = self._reached[0], self._reached[-1]
        return (until_us - since_us) / _US / (until_s - since_s) if until_s > since_s else 0.0

    def set_speed(self, speed: float, now_us: int) -> None:
        """Another pace from now on, where the drill is at `now_us`."""
        self.speed = speed
        self._base_us, self._base_s = now_us, self._clock_s()
        self._reached = deque([(self._base_s, now_us)])

    def reach(self, now_us: int) -> None:
        """Notes that the drill has come so far."""
        now_s = self._clock_s()
        self._reached.append((now_s, now_us))
        while len(self._reached) > 2 and self._reached[1][0] < now_s - _LOOK_BACK_S:
            self._reached.popleft()
        if self.due_us - now_us > _MOST_DEBT_S * self.speed * _US:
            self._base_us, self._base_s = now_us, now_s
