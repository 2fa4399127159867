"""Ends the server when it could no longer start a dead shard again, so that its supervisor starts it anew."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

LOOK_EVERY_S: Final = 1.0
_NOTICE_S: Final = 2.0
"""Time between telling and ending: those who probe readiness shall hear the reason."""

_log = structlog.get_logger(__name__)


class RayWatch:
    """Looks for processes of Ray that have ended, until the first one has.

    Args:
        ended: names those that have ended; quick.
        tell_health: makes readiness tell the reason.
        tell: tells the person who started the product.
        end: ends the server, as a signal would.
    """

    def __init__(
        self,
        ended: Callable[[], Sequence[str]],
        tell_health: Callable[[str], Awaitable[None]],
        tell: Callable[[str], None],
        end: Callable[[], None],
    ) -> None:
        self._ended = ended
        self._tell_health = tell_health
        self._tell = tell
        self._end = end

    async def run(self) -> None:
        """Returns after it has ended the server."""
        while not (ended := self._ended()):  # noqa: ASYNC110 - processes send no event when they end
            await asyncio.sleep(LOOK_EVERY_S)
        reason = f"{' and '.join(ended)} of Ray ended, so that no shard could be started again"
        _log.error("ray_ended", processes=list(ended), reason=reason)
        self._tell(f"{reason}; the server ends, to be started anew by its supervisor")
        await self._tell_health(reason)
        await asyncio.sleep(_NOTICE_S)
        self._end()
