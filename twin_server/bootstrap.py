"""The composition root: brings every part up in order, and down in the opposite one."""

import asyncio
import functools
import gc
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

from actors.fleet import Fleet, TwinSpec
from actors.heap import trim_heap
from actors.placement import core_count, place_twins
from actors.ray_fleet import RayFleet
from actors.ray_processes import RayProcesses
from actors.ray_runtime import start_ray, stop_ray
from batterytwin.errors import StoreUnavailableError
from batterytwin.inventory import Inventory, load_fleet
from ml.scoring import Scoring
from storage.archive_reader import ArchiveReader
from storage.archive_settings import ArchiveSettings
from storage.drill_databases import DrillDatabases
from storage.durability import durability_gaps
from storage.embedded import EmbeddedPostgres
from storage.migrate import migrate
from storage.partition_keeper import PartitionKeeper
from storage.postgres_shard_store import PostgresShardStore
from storage.prediction_keeper import thin_predictions
from storage.server_store import ServerStore
from storage.snapshot_keeper import thin_snapshots
from storage.timescale import apply_policies, refresh_old_hours
from storage.what_if_keeper import forget_what_ifs
from twin_server.access import make_access
from twin_server.archive_job import run_archive_keeper
from twin_server.companions import Companions
from twin_server.database_keeper import DatabaseKeeper
from twin_server.drill_host import DrillHosts
from twin_server.first_admin import ensure_first_admin
from twin_server.fleet_setup import make_specs, register_fleet
from twin_server.instance import Instance
from twin_server.live_drill import DrillPlace
from twin_server.logging_setup import configure_logging, turn_if_full
from twin_server.past_twins import PastSettings, PastTwins
from twin_server.progress import StartReport
from twin_server.projection_child import ProjectionChild
from twin_server.ray_watch import RayWatch
from twin_server.scheduler import Job
from twin_server.server import TwinServer
from twin_server.settings import ServerSettings, unknown_variables
from twin_server.simulated_gateways import make_simulator_tokens

_COMPANION_GRACE_S: Final = 2.0
_FINE_DAYS: Final = 7
_DATABASE_RETRY_S: Final = 0.5
_JOB_PERIOD_S: Final = 600.0
_DAY_S: Final = 86_400.0
_DATABASE_SETTLES_S: Final = 10.0
_START_ME_AGAIN: Final = 1

_Result = TypeVar("_Result")


async def run_server(settings: ServerSettings) -> int:
    """Runs a server until SIGINT, SIGTERM or the end of its terminal; returns the exit code of the process.

    Raises:
        TwinError: it cannot start; the message says why and what to do.
    """
    settings.check_exposure()
    fleet = load_fleet(settings.fleet_file)
    report = StartReport()
    instance = Instance(settings.data_dir)
    instance.acquire()
    for unknown in unknown_variables(os.environ):
        report.warn(unknown)
    configure_logging(settings.data_dir / "logs" / "server.log")
    stop = asyncio.Event()
    _stop_on_signals(stop)
    try:
        async with AsyncExitStack() as parts:
            # Ray prints notes to developers ("a worker died ...") where the person who started the server reads.
            path = settings.data_dir / "logs" / "libraries.log"
            turn_if_full(path)
            notes = parts.enter_context(path.open("a", buffering=1))
            parts.enter_context(redirect_stdout(notes))
            server = _Server(
                settings=settings, inventory=fleet, instance=instance, report=report, parts=parts, stop=stop
            )
            del fleet  # the server goes on with what is registered
            starting = asyncio.create_task(server.start())
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                starting.cancel()
                await asyncio.wait({starting})
            else:
                await starting
            await stopping
            report.step("stopping")
        report.step("stopped")
    finally:
        instance.release()
    return server.exit_code


