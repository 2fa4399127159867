"""Drills through the blocking client."""

import copy
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Self

from batterytwin.v1.scenario_service_pb2 import (
    CheckScenarioRequest,
    GetScenarioRequest,
    ListLibraryRequest,
    ListScenariosRequest,
    WatchScenarioRequest,
)
from batterytwin.v1.scenario_service_pb2_grpc import ScenarioServiceStub
from clients import scenarios_proto
from clients.channel import DRILL_DEADLINE_S
from clients.scenarios import Drill, DrillPage, DrillReport, Scenario, ScenarioLibrary, ScenarioPart
from clients.sync_connection import SyncConnection


class SyncScenarios:
    """The part of `TwinClient` that plays scenarios on copies of the twins."""

    _token: str | None
    _connection: SyncConnection
    _scenarios: ScenarioServiceStub

    def in_drill(self, drill_id: str) -> Self:
        """The same client for what lives in a drill: its twins, strings, fleet, history and alerts, watches included.

        It shares the connection of this client, which alone closes it. Calls raise a NotFoundError when the drill has
        ended, and an InvalidArgumentError where a drill has nothing of the kind.

        Args:
            drill_id: name of the drill; empty = the live fleet.
        """
        inside = copy.copy(self)
        inside._connection = self._connection.in_drill(drill_id)
        return inside

    def list_library(self, *, token: str | None = None, deadline_s: float | None = None) -> ScenarioLibrary:
        """Lists the scenarios that come with the server, with their parameters and limits."""
        request = ListLibraryRequest()
        response = self._connection.call(self._scenarios.ListLibrary, request, self._own(token), deadline_s)
        return scenarios_proto.library_from_proto(response)

    def check_scenario(self, definition: str, *, token: str | None = None, deadline_s: float | None = None) -> Scenario:
        """Reads a scenario of one's own, TOML, YAML or JSON; nothing is stored or started.

        Raises:
            InvalidArgumentError: it is none of these, or says something that no scenario has.
        """
        request = CheckScenarioRequest(definition=definition)
        response = self._connection.call(self._scenarios.CheckScenario, request, self._own(token), deadline_s)
        return scenarios_proto.scenario_from_proto(response.scenario)

    def start_scenario(
        self,
        parts: Iterable[ScenarioPart],
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
    ) -> Drill:
        """Starts a drill; returns when it lives.

        Args:
            parts: what happens.
            names: locations, strings or batteries whose strings are copied; empty = the locations of all targets, or
                all.
            at_time: twins as they were then; None = now.
            speed: the drill's time over real time, 1...3,600.
            seed: draws what the twins do not know.
            title: for people; empty = the titles of its scenarios.
            duration_h: it stops by itself after so many hours of its time; None = it does not.
            request_id: UUID that makes a repeated call harmless; empty = a new one.
            token: access token of this call.
            deadline_s: time this call may take, s; None = 60.

        Raises:
            UnknownScenarioError: no such scenario.
            InvalidArgumentError: a name, a target, a parameter or the pace cannot be used.
            TooManyDrillsError: five drills live already; stop one.
        """
        request = scenarios_proto.start_request(
            parts,
            names=names,
            at_time=at_time,
            speed=speed,
            seed=seed,
            title=title,
            duration_h=duration_h,
            request_id=request_id,
        )
        response = self._connection.call(
            self._scenarios.StartScenario, request, self._own(token), deadline_s or DRILL_DEADLINE_S
        )
        return scenarios_proto.drill_from_proto(response.drill)

    def update_scenario(
        self,
        drill_id: str,
        parts: Iterable[ScenarioPart] = (),
        *,
        speed: float | None = None,
        revision: int = 0,
        request_id: str = "",
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> Drill:
        """Changes what happens in a drill, or its pace, from now on.

        Args:
            drill_id: the drill.
            parts: what happens from now on, instead of all parts before; empty = as it was. What was not played before,
                or from another time on, begins at the drill's present or later.
            speed: new pace, 1...3,600; None = as it was.
            revision: refuses the change where the drill has another revision by now; 0 = does not look.
            request_id: UUID that makes a repeated call harmless; empty = a new one.
            token: access token of this call.
            deadline_s: time this call may take, s; None = 60.

        Raises:
            UnknownDrillError: no such drill, or it has ended.
            ConflictError: somebody has changed it meanwhile.
            InvalidArgumentError: a scenario, a target, a parameter or the pace cannot be used.
        """
        request = scenarios_proto.update_request(drill_id, parts, speed, revision, request_id)
        response = self._connection.call(
            self._scenarios.UpdateScenario, request, self._own(token), deadline_s or DRILL_DEADLINE_S
        )
        return scenarios_proto.drill_from_proto(response.drill)

    def stop_scenario(
        self, drill_id: str, *, request_id: str = "", token: str | None = None, deadline_s: float | None = None
    ) -> Drill:
        """Stops a drill; returns when nothing of it is left but its report. Repeating it changes nothing.

        Raises:
            UnknownDrillError: no such drill.
        """
        request = scenarios_proto.stop_request(drill_id, request_id)
        response = self._connection.call(
            self._scenarios.StopScenario, request, self._own(token), deadline_s or DRILL_DEADLINE_S
        )
        return scenarios_proto.drill_from_proto(response.drill)

    def get_scenario(self, drill_id: str, *, token: str | None = None, deadline_s: float | None = None) -> DrillReport:
        """Gets a drill with what happened in it, so far.

        Raises:
            UnknownDrillError: no such drill.
        """
        request = GetScenarioRequest(drill_id=drill_id)
        response = self._connection.call(self._scenarios.GetScenario, request, self._own(token), deadline_s)
        return scenarios_proto.report_from_proto(response.report)

    def list_scenarios(
        self,
        *,
        only_active: bool = False,
        page_size: int = 50,
        page_token: str = "",
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> DrillPage:
        """Lists drills, those that live first, then newest first, one page at a time (1...100 drills)."""
        request = ListScenariosRequest(only_active=only_active, page_size=page_size, page_token=page_token)
        response = self._connection.call(self._scenarios.ListScenarios, request, self._own(token), deadline_s)
        return scenarios_proto.page_from_proto(response)

    def watch_scenarios(self, drill_id: str = "", *, token: str | None = None) -> Iterator[tuple[Drill, ...]]:
        """Yields all drills that live, then those that change, at least every two seconds while one lives.

        Args:
            drill_id: only this drill; empty = all.
            token: access token of this call.
        """
        request = WatchScenarioRequest(drill_id=drill_id)
        for response in self._connection.watch(self._scenarios.WatchScenario, lambda: request, self._own(token)):
            yield tuple(scenarios_proto.drill_from_proto(drill) for drill in response.drills)

    def _own(self, token: str | None) -> str:
        return (self._token if token is None else token) or ""
