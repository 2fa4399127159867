"""The server: puts services, pumps and background work together, and starts and stops them in order."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from actors.filter import MODEL_VERSION
from actors.fleet import Fleet
from actors.heap import HeapTrimmer
from actors.twin_memory import MEMORY_LAYOUT
from batterytwin.events import TwinInput
from batterytwin.inventory import Inventory, LocationClock
from batterytwin.readings import ReadingBatch
from batterytwin.v1 import (
    alert_service_pb2_grpc,
    auth_service_pb2_grpc,
    fleet_service_pb2_grpc,
    history_service_pb2_grpc,
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
    scenario_service_pb2_grpc,
    twin_service_pb2_grpc,
)
from ml.scoring import LocalScoring, Scoring
from storage.event_records import EventRecord
from storage.server_store import ServerStore
from twin_server.admission import Admission
from twin_server.alert_hub import AlertHub
from twin_server.alert_servicer import AlertServicer
from twin_server.drain import Drain
from twin_server.draining_health import DrainingHealth
from twin_server.drill_forwarding import DrillForwarding
from twin_server.drill_keeper import DrillKeeper
from twin_server.event_log import EventLog
from twin_server.event_recorder import EventRecorder
from twin_server.fleet_servicer import FleetServicer
from twin_server.grid_registration import GridRegistration
from twin_server.history_exporter import HistoryExporter
from twin_server.history_servicer import HistoryServicer
from twin_server.ingest_router import IngestOutcome, IngestRouter
from twin_server.ingest_servicer import IngestServicer
from twin_server.listener import bind, bind_local, make_listener
from twin_server.live_drill import DrillPlace
from twin_server.live_table import LiveTable
from twin_server.lives import DEFAULT_MODEL, Lives
from twin_server.location_clock import LocationClocks, wall_us
from twin_server.missing_data_rule import MissingData
from twin_server.model_servicer import ModelServicer
from twin_server.model_tracer import TRACE_EVERY_S, ModelTracer
from twin_server.outage_watch import OutageWatch
from twin_server.past_answers import Past, PastAnswers
from twin_server.past_outages import PastOutages
from twin_server.periodic import run_every
from twin_server.prediction_servicer import PredictionServicer
from twin_server.projection_keeper import Compute, ProjectionKeeper
from twin_server.projection_servicer import Projections
from twin_server.readiness import DATABASE_PROBE_S, SHARD_PROBE_S, Readiness
from twin_server.routing import FleetMap
from twin_server.scenario_servicer import ScenarioServicer
from twin_server.scheduler import LOOK_EVERY_S, Job, Scheduler
from twin_server.settings import ServerSettings
from twin_server.silence_rules import SilenceRules
from twin_server.string_alerts import StringAlerts
from twin_server.string_keeper import KEEP_EVERY_S, StringKeeper
from twin_server.string_watch import StringWatch
from twin_server.twin_servicer import TwinServicer

SERVICE_NAMES: Final = tuple(
    f"batterytwin.v1.{name}Service"
    for name in ("Ingest", "Twin", "Fleet", "History", "Alert", "Auth", "Prediction", "Model", "Scenario")
)

_SWEEP_S: Final = 2.0
_STRINGS_S: Final = 1.0
_PAST_OUTAGES_S: Final = 10.0
_REOPEN_EVERY_S: Final = 60.0
_DAMAGE_EVERY_S: Final = 60.0
_REOPEN_AFTER_US: Final = 3_600_000_000

_log = structlog.get_logger(__name__)


class TwinServer:
    """Serves the API over a fleet and a store, which both belong to the caller.

    Args:
        settings: how to serve.
        store: open store on a migrated database.
        fleet: twins; `start` starts them, stopping them is the caller's.
        inventory: all registered locations, in order of registration.
        access: interceptor that knows callers and turns errors into answers; outermost.
        auth_servicer: login and tokens.
        create_gateway_token: makes the token of a location's gateway: `location_id -> token`.
        past: replays the past of twins; the caller's, like the store.
        jobs: work on the database that comes back.
        scoring: where models of remaining life are asked; None = in a thread of this process.
        default_model: folder of the model that comes with the product.
        fed_clock: present of a server that is fed, us since 1970 UTC, whatever the clocks of its locations: readings
            come through `feed`, which also does what timers do otherwise, and no lives are predicted. None = it lives
            in real time.
        drills: where drills live; None = this server plays none.
        compute_projection: computes projections; None = this server computes none.

    Attributes:
        local_target: address for clients on this machine, without TLS; set by `start`.
        strings: the watch over strings.
        lives: remaining lives.
        drills: copies of the twins on which scenarios are played.
        projections: the queue of projections.
    """

    local_target: str

    def __init__(
        self,
        settings: ServerSettings,
        store: ServerStore,
        fleet: Fleet,
        inventory: Inventory,
        *,
        access: grpc.aio.ServerInterceptor,
        auth_servicer: auth_service_pb2_grpc.AuthServiceServicer,
        create_gateway_token: Callable[[str], Awaitable[str]],
        past: Past,
        jobs: Sequence[Job] = (),
        scoring: Scoring | None = None,
        default_model: Path = DEFAULT_MODEL,
        fed_clock: Callable[[], int] | None = None,
        drills: DrillPlace | None = None,
        compute_projection: Compute | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._fleet = fleet
        self._map = FleetMap(inventory, fleet.shard_specs)
        self._is_fed = fed_clock is not None
        # a location that is fed has the feed's clock, which goes on where nothing is heard
        clocks = [LocationClock.WALL if self._is_fed else location.clock for location in inventory.locations]
        self._clocks = LocationClocks(clocks, fed_clock or wall_us)
        self.live = LiveTable(self._map, self._clocks)
        self._past = PastAnswers(fleet, self.live, store, past)
        self._hub = AlertHub(store, self.live)
        self.lives = Lives(settings, fleet, self.live, self._hub, store, scoring or LocalScoring(), default_model)
        if self._is_fed:
            self.lives.scoring.reason = "lives are predicted for the real batteries alone"
        self._scheduler = Scheduler(store, [*jobs, *([] if self._is_fed else self.lives.jobs)])
        self._silence = SilenceRules(store, self._hub, self.live)
        self._missing = MissingData(store, self._hub, self.live)
        self.strings = StringWatch(store, self.live, StringAlerts(store, self._hub, self._map))
        self._past_outages = PastOutages(store, self.live)
        self._drain = Drain()
        self._heap = HeapTrimmer()
        self._router = IngestRouter(
            fleet,
            self.live,
            self._hub.poke,
            max_waiting_rows=settings.max_waiting_rows,
            frames=self.strings.collector,
            past_outages=self._past_outages,
            heap=self._heap,
        )
        self.strings.submit_inputs = self._submit_inputs
        self._tracer = ModelTracer(store, self.live)
        self._keeper = StringKeeper(store, self._router.strings, self._map)
        self._registration = GridRegistration(
            store,
            fleet,
            self.live,
            self._hub,
            self._router,
            drain=self._drain,
            create_gateway_token=create_gateway_token,
        )
        self._events = EventRecorder(store, self._map, self._submit_inputs, self.strings.forget_block, self._heard)
        self._outages = OutageWatch(store, self.live)
        self._health = DrainingHealth(self._drain)
        self._readiness = Readiness(self._health, SERVICE_NAMES)
        self._admission = Admission(settings.max_concurrent_calls)
        self.projections = ProjectionKeeper(store, compute_projection)
        self.drills = DrillKeeper(store, drills, settings.max_drill_h)
        self._access = access
        self._auth_servicer = auth_servicer
        self._server: grpc.aio.Server | None = None
        self._background: list[asyncio.Task[None]] = []

    async def start(self) -> int:
        """Opens the port, restores the twins, then serves; returns the port.

        Until every twin is back, health is NOT_SERVING and calls are told when to come back.

        Raises:
            TwinError: the port is taken, the address needs TLS, or a shard could not be started.
        """
        self._server = make_listener(
            self._settings, [self._access, self._admission, DrillForwarding(self.drills, self._drain)]
        )
        self._add_services(self._server)
        port = bind(self._server, self._settings)
        plain = self._settings.tls_certificate is None and self._settings.host in {"127.0.0.1", "localhost"}
        self.local_target = f"127.0.0.1:{port if plain else bind_local(self._server)}"
        await self._readiness.tell()
        await self._server.start()
        try:
            await self._restore()
        except BaseException:
            await self._server.stop(None)
            raise
        return port

    async def _restore(self) -> None:
        await self._store.note_filter_version(MODEL_VERSION, MEMORY_LAYOUT)
        await self._hub.load()
        for shard, live in enumerate(await self._fleet.start()):
            self.live.replace_shard(shard, live)
        await self._silence.load()
        await self._missing.load()
        await self._events.load()
        if not self._is_fed:
            await self._past_outages.load()
        await self.strings.load()
        self._router.extend()
        await self._keeper.load()
        await self._count_damage()
        self._start_background()
        self._admission.open = True
        await self._readiness.set_restored(self._map.shard_count)

    async def stop(self, grace_s: float) -> None:
        """Takes nothing new, finishes what is under way for up to `grace_s` seconds, and closes the port."""
        if self._server is None:
            return
        await self._readiness.set_stopping()
        self._drain.begin()
        closing = asyncio.create_task(self._server.stop(grace_s))
        await asyncio.gather(self._router.stop(grace_s), self.drills.close())
        await closing
        await self._registration.settled()  # a shard whose caller has gone may still begin: it ends before the fleet
        for task in self._background:
            task.cancel()
        for task in self._background:
            with suppress(asyncio.CancelledError):
                await task
        await self.lives.close()
        if not self._is_fed:
            await self._past_outages.close()
        await self.strings.save()
        await self._keeper.save()
        self._server = None

    async def set_unsupervised(self, reason: str) -> None:
        """Says why a shard that died could not be started again: the server is not ready from now on."""
        await self._readiness.set_unsupervised(reason)

    def poke_alerts(self) -> None:
        """Says that someone else has changed alerts in the database."""
        self._hub.poke()

    @property
    def active_alert_count(self) -> int:
        """Alerts that stand."""
        return len(self._hub.active)

    async def feed(self, batch: ReadingBatch | None) -> IngestOutcome | None:
        """Takes readings, waits until they are durable and applied, and looks at once at what follows from them.

        Args:
            batch: readings, whose frames of each string are no more than `FRAMES_A_TURN`; None = only look.

        Raises:
            OverloadedError: too much waits already; nothing was taken.
            UnavailableError: a shard or the database is away; feed it again.
        """
        outcome = None if batch is None else await self._router.submit(batch, None).outcome()
        await self._sweep()
        await self.strings.turn()
        await self._outages.look()
        await self._tracer.look()
        return outcome

    async def look_for_outages(self) -> None:
        """Looks for outages in the present and in history that came in, as happens by itself every few seconds."""
        await self._outages.look()
        await self._past_outages.look(quiet_s=0.0)

    def _add_services(self, server: grpc.aio.Server) -> None:
        live, hub, drain = self.live, self._hub, self._drain
        events = EventLog(self._store, live, self._events)
        ingest = IngestServicer(self._router, live.fleet_map, drain, self._settings.stream_credit)
        fleet = FleetServicer(live, hub, self._readiness, self._registration, self._scheduler.failing, self.lives)
        ingest.add_to(server)
        twin_service_pb2_grpc.add_TwinServiceServicer_to_server(
            TwinServicer(live, hub, drain, self._router.strings, self.strings.diagnoses_of, self._past), server
        )
        fleet_service_pb2_grpc.add_FleetServiceServicer_to_server(fleet, server)
        history_service_pb2_grpc.add_HistoryServiceServicer_to_server(
            HistoryServicer(self._store, live, events, HistoryExporter(self._store, live.fleet_map, drain)), server
        )
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            PredictionServicer(self.lives, self._store), server
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelServicer(self.lives), server)
        scenario_service_pb2_grpc.add_ScenarioServiceServicer_to_server(
            ScenarioServicer(self.drills, self._store, live.fleet_map, drain, self._projections()), server
        )
        alerts = AlertServicer(self._store, hub, live, drain)
        alert_service_pb2_grpc.add_AlertServiceServicer_to_server(alerts, server)
        auth_service_pb2_grpc.add_AuthServiceServicer_to_server(self._auth_servicer, server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        reflection.enable_server_reflection(
            (*SERVICE_NAMES, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME),
            server,
        )

    def _start_background(self) -> None:
        work = [
            self._hub.run(),
            self._events.catch_up(),
            run_every(KEEP_EVERY_S, self._keeper.save),
            run_every(DATABASE_PROBE_S, self._probe_database),
            run_every(SHARD_PROBE_S, self._probe_shards),
            run_every(_REOPEN_EVERY_S, self._reopen_alerts),
            run_every(_DAMAGE_EVERY_S, self._count_damage),
            run_every(LOOK_EVERY_S, self._scheduler.look),
        ]
        if not self._is_fed:
            work += [
                self._outages.run(),
                run_every(_SWEEP_S, self._sweep),
                run_every(_STRINGS_S, self.strings.look),
                run_every(_PAST_OUTAGES_S, self._past_outages.look),
                run_every(TRACE_EVERY_S, self._tracer.look),
                self.drills.run(),
                self.projections.run(),
                *self.lives.background(),
            ]
        self._background = [asyncio.create_task(job) for job in work]

    def _projections(self) -> Projections:
        price = self._settings.replacement_prices.single_block
        return Projections(self.projections, self._store, self.live, price)

    async def _submit_inputs(self, inputs: Sequence[TwinInput]) -> list[bool]:
        """Hands evidence to the twins; what it says of their lives follows within seconds."""
        fresh = await self._router.submit_inputs(inputs)
        self.lives.predictor.touch_inputs(inputs)
        return fresh

    def _heard(self, event: EventRecord) -> None:
        if event.battery_key is not None:
            self.lives.predictor.touch([event.battery_key])
        if event.replacement is not None:
            self.lives.cases.wake()
            self.lives.alerts.wake()

    async def _sweep(self) -> None:
        self.live.sweep()
        await self._silence.sweep()
        await self._missing.sweep()
        await self._hub.tell_held()

    async def _probe_database(self) -> None:
        await self._readiness.probe_database(self._store)

    async def _probe_shards(self) -> None:
        await self._readiness.probe_shards(self._fleet)
        self._router.look_after(self._readiness.shards_away)
        self._heap.look()

    async def _count_damage(self) -> None:
        self._readiness.damaged_snapshots = await self._store.damaged_snapshot_count()

    async def _reopen_alerts(self) -> None:
        now_us = self._clocks.wall_us()
        if await self._store.reopen_alerts(now_us - _REOPEN_AFTER_US, now_us):
            self._hub.poke()
