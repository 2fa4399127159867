"""History as a file for the browser. A page cannot stream, so the file has an address of its own beside Streamlit."""

from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from batterytwin.errors import (
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    TwinError,
    UnauthenticatedError,
)
from clients.sync_client import TwinClient
from clients.types import ExportChunk, ExportFormat
from streamlit_app.drill_choice import is_name
from streamlit_app.scoped_cache import AWAY
from streamlit_app.sessions import SessionStore

DOWNLOAD_PATH: Final = "/download/history"

LONGEST_RAW: Final = timedelta(days=30)
"""Longest time of raw rows in one file: 43,200 a battery. `batterytwin export` gives more."""

_MEDIA_TYPE: Final = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.PARQUET: "application/vnd.apache.parquet",
}


@dataclass(frozen=True, slots=True)
class Download:
    """A file to be had.

    Attributes:
        battery_id: battery whose history it holds, all quantities.
        start: first sample time, inclusive.
        end: last sample time, exclusive.
        bucket: length of its buckets; None = raw rows.
        file_format: kind of file.
        drill_id: drill whose history it is; empty = that of the live fleet.
    """

    battery_id: str
    start: datetime
    end: datetime
    bucket: timedelta | None
    file_format: ExportFormat
    drill_id: str = ""

    @property
    def url(self) -> str:
        """Its address at this dashboard."""
        values = {
            "battery": self.battery_id,
            "start": int(self.start.timestamp()),
            "end": int(self.end.timestamp()),
            "bucket": 0 if self.bucket is None else int(self.bucket.total_seconds()),
            "format": self.file_format.name.lower(),
        }
        return f"{DOWNLOAD_PATH}?" + urlencode(values | ({"drill": self.drill_id} if self.drill_id else {}))

    @property
    def file_name(self) -> str:
        """Name of the file: battery, drill if it is of one, times in UTC, kind."""
        wanted = f"{self.battery_id}_SIMULATION_{self.drill_id}" if self.drill_id else self.battery_id
        name = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_") else "_" for sign in wanted)
        return f"{name}_{self.start:%Y%m%dT%H%MZ}_{self.end:%Y%m%dT%H%MZ}.{self.file_format.name.lower()}"


class DownloadRoutes:
    """Streams files out of the server's exports; a few pieces of 1 MiB are in memory at a time.

    Args:
        sessions: who is logged in.
        client: asks the server.
        cookie_name: cookie that holds the name of a session.
    """

    def __init__(self, sessions: SessionStore, client: TwinClient, cookie_name: str) -> None:
        self._sessions = sessions
        self._client = client
        self._cookie_name = cookie_name

    def routes(self) -> list[Route]:
        """Routes to mount beside the dashboard."""
        return [Route(DOWNLOAD_PATH, self._download, methods=["GET"])]

    async def _download(self, request: Request) -> Response:
        session = self._sessions.find(request.cookies.get(self._cookie_name))
        if session is None:
            return PlainTextResponse("Log in first.", 401)
        try:
            wanted = _read(request.query_params)
            first, rest = await run_in_threadpool(session.call, lambda token: self._begin(wanted, token))
        except TwinError as error:
            return PlainTextResponse(error.message, _status(error))
        return StreamingResponse(
            _pieces(first, rest),
            media_type=_MEDIA_TYPE[wanted.file_format],
            headers={
                "Content-Disposition": f'attachment; filename="{wanted.file_name}"',
                "Cache-Control": "no-store",
            },
        )

    def _begin(self, wanted: Download, token: str) -> tuple[ExportChunk, Generator[ExportChunk]]:
        """The first piece, so that a refusal is told as one, and those that follow."""
        client = self._client.in_drill(wanted.drill_id) if wanted.drill_id else self._client
        pieces = client.export_history(
            wanted.start,
            wanted.end,
            battery_id=wanted.battery_id,
            file_format=wanted.file_format,
            bucket=wanted.bucket,
            token=token,
        )
        return next(pieces), pieces


async def _pieces(first: ExportChunk, rest: Generator[ExportChunk]) -> AsyncIterator[bytes]:
    # The next piece is asked for when the browser has taken the one before. An error in the middle breaks the answer
    # off, which browsers tell as a failed download.
    try:
        yield first.data
        while (piece := await run_in_threadpool(next, rest, None)) is not None:
            yield piece.data
    finally:
        rest.close()


def _read(query: QueryParams) -> Download:
    try:
        seconds = int(query["bucket"])
        wanted = Download(
            query["battery"],
            datetime.fromtimestamp(int(query["start"]), UTC),
            datetime.fromtimestamp(int(query["end"]), UTC),
            timedelta(seconds=seconds) if seconds else None,
            ExportFormat[query["format"].upper()],
            query.get("drill", ""),
        )
    except (KeyError, ValueError, OverflowError, OSError):
        raise InvalidArgumentError("This address of a download is damaged; use the buttons of the page.") from None
    if wanted.drill_id and not is_name(wanted.drill_id):
        raise InvalidArgumentError("This address of a download names no drill; use the buttons of the page.")
    if wanted.bucket is None and wanted.end - wanted.start > LONGEST_RAW + timedelta(hours=1):
        raise InvalidArgumentError(
            "A download holds at most 30 days of raw rows; `batterytwin export` and the clients give more."
        )
    return wanted


def _status(error: TwinError) -> int:
    if isinstance(error, AWAY):
        return 503
    if isinstance(error, UnauthenticatedError):
        return 401
    if isinstance(error, PermissionDeniedError):
        return 403
    if isinstance(error, NotFoundError):
        return 404
    return 400 if isinstance(error, InvalidArgumentError) else 502
