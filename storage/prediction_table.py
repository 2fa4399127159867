"""Predictions in the database: added, read, never changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.life_ends import LifeOutcome
from batterytwin.telemetry import Rows
from storage.instants import to_datetime, to_us
from storage.prediction_rows import PREDICTION_DTYPE, copy_block
from storage.sql_files import read_sql
from storage.store_pool import StorePool

_NEWEST: Final = read_sql("newest_predictions")
_HISTORY: Final = read_sql("life_history")
_INNOVATIONS: Final = read_sql("life_innovations")
TOLD_BEFORE: Final = read_sql("told_before")
"""What was said before; `told_before_values` makes its parameters."""

_SHADOW_PAIRS: Final = read_sql("shadow_pairs")
_NAMES: Final = PREDICTION_DTYPE.names or ()
_COPY: Final = f"COPY prediction ({', '.join(_NAMES)}) FROM STDIN (FORMAT binary)"
_COPY_INPUTS: Final = "COPY prediction_input (battery_key, predicted_at, inputs) FROM STDIN (FORMAT binary)"
_ENDS: Final = [int(outcome) for outcome in LifeOutcome if outcome.is_end]
_SLACK_S: Final = 7 * 86_400
"""A statement this much older than it should be is none: nobody predicted then."""

TOLD_BEFORE_DTYPE: Final = np.dtype(
    [("as_of", np.int64), *((name, np.float64) for name in ("days_25", "days_50", "days_75", "confidence"))]
)
"""What was told of a block once, as in `PREDICTION_DTYPE`; `as_of` 0 = nothing."""


@dataclass(frozen=True, slots=True)
class LifeInnovation:
    """Two statements about the life of one block, the second one later; a realised one is its end.

    Attributes:
        battery_key: database key.
        realised: the second one is the end that came.
        older_s: newest reading of the first one, s since 1970 UTC.
        older_days: median it told, days from then.
        newer_s: of the second one.
        newer_days: likewise; 0 = the end.
        model_key: model that spoke first.
    """

    battery_key: int
    realised: bool
    older_s: float
    older_days: float
    newer_s: float
    newer_days: float
    model_key: int


class PredictionTable(StorePool):
    """Questions about tables `prediction` and `prediction_input`."""

    async def add_predictions(self, rows: Rows, inputs: NDArray[np.float64] | None = None) -> None:
        """Stores predictions, all or none.

        Args:
            rows: `PREDICTION_DTYPE`, shape `(n_rows,)`.
            inputs: what they rest on, shape `(n_rows, n_inputs)`; None = stored already.
        """
        async with self._transaction() as connection, connection.cursor() as cursor:
            async with cursor.copy(_COPY) as copy:
                await copy.write(copy_block(rows))
            if inputs is not None:
                async with cursor.copy(_COPY_INPUTS) as copy:
                    await copy.write(copy_block(_input_rows(rows, inputs)))

    async def newest_predictions(self) -> Rows:
        """The newest told prediction of every battery that has one, `PREDICTION_DTYPE`, shape `(n_batteries,)`."""
        async with self._connection() as connection:
            return _rows(await (await connection.execute(_NEWEST)).fetchall())

    async def life_history(
        self, battery_key: int, start_us: int, end_us: int, most: int
    ) -> tuple[Rows, tuple[str, ...]]:
        """What was told of one battery, oldest first, at most `most` rows, with the versions of their models."""
        values = {"battery_key": battery_key, "start": to_datetime(start_us), "end": to_datetime(end_us), "most": most}
        async with self._connection() as connection:
            found = await (await connection.execute(_HISTORY, values)).fetchall()
        return _rows(found), tuple(row.model_version for row in found)

    async def life_innovations(self, apart_days: int, window_days: int) -> list[LifeInnovation]:
        """Pairs of statements about one block at least `apart_days` apart, and lives that came to their end.

        What an end is, and when it was, is what `ml.block_ends` has noted: the same that models are judged by.

        Args:
            apart_days: least time between the two.
            window_days: ends of so many last days.
        """
        values = {"apart_days": apart_days, "window_days": window_days, "ends": _ENDS}
        async with self._connection() as connection:
            return [LifeInnovation(*row) for row in await (await connection.execute(_INNOVATIONS, values)).fetchall()]

    async def told_before(self, rows: Rows, is_fed: NDArray[np.bool_], ages_s: Sequence[int]) -> Rows:
        """What was said before of the blocks of some predictions by the models of these, told or beside.

        Args:
            rows: predictions, `PREDICTION_DTYPE`, shape `(n_rows,)`.
            is_fed: whether the clock of a battery's location is its feed's, shape `(n_rows,)`.
            ages_s: how much older than `rows`, s; each finds the newest statement of at least this age.

        Returns:
            `TOLD_BEFORE_DTYPE`, shape `(n_rows, n_ages)`.
        """
        values = told_before_values(rows, is_fed, ages_s)
        found = np.zeros((len(rows), len(ages_s)), TOLD_BEFORE_DTYPE)
        async with self._connection() as connection:
            for row in await (await connection.execute(TOLD_BEFORE, values)).fetchall():
                told = (to_us(row.as_of), row.days_25, row.days_50, row.days_75, row.confidence)
                found[row.place - 1, row.number - 1] = told
        return found

    async def shadow_pairs(self, model_key: int, active_key: int, window_days: int) -> NDArray[np.float64]:
        """Medians told and of a shadow at the same instants, days, shape `(n_pairs, 2)`."""
        values = {"model_key": model_key, "active_key": active_key, "window_days": window_days}
        async with self._connection() as connection:
            found = await (await connection.execute(_SHADOW_PAIRS, values)).fetchall()
        return np.array([(row.told_days, row.shadow_days) for row in found], np.float64).reshape(-1, 2)


def told_before_values(rows: Rows, is_fed: NDArray[np.bool_], ages_s: Sequence[int]) -> dict[str, object]:
    """Parameters of `TOLD_BEFORE`; arguments as of `PredictionTable.told_before`."""
    return {
        "keys": rows["battery_key"].tolist(),
        "units": rows["unit_seq"].tolist(),
        "models": rows["model_key"].tolist(),
        "as_of": [to_datetime(us) for us in rows["as_of"].tolist()],
        "predicted": [to_datetime(us) for us in rows["predicted_at"].tolist()],
        "fed": is_fed.tolist(),
        "ages_s": list(ages_s),
        "slack_s": _SLACK_S,
    }


def _input_rows(rows: Rows, inputs: NDArray[np.float64]) -> Rows:
    width = inputs.shape[1] * 8
    stored = np.zeros(len(rows), [("battery_key", np.int32), ("predicted_at", np.int64), ("inputs", f"V{width}")])
    stored["battery_key"], stored["predicted_at"] = rows["battery_key"], rows["predicted_at"]
    stored["inputs"] = np.ascontiguousarray(inputs, "<f8").view(f"V{width}")[:, 0]
    return stored


def _rows(found: Sequence[Any]) -> Rows:
    rows = np.zeros(len(found), PREDICTION_DTYPE)
    for place, row in enumerate(found):
        for name in _NAMES:
            value = getattr(row, name)
            rows[name][place] = to_us(value) if name in {"predicted_at", "as_of"} else value
    return rows
