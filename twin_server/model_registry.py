"""The registry of models: what may be approved, told, shadowed, and what is."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

import structlog

from actors.life_inputs import LIFE_INPUTS_LAYOUT
from batterytwin import __version__
from batterytwin.errors import ConflictError, InvalidArgumentError, ModelRefusedError, Reason, TwinError
from batterytwin.life_models import ModelState
from ml.model_archive import CardFacts, open_model, pack_model, read_card
from ml.scoring import ModelPair
from storage.access_records import AuditEntry
from storage.life_model_table import LifeModelRecord, NewLifeModel
from storage.prediction_rows import NO_MODEL, SHADOW, TOLD
from twin_server.life_scoring import LifeScoring
from twin_server.model_files import ModelFiles, unknown_model

REQUIRED_GATES: Final = ("accuracy", "coverage", "arrhenius", "monotone_health", "leakage")
"""Conditions that every model must have met before it is told."""

_DEFAULT_BY: Final = f"batterytwin {__version__}"
_FIRST_REQUEST: Final = "00000000-0000-0000-0000-000000000001"

_log = structlog.get_logger(__name__)


class ModelStore(Protocol):
    """What the registry needs of the store; see `storage.life_model_table`."""

    async def add_life_model(self, model: NewLifeModel, by: str, now_us: int, audit: AuditEntry | None = None) -> bool:
        """Registers a model."""

    async def life_models(self) -> list[LifeModelRecord]:
        """All models, newest first."""

    async def life_model(self, version: str) -> LifeModelRecord | None:
        """One model."""

    async def approve_life_model(
        self, model_key: int, by: str, note: str, now_us: int, audit: AuditEntry | None = None
    ) -> bool:
        """Notes who stands for a model."""

    async def switch_life_model(  # noqa: PLR0917 # what the log says of a switch
        self,
        role: int,
        model_key: int | None,
        by: str,
        note: str,
        now_us: int,
        request_id: str,
        audit: AuditEntry | None = None,
    ) -> bool:
        """Gives a model a role."""


class ModelRegistry:
    """Keeps models and says which are asked.

    Args:
        store: where they are kept.
        files: their folders.
        scoring: where they are asked.
        default_folder: the model that comes with the product; None or missing = none does.

    Attributes:
        told: the active model; None = physics alone.
        shadow: the one beside it; None = none.
        versions: version of every model by its database key.
    """

    def __init__(self, store: ModelStore, files: ModelFiles, scoring: LifeScoring, default_folder: Path | None) -> None:
        self._store = store
        self._files = files
        self._scoring = scoring
        self._default_folder = default_folder
        self.told: LifeModelRecord | None = None
        self.shadow: LifeModelRecord | None = None
        self.versions: dict[int, str] = {NO_MODEL: ""}
        self._turn = asyncio.Lock()  # one switch after the other

    def key_of(self, version: str) -> int:
        """Database key of a model that has answered; 0 = it is none of the registry's, or physics alone."""
        return next((key for key, known in self.versions.items() if known == version), NO_MODEL)

    def model_keys(self) -> tuple[int, int]:
        """Database keys of the told model and of the shadow; 0 = none."""
        return _key(self.told), _key(self.shadow)

    async def load(self) -> None:
        """Takes up what is active, registers the model of the product, and tells the scorer.

        Raises:
            StoreUnavailableError: the database is away.
        """
        await self._register_default()
        await self._take_up()
        self._scoring.want(await self._pair(self.told, self.shadow))

    async def models(self) -> list[LifeModelRecord]:
        """All models, newest first."""
        return await self._store.life_models()

    async def get(self, version: str) -> LifeModelRecord:
        """One model.

        Raises:
            UnknownModelError: there is no such model.
        """
        found = await self._store.life_model(version)
        if found is None:
            raise unknown_model(version)
        return found

    async def add(self, archive: bytes, by: str, audit: AuditEntry | None) -> tuple[LifeModelRecord, bool]:
        """Registers a model as a candidate; returns it, and whether it is new.

        Raises:
            InvalidArgumentError: the archive holds no model that can be used here.
            ConflictError: another model has its version.
        """
        card = open_model(archive)["card.json"]
        facts = read_card(card)
        await self._files.check(archive)
        model = NewLifeModel(facts.version, facts.layout, facts.trained_us, card.decode(), archive)
        created = await self._store.add_life_model(model, by, _now_us(), audit)
        found = await self.get(facts.version)
        if not created and found.card != model.card:
            raise ConflictError(
                f"Another model is registered as {facts.version}; give this one another version.",
                field="version",
                value=facts.version,
            )
        self.versions[found.model_key] = found.version
        return found, created

    async def approve(self, version: str, by: str, note: str, audit: AuditEntry | None) -> LifeModelRecord:
        """Notes that a person stands for a model.

        Raises:
            ModelRefusedError: it fails a gate, or needs other inputs.
        """
        model = await self.get(version)
        _refuse_unfit(model)
        await self._store.approve_life_model(model.model_key, by, note, _now_us(), audit)
        return await self.get(version)

    async def activate(
        self, version: str, by: str, note: str, request_id: str, audit: AuditEntry | None
    ) -> tuple[LifeModelRecord, str]:
        """Makes a model the told one, at once; returns it and the version of the one before ("" = none, or the same).

        Raises:
            ModelRefusedError: it fails a gate, needs other inputs or is not approved.
            ScorerUnavailableError: the scorer is away and cannot try it; nothing has changed.
        """
        model = await self.get(version)
        _refuse_unfit(model)
        if model.approved_us is None:
            raise ModelRefusedError(
                f"Nobody has approved model {version}; do so first with `batterytwin models approve {version}`.",
                reason=Reason.MODEL_NOT_APPROVED,
                field="version",
                value=version,
            )
        async with self._turn:
            before = self.told.version if self.told is not None else ""
            shadow = self.shadow if self.shadow is not None and self.shadow.version != version else None
            async with self._switched(model, shadow):
                await self._store.switch_life_model(TOLD, model.model_key, by, note, _now_us(), request_id, audit)
                if shadow is not self.shadow:
                    ended = str(uuid.uuid5(uuid.UUID(request_id), "shadow"))
                    await self._store.switch_life_model(SHADOW, None, by, "it is told now", _now_us(), ended)
        return await self.get(version), "" if before == version else before

    async def set_shadow(
        self, version: str, by: str, request_id: str, audit: AuditEntry | None
    ) -> LifeModelRecord | None:
        """Lets a model predict beside the told one; "" = none any more.

        Raises:
            ModelRefusedError: it is the told one, or needs other inputs.
            ScorerUnavailableError: the scorer is away and cannot try it; nothing has changed.
        """
        model = await self.get(version) if version else None
        if model is not None:
            _refuse_layout(model)
        async with self._turn:
            if model is not None and self.told is not None and model.model_key == self.told.model_key:
                raise ModelRefusedError(
                    f"Model {version} is the one that is told; shadow another one.",
                    reason=Reason.MODEL_STATE_FORBIDS,
                    field="version",
                    value=version,
                )
            key = None if model is None else model.model_key
            async with self._switched(self.told, model):
                await self._store.switch_life_model(SHADOW, key, by, "", _now_us(), request_id, audit)
        return None if model is None else await self.get(version)

    @asynccontextmanager
    async def _switched(self, told: LifeModelRecord | None, shadow: LifeModelRecord | None) -> AsyncIterator[None]:
        """Lets the scorer use models while they are written down, and in the end those that are written down.

        These are others where that fails, or where a request is repeated after a later switch.
        """
        self.versions.update({model.model_key: model.version for model in (told, shadow) if model is not None})
        before = self._scoring.pair
        await self._scoring.use(await self._pair(told, shadow))
        try:
            yield
            await self._take_up()
        except BaseException:
            self._scoring.want(before)
            raise
        if self.model_keys() != (_key(told), _key(shadow)):
            self._scoring.want(await self._pair(self.told, self.shadow))

    async def _take_up(self) -> None:
        models = await self._store.life_models()
        self.versions = {NO_MODEL: ""} | {model.model_key: model.version for model in models}
        usable = [model for model in models if model.inputs_layout == LIFE_INPUTS_LAYOUT]
        self.told = next((model for model in usable if model.state == ModelState.ACTIVE), None)
        self.shadow = next((model for model in usable if model.state == ModelState.SHADOW), None)

    async def _pair(self, told: LifeModelRecord | None, shadow: LifeModelRecord | None) -> ModelPair:
        return ModelPair(await self._folder(told), await self._folder(shadow))

    async def _folder(self, model: LifeModelRecord | None) -> str:
        return "" if model is None else str(await self._files.folder_of(model.version))

    async def _register_default(self) -> None:
        folder = self._default_folder
        if folder is None or not folder.is_dir():
            return
        try:
            archive = pack_model(folder)
            card = open_model(archive)["card.json"]
            facts = read_card(card)
            model = NewLifeModel(facts.version, facts.layout, facts.trained_us, card.decode(), archive)
            never_told = all(known.activated_us is None for known in await self._store.life_models())
            await self._store.add_life_model(model, _DEFAULT_BY, _now_us())
            found = await self.get(facts.version)
            if never_told and not obstacles(found, facts, approved=True):
                await self._store.approve_life_model(found.model_key, _DEFAULT_BY, "comes with it", _now_us())
                await self._store.switch_life_model(
                    TOLD, found.model_key, _DEFAULT_BY, "comes with it", _now_us(), _FIRST_REQUEST
                )
        except InvalidArgumentError as error:
            _log.warning("the model of the product cannot be registered", reason=error.message)


