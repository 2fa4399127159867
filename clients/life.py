"""Remaining life as clients see it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from batterytwin.life import Confidence, LifeCase, LifeFactor, LifeSource
from batterytwin.life_plan import ReplacementAdvice


class LifeOrder(IntEnum):
    """Order of a list of lives."""

    FLEET = 0
    MEDIAN = 1
    LOWER = 2
    CONFIDENCE = 3
    ADVICE = 4


@dataclass(frozen=True, slots=True)
class LifeQuantiles:
    """Distribution of a remaining life, days from `as_of` on; the outer two bound the 90 % interval."""

    days_05: float
    days_25: float
    days_50: float
    days_75: float
    days_95: float


@dataclass(frozen=True, slots=True)
class LifeFactorShare:
    """One cause and its part in what moves a life.

    Attributes:
        factor: which cause; a bare number if the server is newer than this client.
        share: 0...1; the shares of an answer sum to 1.
        multiplier: what it multiplies the life by, against a new block at 20 degC; below 1 shortens.
    """

    factor: LifeFactor | int
    share: float
    multiplier: float


@dataclass(frozen=True, slots=True)
class SimilarCase:
    """A battery that once stood where this one stands, and its distance in the space of the model's features."""

    case: LifeCase
    distance: float


@dataclass(frozen=True, slots=True)
class RemainingLife:
    """What is known of the remaining life of one battery. Enum fields hold a bare number where the server is newer.

    Attributes:
        battery_id: slot name.
        string_id: its string.
        location_id: its site.
        unit_seq: number of the block in its slot.
        as_of: newest applied reading, from which days count, UTC; None = never read.
        predict_time: when it was predicted, UTC.
        fused: fused, calibrated quantiles.
        upper_known: the upper quantiles are calibrated; where False, take them for a lower bound.
        twin: by physics alone.
        model_days: median of the learned model, days; None = it had no say.
        twin_weight: weight of the twin in the fused logarithm, 0...1.
        disagreement: |twin - model| over their mean; None = the model had no say.
        disagrees: the two differ by more than 30 %.
        confidence: how sure; None = the model had no say.
        confidence_share: share of similar cases that the model got right, 0...1; None likewise.
        source: what it rests on.
        degraded: it rests on less than it should.
        factors: the three largest causes, then "other".
        cases: similar cases, most alike first.
        model_version: model that spoke; empty = none.
        inputs_hash: SHA-256 of what was known, hexadecimal.
        advice: when to replace.
        soh_capacity: capacity over rated that it rests on; None = not known.
        warmer_k: assumed change of the future climate, K.
    """

    battery_id: str
    string_id: str
    location_id: str
    unit_seq: int
    as_of: datetime | None
    predict_time: datetime
    fused: LifeQuantiles
    upper_known: bool
    twin: LifeQuantiles
    model_days: float | None
    twin_weight: float
    disagreement: float | None
    disagrees: bool
    confidence: Confidence | int | None
    confidence_share: float | None
    source: LifeSource | int
    degraded: bool
    factors: tuple[LifeFactorShare, ...]
    cases: tuple[SimilarCase, ...]
    model_version: str
    inputs_hash: str
    advice: ReplacementAdvice
    soh_capacity: float | None
    warmer_k: float


@dataclass(frozen=True, slots=True)
class LifePage:
    """One page of lives; `next_page_token` is empty on the last page, `total_count` counts all pages."""

    lives: tuple[RemainingLife, ...]
    next_page_token: str
    total_count: int

    def __iter__(self) -> Iterator[RemainingLife]:
        return iter(self.lives)

    def __len__(self) -> int:
        return len(self.lives)


@dataclass(frozen=True, slots=True)
class LifeColumns:
    """Remaining life of many batteries as columns, each of shape `(n_batteries,)`.

    Attributes:
        battery_ids: slot names.
        as_of_unix_ns: newest applied readings, ns since 1970 UTC, int64; 0 = never read.
        predict_time_unix_ns: when they were predicted, likewise.
        days_05: fused quantiles, days, float32.
        days_25: likewise.
        days_50: likewise.
        days_75: likewise.
        days_95: likewise.
        twin_days: the twin's median, days, float32.
        model_days: the model's median, days, float32; NaN = it had no say.
        confidence_shares: share of similar cases that the model got right, float32; NaN likewise.
        sources: `LifeSource`, int32.
        top_factors: largest cause of each, `LifeFactor`, int32.
        top_shares: its share, 0...1, float32.
        quarters: suggested quarters as `Quarter.index`, int32.
        urgencies: `ReplacementUrgency`, int32.
        soh_capacity: capacity over rated, float32; NaN = not known.
        upper_known: the upper quantiles are calibrated, bool; where False, take them for a lower bound.
    """

    battery_ids: tuple[str, ...]
    as_of_unix_ns: NDArray[np.int64]
    predict_time_unix_ns: NDArray[np.int64]
    days_05: NDArray[np.float32]
    days_25: NDArray[np.float32]
    days_50: NDArray[np.float32]
    days_75: NDArray[np.float32]
    days_95: NDArray[np.float32]
    twin_days: NDArray[np.float32]
    model_days: NDArray[np.float32]
    confidence_shares: NDArray[np.float32]
    sources: NDArray[np.int32]
    top_factors: NDArray[np.int32]
    top_shares: NDArray[np.float32]
    quarters: NDArray[np.int32]
    urgencies: NDArray[np.int32]
    soh_capacity: NDArray[np.float32]
    upper_known: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.battery_ids)


@dataclass(frozen=True, slots=True)
class FleetLife:
    """Remaining life of all batteries that have a prediction.

    Attributes:
        lives: columns, in fleet order.
        server_time: by the server's clock, UTC.
        model_version: active model; empty = none.
        degraded_reason: why answers are degraded; empty = they are not.
    """

    lives: LifeColumns
    server_time: datetime
    model_version: str
    degraded_reason: str


@dataclass(frozen=True, slots=True)
class PastPrediction:
    """What was predicted once.

    Attributes:
        predict_time: when, UTC.
        as_of: newest reading that it rested on, UTC; None = the battery had never been read.
        unit_seq: block in the slot then.
        fused: fused quantiles, days from `as_of` on.
        twin_days: the twin's median, days.
        model_days: the model's median, days; None = it had no say.
        model_version: model that spoke; empty = none.
        source: what it rested on; a bare number if the server is newer than this client.
    """

    predict_time: datetime
    as_of: datetime | None
    unit_seq: int
    fused: LifeQuantiles
    twin_days: float
    model_days: float | None
    model_version: str
    source: LifeSource | int
