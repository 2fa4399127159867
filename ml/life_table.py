"""Battery-months: what the twins' accumulators said at the end of each month, and when the life then ended."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from batterytwin.life import Floats, Ints


@dataclass(frozen=True, slots=True)
class LifeTable:
    """Rows are ends of months of batteries that still serve; columns, `(n_rows,)` unless said.

    Attributes:
        inputs: rows of `LifeInputs`, `(n_rows, N_LIFE_INPUTS)`.
        battery: number of the battery in the table; the unit that data are split by at the finest.
        site: number of its site in the table.
        plant: number of its plant in the table.
        watch_days: time from the row until nobody looked any more, however long the battery lasted.
        lower_days: time to the end of life, or where it was not seen to end, time for which it was followed.
        upper_days: like `lower_days`, or infinite where the end was not seen.
        true_days: time to the end of life, known of a simulated battery even where nobody saw it; NaN = not known.
        true_soh: capacity over rated then, which nobody but a simulator knows; NaN = not known. To say what perfect
            knowledge of health would be worth, and never to learn from.
    """

    inputs: Floats
    battery: Ints
    site: Ints
    plant: Ints
    watch_days: Floats
    lower_days: Floats
    upper_days: Floats
    true_days: Floats
    true_soh: Floats

    def __len__(self) -> int:
        return len(self.battery)

    @property
    def ended(self) -> NDArray[np.bool_]:
        """Whether the end of the row's battery was seen."""
        return np.isfinite(self.upper_days)

    @property
    def censored_share(self) -> float:
        """Share of the batteries whose end was not seen."""
        _, first = np.unique(self.battery, return_index=True)
        return float(1.0 - self.ended[first].mean())

    def take(self, rows: NDArray[np.bool_] | Ints) -> "LifeTable":
        """Some of the rows."""
        return LifeTable(*(getattr(self, field.name)[rows] for field in fields(self)))


def joined(tables: Sequence[LifeTable]) -> LifeTable:
    """Tables of several plants as one; batteries, sites and plants are numbered anew."""
    offsets = {"battery": 0, "site": 0, "plant": 0}
    columns: dict[str, list[NDArray[np.generic]]] = {field.name: [] for field in fields(LifeTable)}
    for table in tables:
        for name, parts in columns.items():
            values = getattr(table, name)
            if name in offsets:
                parts.append(values + offsets[name])
                offsets[name] += int(values.max(initial=-1)) + 1
            else:
                parts.append(values)
    return LifeTable(**{name: np.concatenate(parts) for name, parts in columns.items()})
