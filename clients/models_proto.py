"""Models of remaining life to and from the messages of `ModelService`."""

import uuid

from batterytwin.life_models import ModelComparison, ModelDrift, ModelGate, ModelState
from batterytwin.v1 import model_pb2
from batterytwin.v1.model_service_pb2 import (
    ActivateModelRequest,
    ApproveModelRequest,
    ImportModelRequest,
    ListModelsResponse,
    ShadowModelRequest,
)
from clients.models import LifeModel, ModelPage
from clients.wire import enum_from_number, optional_time, time_from_proto


def model_from_proto(message: model_pb2.LifeModel) -> LifeModel:
    """Reads one model."""
    return LifeModel(
        version=message.version,
        state=enum_from_number(ModelState, message.state),
        train_time=optional_time(message, "train_time"),
        import_time=time_from_proto(message.import_time),
        imported_by=message.imported_by,
        approved_by=message.approved_by,
        approve_time=optional_time(message, "approve_time"),
        approve_note=message.approve_note,
        activate_time=optional_time(message, "activate_time"),
        activated_by=message.activated_by,
        sha256=message.sha256,
        byte_count=message.byte_count,
        inputs_layout=message.inputs_layout,
        data_range=message.data_range,
        gates=tuple(ModelGate(gate.name, gate.value, gate.limit, gate.passed) for gate in message.gates),
        metrics={metric.name: metric.value for metric in message.metrics},
        card_json=message.card_json,
        obstacles=tuple(message.obstacles),
        comparison=_comparison(message.comparison) if message.HasField("comparison") else None,
        drift=_drift(message.drift) if message.HasField("drift") else None,
    )


def page_from_proto(response: ListModelsResponse) -> ModelPage:
    """Reads one page of models."""
    return ModelPage(tuple(model_from_proto(model) for model in response.models), response.next_page_token)


def import_request(archive: bytes) -> ImportModelRequest:
    """Carries a model, under a name of its own."""
    return ImportModelRequest(archive=archive, request_id=str(uuid.uuid4()))


def approve_request(version: str, note: str) -> ApproveModelRequest:
    """Approves a model, under a name of its own."""
    return ApproveModelRequest(version=version, note=note, request_id=str(uuid.uuid4()))


def activate_request(version: str, note: str) -> ActivateModelRequest:
    """Activates a model, under a name of its own."""
    return ActivateModelRequest(version=version, note=note, request_id=str(uuid.uuid4()))


def shadow_request(version: str) -> ShadowModelRequest:
    """Shadows a model, under a name of its own."""
    return ShadowModelRequest(version=version, request_id=str(uuid.uuid4()))


def _comparison(message: model_pb2.ModelComparison) -> ModelComparison:
    return ModelComparison(
        active_version=message.active_version,
        pair_count=message.pair_count,
        median_log_ratio=message.median_log_ratio,
        median_difference=message.median_difference,
        differing_share=message.differing_share,
    )


def _drift(message: model_pb2.ModelDrift) -> ModelDrift:
    return ModelDrift(message.pair_count, message.error, message.bias, message.limit, message.realised_count)
