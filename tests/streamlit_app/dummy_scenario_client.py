# ruff: noqa: ARG002 - the signatures are those of the client that it stands for
"""The part of a client without a server that plays drills and projects the coming years."""

import copy
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Self

from batterytwin.errors import (
    ConflictError,
    InvalidArgumentError,
    PermissionDeniedError,
    Reason,
    TooManyDrillsError,
    UnknownDrillError,
    UnknownProjectionError,
)
from clients import types as clients
from clients.sync_client import TwinClient
from tests.streamlit_app import dummy_scenarios

SIMULATED_V: Final = 11.111
"""Voltage of every battery in every drill."""


class DummyScenarios(TwinClient):
    """Drills and projections.

    Attributes:
        drills: drills by name.
        projections: projections by name, oldest first.
        inside: the drill that this client is in; empty = none.
    """

    drills: dict[str, clients.Drill]
    projections: dict[str, clients.Projection]
    inside: str = ""
    _alerts_by_id: dict[str, clients.Alert]

    def _user(self, token: str | None, call: str) -> str:
        raise NotImplementedError

    def _play(self) -> None:
        self.drills = {}
        self.projections = {}
        self._alerts_in: dict[str, dict[str, clients.Alert]] = {}

    def in_drill(self, drill_id: str) -> Self:
        inside = copy.copy(self)
        inside.inside = drill_id
        inside._alerts_by_id = self._alerts_in.setdefault(
            drill_id,
            {found.alert_id: found for found in (dummy_scenarios.alert(1, 12.0), dummy_scenarios.alert(2, 30.0))},
        )
        return inside

    def run_drill(self, drill_id: str, *parts: clients.ScenarioPart, title: str = "") -> clients.Drill:
        """Adds a drill, as if somebody had started it."""
        self.drills[drill_id] = dummy_scenarios.drill(drill_id, *parts, title=title)
        return self.drills[drill_id]

    def _tag(self) -> str:
        return f"@{self.inside}" if self.inside else ""

    def _holds(self, location_id: str) -> bool:
        return not self.inside or location_id in self.drills[self.inside].location_ids

    def _must_live(self) -> None:
        if self.inside:
            self._living(self.inside)

    def _living(self, drill_id: str) -> clients.Drill:
        if drill_id not in self.drills or not self.drills[drill_id].is_active:
            raise UnknownDrillError(f"There is no drill {drill_id}.")
        return self.drills[drill_id]

    def _simulated(self, twin: clients.Twin) -> clients.Twin:
        return replace(twin, voltage_v=SIMULATED_V) if self.inside else twin

    def _engineer(self, token: str | None, call: str) -> str:
        username = self._user(token, call)
        if username == "viewer":
            raise PermissionDeniedError("Viewers may not play scenarios.")
        return username

    def list_library(self, *, token: str | None = None, deadline_s: float | None = None) -> clients.ScenarioLibrary:
        self._user(token, "list_library")
        return dummy_scenarios.LIBRARY

    def check_scenario(
        self, definition: str, *, token: str | None = None, deadline_s: float | None = None
    ) -> clients.Scenario:
        self._engineer(token, "check_scenario")
        if "EARTHQUAKE" in definition:
            raise InvalidArgumentError("The scenario cannot be used: nothing is called EARTHQUAKE.", field="definition")
        return dummy_scenarios.scenario("own", "A scenario of mine", ("location",), {"kind": "OUTAGE"})

    def start_scenario(
        self,
        parts: Iterable[clients.ScenarioPart],
        *,
        names: Iterable[str] = (),
        at_time: datetime | None = None,
        speed: float = 1.0,
        seed: int = 0,
        title: str = "",
        duration_h: float | None = None,
        request_id: str = "",
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> clients.Drill:
        username = self._engineer(token, "start_scenario")
        if sum(found.is_active for found in self.drills.values()) >= 5:
            raise TooManyDrillsError("Max 5 concurrent simulations exceeded. Stop one first.")
        drill_id = f"d{len(self.drills) + 1}"
        drill = dummy_scenarios.drill(drill_id, *parts, title=title, by=username, speed=speed)
        self.drills[drill_id] = replace(drill, names=tuple(names), seed=seed)
        return self.drills[drill_id]

    def update_scenario(
        self,
        drill_id: str,
        parts: Iterable[clients.ScenarioPart] = (),
        *,
        speed: float | None = None,
        revision: int = 0,
        request_id: str = "",
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> clients.Drill:
        self._engineer(token, "update_scenario")
        drill = self._living(drill_id)
        if revision not in {0, drill.revision}:
            raise ConflictError("Somebody has changed the drill meanwhile.", reason=Reason.DRILL_CHANGED)
        self.drills[drill_id] = replace(
            drill, parts=tuple(parts) or drill.parts, speed=speed or drill.speed, revision=drill.revision + 1
        )
        return self.drills[drill_id]

    def stop_scenario(
        self, drill_id: str, *, request_id: str = "", token: str | None = None, deadline_s: float | None = None
    ) -> clients.Drill:
        username = self._engineer(token, "stop_scenario")
        stopped = dummy_scenarios.START + timedelta(minutes=1)
        self.drills[drill_id] = replace(
            self.drills[drill_id], state=clients.DrillState.STOPPED, stop_time=stopped, stopped_by=username
        )
        return self.drills[drill_id]

    def get_scenario(
        self, drill_id: str, *, token: str | None = None, deadline_s: float | None = None
    ) -> clients.DrillReport:
        self._user(token, "get_scenario")
        if drill_id not in self.drills:
            raise UnknownDrillError(f"There is no drill {drill_id}.")
        return dummy_scenarios.report(self.drills[drill_id])

    def list_scenarios(
        self,
        *,
        only_active: bool = False,
        page_size: int = 50,
        page_token: str = "",
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> clients.DrillPage:
        self._user(token, "list_scenarios")
        return clients.DrillPage(
            tuple(found for found in self.drills.values() if found.is_active or not only_active), ""
        )

    def project_scenario(
        self,
        request: clients.ProjectionRequest,
        *,
        request_id: str = "",
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> clients.Projection:
        self._engineer(token, "project_scenario")
        name = f"p{len(self.projections) + 1}"
        done = dummy_scenarios.projection(name, request, len(self.projections))
        self.projections[name] = replace(
            done, state=clients.ProjectionState.RUNNING, progress=0.4, baseline=None, with_scenario=None, warmth=()
        )
        return self.projections[name]

    def finish_projections(self) -> None:
        """Makes all projections done, as if time had passed."""
        for number, (name, found) in enumerate(self.projections.items()):
            self.projections[name] = dummy_scenarios.projection(name, found.request, number)

    def cancel_projection(
        self, projection_id: str, *, request_id: str = "", token: str | None = None, deadline_s: float | None = None
    ) -> clients.Projection:
        self._engineer(token, "cancel_projection")
        found = self.projections.pop(projection_id)
        if found.state == clients.ProjectionState.RUNNING:
            self.projections[projection_id] = replace(found, state=clients.ProjectionState.CANCELLED)
        return found

    def get_projection(
        self, projection_id: str, *, token: str | None = None, deadline_s: float | None = None
    ) -> clients.Projection:
        self._user(token, "get_projection")
        if projection_id not in self.projections:
            raise UnknownProjectionError(f"There is no projection {projection_id}.")
        return self.projections[projection_id]

    def list_projections(
        self, *, page_size: int = 50, page_token: str = "", token: str | None = None, deadline_s: float | None = None
    ) -> clients.ProjectionPage:
        self._user(token, "list_projections")
        return clients.ProjectionPage(tuple(self.projections.values())[::-1], "")

    def compare_scenarios(
        self, projection_ids: Iterable[str], *, token: str | None = None, deadline_s: float | None = None
    ) -> clients.ProjectionComparison:
        self._user(token, "compare_scenarios")
        chosen = [self.projections[name] for name in projection_ids]
        years = min(found.request.years for found in chosen)
        return clients.ProjectionComparison(tuple(dummy_scenarios.compared(found) for found in chosen), years, ())
