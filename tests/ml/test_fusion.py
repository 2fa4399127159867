"""Weight of the twin by confidence of the model."""

import numpy as np
import pytest

from ml.fusion import TWIN_WEIGHT, twin_weight


def test_weight_moves_to_the_twin_below_half_confidence_and_is_all_its_own_without_any() -> None:
    weight = twin_weight(np.array([1.0, 0.5, 0.25, 0.0, np.nan]))
    assert weight == pytest.approx([TWIN_WEIGHT, TWIN_WEIGHT, 0.8, 1.0, 1.0])
