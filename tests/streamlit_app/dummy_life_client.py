# ruff: noqa: ARG002 - the signatures are those of the client that it stands for
"""The part of a client without a server that tells remaining lives, plans and models."""

from dataclasses import replace
from datetime import datetime

from batterytwin.errors import ConflictError, UnknownBatteryError
from clients import types as clients
from clients.sync_client import TwinClient
from tests.streamlit_app import dummy_life


class DummyLife(TwinClient):
    """Answers about remaining life.

    Attributes:
        life_degraded: why remaining lives are degraded; empty = they are not.
        models: models of remaining life, newest first.
    """

    life_degraded: str
    models: list[clients.LifeModel]

    def _seen(self, token: str | None, call: str) -> list[str]:
        raise NotImplementedError

    def _user(self, token: str | None, call: str) -> str:
        raise NotImplementedError

    def get_fleet_life(
        self, location_id: str = "", *, token: str | None = None, deadline_s: float | None = None
    ) -> clients.FleetLife:
        seen = [name for name in self._seen(token, "get_fleet_life") if location_id in ("", name)]
        return dummy_life.fleet(seen, self.life_degraded)

    def get_remaining_life(
        self, battery_id: str, *, warmer_k: float = 0.0, token: str | None = None, deadline_s: float | None = None
    ) -> clients.RemainingLife:
        if battery_id.split("-", 1)[0] not in self._seen(token, "get_remaining_life"):
            raise UnknownBatteryError(f"There is no battery {battery_id}.")
        return dummy_life.life(battery_id, warmer_k)

    def get_life_history(
        self,
        battery_id: str,
        *,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        max_points: int = 1_000,
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> tuple[clients.PastPrediction, ...]:
        self._seen(token, "get_life_history")
        return dummy_life.past(battery_id)

    def get_maintenance_plan(
        self,
        location_id: str = "",
        *,
        quarter_count: int = 4,
        risk: float | None = None,
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> clients.MaintenancePlan:
        seen = [name for name in self._seen(token, "get_maintenance_plan") if location_id in ("", name)]
        return dummy_life.plan(seen, quarter_count, risk or 0.1)

    def get_replacement_forecast(
        self,
        location_id: str = "",
        *,
        cooler_k: float = 5.0,
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> clients.ReplacementForecast:
        seen = [name for name in self._seen(token, "get_replacement_forecast") if location_id in ("", name)]
        return dummy_life.forecast(seen, cooler_k)

    def list_models(
        self, *, page_size: int = 50, page_token: str = "", token: str | None = None, deadline_s: float | None = None
    ) -> clients.ModelPage:
        self._user(token, "list_models")
        return clients.ModelPage(tuple(self.models), "")

    def approve_model(
        self, version: str, note: str = "", *, token: str | None = None, deadline_s: float | None = None
    ) -> clients.LifeModel:
        raise ConflictError(f"Model {version} fails gate coverage: 0.71, asked for 0.85 to 0.95.")

    def activate_model(
        self, version: str, note: str = "", *, token: str | None = None, deadline_s: float | None = None
    ) -> clients.LifeModel:
        self._user(token, "activate_model")
        self.models = [
            replace(model, state=clients.ModelState.ACTIVE if model.version == version else clients.ModelState.RETIRED)
            for model in self.models
        ]
        return next(model for model in self.models if model.version == version)
