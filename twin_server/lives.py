"""Everything about remaining lives, put together: models, scoring, predictions, plans, drift."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import structlog

import ml
from batterytwin.errors import TwinError
from batterytwin.telemetry import Quality
from ml.scoring import Scoring
from twin_server.alert_hub import AlertHub
from twin_server.case_keeper import KEEP_EVERY_S, CaseKeeper, CaseStore
from twin_server.life_alerts import REVIEW_EVERY_S, LifeAlerts, LifeAlertStore
from twin_server.life_drift import DRIFT_EVERY_S, DriftMonitor, DriftStore
from twin_server.life_planner import LifePlanner
from twin_server.life_predictor import (
    LOOK_EVERY_S,
    PREDICT_EVERY_S,
    LifeInputSource,
    LifePredictor,
    PredictionStore,
)
from twin_server.life_scoring import LifeScoring
from twin_server.life_table import LifeTable
from twin_server.live_table import LiveTable
from twin_server.model_files import ArchiveStore, ModelFiles
from twin_server.model_registry import ModelRegistry, ModelStore
from twin_server.periodic import run_every
from twin_server.scheduler import Job
from twin_server.settings import ServerSettings

DEFAULT_MODEL: Final = Path(ml.__file__).parent / "default_model"
_RETRY_S: Final = 5.0
_FIRST_LIVE_S: Final = 0.5  # the whole fleet is looked through, which every change would be too often for

_log = structlog.get_logger(__name__)


class LifeStore(ModelStore, ArchiveStore, PredictionStore, DriftStore, LifeAlertStore, CaseStore, Protocol):
    """What lives need of the store; see `storage.server_store`."""


class Lives:
    """Remaining lives of a server.

    Args:
        settings: prices, risk, ages, and where models are kept.
        source: inputs; the fleet.
        live: which twin is which.
        hub: alerts.
        store: predictions and models.
        place: where models are asked.
        default_model: folder of the model that comes with the product.

    Attributes:
        live: which twin is which.
        files: folders of models.
        scoring: the scorer.
        registry: models.
        table: newest predictions.
        predictor: makes them.
        planner: plans.
        drift: monitor.
        alerts: about lives.
        cases: similar cases from real replacements.
        jobs: work that comes back.
    """

    def __init__(  # noqa: PLR0917 # what lives rest on
        self,
        settings: ServerSettings,
        source: LifeInputSource,
        live: LiveTable,
        hub: AlertHub,
        store: LifeStore,
        place: Scoring,
        default_model: Path = DEFAULT_MODEL,
    ) -> None:
        self.live = live
        self._wait_s = settings.scorer_wait_s
        self.scoring = LifeScoring(place)
        self.files = ModelFiles(store, settings.data_dir / "models")
        self.registry = ModelRegistry(store, self.files, self.scoring, default_model)
        self.table = LifeTable(live, settings.plan_risk)
        self.predictor = LifePredictor(
            source, live, self.table, self.scoring, store, self.registry, settings.life_fresh_s
        )
        self.planner = LifePlanner(
            live,
            self.table,
            self.predictor,
            settings.replacement_prices,
            settings.plan_risk,
            lambda: self.scoring.is_up,
        )
        self.drift = DriftMonitor(store, hub, live)
        self.alerts = LifeAlerts(store, hub, live, self.table)
        self.cases = CaseKeeper(store, self.files, self.registry, self.table, live.fleet_map)
        self.jobs = [
            Job("lives", PREDICT_EVERY_S, self.predictor.predict_all),
            Job("life drift", DRIFT_EVERY_S, self.drift.look),
            Job("life alerts", REVIEW_EVERY_S, self.alerts.review),
            Job("life cases", KEEP_EVERY_S, self.cases.keep),
        ]

    @property
    def model_version(self) -> str:
        """Version of the active model; "" = none."""
        return self.registry.told.version if self.registry.told is not None else ""

    @property
    def degraded_reason(self) -> str:
        """Why lives rest on less than they should, for people; "" = they do not."""
        if self.scoring.reason:
            return self.scoring.reason
        return "" if self.registry.told else "remaining lives rest on physics alone: no model is active"

    def background(self) -> list[Coroutine[Any, Any, None]]:
        """What runs beside the server from when its twins are back."""
        return [
            self._run_scoring(),
            run_every(LOOK_EVERY_S, self.predictor.look),
            run_every(LOOK_EVERY_S, self.cases.look),
            run_every(LOOK_EVERY_S, self.alerts.look),
        ]

    async def close(self) -> None:
        """Ends the scorer."""
        await self.scoring.close()

    async def _run_scoring(self) -> None:
        while True:
            try:
                await self.registry.load()
                break
            except TwinError as error:
                _log.warning("models cannot be taken up, trying again", reason=error.message)
                await asyncio.sleep(_RETRY_S)
        await self._first_live()
        await self.scoring.run()

    async def _first_live(self) -> None:
        """Waits for a live twin, so that the start of the scorer takes no time from that of the twins."""
        everything = np.arange(len(self.live.fleet_map), dtype=np.int32)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._wait_s):
                while not (self.live.qualities(everything) == Quality.LIVE).any():
                    await self.live.wait_newer(self.live.version)
                    await asyncio.sleep(_FIRST_LIVE_S)
