"""Stores once an hour what the models of twins know beside the estimates that every reading stores."""

from typing import Final, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from batterytwin.errors import StoreUnavailableError
from twin_server.live_table import LiveTable

TRACE_EVERY_S: Final = 60.0
"""How often to look for twins whose hour has begun."""

_HOUR_US: Final = 3_600_000_000
_MOST_AT_ONCE: Final = 2_048
"""Twins of one transaction, so that a large fleet does not hold up the event loop."""

_log = structlog.get_logger(__name__)


class ModelTraceStore(Protocol):
    """What the tracer needs of the store; see `storage.model_trace_table`."""

    async def save_model_trace(
        self, battery_keys: NDArray[np.int32], sample_times_us: NDArray[np.int64], columns: NDArray[np.void]
    ) -> None:
        """Stores a row for each twin."""


class ModelTracer:
    """Follows the live table; a twin is traced with its first sample of each hour that is looked at.

    Args:
        store: the database.
        live: twins.
    """

    def __init__(self, store: ModelTraceStore, live: LiveTable) -> None:
        self._store = store
        self._live = live
        self._traced_us = np.zeros(0, np.int64)

    async def look(self) -> None:
        """Traces the twins that have gone on to another hour; if the database is away, the next look does."""
        rows, keys = self._live.rows, self._live.fleet_map.battery_keys
        self._traced_us = np.append(self._traced_us, np.zeros(len(rows) - len(self._traced_us), np.int64))
        as_of_us = rows["as_of_us"]
        due = np.flatnonzero(as_of_us // _HOUR_US > self._traced_us // _HOUR_US)
        if not len(due):
            return
        for part in np.split(due, range(_MOST_AT_ONCE, len(due), _MOST_AT_ONCE)):
            traced_us = rows["as_of_us"][part]  # a copy: the table goes on while this waits
            try:
                await self._store.save_model_trace(keys[part], traced_us, rows[part])
            except StoreUnavailableError as error:
                _log.warning("states of models cannot be stored, trying again", reason=error.message)
                return
            self._traced_us[part] = traced_us
