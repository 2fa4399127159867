"""Remaining life from the messages of `PredictionService`."""

from collections.abc import Iterable
from datetime import datetime
from typing import cast

import numpy as np

from batterytwin.life import Confidence, LifeCase, LifeFactor, LifeSource
from batterytwin.life_plan import ReplacementAdvice, ReplacementUrgency
from batterytwin.quarters import Quarter
from batterytwin.v1 import life_pb2, prediction_service_pb2
from batterytwin.v1.prediction_service_pb2 import GetLifeHistoryRequest, ListRemainingLifeRequest
from clients.life import (
    FleetLife,
    LifeColumns,
    LifeFactorShare,
    LifeOrder,
    LifePage,
    LifeQuantiles,
    PastPrediction,
    RemainingLife,
    SimilarCase,
)
from clients.wire import (
    enum_from_number,
    float_column,
    int_column,
    optional_time,
    time_column,
    time_from_proto,
    time_to_proto,
)


def life_from_proto(message: life_pb2.RemainingLife) -> RemainingLife:
    """Reads one remaining life."""
    return RemainingLife(
        battery_id=message.battery_id,
        string_id=message.string_id,
        location_id=message.location_id,
        unit_seq=message.unit_seq,
        as_of=optional_time(message, "as_of"),
        predict_time=time_from_proto(message.predict_time),
        fused=_quantiles(message.fused),
        upper_known=message.upper_known,
        twin=_quantiles(message.twin),
        model_days=message.model_days if message.HasField("model_days") else None,
        twin_weight=message.twin_weight,
        disagreement=message.disagreement if message.HasField("disagreement") else None,
        disagrees=message.disagrees,
        confidence=enum_from_number(Confidence, message.confidence) if message.confidence else None,
        confidence_share=message.confidence_share if message.HasField("confidence_share") else None,
        source=enum_from_number(LifeSource, message.source),
        degraded=message.degraded,
        factors=tuple(
            LifeFactorShare(enum_from_number(LifeFactor, factor.factor), factor.share, factor.multiplier)
            for factor in message.factors
        ),
        cases=tuple(_case(case) for case in message.cases),
        model_version=message.model_version,
        inputs_hash=message.inputs_hash,
        advice=ReplacementAdvice(
            Quarter(message.advice.year, message.advice.quarter),
            enum_from_number(ReplacementUrgency, message.advice.urgency),
            message.advice.moved_by_season,
            message.advice.reason,
        ),
        soh_capacity=message.soh_capacity if message.HasField("soh_capacity") else None,
        warmer_k=message.warmer_k,
    )


def page_from_proto(response: prediction_service_pb2.ListRemainingLifeResponse) -> LifePage:
    """Reads one page of lives."""
    lives = tuple(life_from_proto(life) for life in response.lives)
    return LifePage(lives, response.next_page_token, response.total_count)


def fleet_life_from_proto(response: prediction_service_pb2.GetFleetLifeResponse) -> FleetLife:
    """Reads the lives of all batteries."""
    lives = response.lives
    columns = LifeColumns(
        battery_ids=tuple(lives.battery_ids),
        as_of_unix_ns=time_column(lives.as_of_unix_ns),
        predict_time_unix_ns=time_column(lives.predict_time_unix_ns),
        days_05=float_column(lives.days_05),
        days_25=float_column(lives.days_25),
        days_50=float_column(lives.days_50),
        days_75=float_column(lives.days_75),
        days_95=float_column(lives.days_95),
        twin_days=float_column(lives.twin_days),
        model_days=float_column(lives.model_days),
        confidence_shares=float_column(lives.confidence_shares),
        sources=int_column(lives.sources),
        top_factors=int_column(lives.top_factors),
        top_shares=float_column(lives.top_shares),
        quarters=int_column(lives.quarters),
        urgencies=int_column(lives.urgencies),
        soh_capacity=float_column(lives.soh_capacity),
        # a server that does not tell yet: nothing is known to hold
        upper_known=np.array(lives.upper_known or [False] * len(lives.battery_ids), np.bool_),
    )
    return FleetLife(
        columns,
        time_from_proto(response.server_time),
        response.model_version,
        response.degraded_reason,
    )


def history_from_proto(response: prediction_service_pb2.GetLifeHistoryResponse) -> tuple[PastPrediction, ...]:
    """Reads past predictions."""
    return tuple(
        PastPrediction(
            predict_time=time_from_proto(past.predict_time),
            as_of=optional_time(past, "as_of"),
            unit_seq=past.unit_seq,
            fused=_quantiles(past.fused),
            twin_days=past.twin_days,
            model_days=past.model_days if past.HasField("model_days") else None,
            model_version=past.model_version,
            source=enum_from_number(LifeSource, past.source),
        )
        for past in response.predictions
    )


def list_request(  # what can be selected
    *,
    location_id: str,
    string_id: str,
    max_days: float | None,
    urgencies: Iterable[ReplacementUrgency],
    order: LifeOrder,
    page_size: int,
    page_token: str,
) -> ListRemainingLifeRequest:
    """Selects and orders lives."""
    return ListRemainingLifeRequest(
        location_id=location_id,
        string_id=string_id,
        max_days=max_days or 0.0,
        urgencies=[cast("life_pb2.ReplacementUrgency.ValueType", int(urgency)) for urgency in urgencies],
        order=cast("prediction_service_pb2.LifeOrder.ValueType", int(order)),
        page_size=page_size,
        page_token=page_token,
    )


def history_request(
    battery_id: str, start_time: datetime | None, end_time: datetime | None, max_points: int
) -> GetLifeHistoryRequest:
    """Selects past predictions."""
    return GetLifeHistoryRequest(
        battery_id=battery_id,
        start_time=time_to_proto(start_time, "start_time"),
        end_time=time_to_proto(end_time, "end_time"),
        max_points=max_points,
    )


def _quantiles(message: life_pb2.LifeQuantiles) -> LifeQuantiles:
    return LifeQuantiles(message.days_05, message.days_25, message.days_50, message.days_75, message.days_95)


def _case(message: life_pb2.SimilarCase) -> SimilarCase:
    case = LifeCase(
        message.case_id,
        message.age_days,
        message.remaining_days,
        message.predicted_days,
        message.ended,
        message.story,
    )
    return SimilarCase(case, message.distance)
