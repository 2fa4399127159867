"""Twin and model as one answer, in the logarithm of life."""

from typing import Final

import numpy as np

from batterytwin.life import Floats

TWIN_WEIGHT: Final = 0.6
"""Weight of the twin while the model can be relied on."""

RELIABLE_FROM: Final = 0.5
"""Confidence below which weight moves to the twin: all of it at none."""


def twin_weight(confidence: Floats) -> Floats:
    """Weight of the twin in the fused logarithm, 0.6...1; 1 where there is no confidence at all (NaN)."""
    missing = np.clip((RELIABLE_FROM - np.nan_to_num(confidence, nan=0.0)) / RELIABLE_FROM, 0.0, 1.0)
    return np.asarray(TWIN_WEIGHT + (1.0 - TWIN_WEIGHT) * missing, np.float64)
