"""Answers of scorers as rows that are stored and told."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from actors.life_inputs import life_records
from batterytwin.life import LifeScores, LifeSource
from batterytwin.telemetry import Rows
from storage.prediction_rows import CASE_DISTANCES, CASES, DAYS, EFFECTS, PREDICTION_DTYPE, TWIN_DAYS


def rows_of_scores(
    scores: LifeScores,
    inputs: NDArray[np.float64],
    *,
    battery_keys: NDArray[np.int32],
    unit_seqs: NDArray[np.int16],
    predicted_us: int,
    role: int,
    model_key: int,
) -> Rows:
    """One row a battery; batteries that have never been read have `as_of` 0 and no days.

    Args:
        scores: answers.
        inputs: what they rest on, shape `(n, N_LIFE_INPUTS)`.
        battery_keys: shape `(n,)`.
        unit_seqs: blocks in the slots, shape `(n,)`.
        predicted_us: now, microseconds since 1970 UTC.
        role: `TOLD` or `SHADOW`.
        model_key: of the model that spoke.
    """
    known = life_records(inputs)
    rows = np.zeros(len(inputs), PREDICTION_DTYPE)
    rows["battery_key"], rows["role"], rows["predicted_at"] = battery_keys, role, predicted_us
    rows["unit_seq"], rows["as_of"] = unit_seqs, np.nan_to_num(known["as_of_us"])
    rows["model_key"] = model_key
    rows["source"] = np.where(np.isnan(scores.model_days), LifeSource.TWIN_ONLY, LifeSource.TWIN_AND_MODEL)
    _put(rows, DAYS, scores.quantile_days)
    _put(rows, TWIN_DAYS, scores.twin_quantile_days)
    _put(rows, EFFECTS, scores.effects)
    _put(rows, CASES, scores.case_index)
    _put(rows, CASE_DISTANCES, scores.case_distance)
    rows["model_days"], rows["twin_weight"] = scores.model_days, scores.twin_weight
    rows["confidence"], rows["upper_known"] = scores.confidence, scores.upper_known
    rows["soh_capacity"] = known["told_soh_capacity"]
    hashes = [hashlib.sha256(row.tobytes()).digest() for row in np.ascontiguousarray(inputs, "<f8")]
    rows["inputs_hash"] = np.array(hashes, "V32")
    rows["as_of"][~np.isfinite(rows["days_50"])] = 0
    return rows


def _put(rows: Rows, names: tuple[str, ...], columns: NDArray[np.float64] | NDArray[np.int64]) -> None:
    for place, name in enumerate(names):
        rows[name] = columns[:, place]


def days_of(rows: Rows, names: tuple[str, ...] = DAYS) -> NDArray[np.float64]:
    """Columns of rows side by side, float64, shape `(n_rows, n_names)`."""
    return np.stack([rows[name].astype(np.float64) for name in names], axis=1)
