"""How far a drill has come, and whether it should go on."""

import asyncio
from typing import Final

from batterytwin.errors import TwinError
from batterytwin.scenarios import DrillState
from twin_server.live_drill import DrillEnd, LiveDrill, failure

_ANSWER_S: Final = 5.0
_SILENT_S: Final = 30.0
_HOUR_S: Final = 3_600.0


async def feel_pulse(drill: LiveDrill, now_s: float, longest_s: float) -> DrillEnd | None:
    """Asks a drill how far it has come; returns how it is to end, or None: it goes on.

    Args:
        drill: asked, and told the answer.
        now_s: monotonic clock, s.
        longest_s: real time that a drill may live, s.
    """
    try:
        async with asyncio.timeout(_ANSWER_S):
            status = await drill.host.status()
    except TimeoutError:  # a busy machine; it is heard later, or given up
        return failure(f"it has not answered for {_SILENT_S:.0f} s") if now_s - drill.heard_s > _SILENT_S else None
    except TwinError as error:
        return failure(error.message)
    if drill.is_running and not drill.lock.locked():  # else somebody has begun to change or to end it
        drill.heard_s = now_s
        drill.take(status)
    if status.failure:
        return failure(status.failure)
    words = ""
    if status.is_over:
        words = "its duration has passed"
    elif now_s - drill.begun_s > longest_s:
        words = f"it has lived for {longest_s / _HOUR_S:g} h, the longest allowed"
    return DrillEnd(DrillState.STOPPED, f"ended by itself: {words}") if words else None
