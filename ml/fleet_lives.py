"""Lives of a real fleet as battery-months, like those that models are trained and judged on."""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from batterytwin.errors import ConflictError, Reason
from batterytwin.life import Floats
from batterytwin.life_ends import BlockEnd, LifeOutcome
from ml.artefact import LifeModel
from ml.evaluate import evaluated
from ml.judge import accuracy
from ml.life_table import LifeTable
from ml.stored_inputs import inputs_of
from storage.life_case_table import LifeMoment

LEAST_ENDS: Final = 10
"""Ends of life below which no figure is worth telling."""
_DAY_US: Final = 86_400e6


@dataclass(frozen=True, slots=True)
class FollowedBlock:
    """One block and what was known of it each month.

    Attributes:
        fleet: number of its fleet: the blocks of one grid with one data sheet.
        site: number of its site.
        end: what became of it.
        moments: before that, oldest first.
    """

    fleet: int
    site: int
    end: BlockEnd
    moments: Sequence[LifeMoment]


@dataclass(frozen=True, slots=True)
class FleetLives:
    """Months of blocks.

    Attributes:
        table: blocks that serve, or were replaced for another reason, are cut off there.
        told_days: median that was told in each row.
        outcomes: of the blocks that have a month.
    """

    table: LifeTable
    told_days: Floats
    outcomes: Counter[LifeOutcome]

    @property
    def end_count(self) -> int:
        """Blocks that were seen to come to the end of their lives."""
        return sum(count for outcome, count in self.outcomes.items() if outcome.is_end)


def fleet_lives(blocks: Sequence[FollowedBlock]) -> FleetLives:
    """Months of blocks as a table; those whose inputs cannot be read any more are left out.

    A fleet is a plant of the table. A month was watched until the newest that is known of its site.
    """
    watched_us = {block.site: 0 for block in blocks}
    for block in blocks:
        watched_us[block.site] = max(watched_us[block.site], block.end.until_us)
    inputs, numbers, fleets, sites, watch, days, ended, told = [], [], [], [], [], [], [], []
    outcomes: Counter[LifeOutcome] = Counter()
    for number, block in enumerate(blocks):
        rows = [(moment, row) for moment in block.moments if (row := inputs_of(moment)) is not None]
        outcomes[block.end.outcome] += bool(rows)
        for moment, row in rows:
            inputs.append(row)
            numbers.append(number)
            fleets.append(block.fleet)
            sites.append(block.site)
            watch.append((watched_us[block.site] - moment.as_of_us) / _DAY_US)
            days.append((block.end.until_us - moment.as_of_us) / _DAY_US)
            ended.append(block.end.outcome.is_end)
            told.append(moment.told_days)
    lower, is_end = np.array(days, np.float64), np.array(ended, np.bool_)
    table = LifeTable(
        inputs=np.array(inputs, np.float64),
        battery=np.array(numbers, np.int64),
        site=np.array(sites, np.int64),
        plant=np.array(fleets, np.int64),
        watch_days=np.array(watch, np.float64),
        lower_days=lower,
        upper_days=np.where(is_end, lower, np.inf),
        true_days=np.where(is_end, lower, np.nan),
        true_soh=np.full(len(lower), np.nan),
    )
    return FleetLives(table, np.array(told, np.float64), outcomes)


def require_ends(lives: FleetLives) -> None:
    """Refuses lives that say nothing of a model.

    Raises:
        ConflictError: there are fewer than `LEAST_ENDS` ends; the message says how many.
    """
    count = lives.outcomes
    if lives.end_count < LEAST_ENDS:
        raise ConflictError(
            f"{lives.end_count} of {count.total()} blocks were seen to come to the end of their lives "
            f"({count[LifeOutcome.SERVING]} serve, {count[LifeOutcome.REPLACED]} were replaced for another reason); "
            f"fewer than {LEAST_ENDS} say nothing of a model. Record replacements and capacity tests, and ask again.",
            reason=Reason.LIFE_UNKNOWN,
            field="fleet",
            value=lives.end_count,
        )


def fleet_figures(model: LifeModel, lives: FleetLives) -> dict[str, float | None]:
    """Figures of a model on a real fleet, like those of `evaluated`; None = cannot be said.

    With them what they rest on, and under `told_...` how true was what was told at the time, by whatever model. Errors
    are those of blocks whose end was seen. While most still serve these are the short lives, and every model looks as
    if it told too much; `concordance` is fair under censoring.

    Raises:
        ConflictError: there are too few ends, see `require_ends`.
    """
    require_ends(lives)
    count = lives.outcomes
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # of figures that few blocks leave empty
        found = evaluated(model, lives.table)
        told = accuracy(lives.table.true_days, lives.told_days)
    found |= {
        "ends": float(lives.end_count),
        "ends_by_test": float(count[LifeOutcome.END_TESTED]),
        "ends_by_word": float(count[LifeOutcome.END_SAID]),
        "ends_by_twin": float(count[LifeOutcome.END_TOLD]),
        "replaced_for_another_reason": float(count[LifeOutcome.REPLACED]),
        "serving": float(count[LifeOutcome.SERVING]),
        **{f"told_{name}": value for name, value in told.items()},
    }
    return {name: value if np.isfinite(value) else None for name, value in found.items()}
