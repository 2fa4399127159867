"""Rows that are not newer than their twin: repeated, contradicting, late or too late to matter."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from batterytwin.telemetry import LATE_LIMIT_US, MEASURED_COLUMNS, Outcome, Rows
from storage.shard_store import ShardStore


@dataclass(frozen=True, slots=True)
class SortedOut:
    """Rows of the twins that got late ones, sorted out.

    Attributes:
        newer: rows newer than their twin was before the batch, `READING_DTYPE`, in order of twin and time.
        newer_places: places of `newer` in the batch.
        late: rows that belong to the past of their twin, in order of twin and time.
        too_late: rows to be stored alone, likewise.
    """

    newer: Rows
    newer_places: NDArray[np.intp]
    late: Rows
    too_late: Rows


def sort_out(
    rows: Rows,
    outcomes: NDArray[np.uint8],
    keys: NDArray[np.int32],
    watermarks_us: NDArray[np.int64],
    store: ShardStore,
) -> SortedOut:
    """Sorts out the rows of every twin that got a row older than its newest one.

    Args:
        rows: the batch, `READING_DTYPE`, shape `(n_rows,)`, in order of arrival.
        outcomes: `Outcome` of each row as it seemed on admission, shape `(n_rows,)`; set for the rows of these twins,
            but for those that are newer: that is for the filter to say.
        keys: database keys of the shard's twins, shape `(n_twins,)`.
        watermarks_us: newest row of each before the batch, shape `(n_twins,)`.
        store: knows what is there already.

    Raises:
        StoreUnavailableError: the database is away.
    """
    is_late = (outcomes == Outcome.LATE) | (outcomes == Outcome.TOO_LATE)
    concerned = np.zeros(len(keys), np.bool_)
    concerned[rows["twin"][is_late]] = True
    places = np.flatnonzero(concerned[rows["twin"]])
    places = places[np.lexsort((rows["sample_time_us"][places], rows["twin"][places]))]  # stable: the first one wins
    sorted_rows = rows[places]
    twins, times_us = sorted_rows["twin"], sorted_rows["sample_time_us"]
    first = np.ones(len(places), np.bool_)
    first[1:] = (twins[1:] != twins[:-1]) | (times_us[1:] != times_us[:-1])
    original = np.maximum.accumulate(np.where(first, np.arange(len(places)), 0))
    told = sorted_rows[original]  # what stands at this time
    before_us = watermarks_us[twins]
    asked = np.flatnonzero(first & (times_us <= before_us))
    found, stored = store.find_rows(keys[twins[asked]], np.ascontiguousarray(times_us[asked]))
    known = np.zeros(len(places), np.bool_)
    known[asked] = found
    stands = np.zeros(len(places), np.intp)
    stands[asked] = np.arange(len(asked))
    known = known[original]
    for name in MEASURED_COLUMNS:
        told[name][known] = stored[name][stands[original[known]]]
    repeated = ~first | known
    outcomes[places[repeated]] = np.where(
        _same(sorted_rows[repeated], told[repeated]), Outcome.DUPLICATE, Outcome.CONFLICT
    )
    newer = ~repeated & (times_us > before_us)
    too_late = ~repeated & (times_us < before_us - LATE_LIMIT_US)
    late = ~repeated & ~newer & ~too_late
    outcomes[places[late]] = Outcome.LATE
    outcomes[places[too_late]] = Outcome.TOO_LATE
    return SortedOut(sorted_rows[newer], places[newer], sorted_rows[late], sorted_rows[too_late])


def _same(rows: Rows, others: Rows) -> NDArray[np.bool_]:
    """Whether the same was measured; two values that are missing are the same."""
    same = np.ones(len(rows), np.bool_)
    for name in MEASURED_COLUMNS:
        same &= (rows[name] == others[name]) | (np.isnan(rows[name]) & np.isnan(others[name]))
    return same
