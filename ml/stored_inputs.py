"""Inputs as they were stored with predictions, in the present layout and in earlier ones."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from actors.life_inputs import LIFE_INPUTS_LAYOUT, LifeInputs
from batterytwin.life import Floats

_NAMES: Final = tuple(LifeInputs.__annotations__)
ADDED_SINCE: Final[Mapping[str, frozenset[str]]] = {
    "life-inputs-1": frozenset({"peer_ln_speed", "peer_ln_speed_sigma"}).intersection(_NAMES),
}
"""Columns that earlier layouts did not have yet, by the name of the layout; all others they had, in the same order."""


def stored_layouts(added_since: Mapping[str, frozenset[str]] = ADDED_SINCE) -> dict[int, str]:
    """Layouts that can be read, by the length of a row, bytes."""
    earlier = {8 * (len(_NAMES) - len(added)): layout for layout, added in added_since.items()}
    return earlier | {8 * len(_NAMES): LIFE_INPUTS_LAYOUT}


def read_inputs(stored: bytes, added_since: Mapping[str, frozenset[str]] = ADDED_SINCE) -> Floats | None:
    """One row of inputs in the present layout, `(N_LIFE_INPUTS,)`; what its layout did not have is not known (NaN).

    None = its layout cannot be read.
    """
    layout = stored_layouts(added_since).get(len(stored))
    if layout is None:
        return None
    added = frozenset[str]() if layout == LIFE_INPUTS_LAYOUT else added_since[layout]
    row = np.full(len(_NAMES), np.nan)
    row[[place for place, name in enumerate(_NAMES) if name not in added]] = np.frombuffer(stored, "<f8")
    return row
