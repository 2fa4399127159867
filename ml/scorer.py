"""Remaining life of batteries from what their twins know: physics and model as one answer, with reasons."""

import numpy as np
from catboost import CatBoostRegressor
from numpy.typing import NDArray

from actors.life_inputs import N_LIFE_INPUTS
from actors.remaining_life import DATASHEET_POPULATION, physics_life
from batterytwin.errors import InvalidArgumentError
from batterytwin.life import FACTORS, MEDIAN, Floats, LifeFactor, LifeScores
from ml.artefact import LifeModel
from ml.calibration import twin_spread
from ml.case_library import told_cases
from ml.explanation import Explanation
from ml.features import FEATURES, model_features
from ml.fusion import twin_weight
from ml.median_model import predict_ln_ratio
from ml.physics_alone import physics_scores

_OTHER = FACTORS.index(LifeFactor.OTHER)
_COLUMN_OF_FEATURE = np.array([FACTORS.index(feature.factor) for feature in FEATURES])


class Scorer:
    """Answers for many batteries at once; each answer depends on its own row alone.

    Args:
        model: that is asked beside the twin; None = physics alone.
    """

    def __init__(self, model: LifeModel | None = None) -> None:
        self._model = model
        self._population = model.card.population if model is not None else DATASHEET_POPULATION
        self._calibration = model.calibration if model is not None else None
        self._explanation = Explanation.of(model.trees) if model is not None else None

    @property
    def model_version(self) -> str:
        """Of the model that is asked; "" = physics alone."""
        return self._model.card.version if self._model is not None else ""

    def score(self, inputs: NDArray[np.float64], *, warmer_k: float = 0.0) -> LifeScores:
        """Remaining life.

        Args:
            inputs: rows of `LifeInputs`, `(n_batteries, N_LIFE_INPUTS)`. A battery without any reading gets NaN.
            warmer_k: by how much the future is to be warmer than the climate of the site, K; < 0 = cooler.

        Raises:
            InvalidArgumentError: the inputs have other columns.
        """
        if inputs.ndim != 2 or inputs.shape[1] != N_LIFE_INPUTS:
            raise InvalidArgumentError(
                f"Inputs of remaining life have {N_LIFE_INPUTS} columns, not the shape {inputs.shape}.",
                field="inputs",
                value=str(inputs.shape),
            )
        rows = np.ascontiguousarray(inputs, np.float64)
        physics = physics_life(rows, self._population, warmer_k=warmer_k)
        if self._model is None or self._calibration is None or self._explanation is None:
            return physics_scores(physics)
        features = model_features(rows, physics.rates, self._population)
        index, distance = self._model.cases.nearest(features)
        confidence = self._model.cases.confidence(features)
        weight = twin_weight(confidence)
        twin_days = physics.quantile_days[:, MEDIAN]
        known = np.isfinite(twin_days)
        ratio = np.where(known, predict_ln_ratio(self._model.trees, features), np.nan)
        median_days = twin_days * np.exp((1.0 - weight) * ratio)
        quantile_days, upper_known = self._calibration.quantile_days(median_days, twin_spread(physics.quantile_days))
        case_index, case_distance = told_cases(index, distance)
        return LifeScores(
            model_version=self.model_version,
            quantile_days=quantile_days,
            twin_quantile_days=physics.quantile_days,
            model_days=twin_days * np.exp(ratio),
            twin_weight=weight,
            confidence=np.where(known, confidence, np.nan),
            effects=physics.effects
            + (1.0 - weight)[:, np.newaxis] * _by_factor(self._explanation, self._model.trees, features),
            case_index=np.where(known[:, np.newaxis], case_index, -1),
            case_distance=case_distance,
            upper_known=upper_known & known,
        )


def _by_factor(explanation: Explanation, trees: CatBoostRegressor, features: NDArray[np.float32]) -> Floats:
    """What the model adds, by factor, `(n_batteries, 8)`."""
    shares = explanation.shares(trees, features)
    effects = np.zeros((len(features), len(FACTORS)))
    for place, column in enumerate(_COLUMN_OF_FEATURE):
        effects[:, column] += shares[:, place]
    effects[:, _OTHER] += explanation.base
    return effects
