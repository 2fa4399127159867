"""The past of twins out of PostgreSQL and the archive; reads only."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg
from psycopg import sql

from batterytwin.errors import StoreUnavailableError
from batterytwin.telemetry import Rows, to_received_s
from storage.archived_rows import ArchivedRows
from storage.copy_encoder import decode_copy
from storage.copy_script import read_copy
from storage.instants import to_datetime, to_us
from storage.past_store import FilterVersion, Moment
from storage.shard_store import LoggedInput, TwinSnapshot
from storage.snapshot_rows import is_sound
from storage.sql_files import read_sql
from storage.twin_input_rows import logged_input

_SNAPSHOTS: Final = read_sql("past_snapshots")
_ROWS: Final = sql.SQL(read_sql("past_rows").decode())
_NEWEST: Final = sql.SQL("ORDER BY sample_time DESC LIMIT 1")
_INPUTS: Final = read_sql("past_inputs")
_REVISION: Final = read_sql("past_revision")
_SPAN: Final = read_sql("log_span")
_VERSIONS: Final = read_sql("filter_versions")
_SESSION_OPTIONS: Final = "-c timezone=UTC -c default_transaction_read_only=on -c statement_timeout=60s"
_NEVER_S: Final = 2**31 - 1
_BEFORE_ALL_US: Final = 0

Connection = psycopg.Connection[Any]


class PostgresPastStore:
    """Implements `PastStore`; one thread.

    Args:
        url: libpq connection string or URL of a migrated database.
        archive: folder of sealed days; None = there is none.
    """

    def __init__(self, url: str, archive: Path | None = None) -> None:
        self._url = url
        self._archived = ArchivedRows(archive)
        self._connection: Connection | None = None

    def snapshot_before(self, battery_key: int, layout: str, moment: Moment) -> TwinSnapshot | None:
        """Newest sound snapshot of this layout that held at the moment, or None."""
        with self._session() as connection, connection.cursor(binary=True) as cursor:
            cursor.execute(_SNAPSHOTS, _values(battery_key, moment) | {"layout": layout})
            for watermark, *content in cursor:
                if is_sound(*content):
                    state, _, life, _ = content
                    return TwinSnapshot(battery_key, to_us(watermark), layout, state, life or b"")
        return None

    def rows_between(self, battery_key: int, after_us: int, moment: Moment) -> Rows:
        """Applied rows after a time and up to the moment, in order of time."""
        return self._rows(battery_key, after_us, moment, sql.SQL(""))

    def newest_row(self, battery_key: int, moment: Moment) -> Rows:
        """The newest applied row up to the moment, or none."""
        day_us = 86_400_000_000
        recent = self._rows(battery_key, moment.time_us - day_us, moment, _NEWEST)  # nearly always enough
        return (recent if len(recent) else self._rows(battery_key, _BEFORE_ALL_US, moment, _NEWEST))[-1:]

    def inputs_between(self, battery_key: int, taken: int, moment: Moment) -> list[LoggedInput]:
        """Inputs after the first `taken` of the battery whose place in the log is before the moment, in order."""
        with self._session() as connection, connection.cursor(binary=True) as cursor:
            cursor.execute(_INPUTS, _values(battery_key, moment) | {"taken": taken})
            return [logged_input(row) for row in cursor]

    def revision_at(self, battery_key: int, moment: Moment) -> int:
        """How often the past of the battery had been computed anew."""
        with self._session() as connection:
            row = connection.execute(_REVISION, _values(battery_key, moment)).fetchone()
        return 0 if row is None else int(row[0])

    def log_span(self, battery_key: int) -> tuple[int, int] | None:
        """Times between which all rows of the battery lie, both inclusive, us; None = there is no row."""
        with self._session() as connection, connection.cursor(binary=True) as cursor:
            first, last = cursor.execute(_SPAN, {"key": battery_key}).fetchall()[0]
        return None if first is None else (to_us(first), to_us(last))

    def filter_versions(self) -> list[FilterVersion]:
        """Versions of the filter, in the order in which they came into use."""
        with self._session() as connection, connection.cursor(binary=True) as cursor:
            cursor.execute(_VERSIONS)
            return [FilterVersion(_BEFORE_ALL_US if since is None else to_us(since), name) for since, name in cursor]

    def close(self) -> None:
        """Gives the connection back. Repeating it changes nothing."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _rows(self, battery_key: int, after_us: int, moment: Moment, newest: sql.SQL) -> Rows:
        values = _values(battery_key, moment) | {"after": to_datetime(after_us)}
        with self._session() as connection:
            query = psycopg.ClientCursor(connection).mogrify(_ROWS.format(newest=newest), values)
            hot = decode_copy(read_copy(connection, query.encode()))
            sealed = self._archived.after(connection, {battery_key: after_us}, moment.time_us)
        rows = np.concatenate([hot, sealed[sealed["received_s"] <= values["known_s"]]])
        rows = rows[np.argsort(rows["sample_time_us"], kind="stable")]
        return rows[np.diff(rows["sample_time_us"], prepend=-1) > 0]  # once, if they were sealed in between

    @contextmanager
    def _session(self) -> Iterator[Connection]:
        try:
            if self._connection is None or self._connection.closed:
                self._connection = psycopg.connect(
                    self._url, autocommit=True, options=_SESSION_OPTIONS, application_name="batterytwin past"
                )
            yield self._connection
        except psycopg.Error as error:
            self.close()
            raise StoreUnavailableError(f"The past cannot be read now: {error}", retry_after_s=1.0) from error


def _values(battery_key: int, moment: Moment) -> dict[str, Any]:
    known = moment.known_us
    return {
        "key": battery_key,
        "time": to_datetime(moment.time_us),
        "known": None if known is None else to_datetime(known),
        "known_s": _NEVER_S if known is None else to_received_s(known),
    }
