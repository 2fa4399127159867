"""How often somebody may guess."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from batterytwin.errors import OverloadedError, Reason, StoreUnavailableError

_MOST_KEYS: Final = 10_000
"""Keys remembered at most; the one that was quiet for the longest goes first."""


class AttemptLimits:
    """Counts attempts of each key in a sliding window.

    An attempt counts from its beginning until it is known to have succeeded, so that many at once are as limited as
    many in a row.

    Args:
        most: attempts in a window.
        window_s: length of the window, s.
        clock: monotonic clock, s.
    """

    def __init__(self, most: int, window_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._window_s = window_s
        self._clock = clock
        self._attempts: OrderedDict[str, deque[float]] = OrderedDict()

    def begin(self, key: str) -> None:
        """Notes that an attempt begins.

        Raises:
            OverloadedError: too many attempts already (TOO_MANY_ATTEMPTS); says when to come back.
        """
        now = self._clock()
        attempts = self._attempts.setdefault(key, deque())
        while attempts and attempts[0] <= now - self._window_s:
            attempts.popleft()
        if len(attempts) >= self._most:
            wait_s = attempts[0] + self._window_s - now
            raise OverloadedError(
                f"Too many failed attempts; come back in {wait_s:.0f} s.",
                reason=Reason.TOO_MANY_ATTEMPTS,
                retry_after_s=wait_s,
            )
        attempts.append(now)
        self._attempts.move_to_end(key)
        if len(self._attempts) > _MOST_KEYS:
            self._attempts.popitem(last=False)

    def succeed(self, key: str) -> None:
        """Takes back the attempt begun last: it was no guess."""
        attempts = self._attempts.get(key)
        if attempts:
            attempts.pop()

    @contextmanager
    def attempt(self, key: str) -> Iterator[None]:
        """An attempt that is judged in the block; where the database is away, nothing was guessed at and none counts.

        Raises:
            OverloadedError: as `begin`.
        """
        self.begin(key)
        try:
            yield
        except StoreUnavailableError:
            self.succeed(key)
            raise

    def forget(self, key: str) -> None:
        """Forgets every attempt of a key."""
        self._attempts.pop(key, None)
