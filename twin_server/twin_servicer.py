"""`TwinService`: answers about live twins, from memory."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actors.filter import MODEL_VERSION
from batterytwin.diagnosis import Diagnosis
from batterytwin.errors import InvalidArgumentError
from batterytwin.v1 import twin_pb2, twin_service_pb2, twin_service_pb2_grpc
from twin_server.alert_hub import AlertHub
from twin_server.drain import Drain
from twin_server.live_table import LiveTable
from twin_server.page_token import decode_page_token, encode_page_token, read_page_size
from twin_server.past_answers import PastAnswers
from twin_server.principal import current_principal
from twin_server.string_proto import string_to_proto
from twin_server.string_table import StringTable
from twin_server.string_view import view_autonomy, view_string
from twin_server.time_proto import us_to_timestamp
from twin_server.twin_answers import TwinAnswers
from twin_server.twin_order import order_rows
from twin_server.twin_proto import COLUMNS_DTYPE, view_to_columns, view_to_twins
from twin_server.twin_view import TwinView, view_twins
from twin_server.visibility import visible_string, visible_twin, visible_twins

_DEFAULT_INTERVAL_S: Final = 1.0
_LONGEST_INTERVAL_S: Final = 60.0
_LARGEST_LOAD_W: Final = 1e7


class TwinServicer(twin_service_pb2_grpc.TwinServiceServicer):
    """Reads twins; nothing here waits for a write.

    Args:
        live: twins.
        hub: active alerts.
        drain: ends long calls when the server stops.
        strings: newest measurements of strings.
        diagnoses_of: faults that stand on a string, by its number, gravest first.
        past: twins as they were.
    """

    def __init__(  # noqa: PLR0917 # what twins are told from
        self,
        live: LiveTable,
        hub: AlertHub,
        drain: Drain,
        strings: StringTable,
        diagnoses_of: Callable[[int], tuple[Diagnosis, ...]],
        past: PastAnswers,
    ) -> None:
        self._live = live
        self._map = live.fleet_map
        self._hub = hub
        self._drain = drain
        self._strings = strings
        self._diagnoses_of = diagnoses_of
        self._past = past
        self._answers = TwinAnswers(live)

    async def GetTwin(self, request: twin_service_pb2.GetTwinRequest, context: Any) -> twin_service_pb2.GetTwinResponse:
        """Gets one twin."""
        ordinal = visible_twin(self._map, current_principal(), request.battery_id)
        return self._answers.answer(ordinal, int(self._hub.counts[ordinal]))

    async def GetTwinAt(
        self, request: twin_service_pb2.GetTwinAtRequest, context: Any
    ) -> twin_service_pb2.GetTwinAtResponse:
        """Gets one twin as it was; another process replays its past."""
        return await self._past.twin_at(request, current_principal())

    async def GetString(
        self, request: twin_service_pb2.GetStringRequest, context: Any
    ) -> twin_service_pb2.GetStringResponse:
        """Gets one string. The autonomy takes some milliseconds, which a thread spends."""
        load_w = _load_w(request)
        blocks = visible_string(self._map, current_principal(), request.string_id)
        number = int(self._map.string_of[blocks.start])
        twins = self._view(np.arange(blocks.start, blocks.stop, dtype=np.int32))
        identities = self._map.identities[blocks]
        sheet, diagnoses = identities[0].string.datasheet, self._diagnoses_of(number)
        string = view_string(self._live.rows[blocks], self._strings.present(number), sheet)
        autonomy, present_load = await asyncio.to_thread(view_autonomy, string, twins.live, sheet, diagnoses, load_w)
        now_us = self._live.clocks.now_us(int(self._map.location_of[blocks.start]))
        messages = view_to_twins(twins, self._map)
        return twin_service_pb2.GetStringResponse(
            string=string_to_proto(string, identities, messages, now_us, diagnoses, autonomy, present_load=present_load)
        )

    async def ListTwins(
        self, request: twin_service_pb2.ListTwinsRequest, context: Any
    ) -> twin_service_pb2.ListTwinsResponse:
        """Lists twins, filtered, ordered and in pages. Twins whose order changes meanwhile may move between pages."""
        page_size = read_page_size(request.page_size, default=100, largest=1_000)
        begin = decode_page_token(request) or 0
        view = self._view(self._select(request))
        keep = np.ones(len(view.ordinals), np.bool_)
        if request.qualities:
            keep &= np.isin(view.qualities, list(request.qualities))
        if request.with_alerts_only:
            keep &= view.alert_counts > 0
        rows = order_rows(view, request.order)
        ordinals = view.ordinals[rows[keep[rows]]]
        end = begin + page_size
        return twin_service_pb2.ListTwinsResponse(
            twins=view_to_twins(self._view(ordinals[begin:end]), self._map),
            next_page_token=encode_page_token(request, end) if end < len(ordinals) else "",
            total_count=len(ordinals),
        )

    async def GetFleetSnapshot(
        self, request: twin_service_pb2.GetFleetSnapshotRequest, context: Any
    ) -> twin_service_pb2.GetFleetSnapshotResponse:
        """Gets every twin the caller may see as columns, all of the same instant."""
        ordinals = visible_twins(self._map, current_principal(), request.location_id)
        return twin_service_pb2.GetFleetSnapshotResponse(
            twins=self._columns(ordinals),
            server_time=us_to_timestamp(self._live.clocks.wall_us()),
            model_version=MODEL_VERSION,
        )

    async def WatchTwins(
        self, request: twin_service_pb2.WatchTwinsRequest, context: Any
    ) -> AsyncIterator[twin_service_pb2.WatchTwinsResponse]:
        """Sends a snapshot, then changed twins. A watcher costs one number: the version it has seen."""
        interval_s = _interval_s(request.min_interval_s)
        watched = self._watched(request)
        version, looked_s = self._live.version, time.monotonic()
        yield self._watch_response(watched, snapshot=True)
        while True:
            with self._drain.interruptible():
                await self._live.wait_newer(version)
                await asyncio.sleep(looked_s + interval_s - time.monotonic())
            looked_s = time.monotonic()
            changed = self._live.changed_since(version, watched)
            version = self._live.version
            if len(changed):
                yield self._watch_response(changed, snapshot=False)

    def _watch_response(self, ordinals: NDArray[np.int32], *, snapshot: bool) -> twin_service_pb2.WatchTwinsResponse:
        return twin_service_pb2.WatchTwinsResponse(
            twins=self._columns(ordinals),
            snapshot=snapshot,
            server_time=us_to_timestamp(self._live.clocks.wall_us()),
        )

    def _view(self, ordinals: NDArray[np.int32]) -> TwinView:
        return view_twins(self._live, self._hub.counts, ordinals)

    def _columns(self, ordinals: NDArray[np.int32]) -> twin_pb2.TwinColumns:
        return view_to_columns(view_twins(self._live, self._hub.counts, ordinals, COLUMNS_DTYPE), self._map)

    def _select(self, request: twin_service_pb2.ListTwinsRequest) -> NDArray[np.int32]:
        principal = current_principal()
        ordinals = visible_twins(self._map, principal, request.location_id)
        if not request.string_id:
            return ordinals
        of_string = visible_string(self._map, principal, request.string_id)
        return np.intersect1d(ordinals, np.arange(of_string.start, of_string.stop, dtype=np.int32))

    def _watched(self, request: twin_service_pb2.WatchTwinsRequest) -> NDArray[np.int32]:
        principal = current_principal()
        ordinals = visible_twins(self._map, principal, request.location_id)
        if not request.battery_ids:
            return ordinals
        wanted = {visible_twin(self._map, principal, battery_id) for battery_id in request.battery_ids}
        watched: NDArray[np.int32] = ordinals[np.isin(ordinals, list(wanted))]
        return watched


def _interval_s(min_interval_s: float) -> float:
    if not 0.0 <= min_interval_s <= _LONGEST_INTERVAL_S:
        raise InvalidArgumentError(
            f"min_interval_s is {min_interval_s}; give 0...60 s.", field="min_interval_s", value=min_interval_s
        )
    return min_interval_s or _DEFAULT_INTERVAL_S


def _load_w(request: twin_service_pb2.GetStringRequest) -> float | None:
    if not request.HasField("load_w"):
        return None
    if not (math.isfinite(request.load_w) and 0.0 < request.load_w <= _LARGEST_LOAD_W):
        raise InvalidArgumentError(
            f"load_w is {request.load_w}; give a power above 0 W, up to {_LARGEST_LOAD_W:g} W.",
            field="load_w",
            value=request.load_w,
        )
    return request.load_w
