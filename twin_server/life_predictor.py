"""Predicts remaining lives: hourly for the fleet, on demand, and at once where something has happened."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from actors.life_inputs import N_LIFE_INPUTS, life_records
from batterytwin.errors import ConflictError, Reason
from batterytwin.events import TwinInput
from batterytwin.life import LifeScores, LifeSource
from batterytwin.telemetry import Rows
from storage.prediction_rows import NO_MODEL, SHADOW, TOLD
from twin_server.life_rows import rows_of_scores
from twin_server.life_scoring import LifeScoring
from twin_server.life_table import LifeTable
from twin_server.live_table import LiveTable

PREDICT_EVERY_S: Final = 3_600.0
LOOK_EVERY_S: Final = 2.0
_CAUGHT_UP_US: Final = 86_400_000_000
"""A prediction whose newest reading is older than the twin's by this much is made anew: history came in."""

_CATCH_UP_EVERY_S: Final = 60.0
"""While history comes in, days pass within seconds: no need to follow each of them."""

_BEGIN_EVERY_S: Final = 15.0
"""Twins come to life one after the other over a minute: they are predicted in a few groups. Who asks does not wait."""

_MOST_AT_ONCE: Final = 2_048
"""Batteries of one question to the models, which answer within half a second: who asks about one comes in between."""


class LifeInputSource(Protocol):
    """Where inputs come from; see `actors.fleet.Fleet`."""

    async def life_inputs(self, shard: int, twins: NDArray[np.int32] | None = None) -> NDArray[np.float64]:
        """What is known of some twins of a shard, or of all, `(n_twins, N_LIFE_INPUTS)`."""


class PredictionStore(Protocol):
    """What predicting needs of the store; see `storage.prediction_table`."""

    async def add_predictions(self, rows: Rows, inputs: NDArray[np.float64] | None = None) -> None:
        """Stores predictions."""

    async def newest_predictions(self) -> Rows:
        """The newest told prediction of every battery that has one."""


class Models(Protocol):
    """Which models may speak; see `model_registry.ModelRegistry`."""

    def model_keys(self) -> tuple[int, int]:
        """Database keys of the told model and of the shadow; 0 = none."""

    def key_of(self, version: str) -> int:
        """Database key of a model that has answered; 0 = none."""


@dataclass(frozen=True, slots=True)
class Predicted:
    """Predictions that were just made.

    Attributes:
        ordinals: places in the fleet, shape `(n,)`.
        rows: predictions, shape `(n,)`; `as_of` 0 = the battery has never been read.
        inputs: what they rest on, shape `(n, N_LIFE_INPUTS)`.
        by_model: the models had their say.
    """

    ordinals: NDArray[np.int32]
    rows: Rows
    inputs: NDArray[np.float64]
    by_model: bool


