"""A drill: a server of its own with copies of the twins, over a database of its own, fed by a plant."""

import asyncio
import functools
import math
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Final, NoReturn

from actors.local_fleet import LocalFleet
from batterytwin.errors import InvalidArgumentError
from simulator.branch_plant import ScenarioPlant
from simulator.scenario_course import ScenarioPart, course_of
from storage.drill_days import keep_days
from storage.postgres_shard_store import PostgresShardStore
from storage.server_store import ServerStore
from twin_server.access import make_access
from twin_server.drill_alerts import alerts_raised
from twin_server.drill_batches import DrillBatches
from twin_server.drill_copy import DrillOrigin, read_origin, write_origin
from twin_server.drill_feed import DrillClock, DrillFeed
from twin_server.drill_host import DrillPlan, DrillStatus, DrillStory
from twin_server.drill_pace import DrillPace
from twin_server.past_twins import PastSettings, PastTwins
from twin_server.scheduler import Job
from twin_server.server import TwinServer
from twin_server.settings import ServerSettings

_STOP_GRACE_S: Final = 0.2
_SNAPSHOTS_EVERY_S: Final = 1e9  # by rows alone: no drill is restored, but its past is asked about
_PARTITIONS_EVERY_S: Final = 20.0
_KEPT_DAYS: Final = 7  # of the whole fleet 170 MB each
_SOURCE_CONNECTIONS: Final = 2
_SPEEDS: Final = (1.0, 3_600.0)
_HOUR_US: Final = 3_600_000_000


class DrillServer:
    """One drill in this process; made by `start`, ended by `stop`.

    Attributes:
        server: its server.
    """

    def __init__(self, parts: AsyncExitStack, plan: DrillPlan, origin: DrillOrigin) -> None:
        self._parts = parts
        self._plan = plan
        self._origin = origin
        self._clock = DrillClock(origin.twins.time_us)
        self.server: TwinServer
        self._store: ServerStore
        self._feed: DrillFeed

    @classmethod
    async def start(cls, plan: DrillPlan) -> "DrillServer":
        """Copies the twins and lets them live.

        Raises:
            NotFoundError: a name is none of the fleet.
            InvalidArgumentError: a scenario does not fit, or there is no reading to begin from.
            StoreUnavailableError: a database is away.
        """
        _check(plan.speed, plan.duration_h)
        async with AsyncExitStack() as parts:
            source = await ServerStore.connect(plan.source_url, connections=_SOURCE_CONNECTIONS)
            parts.push_async_callback(source.close)
            drill = cls(parts, plan, await read_origin(plan, source))
            await drill._serve(source)
            drill._parts = parts.pop_all()
        return drill

    async def _serve(self, source: ServerStore) -> None:
        plan, parts, inventory = self._plan, self._parts, self._origin.inventory
        plant = await asyncio.to_thread(self._plant)
        self._store = await ServerStore.connect(plan.database_url)
        parts.push_async_callback(self._store.close)
        specs = await write_origin(self._origin, plan.database_url, self._store)
        fleet = LocalFleet(
            [specs], functools.partial(PostgresShardStore, plan.database_url, durable=False), _SNAPSHOTS_EVERY_S
        )
        parts.push_async_callback(fleet.stop)
        past = PastTwins(PastSettings(plan.database_url, None))
        parts.push_async_callback(past.close)
        access = make_access(plan.data_dir, source)
        self.server = TwinServer(
            _settings(plan.data_dir),
            self._store,
            fleet,
            inventory,
            access=access.interceptor,
            auth_servicer=access.auth_servicer,
            create_gateway_token=_refuse_gateways,
            past=past,
            jobs=[Job("partitions", _PARTITIONS_EVERY_S, self._keep_partitions)],
            fed_clock=self._clock,
        )
        parts.push_async_callback(self.server.stop, _STOP_GRACE_S)
        await self._keep_partitions()
        await self.server.start()
        begin_us = self._origin.twins.time_us
        end_us = None if plan.duration_h is None else begin_us + round(plan.duration_h * _HOUR_US)
        pace = DrillPace(begin_us, plan.speed)
        self._feed = DrillFeed(self.server, plant, DrillBatches(inventory), self._clock, pace, end_us)
        self._feeding = asyncio.create_task(self._feed.run(), name=f"drill {plan.drill_id}")
        parts.push_async_callback(_end, self._feeding)

    def _plant(self) -> ScenarioPlant:
        twins, plan = self._origin.twins, self._plan
        begin_s = twins.time_us * 1e-6
        course = course_of(twins.inventory, plan.parts, begin_s)
        return ScenarioPlant(twins.inventory, twins.copies, plan.seed, begin_s, course)

    async def change(self, parts: Sequence[ScenarioPart] | None, speed: float | None) -> DrillStatus:
        """Lets something else happen, or at another pace, from now on; see `DrillHost.change`.

        Raises:
            InvalidArgumentError: a scenario does not fit.
        """
        if speed is not None:
            _check(speed, None)
        twins = self._origin.twins
        course = None if parts is None else course_of(twins.inventory, parts, twins.time_us * 1e-6)
        await self._feed.change(course, speed)
        return self.status()

    def status(self) -> DrillStatus:
        """How far it has come."""
        inventory, feed = self._origin.inventory, self._feed
        return DrillStatus(
            target=self.server.local_target,
            location_ids=tuple(location.location_id for location in inventory.locations),
            battery_count=inventory.battery_count(),
            begin_us=self._origin.twins.time_us,
            now_us=self._clock.now_us,
            speed=feed.pace.speed,
            achieved_speed=0.0 if feed.is_over or feed.failure else feed.pace.achieved_speed,
            reading_count=feed.reading_count,
            active_alert_count=self.server.active_alert_count,
            is_over=feed.is_over,
            failure=feed.failure,
        )

    async def story(self) -> DrillStory:
        """What happened until now.

        Raises:
            StoreUnavailableError: its database is away.
        """
        alerts, count = await alerts_raised(self._store, self._origin.twins.time_us)
        return DrillStory(alerts, count, self._feed.extremes.words())

    async def leave(self) -> None:
        """Closes its API, so that who watches is told; for a process that ends then."""
        await _end(self._feeding)
        await self.server.stop(_STOP_GRACE_S)

    async def stop(self) -> None:
        """Ends it. Repeating it changes nothing."""
        await self._parts.aclose()

    async def _keep_partitions(self) -> None:
        await asyncio.to_thread(keep_days, self._plan.database_url, self._clock.now_us, _KEPT_DAYS)


def _settings(data_dir: Path) -> ServerSettings:
    return ServerSettings(
        data_dir=data_dir, host="127.0.0.1", port=0, tls_certificate=None, tls_key=None, in_process=True
    )


def _check(speed: float, duration_h: float | None) -> None:
    least, most = _SPEEDS
    if not least <= speed <= most:
        raise InvalidArgumentError(
            f"speed = {speed:g} is out of its limits: {least:g} to {most:g}.", field="speed", value=speed
        )
    if duration_h is not None and not (0.0 < duration_h < math.inf):
        raise InvalidArgumentError("duration_h must be above 0.", field="duration_h", value=duration_h)


async def _refuse_gateways(location_id: str) -> NoReturn:
    raise InvalidArgumentError(
        "A drill has no gateways; register grids with the live server.", field="location_id", value=location_id
    )


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