def _stop_on_signals(stop: asyncio.Event) -> None:
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup`: it outlives its terminal
        numbers.append(signal.SIGHUP)
    for number in numbers:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)


class _Server:
    """One start; every part registers how it is stopped as soon as it runs.

    Attributes:
        exit_code: of the process; not 0 when it ends in order to be started again.
    """

    def __init__(
        self,
        *,
        settings: ServerSettings,
        inventory: Inventory,
        instance: Instance,
        report: StartReport,
        parts: AsyncExitStack,
        stop: asyncio.Event,
    ) -> None:
        self._settings = settings
        self._inventory = inventory
        self._instance = instance
        self._report = report
        self._parts = parts
        self._stop = stop
        self._database: DatabaseKeeper | None = None
        self.exit_code = 0

    async def start(self) -> None:
        settings, report = self._settings, self._report
        url, _ = await asyncio.gather(self._start_database(), self._start_ray())
        store = await ServerStore.connect(url)
        self._parts.push_async_callback(store.close)
        store.archive = ArchiveReader(self._archive)
        self._parts.push_async_callback(store.archive.close)
        inventory, keys = await register_fleet(store, self._inventory, settings)
        self._inventory = _registered(self._inventory, inventory)
        specs = make_specs(inventory, keys)
        del keys
        fleet = self._make_fleet(url, specs)
        self._parts.push_async_callback(fleet.stop)
        past = PastTwins(PastSettings(url, self._archive))
        self._parts.push_async_callback(past.close)
        access = make_access(settings.data_dir, store)
        first_password = await ensure_first_admin(store)
        server = TwinServer(
            settings,
            store,
            fleet,
            inventory,
            access=access.interceptor,
            auth_servicer=access.auth_servicer,
            create_gateway_token=functools.partial(access.gateway_tokens.create, name="replay", created_by="server"),
            past=past,
            jobs=self._jobs(url),
            scoring=None if settings.in_process else _serve_scoring(),
            compute_projection=ProjectionChild(url, self._archive).compute,
            drills=DrillPlace(self._drill_hosts(), DrillDatabases(url), url, self._archive, settings.data_dir),
        )
        self._parts.push_async_callback(server.stop, settings.drain_timeout_s)
        if self._database is not None:
            self._parts.push_async_callback(self._database.settle, _DATABASE_SETTLES_S)
        port = await server.start()
        gc.collect()
        gc.freeze()  # 200,000 objects that stay: to look them through again would hold up every call for 50 ms
        trim_heap()  # what reading the inventory took
        self._watch_ray(server)
        self._instance.record.target = server.local_target
        self._instance.save()
        address = f"{settings.host}:{port}"
        report.step(f"{len(specs):,} twins restored in {len(fleet.shard_specs)} shards; API on {address}")
        companions = Companions(self._instance, settings.data_dir / "logs", report)
        self._parts.push_async_callback(companions.stop, _COMPANION_GRACE_S)
        if settings.simulator:
            await self._start_simulator(companions, server, await make_simulator_tokens(store, self._inventory))
        dashboard_url = ""
        if settings.dashboard:
            dashboard_url = await self._start_dashboard(companions, server.local_target)
        await past.begin()  # it loads while nobody asks yet
        report.ready(settings, address, dashboard_url, first_password)

    async def _start_database(self) -> str:
        settings = self._settings
        if settings.database_url is not None:
            url = settings.database_url.get_secret_value()
        else:
            postgres = EmbeddedPostgres(settings.data_dir)
            self._parts.push_async_callback(asyncio.to_thread, postgres.stop)
            url = await _carried_through(postgres.start)
            self._database = DatabaseKeeper(postgres, self._report.warn)
            self._database.start()
            self._parts.push_async_callback(self._database.stop)
        applied = await self._migrate(url)
        self._report.step("database ready" + (f" ({len(applied)} migrations applied)" if applied else ""))
        if await asyncio.to_thread(apply_policies, url, self._kept):
            self._report.step("TimescaleDB keeps readings and their hours")
        for gap in await asyncio.to_thread(durability_gaps, url):
            self._report.warn(f"a power cut may take what was acknowledged: {gap}")
        return url

    async def _migrate(self, url: str) -> list[str]:
        """Waits for a database that is away: to end at once would only make whoever restarts us do it again."""
        give_up = time.monotonic() + self._settings.database_wait_s
        told = False
        while True:
            try:
                return await asyncio.to_thread(migrate, url, timescale=self._settings.timescale)
            except StoreUnavailableError as error:
                if time.monotonic() >= give_up:
                    raise
                if not told:
                    self._report.warn(f"waiting for the database: {error.message}")
                told = True
            await asyncio.sleep(_DATABASE_RETRY_S)

    async def _start_ray(self) -> None:
        if self._settings.in_process:
            return
        self._parts.push_async_callback(asyncio.to_thread, stop_ray)
        await _carried_through(functools.partial(start_ray, core_count()))
        _stop_on_signals(self._stop)  # Ray has put its own handlers in place
        self._report.step("Ray ready")

    def _watch_ray(self, server: TwinServer) -> None:
        if self._settings.in_process:
            return
        ended = RayProcesses.of_this_process().ended
        watch = RayWatch(ended, server.set_unsupervised, self._report.warn, self._end_for_a_new_start)
        self._parts.callback(asyncio.create_task(watch.run(), name="ray watch").cancel)

    def _end_for_a_new_start(self) -> None:
        self.exit_code = _START_ME_AGAIN
        self._stop.set()

    @property
    def _archive(self) -> Path:
        return self._settings.archive_dir or self._settings.data_dir / "archive"

    @property
    def _kept(self) -> ArchiveSettings:
        return ArchiveSettings(self._settings.hot_days, self._settings.raw_days, self._settings.hour_days)

    def _jobs(self, url: str) -> list[Job]:
        settings = self._settings
        return [
            Job("partitions", _JOB_PERIOD_S, functools.partial(_keep_partitions, PartitionKeeper(url))),
            Job("snapshots", _JOB_PERIOD_S, functools.partial(_thin_snapshots, url, settings.raw_days)),
            Job("hours", _JOB_PERIOD_S, functools.partial(_refresh_hours, url, self._kept)),
            Job("old lives", _DAY_S, functools.partial(_thin_lives, url, settings)),
            Job("old what-ifs", _DAY_S, functools.partial(_forget_what_ifs, url, settings.what_if_days)),
            Job("archive", _JOB_PERIOD_S, functools.partial(run_archive_keeper, url, self._archive, self._kept)),
        ]

    def _make_fleet(self, url: str, specs: list[TwinSpec]) -> Fleet:
        settings = self._settings
        shards = place_twins(specs, settings.twins_per_actor)
        open_store = functools.partial(PostgresShardStore, url, self._archive)
        if settings.in_process:
            from actors.local_fleet import LocalFleet  # noqa: PLC0415  # loads the compiler, which Ray's driver can spare

            return LocalFleet(shards, open_store, settings.snapshot_interval_s)
        return RayFleet(shards, open_store, settings.snapshot_interval_s)

    def _drill_hosts(self) -> DrillHosts:
        if self._settings.in_process:
            from twin_server.drill_local import LocalDrillHosts  # noqa: PLC0415  # the twins' kernels, as above

            return LocalDrillHosts()
        from twin_server.drill_ray import RayDrillHosts  # noqa: PLC0415  # Ray, which a server without it can spare

        return RayDrillHosts()

    async def _start_simulator(self, companions: Companions, server: TwinServer, tokens: Mapping[str, str]) -> None:
        settings, live = self._settings, asyncio.Event()
        fills_history = self._newest_sample_us(server) == 0 and settings.backfill_days > 0
        first_start = datetime.now(UTC)

        def arguments() -> list[str]:
            fills = fills_history and not live.is_set()  # whole, so from the same start, whoever ended before it was
            newest = datetime.fromtimestamp(self._newest_sample_us(server) / 1e6, UTC)
            start = first_start if fills else max(datetime.now(UTC), newest + timedelta(seconds=1))
            found = ["--target", server.local_target, "--speed", str(settings.speed), "--start", start.isoformat()]
            found += ["--buffer-dir", str(settings.data_dir / "gateways")]
            if settings.fleet_file is not None:
                found += ["--fleet", str(settings.fleet_file)]
            if fills:
                fine = next(self._inventory.locations[0].strings()).string_id
                found += ["--backfill-days", str(settings.backfill_days)]
                found += ["--fine-string", fine, "--fine-days", str(min(_FINE_DAYS, settings.backfill_days))]
            return found

        await companions.start_simulator(arguments, tokens, live)
        waiting = asyncio.create_task(live.wait())
        waiting.add_done_callback(lambda _: self._report.step("simulated gateways feed live samples"))
        self._parts.callback(waiting.cancel)

    def _newest_sample_us(self, server: TwinServer) -> int:
        ours = [battery.battery_id for location in self._inventory.locations for battery in location.batteries()]
        ordinals = server.live.fleet_map.ordinals(ours)
        return int(server.live.rows["as_of_us"][ordinals].max(initial=0))

    async def _start_dashboard(self, companions: Companions, target: str) -> str:
        port = self._settings.dashboard_port or _free_port()
        await companions.start_dashboard(["--target", target, "--port", str(port), "--address", "127.0.0.1"], {})
        url = f"http://127.0.0.1:{port}"
        self._instance.record.dashboard_url = url
        self._instance.save()
        return url


async def _carried_through(start: Callable[[], _Result]) -> _Result:
    """Calls it in a thread, which cannot be cancelled: a stop that did not wait for it would stop what starts later."""
    starting = asyncio.create_task(asyncio.to_thread(start))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.wait({starting})
        raise


def _registered(fleet: Inventory, inventory: Inventory) -> Inventory:
    """Locations of a fleet as they are registered, so that their batteries are not held twice."""
    ours = {location.location_id for location in fleet.locations}
    return Inventory(tuple(location for location in inventory.locations if location.location_id in ours))


async def _keep_partitions(keeper: PartitionKeeper) -> None:
    await asyncio.to_thread(keeper.run, time.time_ns() // 1_000)


async def _thin_snapshots(url: str, kept_days: int) -> None:
    await asyncio.to_thread(thin_snapshots, url, kept_days)


async def _thin_lives(url: str, settings: ServerSettings) -> None:
    await asyncio.to_thread(thin_predictions, url, settings.hourly_life_days, settings.life_days)


async def _forget_what_ifs(url: str, kept_days: int) -> None:
    await asyncio.to_thread(forget_what_ifs, url, kept_days)


def _serve_scoring() -> Scoring:
    from ml.serve_deployment import ServeScoring  # noqa: PLC0415 # Serve, which a server without Ray can spare

    return ServeScoring()


async def _refresh_hours(url: str, kept: ArchiveSettings) -> None:
    await asyncio.to_thread(refresh_old_hours, url, kept)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
