"""Work that comes back every few seconds."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from batterytwin.errors import TwinError

_log = structlog.get_logger(__name__)


async def run_every(period_s: float, work: Callable[[], Awaitable[Any]]) -> None:
    """Does `work` every `period_s` seconds until cancelled; a failure is logged, and the next turn tries again."""
    while True:
        await asyncio.sleep(period_s)
        try:
            await work()
        except TwinError as error:
            _log.warning("background work failed, trying again", work=work.__qualname__, reason=error.message)
        except Exception:  # noqa: BLE001 - one failed turn must not end the work for good
            _log.exception("background work failed, trying again", work=work.__qualname__)
