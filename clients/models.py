"""Models of remaining life as clients see them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from batterytwin.life_models import ModelComparison, ModelDrift, ModelGate, ModelState


@dataclass(frozen=True, slots=True)
class LifeModel:
    """One model of remaining life.

    Attributes:
        version: its name.
        state: what it is used for; a bare number if the server is newer than this client.
        train_time: when it was trained, UTC; None = its card does not say.
        import_time: when it was registered, UTC.
        imported_by: who registered it.
        approved_by: who approved it; empty = nobody.
        approve_time: when, UTC; None = not approved.
        approve_note: what that person said.
        activate_time: when it last became active, UTC; None = never.
        activated_by: who made it so.
        sha256: of what is stored, hexadecimal.
        byte_count: size of what is stored.
        inputs_layout: layout of inputs that it was trained on.
        data_range: what it was trained on, for people.
        gates: conditions and how it met them.
        metrics: measured figures by name.
        card_json: everything that its training said of it, JSON; empty in lists.
        obstacles: why it cannot be activated, for people; empty = it can.
        comparison: against the active model; None = nothing can be compared.
        drift: how true its predictions were; None = nothing can be said yet.
    """

    version: str
    state: ModelState | int
    train_time: datetime | None
    import_time: datetime
    imported_by: str
    approved_by: str
    approve_time: datetime | None
    approve_note: str
    activate_time: datetime | None
    activated_by: str
    sha256: str
    byte_count: int
    inputs_layout: str
    data_range: str
    gates: tuple[ModelGate, ...]
    metrics: Mapping[str, float]
    card_json: str
    obstacles: tuple[str, ...]
    comparison: ModelComparison | None
    drift: ModelDrift | None


@dataclass(frozen=True, slots=True)
class ModelPage:
    """One page of models, newest first; `next_page_token` is empty on the last page."""

    models: tuple[LifeModel, ...]
    next_page_token: str

    def __iter__(self) -> Iterator[LifeModel]:
        return iter(self.models)

    def __len__(self) -> int:
        return len(self.models)
