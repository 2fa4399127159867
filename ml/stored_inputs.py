"""Inputs as they were stored with predictions, in the present layout and in earlier ones."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from actors.life_inputs import LIFE_INPUTS_LAYOUT, LifeInputs
from batterytwin.life import Floats
from storage.life_case_table import LifeMoment

_NAMES: Final = tuple(LifeInputs.__annotations__)
ADDED_SINCE: Final[Mapping[str, frozenset[str]]] = {}
"""Columns that earlier layouts did not have yet, by the name of the layout; all others they had, in the same order."""


def stored_layouts(added_since: Mapping[str, frozenset[str]] = ADDED_SINCE) -> dict[int, str]:
    """Layouts that can be read, by the length of a row, bytes."""
    return {8 * len(_columns(layout, added_since)): layout for layout in (*added_since, LIFE_INPUTS_LAYOUT)}


def read_inputs(
    stored: bytes, layout: str = "", added_since: Mapping[str, frozenset[str]] = ADDED_SINCE
) -> Floats | None:
    """One row of inputs in the present layout, `(N_LIFE_INPUTS,)`; what its layout did not have is not known (NaN).

    Args:
        stored: float64 little-endian.
        layout: name of its layout; empty = its length tells.
        added_since: see `ADDED_SINCE`.

    Returns:
        None where its layout cannot be read.
    """
    name = layout or stored_layouts(added_since).get(len(stored), "")
    places = _columns(name, added_since)
    if not places or len(stored) != 8 * len(places):
        return None
    row = np.full(len(_NAMES), np.nan)
    row[places] = np.frombuffer(stored, "<f8")
    return row


def inputs_of(moment: LifeMoment) -> Floats | None:
    """Inputs of a moment of a life, like `read_inputs`."""
    return read_inputs(moment.inputs, moment.inputs_layout)


def _columns(layout: str, added_since: Mapping[str, frozenset[str]]) -> list[int]:
    """Places of its columns in the present layout; none = it is not known."""
    if layout != LIFE_INPUTS_LAYOUT and layout not in added_since:
        return []
    added = frozenset[str]() if layout == LIFE_INPUTS_LAYOUT else added_since[layout]
    return [place for place, name in enumerate(_NAMES) if name not in added]
