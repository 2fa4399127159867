"""Makes the files behind `HistoryService.ExportHistory`, holding a few batches of rows at a time."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from batterytwin.errors import OverloadedError
from batterytwin.v1 import history_service_pb2 as pb
from storage.access_records import AuditEntry
from storage.history_buckets import is_fine
from storage.history_export import ExportBatch
from storage.history_rows import HistoryRows
from twin_server.audit import audit_entry
from twin_server.drain import Drain
from twin_server.export_request import ExportPlan, read_export
from twin_server.history_request import readings_gone
from twin_server.principal import Principal
from twin_server.routing import FleetMap

if TYPE_CHECKING:
    from twin_server.export_columns import Columns

BATCH_ROWS: Final = 20_000
"""Rows read at a time."""

MOST_AT_ONCE: Final = 4
"""Exports under way at a time: each costs some 20 MB while it lasts, and most of a core while it is read fast."""

_PIECE_BYTES: Final = 1024 * 1024
_COME_BACK_S: Final = 30.0

_log = structlog.get_logger(__name__)

Step = tuple[NDArray[np.int64], "Columns"]
"""Rows of one step: place of each row's battery in the plan, and the columns."""


class ExportStore(Protocol):
    """What exports need of the store; see `storage.history_export` and `storage.history_reads`."""

    def export_history(
        self, battery_keys: Sequence[int], start_us: int, end_us: int, metrics: Sequence[str], batch_rows: int
    ) -> AsyncIterator[ExportBatch]:
        """Every row once, battery by battery."""

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

    async def audit(self, entry: AuditEntry) -> None:
        """Adds an entry to the audit trail."""


class HistoryExporter:
    """Turns rows of the store into files.

    The next rows are read when the piece before has been taken over by the connection, so whoever reads slowly slows
    the export down and nothing else; whoever goes away ends it.
    """

    def __init__(self, store: ExportStore, fleet_map: FleetMap, drain: Drain) -> None:
        self._store = store
        self._map = fleet_map
        self._drain = drain
        self._under_way = 0

    async def export(self, request: Any, principal: Principal) -> AsyncIterator[pb.ExportHistoryResponse]:
        """Pieces of the file, in order.

        Args:
            request: an `ExportHistoryRequest`.
            principal: who asks.

        Raises:
            TwinError: the request cannot be answered (see `export_request.read_export`), too many exports are under
                way, or the database is away.
        """
        plan = read_export(request, self._map, principal)
        with self._counted():
            await self._check_kept(plan)
            await self._store.audit(audit_entry("history.export", plan.place, str(plan)))
            row_count = 0
            async with aclosing(self._pieces(plan)) as pieces:
                while True:
                    with self._drain.interruptible():
                        made = await anext(pieces, None)
                    if made is None:
                        break
                    data, rows, done = made
                    row_count += rows
                    for begin in range(0, max(len(data), 1), _PIECE_BYTES):
                        yield pb.ExportHistoryResponse(
                            data=data[begin : begin + _PIECE_BYTES], row_count=row_count, done_fraction=done
                        )
            _log.info("history exported", place=plan.place, rows=row_count)

    async def _check_kept(self, plan: ExportPlan) -> None:
        """Refuses a file that would silently lack what is no longer kept."""
        for key in plan.battery_keys.tolist() if is_fine(plan.bucket_us) else ():
            gone_us = await self._store.hours_only_until_us(key, plan.start_us, plan.end_us)
            if gone_us is not None:
                raise readings_gone(gone_us)

    async def _pieces(self, plan: ExportPlan) -> AsyncGenerator[tuple[bytes, int, float]]:
        """Bytes of the file, the rows that went into it with them, and the share of the work done."""
        write, end = await asyncio.to_thread(_open_file, plan)
        steps = self._raw(plan) if plan.bucket_us is None else self._buckets(plan, plan.bucket_us)
        async with aclosing(steps):
            async for battery_of, columns in steps:
                # Encoding takes tens of milliseconds, which other calls would have to wait for.
                data = await asyncio.to_thread(write, battery_of, columns)
                done = plan.done_fraction(int(battery_of[-1]), int(columns["time"][-1]))
                yield data, len(battery_of), done
        yield await asyncio.to_thread(end), 0, 1.0

    async def _raw(self, plan: ExportPlan) -> AsyncGenerator[Step]:
        place = np.argsort(plan.battery_keys)
        sorted_keys = plan.battery_keys[place]
        batches = self._store.export_history(
            plan.battery_keys.tolist(), plan.start_us, plan.end_us, plan.metrics, BATCH_ROWS
        )
        async for batch in batches:
            if not len(batch):
                continue
            battery_of = place[np.searchsorted(sorted_keys, batch.battery_keys)]
            yield battery_of, {"time": batch.time_us, **batch.values, "suspect": batch.suspect, "late": batch.late}

    async def _buckets(self, plan: ExportPlan, bucket_us: int) -> AsyncGenerator[Step]:
        for battery, battery_key in enumerate(plan.battery_keys.tolist()):
            after_us, more = None, True
            while more:
                rows = await self._store.query_history(
                    battery_key,
                    plan.start_us,
                    plan.end_us,
                    plan.metrics,
                    bucket_us=bucket_us,
                    after_us=after_us,
                    limit=BATCH_ROWS,
                )
                more = rows.more
                if len(rows.time_us):
                    after_us = int(rows.time_us[-1])
                    yield np.full(len(rows.time_us), battery), _bucket_columns(rows)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        if self._under_way >= MOST_AT_ONCE:
            raise OverloadedError(
                f"{MOST_AT_ONCE} exports are under way, which is as many as there may be; try again.",
                retry_after_s=_COME_BACK_S,
            )
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1


def _open_file(plan: ExportPlan) -> tuple[Callable[[NDArray[np.int64], "Columns"], bytes], Callable[[], bytes]]:
    """What takes the rows of an export and gives bytes, and what gives the last ones."""
    # Arrow costs a second and 60 MB when it is imported, which a server without exports need not pay.
    from twin_server.export_columns import arrow_rows, export_schema  # noqa: PLC0415
    from twin_server.export_files import CsvFile, ParquetFile  # noqa: PLC0415

    schema = export_schema(plan.metrics, bucket_us=plan.bucket_us)
    file = CsvFile(schema) if plan.file == "csv" else ParquetFile(schema)

    def write(battery_of: NDArray[np.int64], columns: "Columns") -> bytes:
        return file.add(arrow_rows(schema, plan.battery_ids, battery_of, columns))

    return write, file.end


def _bucket_columns(rows: HistoryRows) -> "Columns":
    columns: dict[str, NDArray[Any]] = {"time": rows.time_us, "row_count": rows.row_count, "suspect": rows.suspect}
    for name, means in rows.values.items():
        columns |= {name: means, f"{name}_min": rows.minimums[name], f"{name}_max": rows.maximums[name]}
    return columns