def obstacles(model: LifeModelRecord, facts: CardFacts, *, approved: bool | None = None) -> list[TwinError]:
    """Why a model cannot be activated; empty = it can.

    Args:
        model: the model.
        facts: what its card says.
        approved: whether somebody stands for it; None = as the record says.
    """
    found: list[TwinError] = []
    if model.inputs_layout != LIFE_INPUTS_LAYOUT:
        found.append(_wrong_layout(model))
    missing = [name for name in REQUIRED_GATES if name not in {gate.name for gate in facts.gates}]
    if missing:
        found.append(_refused(model, f"nobody has measured gate {', '.join(missing)}"))
    found += [
        _refused(model, f"gate {gate.name}: {gate.value:.4g}, limit {gate.limit}")
        for gate in facts.gates
        if not gate.passed
    ]
    if not (model.approved_us is not None if approved is None else approved):
        found.append(
            ModelRefusedError("Nobody has approved it.", reason=Reason.MODEL_NOT_APPROVED, value=model.version)
        )
    return found


def _key(model: LifeModelRecord | None) -> int:
    return NO_MODEL if model is None else model.model_key


def _refuse_unfit(model: LifeModelRecord) -> None:
    for error in obstacles(model, read_card(model.card), approved=True):
        raise error


def _refuse_layout(model: LifeModelRecord) -> None:
    if model.inputs_layout != LIFE_INPUTS_LAYOUT:
        raise _wrong_layout(model)


def _wrong_layout(model: LifeModelRecord) -> ModelRefusedError:
    return ModelRefusedError(
        f"Model {model.version} was trained on {model.inputs_layout}, this version has {LIFE_INPUTS_LAYOUT}; "
        "train it again with `batterytwin train`.",
        reason=Reason.MODEL_LAYOUT_MISMATCH,
        field="version",
        value=model.version,
    )


def _refused(model: LifeModelRecord, why: str) -> ModelRefusedError:
    return ModelRefusedError(
        f"Model {model.version} may not be used: {why}.",
        reason=Reason.MODEL_GATE_FAILED,
        field="version",
        value=model.version,
    )


def _now_us() -> int:
    return time.time_ns() // 1_000
