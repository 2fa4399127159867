"""`HistoryService`: reads the past of one battery, and keeps the log of events."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from batterytwin.errors import InvalidArgumentError, Reason
from batterytwin.v1 import history_service_pb2, history_service_pb2_grpc
from storage.history_reads import HISTORY_METRICS, HistoryRows
from twin_server.event_log import EventLog
from twin_server.history_proto import METRIC_NAMES, history_to_proto
from twin_server.live_table import LiveTable
from twin_server.page_token import decode_page_token, encode_page_token, read_page_size
from twin_server.principal import current_principal
from twin_server.time_proto import timestamp_to_us
from twin_server.visibility import visible_twin

LONGEST_RANGE_US: Final = 90 * 86_400_000_000
"""Longest time that one query may span, us."""

_SHORTEST_BUCKET_US: Final = 1_000_000
_LARGEST_PAGE: Final = 20_000


class HistoryStore(Protocol):
    """What the service needs of the store; see `storage.history_reads`."""

    async def query_history(
        self,
        battery_key: int,
        start_us: int,
        end_us: int,
        metrics: Sequence[str],
        *,
        bucket_us: int | None,
        after_us: int | None,
        limit: int,
    ) -> HistoryRows:
        """One page of the history of a battery."""


class HistoryServicer(history_service_pb2_grpc.HistoryServiceServicer):
    """Stored readings and estimates, raw or in time buckets, and events."""

    def __init__(self, store: HistoryStore, live: LiveTable, events: EventLog) -> None:
        self._store = store
        self._map = live.fleet_map
        self._events = events

    async def QueryHistory(
        self, request: history_service_pb2.QueryHistoryRequest, context: Any
    ) -> history_service_pb2.QueryHistoryResponse:
        """Gets series of one battery over up to 90 days."""
        ordinal = visible_twin(self._map, current_principal(), request.battery_id)
        start_us, end_us = _range_us(request)
        rows = await self._store.query_history(
            int(self._map.battery_keys[ordinal]),
            start_us,
            end_us,
            _metrics(request.metrics),
            bucket_us=_bucket_us(request),
            after_us=decode_page_token(request),
            limit=read_page_size(request.page_size, default=_LARGEST_PAGE, largest=_LARGEST_PAGE),
        )
        token = encode_page_token(request, int(rows.time_us[-1])) if rows.more else ""
        return history_to_proto(rows, token, bucketed=_bucket_us(request) is not None)

    async def ListEvents(
        self, request: history_service_pb2.ListEventsRequest, context: Any
    ) -> history_service_pb2.ListEventsResponse:
        """Lists events, newest first."""
        return await self._events.list(request, current_principal())

    async def RecordEvent(
        self, request: history_service_pb2.RecordEventRequest, context: Any
    ) -> history_service_pb2.RecordEventResponse:
        """Takes down what happened; a capacity test is applied to its twin before this answers."""
        return history_service_pb2.RecordEventResponse(event=await self._events.record(request, current_principal()))


def _range_us(request: history_service_pb2.QueryHistoryRequest) -> tuple[int, int]:
    for field in ("start_time", "end_time"):
        if not request.HasField(field):
            raise InvalidArgumentError(f"{field} is missing.", field=field)
    start_us = timestamp_to_us(request.start_time, "start_time")
    end_us = timestamp_to_us(request.end_time, "end_time")
    if end_us <= start_us:
        raise InvalidArgumentError("end_time must be later than start_time.", field="end_time")
    if end_us - start_us > LONGEST_RANGE_US:
        raise InvalidArgumentError(
            f"The query spans {(end_us - start_us) / 86_400_000_000:.1f} days, at most 90 are answered; split it.",
            reason=Reason.TIME_RANGE_TOO_LONG,
            field="end_time",
        )
    return start_us, end_us


def _bucket_us(request: history_service_pb2.QueryHistoryRequest) -> int | None:
    bucket_us = request.bucket.seconds * 1_000_000 + request.bucket.nanos // 1_000
    if bucket_us == 0:
        return None
    if not _SHORTEST_BUCKET_US <= bucket_us <= LONGEST_RANGE_US:
        raise InvalidArgumentError(
            f"The bucket is {bucket_us / 1e6:g} s; give 1 s to 90 d, or nothing for raw rows.",
            field="bucket",
            value=f"{bucket_us / 1e6:g} s",
        )
    return bucket_us


def _metrics(numbers: Sequence[int]) -> list[str]:
    if not numbers:
        return list(HISTORY_METRICS)
    unknown = [number for number in numbers if number not in METRIC_NAMES]
    if unknown:
        raise InvalidArgumentError(f"There is no metric number {unknown[0]}.", field="metrics", value=unknown[0])
    return list(dict.fromkeys(METRIC_NAMES[number] for number in numbers))
