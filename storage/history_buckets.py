"""Sums history up in buckets, out of rows and of hours that are sums already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from storage.history_rows import HistoryRows

Floats = NDArray[np.float64]

_HOUR_US: Final = 3_600_000_000


@dataclass(frozen=True, slots=True)
class HistoryPart:
    """A part of a history; each array has the shape `(n_points,)`, NaN = nothing was measured.

    Attributes:
        time_us: sample time, or begin of the hour, microseconds since 1970 UTC.
        row_count: rows behind each point.
        suspect: whether one of them was implausible.
        means: mean by metric.
        minimums: smallest value by metric.
        maximums: largest value by metric.
        counts: values behind each mean, by metric.
    """

    time_us: NDArray[np.int64]
    row_count: NDArray[np.int64]
    suspect: NDArray[np.bool_]
    means: dict[str, Floats]
    minimums: dict[str, Floats]
    maximums: dict[str, Floats]
    counts: dict[str, Floats]

    @classmethod
    def of_rows(cls, rows: HistoryRows) -> "HistoryPart":
        """Raw rows: each is its own mean."""
        values = {name: column.astype(np.float64) for name, column in rows.values.items()}
        return cls(
            rows.time_us,
            np.ones(len(rows.time_us), np.int64),
            rows.suspect,
            values,
            values,
            values,
            {name: (~np.isnan(column)).astype(np.float64) for name, column in values.items()},
        )

    @classmethod
    def of_hours(cls, columns: dict[str, NDArray[Any]], names: Sequence[str]) -> "HistoryPart":
        """Hours as `archive_worker.answer` gives them."""
        time_us = columns["time_us"]
        nothing = np.full(len(time_us), np.nan)

        def part(kind: str) -> dict[str, Floats]:
            return {name: columns.get(f"{name}_{kind}", nothing).astype(np.float64) for name in names}

        counts = {name: np.nan_to_num(column) for name, column in part("count").items()}
        return cls(
            time_us,
            columns["row_count"].astype(np.int64),
            columns["suspect"].astype(np.bool_),
            part("mean"),
            part("min"),
            part("max"),
            counts,
        )

    @classmethod
    def of_traces(
        cls, time_us: NDArray[np.int64], values: Mapping[str, NDArray[np.float32]], names: Sequence[str]
    ) -> "HistoryPart":
        """Hourly states of the model whose rows are counted in another part: values, and no rows."""
        nothing = np.full(len(time_us), np.nan)
        means = {name: values[name].astype(np.float64) if name in values else nothing for name in names}
        return cls(
            time_us,
            np.zeros(len(time_us), np.int64),
            np.zeros(len(time_us), np.bool_),
            means,
            means,
            means,
            {name: (~np.isnan(column)).astype(np.float64) for name, column in means.items()},
        )


def is_fine(bucket_us: int | None) -> bool:
    """Whether raw rows (None) or buckets are asked for that no whole hours make up: readings alone can answer."""
    return bucket_us is None or bucket_us % _HOUR_US != 0


def bucketed(parts: Sequence[HistoryPart], names: Sequence[str], bucket_us: int, limit: int) -> HistoryRows:
    """The first buckets of some parts.

    Args:
        parts: parts that share no row.
        names: metrics.
        bucket_us: length of the buckets, aligned to 1970-01-01 UTC; whole hours where a part is made of hours.
        limit: most buckets.
    """
    time_us = np.concatenate([part.time_us for part in parts])
    buckets = time_us // bucket_us
    order = np.argsort(buckets, kind="stable")
    buckets = buckets[order]
    begins = np.ones(len(buckets), np.bool_)
    begins[1:] = np.diff(buckets) != 0
    starts = np.flatnonzero(begins)
    more = len(starts) > limit
    if more:
        order, starts = order[: starts[limit]], starts[:limit]

    def joined(column: Sequence[NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate(column)[order]

    def reduced(function: np.ufunc, values: NDArray[Any]) -> NDArray[Any]:
        result: NDArray[Any] = function.reduceat(values, starts) if len(starts) else values[:0]
        return result

    values, minimums, maximums = {}, {}, {}
    for name in names:
        count = joined([part.counts[name] for part in parts])
        mean = joined([part.means[name] for part in parts])
        total = reduced(np.add, count)
        summed = reduced(np.add, np.where(count > 0, mean * count, 0.0))
        values[name] = np.where(total > 0, summed / np.maximum(total, 1), np.nan).astype(np.float32)
        low = joined([part.minimums[name] for part in parts])
        high = joined([part.maximums[name] for part in parts])
        minimums[name] = reduced(np.fmin, low).astype(np.float32)
        maximums[name] = reduced(np.fmax, high).astype(np.float32)
    return HistoryRows(
        time_us=buckets[starts] * bucket_us,
        values=values,
        minimums=minimums,
        maximums=maximums,
        row_count=reduced(np.add, joined([part.row_count for part in parts])).astype(np.int32),
        suspect=reduced(np.logical_or, joined([part.suspect for part in parts])).astype(np.bool_),
        more=more,
    )
