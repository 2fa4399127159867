"""What the models of twins know beside their stored estimates, once an hour, in table `model_trace`."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.telemetry import TRACED_COLUMNS
from storage.instants import to_datetime
from storage.sql_files import read_sql
from storage.store_pool import StorePool

_SAVE: Final = read_sql("save_model_trace")


class ModelTraceTable(StorePool):
    """Questions about table `model_trace`."""

    async def save_model_trace(
        self, battery_keys: NDArray[np.int32], sample_times_us: NDArray[np.int64], columns: NDArray[np.void]
    ) -> None:
        """Stores a row for each twin; what is stored already stays.

        Args:
            battery_keys: shape `(n_rows,)`.
            sample_times_us: of each twin's newest reading, us since 1970 UTC, shape `(n_rows,)`.
            columns: records with at least `TRACED_COLUMNS`, shape `(n_rows,)`.

        Raises:
            StoreUnavailableError: the database is away.
        """
        values: dict[str, Any] = {name: columns[name].tolist() for name in TRACED_COLUMNS}
        values["battery_keys"] = battery_keys.tolist()
        values["sample_times"] = [to_datetime(us) for us in sample_times_us.tolist()]
        async with self._transaction() as connection:
            await connection.execute(_SAVE, values)
