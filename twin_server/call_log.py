"""One log line a call; of methods that are called all the time, one a minute with counts."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import structlog

_EVERY_S: Final = 60.0

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class CallLine:
    """What will be written of a call: "OK", "CANCELLED", or the reason of its error."""

    outcome: str = "OK"


class CallLog:
    """Writes calls down. Who called, and which call it was, is added to each line by `logging_setup`.

    Args:
        clock: monotonic clock, s.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._counts: Counter[tuple[str, str]] = Counter()
        self._since = clock()

    @contextmanager
    def line(self, method: str, *, hot: bool) -> Iterator[CallLine]:
        """Writes down the call made in the block, or only counts it if its method is hot."""
        line = CallLine()
        began = self._clock()
        try:
            yield line
        except (asyncio.CancelledError, GeneratorExit):
            line.outcome = "CANCELLED"
            raise
        finally:
            self._end(method, line.outcome, began, hot=hot)

    def _end(self, method: str, outcome: str, began: float, *, hot: bool) -> None:
        now = self._clock()
        if not hot:
            _log.info("call", outcome=outcome, duration_ms=round((now - began) * 1_000, 3))
            return
        self._counts[method, outcome] += 1
        if now - self._since >= _EVERY_S:
            for (counted, how), count in sorted(self._counts.items()):
                _log.info("calls", of=counted, outcome=how, count=count, seconds=round(now - self._since, 1))
            self._counts.clear()
            self._since = now
