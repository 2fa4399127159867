"""A figure to prove, and what was found."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Sense(Enum):
    """How a figure is held against its target."""

    AT_MOST = "<="
    AT_LEAST = ">="
    WITHIN = "in"


@dataclass(frozen=True, slots=True)
class Target:
    """One figure and the limit it should keep.

    Attributes:
        name: of the figure, the same in the section's result, `section.figure_unit`.
        limit: the number to keep, or the lowest and the highest allowed with `Sense.WITHIN`.
        sense: which side of the limit is good.
        unit: as printed; "" = none.
    """

    name: str
    limit: float | tuple[float, float]
    unit: str = ""
    sense: Sense = Sense.AT_MOST

    def is_met_by(self, value: float | None) -> bool:
        """Whether a value keeps the limit. What was not measured, or is NaN, does not."""
        if value is None or math.isnan(value):
            return False
        if isinstance(self.limit, tuple):
            return self.limit[0] <= value <= self.limit[1]
        return value <= self.limit if self.sense is Sense.AT_MOST else value >= self.limit

    def limit_text(self) -> str:
        """The limit as printed."""
        if isinstance(self.limit, tuple):
            return f"{self.limit[0]:g} ... {self.limit[1]:g}"
        return f"{self.sense.value} {self.limit:g}"


@dataclass(frozen=True, slots=True)
class SectionResult:
    """What a section found.

    Attributes:
        values: figures by name, those with a target and those that are only reported.
        reason: why it found nothing; "" = it ran to its end.
        not_run: it was not started, because what it needs is absent.
        seconds: wall time.
    """

    values: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    not_run: bool = False
    seconds: float = 0.0
