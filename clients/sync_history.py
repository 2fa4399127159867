"""History through the blocking client."""

import os
from collections.abc import Generator, Iterable
from contextlib import closing
from datetime import datetime, timedelta

from batterytwin.v1.history_service_pb2_grpc import HistoryServiceStub
from clients.exports import ExportChunk, ExportedFile, ExportFormat, ExportProgress, ExportTarget
from clients.history import History, Metric
from clients.history_proto import chunk_from_proto, history_from_pages
from clients.history_requests import Bucket, export_history_request, query_history_request
from clients.sync_connection import SyncConnection


class SyncHistory:
    """The part of `TwinClient` that reads and exports history."""

    _token: str | None
    _connection: SyncConnection
    _history: HistoryServiceStub

    def query_history(
        self,
        battery_id: str,
        start_time: datetime,
        end_time: datetime,
        *,
        metrics: Iterable[Metric] = (),
        bucket: Bucket = None,
        max_points: int = 0,
        with_events: bool = False,
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> History:
        """Gets stored series of one battery, all pages joined.

        Args:
            battery_id: slot name.
            start_time: first sample time, inclusive.
            end_time: last sample time, exclusive; at most 90 days after the first for raw rows and buckets other than
                whole hours, else 10 years.
            metrics: quantities wanted; empty = all.
            bucket: bucket length, 1 s...90 d: means with smallest and largest values; None = raw rows; "auto" = raw up
                to 30 days, 1 h up to 2 years, 1 d beyond, and `History.bucket` tells.
            max_points: with "auto", buckets long enough for about so many points, 10...20,000; 0 = no matter.
            with_events: also get the events and alerts that concern the battery in this time.
            token: access token of this call.
            deadline_s: time each page may take, s.

        Raises:
            UnknownBatteryError: no such battery, or the caller may not see it.
            InvalidArgumentError: the time is too long for these buckets, or an argument cannot be used.
        """
        request = query_history_request(
            battery_id,
            start_time,
            end_time,
            metrics=metrics,
            bucket=bucket,
            max_points=max_points,
            with_events=with_events,
        )
        own = (self._token if token is None else token) or ""
        pages = [self._connection.call(self._history.QueryHistory, request, own, deadline_s)]
        while pages[-1].next_page_token:
            request.page_token = pages[-1].next_page_token
            pages.append(self._connection.call(self._history.QueryHistory, request, own, deadline_s))
        return history_from_pages(pages)

    def export_history(
        self,
        start_time: datetime,
        end_time: datetime,
        *,
        battery_id: str = "",
        string_id: str = "",
        location_id: str = "",
        metrics: Iterable[Metric] = (),
        file_format: ExportFormat = ExportFormat.PARQUET,
        bucket: timedelta | None = None,
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> Generator[ExportChunk]:
        """Yields the pieces of one file with the history of a battery, a string or a location.

        Rows come battery by battery, each battery's in order of time. The server reads on as the pieces are taken;
        closing the iterator ends the work there. The file is whole when the iterator ends without an error.

        Args:
            start_time: first sample time, inclusive.
            end_time: last sample time, exclusive, at most 10 years after the first.
            battery_id: one battery,
            string_id: or all batteries of a string,
            location_id: or all batteries of a location; exactly one of the three.
            metrics: quantities wanted; empty = all.
            file_format: kind of file.
            bucket: bucket length, 1 s...90 d; None = raw rows.
            token: access token of this call.
            deadline_s: time the whole export may take, s; None = as long as it takes.

        Raises:
            NotFoundError: no such battery, string or location, or the caller may not see it.
            PermissionDeniedError: the location is not the caller's.
            OverloadedError: the server makes as many exports as it may; wait `retry_after_s`.
            InvalidArgumentError: an argument cannot be used.
        """
        request = export_history_request(
            start_time,
            end_time,
            battery_id=battery_id,
            string_id=string_id,
            location_id=location_id,
            metrics=metrics,
            file_format=file_format,
            bucket=bucket,
        )
        own = (self._token if token is None else token) or ""
        stream = self._connection.stream(self._history.ExportHistory, request, own, deadline_s)
        with closing(stream):
            for piece in stream:
                yield chunk_from_proto(piece)

    def export_history_to(
        self,
        path: str | os.PathLike[str],
        start_time: datetime,
        end_time: datetime,
        *,
        battery_id: str = "",
        string_id: str = "",
        location_id: str = "",
        metrics: Iterable[Metric] = (),
        file_format: ExportFormat = ExportFormat.PARQUET,
        bucket: timedelta | None = None,
        overwrite: bool = False,
        progress: ExportProgress | None = None,
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> ExportedFile:
        """Writes an export to a file, which appears under its name when it is whole and not at all after a failure.

        Arguments and errors are those of `export_history`. `progress` is told every piece after it has been written.
        A file of the same name is replaced with `overwrite`, and an InvalidArgumentError without it.
        """
        pieces = self.export_history(
            start_time,
            end_time,
            battery_id=battery_id,
            string_id=string_id,
            location_id=location_id,
            metrics=metrics,
            file_format=file_format,
            bucket=bucket,
            token=token,
            deadline_s=deadline_s,
        )
        with ExportTarget(path, overwrite=overwrite) as target:
            with closing(pieces):
                for piece in pieces:
                    target.write(piece)
                    if progress is not None:
                        progress(piece)
            return target.finish()
