"""Predictions as messages of `PredictionService`."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from batterytwin.life import DISAGREEMENT_LIMIT, FACTORS, QUANTILES, Confidence, LifeCase, LifeFactor, LifeSource
from batterytwin.life_plan import ReplacementAdvice
from batterytwin.telemetry import Rows
from batterytwin.v1 import life_pb2, prediction_service_pb2
from storage.prediction_rows import CASE_DISTANCES, CASES, DAYS, EFFECTS, TWIN_DAYS
from twin_server.life_table import LifeView
from twin_server.routing import FleetMap, TwinIdentity
from twin_server.time_proto import optional_timestamp, us_to_timestamp

_TOLD_FACTORS: Final = 3
_MEDIAN: Final = DAYS[QUANTILES.index(0.50)]
_TWIN_MEDIAN: Final = TWIN_DAYS[QUANTILES.index(0.50)]


def life_message(
    row: np.void,
    identity: TwinIdentity,
    advice: ReplacementAdvice,
    *,
    scorer_up: bool,
    model_version: str,
    cases: Sequence[tuple[LifeCase, float]] = (),
    warmer_k: float = 0.0,
) -> life_pb2.RemainingLife:
    """Message of one prediction.

    Args:
        row: a row of `PREDICTION_DTYPE`.
        identity: the battery.
        advice: when to replace it.
        scorer_up: whether the scorer answers now; what it said before is marked as cached otherwise.
        model_version: of the model that spoke.
        cases: similar cases with their distances.
        warmer_k: assumed change of the climate, K.
    """
    source = source_of(row, scorer_up=scorer_up)
    by_model = source is not LifeSource.TWIN_ONLY
    twin_days, model_days, share = (float(row[name]) for name in (_TWIN_MEDIAN, "model_days", "confidence"))
    disagreement = abs(twin_days - model_days) / (0.5 * (twin_days + model_days)) if by_model else math.nan
    soh = float(row["soh_capacity"])
    return life_pb2.RemainingLife(
        battery_id=identity.battery.battery_id,
        string_id=identity.string.string_id,
        location_id=identity.location.location_id,
        unit_seq=int(row["unit_seq"]),
        as_of=optional_timestamp(int(row["as_of"])),
        predict_time=us_to_timestamp(int(row["predicted_at"])),
        fused=_quantiles(row, DAYS),
        upper_known=bool(row["upper_known"]),
        twin=_quantiles(row, TWIN_DAYS),
        model_days=model_days if by_model else None,
        twin_weight=float(row["twin_weight"]),
        disagreement=disagreement if by_model else None,
        disagrees=bool(by_model and disagreement > DISAGREEMENT_LIMIT),
        confidence=_confidence(share) if by_model else life_pb2.LIFE_CONFIDENCE_UNSPECIFIED,
        confidence_share=share if by_model else None,
        source=life_pb2.LifeSource.ValueType(source),
        degraded=source is not LifeSource.TWIN_AND_MODEL,
        factors=_factors(row),
        cases=[
            life_pb2.SimilarCase(
                case_id=case.case_id,
                age_days=case.age_days,
                remaining_days=case.remaining_days,
                predicted_days=case.predicted_days,
                ended=case.ended,
                story=case.story,
                distance=distance,
            )
            for case, distance in cases
        ],
        model_version=model_version,
        inputs_hash=bytes(row["inputs_hash"]).hex(),
        advice=life_pb2.ReplacementAdvice(
            year=advice.quarter.year,
            quarter=advice.quarter.number,
            urgency=life_pb2.ReplacementUrgency.ValueType(advice.urgency),
            moved_by_season=advice.moved_by_season,
            reason=advice.reason,
        ),
        soh_capacity=None if math.isnan(soh) else soh,
        warmer_k=warmer_k,
    )


def source_of(row: np.void, *, scorer_up: bool) -> LifeSource:
    """What a prediction rests on, as it is told now."""
    if row["source"] == LifeSource.TWIN_ONLY:
        return LifeSource.TWIN_ONLY
    return LifeSource.TWIN_AND_MODEL if scorer_up else LifeSource.CACHED


def case_places(row: np.void) -> list[tuple[int, float]]:
    """Similar cases of a prediction: places in the library of its model, and distances."""
    pairs = [(int(row[case]), float(row[away])) for case, away in zip(CASES, CASE_DISTANCES, strict=True)]
    return [pair for pair in pairs if pair[0] >= 0]


def columns_message(view: LifeView, fleet_map: FleetMap, *, scorer_up: bool) -> life_pb2.LifeColumns:
    """Message of many predictions."""
    rows = view.rows
    effects = np.abs(np.stack([rows[name] for name in EFFECTS], axis=1))
    total = effects.sum(axis=1)
    top = effects.argmax(axis=1)
    top_share = effects.max(axis=1) / np.where(total > 0.0, total, 1.0)
    by_model = rows["source"] == LifeSource.TWIN_AND_MODEL
    sources = np.where(by_model, LifeSource.TWIN_AND_MODEL if scorer_up else LifeSource.CACHED, LifeSource.TWIN_ONLY)
    return life_pb2.LifeColumns(
        battery_ids=[fleet_map.battery_ids[ordinal] for ordinal in view.ordinals.tolist()],
        as_of_unix_ns=(rows["as_of"] * 1_000).tolist(),
        predict_time_unix_ns=(rows["predicted_at"] * 1_000).tolist(),
        days_05=rows["days_05"].tolist(),
        days_25=rows["days_25"].tolist(),
        days_50=rows["days_50"].tolist(),
        days_75=rows["days_75"].tolist(),
        days_95=rows["days_95"].tolist(),
        twin_days=rows[_TWIN_MEDIAN].tolist(),
        model_days=rows["model_days"].tolist(),
        confidence_shares=rows["confidence"].tolist(),
        sources=sources.tolist(),
        top_factors=[int(FACTORS[place]) for place in top.tolist()],  # type: ignore[misc] # numbers are the enum's
        top_shares=top_share.tolist(),
        quarters=view.quarters().tolist(),
        urgencies=view.urgencies().tolist(),
        soh_capacity=rows["soh_capacity"].tolist(),
        upper_known=rows["upper_known"].tolist(),
    )


def past_message(row: np.void, model_version: str) -> prediction_service_pb2.PastPrediction:
    """Message of what was predicted once."""
    model_days = float(row["model_days"])
    return prediction_service_pb2.PastPrediction(
        predict_time=us_to_timestamp(int(row["predicted_at"])),
        as_of=optional_timestamp(int(row["as_of"])),
        unit_seq=int(row["unit_seq"]),
        fused=_quantiles(row, DAYS),
        twin_days=float(row[_TWIN_MEDIAN]),
        model_days=None if math.isnan(model_days) else model_days,
        model_version=model_version,
        source=life_pb2.LifeSource.ValueType(int(row["source"])),
    )


def versions_of(rows: Rows, versions: Mapping[int, str]) -> list[str]:
    """Version of the model that spoke in each row; empty = none."""
    return [versions.get(key, "") for key in rows["model_key"].tolist()]


def _quantiles(row: np.void, names: tuple[str, ...]) -> life_pb2.LifeQuantiles:
    return life_pb2.LifeQuantiles(**{day: float(row[name]) for day, name in zip(DAYS, names, strict=True)})


def _confidence(share: float) -> "life_pb2.LifeConfidence.ValueType":
    return life_pb2.LifeConfidence.ValueType(Confidence.of_share(share))


def _factors(row: np.void) -> list[life_pb2.LifeFactorShare]:
    """The three largest causes, then all the rest as "other"; shares sum to 1."""
    effects = {factor: float(row[name]) for factor, name in zip(FACTORS, EFFECTS, strict=True)}
    total = sum(abs(effect) for effect in effects.values())
    named = [factor for factor in FACTORS if factor is not LifeFactor.OTHER]
    top = sorted(named, key=lambda factor: -abs(effects[factor]))[:_TOLD_FACTORS]
    rest = [effect for factor, effect in effects.items() if factor not in top]

    def share(size: float) -> float:
        return size / total if total > 0.0 else 1.0 / (_TOLD_FACTORS + 1)

    told: list[tuple[LifeFactor, float, float]] = [(one, abs(effects[one]), effects[one]) for one in top]
    told.append((LifeFactor.OTHER, sum(map(abs, rest)), sum(rest)))
    return [
        life_pb2.LifeFactorShare(
            factor=life_pb2.LifeFactor.ValueType(factor), share=share(size), multiplier=math.exp(effect)
        )
        for factor, size, effect in told
    ]
