"""Keeps drills: starts, watches, changes and ends them, and leaves nothing of them but their reports."""

import asyncio
import secrets
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, TypeVar

import grpc.aio
import structlog

from batterytwin.errors import (
    ConflictError,
    InvalidArgumentError,
    Reason,
    TooManyDrillsError,
    TwinError,
    UnavailableError,
    UnknownDrillError,
)
from batterytwin.scenarios import DrillState
from simulator.scenario_course import ScenarioPart
from storage.access_records import AuditEntry
from storage.drill_records import DrillRecord, DrillReportRecord
from twin_server.drain import shutting_down
from twin_server.drill_ending import DrillEnding, story_of
from twin_server.drill_host import DrillPlan
from twin_server.drill_news import DrillNews
from twin_server.drill_order import DrillOrder, check_parts, from_now_on, told_part
from twin_server.drill_pulse import feel_pulse
from twin_server.drill_store import DrillStore
from twin_server.drill_words import words_of_change, words_of_start
from twin_server.live_drill import DrillEnd, DrillPlace, LiveDrill, channel_to, now_us
from twin_server.periodic import run_every

MOST_DRILLS: Final = 5
"""Drills at once, those that start or end included."""

_TURN_S: Final = 1.0
_QUICK_STORY_S: Final = 3.0
_CLOSE_S: Final = 8.0
_HOUR_S: Final = 3_600.0

_log = structlog.get_logger(__name__)
_Result = TypeVar("_Result")


