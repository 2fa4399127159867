"""Remaining life of batteries, as every part of the product speaks of it.

Remaining life = time until the true capacity falls below the end-of-life limit of the data sheet, from `as_of` on,
under the climate that the battery's own site has had. Days; months = days / 30.4375.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAYS_PER_MONTH: Final = 30.4375

QUANTILES: Final = (0.05, 0.25, 0.50, 0.75, 0.95)
"""Levels of the quantiles that are told; the outer two bound the 90 % interval."""

MEDIAN: Final = QUANTILES.index(0.50)

DISAGREEMENT_LIMIT: Final = 0.30
"""|twin - model| over their mean, above which both are shown."""

LOW_CONFIDENCE: Final = 0.60
"""Share of similar cases right, below which confidence is low: a person should look before anything rests on it."""

CASES_TOLD: Final = 3
"""Similar cases that are told with an answer."""


class LifeFactor(IntEnum):
    """What shortens or lengthens a life against one at 20 degC and the recommended voltage. Values are wire format."""

    TEMPERATURE = 1
    VOLTAGE = 2
    CYCLES = 3
    AGE = 4
    RESISTANCE = 5
    CAPACITY = 6
    FLOAT_CURRENT = 7
    OTHER = 8


FACTORS: Final = tuple(LifeFactor)
"""Order of the columns of `LifeScores.effects`."""


class LifeSource(IntEnum):
    """What an answer rests on. Values are wire format."""

    TWIN_AND_MODEL = 1
    TWIN_ONLY = 2
    """No scorer, or none that this battery suits: physics alone; degraded."""
    CACHED = 3
    """No scorer: the last answer that rested on both; degraded."""


class Confidence(IntEnum):
    """How often the model was right about similar cases. Values are wire format."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3

    @classmethod
    def of_share(cls, share: float) -> "Confidence":
        """High above 80 % of similar cases right, medium from 60 %, low below."""
        return cls.HIGH if share > 0.80 else cls.MEDIUM if share >= LOW_CONFIDENCE else cls.LOW


@dataclass(frozen=True, slots=True)
class LifeCase:
    """A battery whose life has ended or was followed to the end of its record.

    Attributes:
        case_id: names it: "library/" and a number in the training library of the model, or of a real block that has
            gone "fleet/", its slot, "/" and the number of the block in it.
        age_days: age of the battery when it resembled the one asked about.
        remaining_days: how long it then lasted; a lower bound where `ended` is false.
        predicted_days: what the model, without having seen this case, said then; of a real block what was told then.
        ended: whether it came to the end of life, rather than being replaced before or still serving.
        story: one sentence for people: where it stood, what wore it, what became of it.
    """

    case_id: str
    age_days: float
    remaining_days: float
    predicted_days: float
    ended: bool
    story: str

    @property
    def is_real(self) -> bool:
        """Whether it is a real block and no simulated one."""
        return self.case_id.startswith("fleet/")


@dataclass(frozen=True, slots=True)
class LifeScores:
    """Remaining life of batteries, columns.

    Attributes:
        model_version: of the model that spoke; "" = physics alone.
        quantile_days: fused, calibrated quantiles at `QUANTILES`, `(n_batteries, 5)`, not decreasing.
        twin_quantile_days: those of the twin's physics alone, `(n_batteries, 5)`.
        model_days: the model's own median, `(n_batteries,)`; NaN = none.
        twin_weight: weight of the twin in the fused logarithm, 0...1, `(n_batteries,)`; 0.6 unless confidence is low.
        confidence: share of similar cases that the model got right, 0...1, `(n_batteries,)`; NaN = no model.
        effects: what each of `FACTORS` adds to ln(fused median / life of a new block at 20 degC), `(n_batteries, 8)`.
        case_index: positions of the most similar cases in the model's library, nearest first, `(n_batteries, 3)`;
            -1 = none.
        case_distance: distance to them in the space of the model's features, like `case_index`.
        upper_known: whether the upper quantiles are calibrated; where censoring allows no more than a lower bound they
            are not, `(n_batteries,)`.
    """

    model_version: str
    quantile_days: Floats
    twin_quantile_days: Floats
    model_days: Floats
    twin_weight: Floats
    confidence: Floats
    effects: Floats
    case_index: Ints
    case_distance: Floats
    upper_known: NDArray[np.bool_]

    @property
    def twin_days(self) -> Floats:
        """The twin's own median, days, `(n_batteries,)`."""
        return np.asarray(self.twin_quantile_days[:, MEDIAN], np.float64)

    @property
    def disagreement(self) -> Floats:
        """|twin - model| / mean of both, `(n_batteries,)`; NaN = no model."""
        mean = 0.5 * (self.twin_days + self.model_days)
        return np.asarray(np.abs(self.twin_days - self.model_days) / mean, np.float64)

    @property
    def shares(self) -> Floats:
        """Share of each factor in all that moves the life, 0...1, `(n_batteries, 8)`, rows sum to 1."""
        size = np.abs(self.effects)
        total = size.sum(axis=1, keepdims=True)
        return np.asarray(np.divide(size, total, out=np.full_like(size, 1 / size.shape[1]), where=total > 0.0))
