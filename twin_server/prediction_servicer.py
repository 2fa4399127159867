"""`PredictionService`: how long batteries will last, and when to replace them."""

import asyncio
import math
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from batterytwin.errors import InvalidArgumentError
from batterytwin.life import LifeCase
from batterytwin.telemetry import Rows
from batterytwin.v1 import life_pb2, prediction_service_pb2, prediction_service_pb2_grpc
from batterytwin.v1.prediction_service_pb2 import LifeOrder
from twin_server.case_keeper import nearest_first
from twin_server.life_messages import case_places, columns_message, life_message, past_message, versions_of
from twin_server.life_table import LifeView
from twin_server.lives import Lives
from twin_server.page_token import decode_page_token, encode_page_token, read_page_size
from twin_server.plan_messages import plan_message
from twin_server.principal import current_principal
from twin_server.time_proto import timestamp_to_us, us_to_timestamp
from twin_server.visibility import visible_string, visible_twin, visible_twins

_MOST_WARMER_K: Final = 30.0
_DEFAULT_POINTS: Final = 1_000
_MOST_POINTS: Final = 10_000
_YEAR_US: Final = 365 * 86_400_000_000


class LifeHistory(Protocol):
    """What the service needs of the store; see `storage.prediction_table`."""

    async def life_history(
        self, battery_key: int, start_us: int, end_us: int, most: int
    ) -> tuple[Rows, tuple[str, ...]]:
        """What was told of one battery, oldest first."""


