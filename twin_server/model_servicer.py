"""`ModelService`: registers, compares and switches models."""

from typing import Any, Final

from batterytwin.errors import InvalidArgumentError
from batterytwin.life_models import ModelState
from batterytwin.v1 import model_pb2, model_service_pb2, model_service_pb2_grpc
from storage.life_model_table import LifeModelRecord
from twin_server.audit import audit_entry
from twin_server.event_validation import checked_request_id
from twin_server.lives import Lives
from twin_server.model_messages import model_message
from twin_server.page_token import decode_page_token, encode_page_token, read_page_size
from twin_server.principal import current_principal

_MOST_NOTE_CHARS: Final = 1_000


class ModelServicer(model_service_pb2_grpc.ModelServiceServicer):
    """Looks after the models of remaining life.

    Args:
        lives: everything about lives.
    """

    def __init__(self, lives: Lives) -> None:
        self._lives = lives
        self._registry = lives.registry

    async def ListModels(
        self, request: model_service_pb2.ListModelsRequest, context: Any
    ) -> model_service_pb2.ListModelsResponse:
        """Lists all models, newest first."""
        page_size = read_page_size(request.page_size, default=50, largest=100)
        begin = decode_page_token(request) or 0
        models = await self._registry.models()
        page = models[begin : begin + page_size]
        end = begin + page_size
        return model_service_pb2.ListModelsResponse(
            models=[await self._message(model) for model in page],
            next_page_token=encode_page_token(request, end) if end < len(models) else "",
        )

    async def GetModel(
        self, request: model_service_pb2.GetModelRequest, context: Any
    ) -> model_service_pb2.GetModelResponse:
        """Gets one model with its card."""
        model = await self._registry.get(request.version)
        return model_service_pb2.GetModelResponse(model=await self._message(model, with_card=True))

    async def ImportModel(
        self, request: model_service_pb2.ImportModelRequest, context: Any
    ) -> model_service_pb2.ImportModelResponse:
        """Registers a model as a candidate."""
        checked_request_id(request.request_id)
        audit = audit_entry("model.import", f"{len(request.archive)} bytes")
        model, created = await self._registry.add(request.archive, current_principal().name, audit)
        return model_service_pb2.ImportModelResponse(model=await self._message(model), created=created)

    async def ApproveModel(
        self, request: model_service_pb2.ApproveModelRequest, context: Any
    ) -> model_service_pb2.ApproveModelResponse:
        """Notes that a person stands for a model."""
        checked_request_id(request.request_id)
        note = _checked_note(request.note)
        audit = audit_entry("model.approve", request.version, note)
        model = await self._registry.approve(request.version, current_principal().name, note, audit)
        return model_service_pb2.ApproveModelResponse(model=await self._message(model))

    async def ActivateModel(
        self, request: model_service_pb2.ActivateModelRequest, context: Any
    ) -> model_service_pb2.ActivateModelResponse:
        """Makes a model the told one, at once; the fleet is predicted anew beside."""
        request_id = checked_request_id(request.request_id)
        note = _checked_note(request.note)
        audit = audit_entry("model.activate", request.version, note)
        model, before = await self._registry.activate(
            request.version, current_principal().name, note, request_id, audit
        )
        self._lives.predictor.touch(self._lives.live.fleet_map.battery_keys.tolist())
        return model_service_pb2.ActivateModelResponse(model=await self._message(model), previous_version=before)

    async def ShadowModel(
        self, request: model_service_pb2.ShadowModelRequest, context: Any
    ) -> model_service_pb2.ShadowModelResponse:
        """Lets a model predict beside the told one."""
        request_id = checked_request_id(request.request_id)
        audit = audit_entry("model.shadow", request.version or "none")
        model = await self._registry.set_shadow(request.version, current_principal().name, request_id, audit)
        if model is None:
            return model_service_pb2.ShadowModelResponse()
        self._lives.predictor.touch(self._lives.live.fleet_map.battery_keys.tolist())
        return model_service_pb2.ShadowModelResponse(model=await self._message(model))

    async def _message(self, model: LifeModelRecord, *, with_card: bool = False) -> model_pb2.LifeModel:
        told = self._registry.told
        is_shadow = model.state == ModelState.SHADOW
        comparison = await self._lives.drift.compare(model, told) if is_shadow and told is not None else None
        drift = self._lives.drift.of_model.get(model.model_key)
        return model_message(model, comparison=comparison, drift=drift, with_card=with_card)


def _checked_note(note: str) -> str:
    if len(note) > _MOST_NOTE_CHARS:
        raise InvalidArgumentError(
            f"The note has {len(note)} characters; at most {_MOST_NOTE_CHARS} are kept.", field="note"
        )
    return note
