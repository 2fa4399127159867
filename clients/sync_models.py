"""Models of remaining life through the blocking client."""

from batterytwin.v1.model_service_pb2 import GetModelRequest, ListModelsRequest
from batterytwin.v1.model_service_pb2_grpc import ModelServiceStub
from clients import models_proto
from clients.models import LifeModel, ModelPage
from clients.sync_connection import SyncConnection


class SyncModels:
    """The part of `TwinClient` that looks after models of remaining life."""

    _token: str | None
    _connection: SyncConnection
    _models: ModelServiceStub

    def list_models(
        self, *, page_size: int = 50, page_token: str = "", token: str | None = None, deadline_s: float | None = None
    ) -> ModelPage:
        """Lists models, newest first, one page at a time."""
        request = ListModelsRequest(page_size=page_size, page_token=page_token)
        own = (self._token if token is None else token) or ""
        return models_proto.page_from_proto(self._connection.call(self._models.ListModels, request, own, deadline_s))

    def get_model(self, version: str, *, token: str | None = None, deadline_s: float | None = None) -> LifeModel:
        """Gets one model with its card.

        Raises:
            NotFoundError: no such model.
        """
        request = GetModelRequest(version=version)
        own = (self._token if token is None else token) or ""
        response = self._connection.call(self._models.GetModel, request, own, deadline_s)
        return models_proto.model_from_proto(response.model)

    def import_model(self, archive: bytes, *, token: str | None = None, deadline_s: float | None = None) -> LifeModel:
        """Registers a model as a candidate; the same files again change nothing.

        Args:
            archive: its folder as a tar archive, compressed with xz; `batterytwin models import FOLDER` packs one.
            token: access token of this call.
            deadline_s: time this call may take, s.

        Raises:
            InvalidArgumentError: the archive holds no model that this server can read.
            ConflictError: another model has its version.
        """
        request = models_proto.import_request(archive)
        own = (self._token if token is None else token) or ""
        response = self._connection.call(self._models.ImportModel, request, own, deadline_s)
        return models_proto.model_from_proto(response.model)

    def approve_model(
        self, version: str, note: str = "", *, token: str | None = None, deadline_s: float | None = None
    ) -> LifeModel:
        """Notes that the caller stands for a model (note up to 1,000 characters). Repeating it changes nothing.

        Raises:
            NotFoundError: no such model.
            ConflictError: it fails a gate.
        """
        request = models_proto.approve_request(version, note)
        own = (self._token if token is None else token) or ""
        response = self._connection.call(self._models.ApproveModel, request, own, deadline_s)
        return models_proto.model_from_proto(response.model)

    def activate_model(
        self, version: str, note: str = "", *, token: str | None = None, deadline_s: float | None = None
    ) -> LifeModel:
        """Makes an approved model the one that is told, at once and without a restart; also the way back.

        Raises:
            NotFoundError: no such model.
            ConflictError: it is not approved, fails a gate, or needs other inputs.
        """
        request = models_proto.activate_request(version, note)
        own = (self._token if token is None else token) or ""
        response = self._connection.call(self._models.ActivateModel, request, own, deadline_s)
        return models_proto.model_from_proto(response.model)

    def shadow_model(
        self, version: str, *, token: str | None = None, deadline_s: float | None = None
    ) -> LifeModel | None:
        """Lets a model predict beside the active one, its predictions stored apart; "" = no model any more.

        Raises:
            NotFoundError: no such model.
            ConflictError: it is the active one, or needs other inputs.
        """
        request = models_proto.shadow_request(version)
        own = (self._token if token is None else token) or ""
        response = self._connection.call(self._models.ShadowModel, request, own, deadline_s)
        return models_proto.model_from_proto(response.model) if response.HasField("model") else None
