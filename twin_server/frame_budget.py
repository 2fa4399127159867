"""How many frames of a string the watch analyses while others wait for the processor."""

import time
from collections.abc import Callable
from typing import Final

from twin_server.frame_collector import FRAMES_A_TURN

FRAMES_A_SECOND: Final = 4.0
"""Frames of one string a second in the long run. Sites sample once a second at most; only a bulk load brings more."""


class FrameBudget:
    """Lets a burst (a gateway catches up) be analysed as a whole, and of a lasting bulk load the newest frames only.

    Args:
        clock_s: monotonic time, s.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._left = float(FRAMES_A_TURN)
        self._at_s = clock_s()

    def most(self) -> int:
        """Frames of a string that may be analysed now, at least one."""
        now_s = self._clock_s()
        self._left = min(self._left + FRAMES_A_SECOND * (now_s - self._at_s), float(FRAMES_A_TURN))
        self._at_s = now_s
        return max(int(self._left), 1)

    def spend(self, frames: int) -> None:
        """Notes that so many frames of a string have been analysed."""
        self._left = max(self._left - frames, 0.0)
