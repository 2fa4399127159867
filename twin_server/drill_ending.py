"""How drills end: what happened is kept, everything else goes."""

import asyncio
from dataclasses import replace
from typing import Final

import structlog

from batterytwin.errors import InvalidArgumentError, TwinError
from batterytwin.scenarios import DrillState
from storage.drill_records import DrillReportRecord
from storage.server_store import ServerStore
from twin_server.drill_alerts import alerts_raised
from twin_server.drill_news import DrillNews
from twin_server.drill_store import DrillStore
from twin_server.live_drill import DrillEnd, DrillPlace, LiveDrill, failure, now_us

STORY_S: Final = 10.0
"""Time that a drill has to tell what happened, s; much more than it takes, because a report is worth waiting for."""

_STOP_S: Final = 5.0

_log = structlog.get_logger(__name__)


class DrillEnding:
    """Ends drills.

    Args:
        store: where they are noted.
        place: where they live.
        live: drills of which something is left, by name; ended ones are taken out.
        news: told of every step.
    """

    def __init__(self, store: DrillStore, place: DrillPlace, live: dict[str, LiveDrill], news: DrillNews) -> None:
        self._store = store
        self._place = place
        self._live = live
        self._news = news

    async def end(self, drill: LiveDrill, end: DrillEnd, *, story_s: float = STORY_S) -> None:
        """Ends a drill that has lived. What fails may be tried again; the first end counts.

        Raises:
            StoreUnavailableError: the database is away.
        """
        async with drill.lock:
            drill_id = drill.record.drill_id
            if drill_id not in self._live:
                return
            drill.end = end = drill.end or end
            drill.record = replace(drill.record, state=DrillState.STOPPING)
            self._news.tell(drill.record)
            if drill.story is None:
                drill.story = await story_of(drill, story_s) or await self._what_is_left(drill, story_s)
            await self._store.save_drill_report(drill_id, drill.story)
            await self._stop_host(drill)
            if drill.channel is not None:
                await drill.channel.close()
                drill.channel = None
            await asyncio.to_thread(self._place.databases.drop, drill_id)
            ended = replace(
                drill.record,
                state=end.state,
                reason=end.reason,
                stopped_us=now_us(),
                stopped_by=end.by,
                achieved_speed=0.0,
                active_alert_count=0,
            )
            await self._store.save_drill(ended, change=drill.changed(end.by, end.words), audit=end.audit)
            drill.record = ended
            del self._live[drill_id]
            self._news.tell(ended)

    async def take_back(self, drill: LiveDrill, reason: str, error: BaseException) -> None:
        """Takes back what was begun of a drill that could not start; one that was asked for wrongly is forgotten.

        What fails is left to `end`, which is tried again.
        """
        drill_id = drill.record.drill_id
        _log.warning("a drill could not be started", drill=drill_id, reason=reason)
        await self._stop_host(drill)
        failed = replace(drill.record, state=DrillState.FAILED, reason=reason, stopped_us=now_us())
        try:
            await asyncio.to_thread(self._place.databases.drop, drill_id)
            if isinstance(error, InvalidArgumentError):
                await self._store.remove_drill(drill_id)
            else:
                await self._store.save_drill(failed)
        except TwinError as left:
            _log.warning("something of a drill is left for now", drill=drill_id, reason=left.message)
            drill.end, drill.story = failure(reason), DrillReportRecord()
            drill.record = replace(drill.record, state=DrillState.STOPPING, reason=reason)
        else:
            drill.record = failed
            self._live.pop(drill_id, None)
        self._news.tell(drill.record)

    async def _what_is_left(self, drill: LiveDrill, story_s: float) -> DrillReportRecord:
        """What the database of a drill says where its process does not: the alerts; extremes went with the process."""
        drill_id, begin_us = drill.record.drill_id, drill.record.begin_us
        if begin_us is None:
            return DrillReportRecord()
        try:
            async with asyncio.timeout(story_s):
                url = await asyncio.to_thread(self._place.databases.url_of, drill_id)
                store = await ServerStore.connect(url, connections=1)
                try:
                    return DrillReportRecord(*await alerts_raised(store, begin_us))
                finally:
                    await store.close()
        except (TwinError, TimeoutError) as error:
            _log.warning("what a drill has stored cannot be read", drill=drill_id, reason=str(error))
            return DrillReportRecord()

    async def _stop_host(self, drill: LiveDrill) -> None:
        try:
            async with asyncio.timeout(_STOP_S):
                await drill.host.stop()
        except (TwinError, TimeoutError) as error:
            _log.warning("the process of a drill does not end", drill=drill.record.drill_id, reason=str(error))


async def story_of(drill: LiveDrill, story_s: float = STORY_S) -> DrillReportRecord | None:
    """What has happened in a drill; None where it does not tell in time."""
    try:
        async with asyncio.timeout(story_s):
            story = await drill.host.story()
    except (TwinError, TimeoutError) as error:
        _log.warning("a drill does not tell what happened", drill=drill.record.drill_id, reason=str(error))
        return None
    return DrillReportRecord(story.alerts, story.alert_count, story.extremes)
