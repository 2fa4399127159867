"""Models of remaining life as plain types; numbers equal the enums of `batterytwin.v1` (model.proto)."""

from dataclasses import dataclass
from enum import IntEnum


class ModelState(IntEnum):
    """What a model is used for."""

    CANDIDATE = 1
    SHADOW = 2
    ACTIVE = 3
    RETIRED = 4


@dataclass(frozen=True, slots=True)
class ModelGate:
    """One condition that a model must meet before it may be activated.

    Attributes:
        name: for example "coverage".
        value: what was measured.
        limit: what is asked for, for people.
        passed: met.
    """

    name: str
    value: float
    limit: str
    passed: bool


@dataclass(frozen=True, slots=True)
class ModelComparison:
    """How the predictions of a shadow compare with those that are told.

    Attributes:
        active_version: model that was active meanwhile.
        pair_count: pairs of predictions of the same instant.
        median_log_ratio: median of ln(shadow median / active median).
        median_difference: median of its size.
        differing_share: share of pairs that differ by more than 30 %.
    """

    active_version: str
    pair_count: int
    median_log_ratio: float
    median_difference: float
    differing_share: float


@dataclass(frozen=True, slots=True)
class ModelDrift:
    """How true predictions have been: predicted against realised lives, or against what is predicted later.

    Attributes:
        pair_count: pairs of predictions of one battery at least 30 days apart, and lives seen to their end.
        error: median of |innovation| over the life predicted.
        bias: median of innovation over the life predicted; > 0 = lives turn out longer.
        limit: error above which an alert is raised.
        realised_count: lives seen to their end among the pairs.
    """

    pair_count: int
    error: float
    bias: float
    limit: float
    realised_count: int