class DrillKeeper:
    """Owns the drills of a server.

    Args:
        store: where they are noted, in the live database.
        place: where they live; None = this server plays none.
        max_drill_h: real time after which a drill is ended, h.
        clock: monotonic clock, s.

    Attributes:
        news: tells watchers of changes.
    """

    def __init__(
        self,
        store: DrillStore,
        place: DrillPlace | None,
        max_drill_h: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.news = DrillNews()
        self._store = store
        self._place = place
        self._longest_s = max_drill_h * _HOUR_S
        self._clock = clock
        self._live: dict[str, LiveDrill] = {}
        self._ending = None if place is None else DrillEnding(store, place, self._live, self.news)
        self._starting: dict[str, asyncio.Task[DrillRecord]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loading = asyncio.Lock()
        self._is_loaded = place is None
        self._is_closed = False

    async def run(self) -> None:
        """Looks after drills until cancelled."""
        with suppress(TwinError):  # else it is tried again every turn
            await self.load()
        await run_every(_TURN_S, self.turn)

    async def load(self) -> None:
        """Drops what an earlier run of the server has left, and notes that those drills failed.

        Raises:
            StoreUnavailableError: the database is away.
        """
        async with self._loading:
            if self._is_loaded or self._place is None:
                return
            for drill_id in await self._store.fail_left_drills("the server was restarted", now_us()):
                _log.warning("a drill has ended with the server before", drill=drill_id)
            await asyncio.to_thread(self._place.databases.drop_left_over)
            self._is_loaded = True

    def live(self) -> list[DrillRecord]:
        """Drills of which something is left, newest first."""
        return [drill.record for drill in reversed(self._live.values())]

    def as_it_stands(self, record: DrillRecord) -> DrillRecord:
        """A drill of the database with what is known of it by now."""
        drill = self._live.get(record.drill_id)
        return record if drill is None else drill.record

    async def get(self, drill_id: str) -> DrillRecord:
        """A drill that lives or has lived.

        Raises:
            UnknownDrillError: there is none of this name.
        """
        if drill_id in self._live:
            return self._live[drill_id].record
        record = await self._store.drill(drill_id)
        if record is None:
            raise unknown_drill(drill_id)
        return record

    def channel_of(self, drill_id: str) -> tuple[DrillRecord, grpc.aio.Channel]:
        """A drill that runs, and the way to its API.

        Raises:
            UnknownDrillError: no such drill runs.
        """
        drill = self._live.get(drill_id)
        if drill is None or drill.channel is None or not drill.is_running:
            raise unknown_drill(drill_id)
        return drill.record, drill.channel

    def warm(self) -> None:
        """Prepares a process and a database beside: somebody looks as if they were about to start a drill."""
        if self._place is not None and not self._is_closed and len(self._live) < MOST_DRILLS:
            self._beside(asyncio.to_thread(self._place.databases.prepare))
            self._beside(self._place.hosts.warm())

    async def start(self, order: DrillOrder, request_id: str, by: str, audit: AuditEntry | None) -> DrillRecord:
        """Starts a drill; answers when it lives. A start goes on when its caller goes away.

        Raises:
            TooManyDrillsError: as many live as may.
            InvalidArgumentError: there is nothing to begin from, or this server plays no drills.
            UnavailableError: its process could not be started.
        """
        if request_id not in self._starting:
            known = await self._store.drill_of_request(request_id)
            if known is not None:
                return await self._started_before(known)
            await self.load()
        task = self._starting.get(request_id) or self._begin(order, request_id, by, audit)
        return await asyncio.shield(task)

    def _begin(
        self, order: DrillOrder, request_id: str, by: str, audit: AuditEntry | None
    ) -> asyncio.Task[DrillRecord]:
        if self._place is None or self._ending is None:
            raise InvalidArgumentError("This server plays no drills.", field="parts")
        if self._is_closed:
            raise shutting_down()
        if len(self._live) >= MOST_DRILLS:
            raise TooManyDrillsError(
                f"Max {MOST_DRILLS} concurrent simulations exceeded; stop one of "
                f"{', '.join(self._live)} first, for example with `batterytwin scenario stop {next(iter(self._live))}`."
            )
        parts = tuple(told_part(part) for part in order.parts)
        record = DrillRecord(
            drill_id=secrets.token_hex(4),
            title=order.title,
            parts=parts,
            names=order.names,
            location_ids=order.location_ids,
            battery_count=order.battery_count,
            seed=order.seed,
            speed=order.speed,
            started_us=now_us(),
            started_by=by,
        )
        now_s = self._clock()
        drill = LiveDrill(record, order.inventory, self._place.hosts.make(), now_s, now_s, order.duration_h)
        self._live[record.drill_id] = drill
        self.news.tell(drill.record)
        task = self._beside(self._start(drill, order, self._place, self._ending, request_id, audit))
        self._starting[request_id] = task
        task.add_done_callback(lambda _: self._starting.pop(request_id, None))
        return task

    async def _start(  # noqa: PLR0917 # what a drill rests on
        self,
        drill: LiveDrill,
        order: DrillOrder,
        place: DrillPlace,
        ending: DrillEnding,
        request_id: str,
        audit: AuditEntry | None,
    ) -> DrillRecord:
        drill_id = drill.record.drill_id
        async with drill.lock:
            try:
                await self._store.add_drill(drill.record, request_id, audit)
                plan = DrillPlan(
                    drill_id=drill_id,
                    source_url=place.source_url,
                    database_url=await asyncio.to_thread(place.databases.create, drill_id),
                    archive=place.archive,
                    data_dir=place.data_dir,
                    names=order.names,
                    at_us=order.at_us,
                    parts=order.parts,
                    seed=order.seed,
                    speed=order.speed,
                    duration_h=order.duration_h,
                )
                status = await drill.host.start(plan)
                drill.take(status)
                drill.record = replace(drill.record, state=DrillState.RUNNING)
                words = words_of_start(drill.record.parts, drill.record.speed)
                await self._store.save_drill(drill.record, change=drill.changed(drill.record.started_by, words))
            except BaseException as error:
                await ending.take_back(drill, self._why(error), error)
                raise
            drill.channel = channel_to(status.target)
            drill.heard_s = self._clock()
            self.news.tell(drill.record)
        self.warm()  # the next one is to start as fast
        return drill.record

    def _why(self, error: BaseException) -> str:
        if self._is_closed:
            return "the server was stopped"
        return error.message if isinstance(error, TwinError) else "it could not be started"

    async def _started_before(self, drill_id: str) -> DrillRecord:
        record = await self.get(drill_id)
        if record.state in (DrillState.STOPPING, DrillState.FAILED) and record.begin_us is None:
            raise UnavailableError(f"The drill {drill_id} could not be started: {record.reason}.")
        return record

    async def change(  # what is wanted, by whom
        self,
        drill_id: str,
        parts: Sequence[ScenarioPart] | None,
        speed: float | None,
        *,
        revision: int,
        request_id: str,
        by: str,
        audit: AuditEntry | None,
    ) -> DrillRecord:
        """Lets something else happen in a drill, or at another pace, from now on.

        Raises:
            UnknownDrillError: no such drill runs.
            ConflictError: it has another revision by now (DRILL_CHANGED).
            InvalidArgumentError: a scenario does not fit it.
        """
        drill = self._running(drill_id)
        return await self._whole(self._change_it(drill, parts, speed, revision, request_id, by, audit))

    async def _change_it(  # noqa: PLR0917 # as `change`
        self,
        drill: LiveDrill,
        parts: Sequence[ScenarioPart] | None,
        speed: float | None,
        revision: int,
        request_id: str,
        by: str,
        audit: AuditEntry | None,
    ) -> DrillRecord:
        async with drill.lock:
            before = drill.record
            if await self._store.drill_of_request(request_id) == before.drill_id:
                return before
            self._running(before.drill_id)
            if revision not in (0, before.revision):
                raise ConflictError(
                    f"The drill {before.drill_id} has revision {before.revision} by now; look at it again before you "
                    "change it.",
                    reason=Reason.DRILL_CHANGED,
                    field="revision",
                    value=revision,
                )
            if parts is not None:
                now = await drill.host.status()
                parts = from_now_on(parts, before.parts, (now.now_us - now.begin_us) * 1e-6)
                await asyncio.to_thread(check_parts, parts, drill.inventory)
            drill.take(await drill.host.change(parts, speed))
            told = before.parts if parts is None else tuple(told_part(part) for part in parts)
            pace = before.speed if speed is None else speed
            changed = replace(drill.record, parts=told, speed=pace, revision=before.revision + 1)
            change = drill.changed(by, words_of_change(before.parts, told, before.speed, pace))
            await self._store.save_drill(changed, change=change, request_id=request_id, audit=audit)
            drill.record = changed  # once it is noted, so that what could not be noted can be repeated
            self.news.tell(changed)
            return changed

    async def stop(self, drill_id: str, by: str, audit: AuditEntry | None) -> DrillRecord:
        """Ends a drill; answers when nothing of it is left but its report. Repeating it changes nothing.

        Raises:
            UnknownDrillError: there is none of this name.
            StoreUnavailableError: the database is away; it is tried again until it is back.
        """
        drill = self._live.get(drill_id)
        if drill is None or self._ending is None:
            return await self.get(drill_id)
        await self._whole(self._ending.end(drill, DrillEnd(DrillState.STOPPED, "stopped", by=by, audit=audit)))
        return drill.record

    async def report(self, drill_id: str) -> DrillReportRecord:
        """What happened in a drill, so far; as good as nothing where it does not answer."""
        drill = self._live.get(drill_id)
        if drill is None:
            return await self._store.drill_report(drill_id)
        told = await story_of(drill) if drill.is_running else drill.story
        return told or DrillReportRecord()

    async def turn(self) -> None:
        """Looks how far every drill has come, and ends those that should not go on."""
        await self.load()
        looks = {drill_id: self._looking(drill) for drill_id, drill in self._live.items()}
        if not looks:
            return
        _, hanging = await asyncio.wait(looks.values(), timeout=_TURN_S)  # one that hangs holds up nobody else
        for drill_id, look in looks.items():
            if look in hanging and drill_id in self._live:
                self.news.tell(self._live[drill_id].record)

    async def close(self) -> None:
        """Ends all drills: the server stops. Takes some seconds at most; what is left goes at the next start."""
        self._is_closed = True
        for task in self._starting.values():
            task.cancel()
        if self._place is None or self._ending is None:
            return
        end = DrillEnd(DrillState.FAILED, "the server was stopped", "the server was stopped")
        ends = [self._ending.end(drill, end, story_s=_QUICK_STORY_S) for drill in list(self._live.values())]
        try:
            async with asyncio.timeout(_CLOSE_S):
                for failed in await asyncio.gather(*ends, return_exceptions=True):
                    if isinstance(failed, BaseException):
                        _log.warning("a drill is left until the next start", reason=str(failed))
        except TimeoutError:
            _log.warning("drills are left until the next start", drills=list(self._live))
        for task in self._tasks:
            task.cancel()
        await self._place.hosts.close()

    def _looking(self, drill: LiveDrill) -> asyncio.Task[None]:
        if drill.look is None or drill.look.done():
            drill.look = self._beside(self._look(drill))
        return drill.look

    async def _look(self, drill: LiveDrill) -> None:
        if drill.lock.locked():
            return  # somebody is at work on it
        end = drill.end  # it could not be ended before
        if end is None and drill.is_running:
            end = await feel_pulse(drill, self._clock(), self._longest_s)
            self.news.tell(drill.record)
        if end is not None and self._ending is not None:
            self._beside(self._ending.end(drill, end))

    def _running(self, drill_id: str) -> LiveDrill:
        drill = self._live.get(drill_id)
        if drill is None or drill.record.state in (DrillState.STOPPING, DrillState.STOPPED, DrillState.FAILED):
            raise unknown_drill(drill_id)
        return drill

    async def _whole(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Does something to its end, also when whoever waits for it goes away."""
        return await asyncio.shield(self._beside(work))

    def _beside(self, work: Coroutine[Any, Any, _Result]) -> asyncio.Task[_Result]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, TwinError):  # whoever waits for it hears it too
            _log.info("work on a drill has failed", reason=error.message)
        elif error is not None:
            _log.error("work on a drill has failed", exc_info=error)


def unknown_drill(drill_id: str) -> UnknownDrillError:
    """What is said where no such drill lives."""
    return UnknownDrillError(
        f"There is no drill {drill_id[:64]} that lives; `ListScenarios` tells which do.",
        field="drill_id",
        value=drill_id,
    )