class LifePredictor:
    """Makes predictions, stores them and puts them into the table.

    Args:
        source: inputs.
        live: which twin is which, and what was read.
        table: newest predictions.
        scoring: models.
        store: where predictions are kept.
        models: which models may speak.
        fresh_s: age up to which a prediction is told without making it anew, s.
    """

    def __init__(  # noqa: PLR0917 # what predictions are made from
        self,
        source: LifeInputSource,
        live: LiveTable,
        table: LifeTable,
        scoring: LifeScoring,
        store: PredictionStore,
        models: Models,
        fresh_s: float,
    ) -> None:
        self._source = source
        self._live = live
        self._map = live.fleet_map
        self._table = table
        self._scoring = scoring
        self._store = store
        self._models = models
        self._fresh_us = round(fresh_s * 1e6)
        self._touched: set[int] = set()
        self._turn = asyncio.Lock()
        self._loaded = False
        self._caught_up_s = -_CATCH_UP_EVERY_S
        self._began_s = -_BEGIN_EVERY_S
        self._heard_key = NO_MODEL  # the model that has been asked about every battery that another one spoke of

    def touch(self, battery_keys: Iterable[int]) -> None:
        """Says that something has happened to batteries: they are predicted anew within seconds."""
        ordinals = map(self._map.find_key, battery_keys)
        self._touched.update(ordinal for ordinal in ordinals if ordinal is not None)

    def touch_inputs(self, inputs: Sequence[TwinInput]) -> None:
        """Likewise, for the batteries of inputs that have been applied."""
        self.touch(given.battery_key for given in inputs)

    async def load(self) -> None:
        """Takes over what was predicted before the start.

        Raises:
            StoreUnavailableError: the database is away.
        """
        rows = await self._store.newest_predictions()
        self._table.extend()
        self._table.load(rows)
        self._loaded = True

    async def predict_all(self) -> None:
        """Predicts the whole fleet, as happens every hour."""
        if not self._loaded:
            await self.load()
        await self.predict(np.arange(len(self._map), dtype=np.int32))

    async def look(self) -> None:
        """Predicts what cannot wait for the hour: what was touched, is new, has caught up, or lacks the model's say."""
        if not self._loaded:
            await self.load()
        self._table.extend()
        as_of, told = self._live.rows["as_of_us"], self._table.rows
        told_of = np.where(told["unit_seq"] == self._map.unit_seqs, told["as_of"], 0)
        behind = (as_of > 0) & (as_of - told_of > _CAUGHT_UP_US)
        is_new, now_s = behind & (told_of == 0), time.monotonic()
        behind &= ~is_new
        if now_s - self._caught_up_s < _CATCH_UP_EVERY_S:
            behind[:] = False
        elif behind.any():
            self._caught_up_s = now_s
        if now_s - self._began_s >= _BEGIN_EVERY_S and is_new.any():
            self._began_s = now_s
            behind |= is_new
        model_key = self._models.model_keys()[0] if self._scoring.is_up else NO_MODEL
        if model_key not in (NO_MODEL, self._heard_key):
            behind |= (told["as_of"] > 0) & (told["model_key"] != model_key)
        wanted = set(np.flatnonzero(behind).tolist()) | self._touched
        if wanted:
            by_model = await self.predict(np.array(sorted(wanted), np.int32))
            model_key = model_key if by_model else NO_MODEL
        self._heard_key = model_key

    async def fresh(self, ordinal: int) -> Rows:
        """Prediction of one battery that is fresh enough, or a new one, shape `(1,)`.

        Raises:
            ConflictError: the battery has never been read (LIFE_UNKNOWN).
        """
        self._table.extend()
        one = np.array([ordinal], np.int32)
        row = self._table.rows[one]
        now_us = self._live.clocks.wall_us()
        is_known = len(self._table.known(one)) == 1
        if is_known and now_us - int(row["predicted_at"][0]) < self._fresh_us and ordinal not in self._touched:
            return row
        await self.predict(one)
        if not len(self._table.known(one)):
            raise _never_read(self._map.battery_ids[ordinal])
        return self._table.rows[one]

    async def what_if(self, ordinals: NDArray[np.int32], warmer_k: float) -> Predicted:
        """Predictions under another future climate; nothing of them is kept."""
        return _joined(ordinals, [await self._what_if(part, warmer_k) for part in _parts(ordinals)])

    async def compare(self, ordinals: NDArray[np.int32], warmer_k: float) -> tuple[Predicted, Predicted]:
        """Predictions under the sites' own climates and under other ones, from the same inputs; nothing is kept."""
        parts = [await self._compare(part, warmer_k) for part in _parts(ordinals)]
        now, then = zip(*parts, strict=True)
        return _joined(ordinals, now), _joined(ordinals, then)

    async def _what_if(self, ordinals: NDArray[np.int32], warmer_k: float) -> Predicted:
        return await self._told_of(ordinals, *await self._inputs(ordinals), warmer_k)

    async def _compare(self, ordinals: NDArray[np.int32], warmer_k: float) -> tuple[Predicted, Predicted]:
        units, inputs = await self._inputs(ordinals)
        now, then = [await self._told_of(ordinals, units, inputs, by_k) for by_k in (0.0, warmer_k)]
        if (now.rows["model_key"] != then.rows["model_key"]).any():  # the scorer was lost, found or switched
            now = await self._told_of(ordinals, units, inputs, 0.0)
        return now, then

    async def _told_of(
        self, ordinals: NDArray[np.int32], units: NDArray[np.int16], inputs: NDArray[np.float64], warmer_k: float
    ) -> Predicted:
        scores, by_model = await self._scoring.score(inputs, warmer_k)
        return Predicted(ordinals, self._rows(ordinals, units, inputs, scores.told, TOLD), inputs, by_model)

    async def predict(self, ordinals: NDArray[np.int32]) -> bool:
        """Predicts some batteries. Without the models, what they said of a block before stays told.

        Returns:
            Whether the models had their say about all of them.

        Raises:
            UnavailableError: a shard or the database is away.
        """
        by_model = [await self._predict(part) for part in _parts(ordinals)]
        return all(by_model)

    async def _predict(self, ordinals: NDArray[np.int32]) -> bool:
        async with self._turn:
            touched = self._touched.intersection(ordinals.tolist())
            self._touched -= touched
            try:
                return await self._make(ordinals)
            except BaseException:
                self._touched |= touched  # what has happened to them is still to be told
                raise

    async def _make(self, ordinals: NDArray[np.int32]) -> bool:
        units, inputs = await self._inputs(ordinals)
        scores, by_model = await self._scoring.score(inputs)
        rows = self._rows(ordinals, units, inputs, scores.told, TOLD)
        keep = rows["as_of"] > 0
        if not by_model:
            before = self._table.rows[ordinals]
            of_model = (before["source"] == LifeSource.TWIN_AND_MODEL) & (before["as_of"] > 0)
            keep &= ~(of_model & (before["unit_seq"] == rows["unit_seq"]))
        if keep.any():
            await self._store.add_predictions(rows[keep], inputs[keep])
            self._table.put(ordinals[keep], rows[keep])
        if scores.shadow is not None:
            beside = self._rows(ordinals, units, inputs, scores.shadow, SHADOW)
            beside["predicted_at"] = rows["predicted_at"]
            await self._store.add_predictions(beside[beside["as_of"] > 0])
        return by_model

    def _rows(
        self,
        ordinals: NDArray[np.int32],
        units: NDArray[np.int16],
        inputs: NDArray[np.float64],
        scores: LifeScores,
        role: int,
    ) -> Rows:
        return rows_of_scores(
            scores,
            inputs,
            battery_keys=self._map.battery_keys[ordinals],
            unit_seqs=units,
            predicted_us=self._live.clocks.wall_us(),
            role=role,
            model_key=self._models.key_of(scores.model_version),
        )

    async def _inputs(self, ordinals: NDArray[np.int32]) -> tuple[NDArray[np.int16], NDArray[np.float64]]:
        """Blocks and what is known of them.

        A block that comes while its slot is asked about is taken for the one before, of which nothing is told any more;
        so it never gets the life of that one.
        """
        units = self._map.unit_seqs[ordinals]
        shards = self._map.shard[ordinals]
        twins = self._map.twin[ordinals]
        inputs = np.empty((len(ordinals), N_LIFE_INPUTS))
        for shard in np.unique(shards).tolist():
            mine = shards == shard
            inputs[mine] = await self._source.life_inputs(shard, twins[mine])
        return units, inputs


def _parts(ordinals: NDArray[np.int32]) -> list[NDArray[np.int32]]:
    return [ordinals[begin : begin + _MOST_AT_ONCE] for begin in range(0, max(len(ordinals), 1), _MOST_AT_ONCE)]


def _joined(ordinals: NDArray[np.int32], parts: Sequence[Predicted]) -> Predicted:
    rows, inputs = (np.concatenate([getattr(part, name) for part in parts]) for name in ("rows", "inputs"))
    return Predicted(ordinals, rows, inputs, all(part.by_model for part in parts))


def ages_days(predicted: Predicted) -> NDArray[np.float64]:
    """Ages of blocks when they were predicted, days, shape `(n,)`."""
    known = life_records(np.ascontiguousarray(predicted.inputs))
    return np.asarray(np.maximum(known["as_of_us"] - known["installed_us"], 0.0) / 8.64e10, np.float64)


def _never_read(battery_id: str) -> ConflictError:
    return ConflictError(
        f"{battery_id} has not been read yet (or not since its block was exchanged), so nothing is known of its life.",
        reason=Reason.LIFE_UNKNOWN,
        field="battery_id",
        value=battery_id,
    )
