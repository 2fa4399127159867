"""What became of one batch of rows, whether its rows came in order or not."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.late_rows import sort_out
from actors.revision import RevisedPast, Reviser
from actors.twin_memory import TwinMemory
from actors.twin_step import Step, TwinStepper
from batterytwin.telemetry import TELEMETRY_DTYPE, Outcome, Rows
from storage.shard_store import ShardStore

_LATE: Final = int(Outcome.LATE)
_TOO_LATE: Final = int(Outcome.TOO_LATE)


@dataclass(frozen=True, slots=True)
class AppliedBatch:
    """A batch after it was applied to copies of its twins.

    Attributes:
        outcomes: `Outcome` of each row, uint8, shape `(n_rows,)`.
        steps: steps that applied the rows that are newer than their twins.
        past: what late rows made of the past of their twins; None = there were none.
        too_late: rows that are stored alone, `TELEMETRY_DTYPE`.
    """

    outcomes: NDArray[np.uint8]
    steps: list[Step]
    past: RevisedPast | None
    too_late: Rows

    @property
    def stored(self) -> Rows:
        """Rows of table `reading`."""
        return self.steps[0].stored if len(self.steps) == 1 else np.concatenate([step.stored for step in self.steps])

    @property
    def is_new(self) -> bool:
        """Whether there is anything to commit."""
        return self.past is not None or len(self.too_late) > 0 or any(len(step.stored) for step in self.steps)


def in_order(step: Step) -> AppliedBatch:
    """A batch without a late row: one step was all."""
    return AppliedBatch(step.outcomes, [step], None, np.empty(0, TELEMETRY_DTYPE))


def has_late_rows(step: Step) -> bool:
    """Whether a row is older than its twin and not among the recent ones."""
    return bool(_are_late(step.outcomes).any())


def _are_late(outcomes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    late: NDArray[np.bool_] = (outcomes == _LATE) | (outcomes == _TOO_LATE)
    return late


@dataclass(frozen=True, slots=True)
class LateWorker:
    """Works batches with late rows in.

    Attributes:
        keys: database keys of the shard's twins, shape `(n_twins,)`.
        stepper: their filter and rules.
        reviser: computes their past anew.
        store: knows what is there already.
    """

    keys: NDArray[np.int32]
    stepper: TwinStepper
    reviser: Reviser
    store: ShardStore

    def work_in(  # noqa: PLR0917 # a batch, what it touches, and what stood before
        self,
        rows: Rows,
        slots: NDArray[np.int32],
        touched: NDArray[np.int32],
        work: TwinMemory,
        step: Step,
        present: TwinMemory,
        received_s: int,
    ) -> AppliedBatch:
        """Does over what a step did to twins that got late rows: first their past, then their newer rows in order.

        Args:
            rows: the batch, `READING_DTYPE`, shape `(n_rows,)`.
            slots: place in `work` of each row's twin.
            touched: twins in `work`, by position in the shard.
            work: copies of these twins, as `step` has left them; changed.
            step: what the rows did in order of arrival; its outcomes are corrected.
            present: all twins of the shard as they were before.
            received_s: when the batch was received, as it is stored.

        Raises:
            StoreUnavailableError: the database is away.
        """
        outcomes = step.outcomes
        concerned = np.zeros(len(self.keys), np.bool_)
        concerned[rows["twin"][_are_late(outcomes)]] = True
        found = sort_out(rows, outcomes, self.keys, present.records["watermark_us"], self.store)
        anew = np.flatnonzero(concerned[touched]).astype(np.int32)
        work.put(anew, present.take(touched[anew]))
        past = None
        if len(found.late):
            late = self.stepper.unapplied_rows(found.late)
            late["received_s"] = received_s
            past = self.reviser.revise(late, present)
            slot_of = np.zeros(len(self.keys), np.int32)
            slot_of[touched] = np.arange(len(touched), dtype=np.int32)
            work.put(slot_of[past.twins], past.memory)
        newer_slots = slots[found.newer_places]
        newer = self.stepper.step(work, newer_slots, found.newer, judged=False)
        outcomes[found.newer_places] = newer.outcomes
        too_late = self.stepper.unapplied_rows(found.too_late)
        too_late["received_s"] = received_s
        return AppliedBatch(outcomes, [_without(step, concerned), newer], past, too_late)


def _without(step: Step, twins: NDArray[np.bool_]) -> Step:
    """A step without the rows of some twins, whose shape `(n_twins,)` mask is given."""
    kept = ~twins[step.twins]
    events = step.events[kept[step.events["row"]]]
    events["row"] = (np.cumsum(kept) - 1)[events["row"]]
    return Step(step.outcomes, step.twins[kept], step.stored[kept], events)
