"""Similar past cases from real replacements: blocks of this fleet that have gone, and what became of them.

They are told beside the cases of a model's library, nearest in the same space. They do not move a model's confidence,
and with it the weight of the twin, on purpose:

* The ends that a fleet sees first are the early ones. Of blocks that were told ten years, after two years only those
  have ended that the model was wrong about; the share that it got right among them says little about the others.
* An answer must follow from the model's version and the inputs, whose hash is kept with it. With cases that accrue the
  same two would give another answer tomorrow, and gates would hold for none of them.
* How true a model is on real lives is judged where that can be done under censoring: by the drift monitor, and by
  `batterytwin evaluate --fleet`, whose figures say how many ends they rest on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.life_inputs import N_LIFE_INPUTS, life_records
from actors.remaining_life import LifePopulation
from actors.remaining_life_rate import life_rates
from batterytwin.life import CASES_TOLD, Floats, LifeCase
from batterytwin.life_ends import LifeOutcome
from ml.case_library import SIMILAR, CaseLibrary, standing_of
from ml.features import FEATURE_NAMES, model_features
from ml.stored_inputs import inputs_of
from storage.life_case_table import StoredCase

MOST_BLOCKS: Final = 500
"""Blocks that are looked through, those that went last; so looking costs the same however long a fleet lives."""
MOST_EACH: Final = SIMILAR // CASES_TOLD
"""Moments of each; so the `SIMILAR` nearest moments are of at least `CASES_TOLD` blocks."""
_DAY_US: Final = 86_400e6
_BECAME: Final = {
    LifeOutcome.END_TESTED: "a capacity test showed the end of its life",
    LifeOutcome.END_SAID: "it was replaced at the end of its life",
    LifeOutcome.END_TOLD: "its twin told the end of its life, and it was replaced for it,",
    LifeOutcome.REPLACED: "it was still good when it was replaced for another reason,",
}


@dataclass(frozen=True, slots=True)
class CaseSpace:
    """Where a model finds cases alike.

    Attributes:
        library: its cases, for how they are scaled.
        population: what its features rest on.
        names: columns that it sees.
    """

    library: CaseLibrary
    population: LifePopulation
    names: tuple[str, ...] = FEATURE_NAMES

    @property
    def is_present(self) -> bool:
        """Whether its columns are those of today; a model of an earlier version may have others."""
        return self.names == FEATURE_NAMES

    def features(self, inputs: Floats) -> NDArray[np.float32]:
        """What the model sees of batteries, `(n_batteries, n_features)`; the future does not enter."""
        rows = np.ascontiguousarray(inputs, np.float64)
        return model_features(rows, life_rates(life_records(rows)), self.population)


class RealCases:
    """Moments of blocks that have gone.

    Args:
        cases: what is stored; those whose inputs cannot be read any more are left out.
    """

    def __init__(self, cases: Sequence[StoredCase]) -> None:
        read = [(case, row) for case in cases if (row := inputs_of(case.moment)) is not None]
        self._cases = [case for case, _ in read]
        self._inputs = np.array([row for _, row in read], np.float64).reshape(-1, N_LIFE_INPUTS)
        names = [(case.moment.battery_key, case.moment.unit_seq) for case in self._cases]
        numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
        self._block = np.array([numbers[name] for name in names], np.int64)
        self.battery_keys = np.array([key for key, _ in names], np.int32)
        self._placed: tuple[CaseSpace, CaseLibrary] | None = None

    def __len__(self) -> int:
        return len(self._cases)

    def similar(
        self, space: CaseSpace, inputs: Floats, visible: NDArray[np.bool_] | None = None
    ) -> list[list[tuple[LifeCase, float]]]:
        """Of each battery up to `CASES_TOLD` blocks that once stood where it stands, nearest first, with distances.

        Args:
            space: of the model that spoke of the batteries, a present one.
            inputs: what is known of them, rows of `LifeInputs`; a row that is all NaN gets none.
            visible: which cases may be told, `(n_cases,)`; None = all.
        """
        library, places = self._in(space), np.arange(len(self))
        seen = library
        if visible is not None:
            seen, places = library.take(visible), places[visible]
        if not len(places):
            return [[] for _ in inputs]
        index, distance = seen.nearest(space.features(inputs))
        known = np.asarray(np.isfinite(inputs).any(axis=1), np.bool_)
        return [
            self._told(library, places[index[row]], distance[row]) if known[row] else [] for row in range(len(inputs))
        ]

    def case(self, number: int, library: CaseLibrary) -> LifeCase:
        """One case with its story."""
        found = self._cases[number]
        left = library.remaining_days[number] / 365.25
        return LifeCase(
            case_id=f"fleet/{found.battery_id}/{found.moment.unit_seq}",
            age_days=float(library.age_days[number]),
            remaining_days=float(library.remaining_days[number]),
            predicted_days=float(library.predicted_days[number]),
            ended=found.end.outcome.is_end,
            story=(
                f"Block {found.serial} of {found.battery_id}, {library.standing(number)}; "
                f"{_BECAME[found.end.outcome]} {left:.1f} years later."
            ),
        )

    def _told(self, library: CaseLibrary, near: NDArray[np.int64], distance: Floats) -> list[tuple[LifeCase, float]]:
        """The nearest moment of each of the nearest blocks."""
        blocks: dict[int, tuple[int, float]] = {}
        for number, away in zip(near.tolist(), distance.tolist(), strict=True):
            blocks.setdefault(int(self._block[number]), (number, away))
            if len(blocks) == CASES_TOLD:
                break
        return [(self.case(number, library), away) for number, away in blocks.values()]

    def _in(self, space: CaseSpace) -> CaseLibrary:
        """The cases in the space of a model; the last one is remembered."""
        if self._placed is not None and self._placed[0] is space:
            return self._placed[1]
        as_of_us = np.array([case.moment.as_of_us for case in self._cases], np.float64)
        until_us = np.array([case.end.until_us for case in self._cases], np.float64)
        told_days = [case.moment.told_days for case in self._cases]
        library = CaseLibrary(
            places=space.library.placed(space.features(self._inputs)),
            centre=space.library.centre,
            scale=space.library.scale,
            remaining_days=((until_us - as_of_us) / _DAY_US).astype(np.float32),
            predicted_days=np.array(told_days, np.float32),
            ended=np.array([case.end.outcome.is_end for case in self._cases], np.bool_),
            **standing_of(self._inputs),
        )
        self._placed = (space, library)
        return library
