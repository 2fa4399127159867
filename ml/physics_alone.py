"""Remaining life by the twin's physics alone: what is told while there is no model, without loading one."""

import numpy as np
from numpy.typing import NDArray

from actors.remaining_life import PhysicsLife, physics_life
from batterytwin.life import CASES_TOLD, LifeScores


class PhysicsScorer:
    """Answers like `ml.scorer.Scorer` without a model."""

    def score(self, inputs: NDArray[np.float64], *, warmer_k: float = 0.0) -> LifeScores:
        """Remaining life; see `Scorer.score`."""
        return physics_scores(physics_life(np.ascontiguousarray(inputs, np.float64), warmer_k=warmer_k))


def physics_scores(physics: PhysicsLife) -> LifeScores:
    """An answer that rests on physics alone."""
    n = len(physics.quantile_days)
    unknown = np.full(n, np.nan)
    return LifeScores(
        model_version="",
        quantile_days=physics.quantile_days,
        twin_quantile_days=physics.quantile_days,
        model_days=unknown,
        twin_weight=np.ones(n),
        confidence=unknown,
        effects=physics.effects,
        case_index=np.full((n, CASES_TOLD), -1, np.int64),
        case_distance=np.full((n, CASES_TOLD), np.nan),
        upper_known=np.zeros(n, np.bool_),
    )