class PredictionServicer(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Remaining lives of the locations that the caller may see.

    Args:
        lives: everything about lives.
        store: past predictions.
    """

    def __init__(self, lives: Lives, store: LifeHistory) -> None:
        self._lives = lives
        self._live = lives.live
        self._map = lives.live.fleet_map
        self._store = store

    async def GetRemainingLife(
        self, request: prediction_service_pb2.GetRemainingLifeRequest, context: Any
    ) -> prediction_service_pb2.GetRemainingLifeResponse:
        """Gets one remaining life; predicts where the newest one is too old."""
        ordinal = visible_twin(self._map, current_principal(), request.battery_id)
        warmer_k = request.warmer_k
        if not (math.isfinite(warmer_k) and abs(warmer_k) <= _MOST_WARMER_K):
            raise InvalidArgumentError(
                f"warmer_k is {warmer_k}; give -{_MOST_WARMER_K:g}...{_MOST_WARMER_K:g} K.",
                field="warmer_k",
                value=warmer_k,
            )
        one = np.array([ordinal], np.int32)
        rows = await self._lives.predictor.fresh(ordinal)
        if warmer_k:
            rows = (await self._lives.predictor.what_if(one, warmer_k)).rows
        (message,) = await self._messages(self._lives.table.view_rows(one, rows), warmer_k)
        return prediction_service_pb2.GetRemainingLifeResponse(life=message)

    async def ListRemainingLife(
        self, request: prediction_service_pb2.ListRemainingLifeRequest, context: Any
    ) -> prediction_service_pb2.ListRemainingLifeResponse:
        """Lists remaining lives. Batteries whose order changes meanwhile may move between pages."""
        page_size = read_page_size(request.page_size, default=100, largest=1_000)
        begin = decode_page_token(request) or 0
        if not request.max_days >= 0.0:
            raise InvalidArgumentError("max_days is below 0; 0 = no limit.", field="max_days", value=request.max_days)
        view = await self._view(self._select(request.location_id, request.string_id))
        keep = np.ones(len(view.ordinals), np.bool_)
        if request.max_days:
            keep &= view.rows["days_50"] <= request.max_days
        if request.urgencies:
            keep &= np.isin(view.urgencies(), list(request.urgencies))
        places = _order(view, request.order)
        places = places[keep[places]]
        page = places[begin : begin + page_size]
        some = LifeView(view.ordinals[page], view.rows[page], [view.advice[place] for place in page.tolist()])
        return prediction_service_pb2.ListRemainingLifeResponse(
            lives=await self._messages(some),
            next_page_token=encode_page_token(request, begin + page_size) if begin + page_size < len(places) else "",
            total_count=len(places),
        )

    async def GetFleetLife(
        self, request: prediction_service_pb2.GetFleetLifeRequest, context: Any
    ) -> prediction_service_pb2.GetFleetLifeResponse:
        """Gets every remaining life that is known, as columns."""
        view = await self._view(self._select(request.location_id, ""))
        return prediction_service_pb2.GetFleetLifeResponse(
            lives=columns_message(view, self._map, scorer_up=self._lives.scoring.is_up),
            server_time=us_to_timestamp(self._live.clocks.wall_us()),
            model_version=self._lives.model_version,
            degraded_reason=self._lives.degraded_reason,
        )

    async def GetLifeHistory(
        self, request: prediction_service_pb2.GetLifeHistoryRequest, context: Any
    ) -> prediction_service_pb2.GetLifeHistoryResponse:
        """Gets what was predicted for one battery."""
        ordinal = visible_twin(self._map, current_principal(), request.battery_id)
        now_us = self._live.clocks.wall_us() + 1
        end_us = timestamp_to_us(request.end_time, "end_time") if request.HasField("end_time") else now_us
        has_start = request.HasField("start_time")
        start_us = timestamp_to_us(request.start_time, "start_time") if has_start else end_us - _YEAR_US
        if start_us >= end_us:
            raise InvalidArgumentError("start_time is not before end_time.", field="start_time")
        if not 0 <= request.max_points <= _MOST_POINTS:
            raise InvalidArgumentError(
                f"max_points is {request.max_points}; give 1...{_MOST_POINTS}.",
                field="max_points",
                value=request.max_points,
            )
        rows, versions = await self._store.life_history(
            int(self._map.battery_keys[ordinal]), start_us, end_us, request.max_points or _DEFAULT_POINTS
        )
        return prediction_service_pb2.GetLifeHistoryResponse(
            predictions=[past_message(row, version) for row, version in zip(rows, versions, strict=True)]
        )

    async def GetMaintenancePlan(
        self, request: prediction_service_pb2.GetMaintenancePlanRequest, context: Any
    ) -> prediction_service_pb2.GetMaintenancePlanResponse:
        """Plans replacements."""
        ordinals = visible_twins(self._map, current_principal(), request.location_id)
        self._lives.table.extend()
        plan = await self._lives.planner.plan(ordinals, request.quarter_count, request.risk)
        return prediction_service_pb2.GetMaintenancePlanResponse(plan=plan_message(plan))

    def _select(self, location_id: str, string_id: str) -> NDArray[np.int32]:
        principal = current_principal()
        ordinals = visible_twins(self._map, principal, location_id)
        if not string_id:
            return ordinals
        of_string = visible_string(self._map, principal, string_id)
        return np.intersect1d(ordinals, np.arange(of_string.start, of_string.stop, dtype=np.int32))

    async def _view(self, ordinals: NDArray[np.int32]) -> LifeView:
        self._lives.table.extend()
        known = self._lives.table.known(ordinals)
        return await asyncio.to_thread(self._lives.table.view, known)

    async def _messages(self, view: LifeView, warmer_k: float = 0.0) -> list[life_pb2.RemainingLife]:
        versions = versions_of(view.rows, self._lives.registry.versions)
        real = await self._lives.cases.similar(view.ordinals, current_principal())
        messages = []
        for place, ordinal in enumerate(view.ordinals.tolist()):
            row, version = view.rows[place], versions[place]
            cases: list[tuple[LifeCase, float]] = []
            for number, distance in case_places(row):
                case = await self._lives.files.case(version, number)
                if case is not None:
                    cases.append((case, distance))
            messages.append(
                life_message(
                    row,
                    self._map.identities[ordinal],
                    view.advice[place],
                    scorer_up=self._lives.scoring.is_up,
                    model_version=version,
                    cases=nearest_first(cases, real[place]),
                    warmer_k=warmer_k,
                )
            )
        return messages


def _order(view: LifeView, order: int) -> NDArray[np.int64]:
    """Places of a view in the order asked for; equals keep the order of the fleet."""
    if order == LifeOrder.LIFE_ORDER_MEDIAN:
        return np.argsort(view.rows["days_50"], kind="stable")
    if order == LifeOrder.LIFE_ORDER_LOWER:
        return np.argsort(view.rows["days_05"], kind="stable")
    if order == LifeOrder.LIFE_ORDER_CONFIDENCE:
        return np.argsort(np.nan_to_num(view.rows["confidence"], nan=-1.0), kind="stable")
    if order == LifeOrder.LIFE_ORDER_ADVICE:
        return np.lexsort((view.rows["days_50"], -view.urgencies(), view.quarters()))
    if order == LifeOrder.LIFE_ORDER_UNSPECIFIED:
        return np.arange(len(view.ordinals))
    raise InvalidArgumentError(f"There is no order {order}.", field="order", value=order)
