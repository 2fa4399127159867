"""Rows of the archive that were read beyond the page that was asked for: the next page begins with them."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_MOST_STRETCHES: Final = 4
_MOST_ROWS: Final = 100_000
_PAGES: Final = 8

Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class StretchKey:
    """What rows belong to.

    Attributes:
        version: of the archive; another version may hold other rows.
        battery_key: database key of the battery.
        names: columns beside those of every row.
        end_us: end of the question, exclusive, microseconds since 1970 UTC.
    """

    version: int
    battery_key: int
    names: tuple[str, ...]
    end_us: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Everything that the archive holds of one battery between two times.

    Attributes:
        start_us: first time, inclusive, microseconds since 1970 UTC.
        until_us: last time, exclusive.
        columns: by name, `time_us` among them, in order of time, each of shape `(n_rows,)`.
    """

    start_us: int
    until_us: int
    columns: Columns

    @classmethod
    def empty(cls, start_us: int, names: tuple[str, ...]) -> "Stretch":
        """Nothing yet: it ends where it starts."""
        columns: Columns = {"time_us": np.empty(0, np.int64)}
        columns |= {name: np.empty(0, np.bool_) for name in ("suspect", "late")}
        return cls(start_us, start_us, columns | {name: np.empty(0, np.float32) for name in names})

    def __len__(self) -> int:
        return len(self.columns["time_us"])

    def since(self, start_us: int) -> "Stretch":
        """The part from a time within it."""
        first = int(np.searchsorted(self.columns["time_us"], start_us))
        return Stretch(start_us, self.until_us, {name: column[first:] for name, column in self.columns.items()})

    def extended(self, columns: Columns, until_us: int) -> "Stretch":
        """With the rows that follow, up to a time."""
        joined = {name: np.concatenate([column, columns[name]]) for name, column in self.columns.items()}
        return Stretch(self.start_us, until_us, joined if len(self) else columns)


class ReadAhead:
    """Keeps the last few stretches that held more than was asked for.

    Pages of one question come one after the other. Reading a battery's month costs the archive hardly more than reading
    a page of it, since most of the time goes into opening files.
    """

    def __init__(self) -> None:
        self._stretches: OrderedDict[StretchKey, Stretch] = OrderedDict()

    @staticmethod
    def row_count(limit: int) -> int:
        """Rows to read where so many are wanted: some pages of them, so that short pages stay cheap."""
        return max(limit, min(_PAGES * limit, _MOST_ROWS))

    def take(self, key: StretchKey, start_us: int) -> Stretch:
        """What is known from a time on; empty where nothing is. It is kept no longer."""
        known = self._stretches.pop(key, None)
        if known is None or not known.start_us <= start_us <= known.until_us:
            return Stretch.empty(start_us, key.names)
        return known.since(start_us)

    def keep(self, key: StretchKey, stretch: Stretch) -> None:
        """Keeps a stretch in place of the oldest one."""
        self._stretches[key] = stretch
        if len(self._stretches) > _MOST_STRETCHES:
            self._stretches.popitem(last=False)
