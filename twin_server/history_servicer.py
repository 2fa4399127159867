"""`HistoryService`: reads the past of batteries, and keeps the log of events."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, Protocol

from batterytwin.v1 import history_service_pb2, history_service_pb2_grpc
from storage.alert_records import AlertRecord
from storage.event_records import EventQuery, EventRecord
from storage.history_buckets import is_fine
from storage.history_rows import HistoryRows
from twin_server.event_log import EventLog
from twin_server.history_bucket import chosen_bucket_us
from twin_server.history_exporter import HistoryExporter
from twin_server.history_page import page_points
from twin_server.history_proto import HistoryMarks, history_to_proto
from twin_server.history_request import HOUR_US, check_fine_range, read_metrics, read_range_us, readings_gone
from twin_server.live_table import LiveTable
from twin_server.page_token import decode_page_token, encode_page_token
from twin_server.principal import current_principal
from twin_server.routing import TwinIdentity
from twin_server.visibility import visible_twin

_MOST_MARKS: Final = 1_000


class HistoryStore(Protocol):
    """What queries need of the store; see `storage.history_reads`, `storage.event_tables`, `storage.history_marks`."""

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

    async def hours_only_until_us(self, battery_key: int, start_us: int, end_us: int) -> int | None:
        """End of the last day of which hours are left and no readings."""

    async def list_events(self, query: EventQuery) -> list[EventRecord]:
        """One page of events, newest first."""

    async def alerts_of_battery(
        self, battery_id: str, string_id: str, location_id: str, *, start_us: int, end_us: int, limit: int
    ) -> list[AlertRecord]:
        """Alerts that concern a battery and stood between two times, newest first."""


class HistoryServicer(history_service_pb2_grpc.HistoryServiceServicer):
    """Stored readings and estimates, raw, in time buckets or as a file, and events."""

    def __init__(self, store: HistoryStore, live: LiveTable, events: EventLog, exporter: HistoryExporter) -> None:
        self._store = store
        self._map = live.fleet_map
        self._events = events
        self._exporter = exporter

    async def QueryHistory(
        self, request: history_service_pb2.QueryHistoryRequest, context: Any
    ) -> history_service_pb2.QueryHistoryResponse:
        """Gets series of one battery, and what happened meanwhile."""
        identity = self._map.identities[visible_twin(self._map, current_principal(), request.battery_id)]
        start_us, end_us = read_range_us(request)
        bucket_us = chosen_bucket_us(request, start_us, end_us)
        check_fine_range(start_us, end_us, bucket_us)
        if is_fine(bucket_us):
            gone_us = await self._store.hours_only_until_us(identity.battery_key, start_us, end_us)
            if gone_us is not None and not request.auto_bucket:
                raise readings_gone(gone_us)
            bucket_us = bucket_us if gone_us is None else HOUR_US
        metrics = read_metrics(request.metrics)
        rows = await self._store.query_history(
            identity.battery_key,
            start_us,
            end_us,
            metrics,
            bucket_us=bucket_us,
            after_us=decode_page_token(request),
            limit=page_points(request.page_size, len(metrics), bucketed=bucket_us is not None),
        )
        first = request.with_events and not request.page_token
        marks = await self._marks(identity, start_us, end_us) if first else None
        token = encode_page_token(request, int(rows.time_us[-1])) if rows.more else ""
        return history_to_proto(rows, token, bucket_us=bucket_us, marks=marks)

    async def ExportHistory(
        self, request: history_service_pb2.ExportHistoryRequest, context: Any
    ) -> AsyncIterator[history_service_pb2.ExportHistoryResponse]:
        """Sends the history of a battery, a string or a location as one file."""
        async for piece in self._exporter.export(request, current_principal()):
            yield piece

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

    async def _marks(self, identity: TwinIdentity, start_us: int, end_us: int) -> HistoryMarks:
        """What concerns a battery in some time."""
        location_id, string_id = identity.location.location_id, identity.string.string_id
        events = await self._store.list_events(
            EventQuery(
                location_ids=frozenset({location_id}),
                string_id=string_id,
                battery_key=identity.battery_key,
                start_us=start_us,
                end_us=end_us,
                limit=_MOST_MARKS + 1,
            )
        )
        alerts = await self._store.alerts_of_battery(
            identity.battery.battery_id,
            string_id,
            location_id,
            start_us=start_us,
            end_us=end_us,
            limit=_MOST_MARKS + 1,
        )
        more = max(len(events), len(alerts)) > _MOST_MARKS
        return HistoryMarks(events[:_MOST_MARKS], alerts[:_MOST_MARKS], more)
