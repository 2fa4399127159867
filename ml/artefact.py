"""A trained model as a folder: the trees, what was measured of them, the past cases."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from catboost import CatBoostRegressor

from actors.life_inputs import LIFE_INPUTS_LAYOUT
from actors.remaining_life import LifePopulation
from batterytwin.errors import InvalidArgumentError
from ml.calibration import Calibration
from ml.case_library import CaseLibrary
from ml.features import FEATURE_NAMES

DEFAULT_MODEL: Final = Path(__file__).parent / "default_model"
"""The model that comes with the product."""

_TREES, _CARD, _CASES = "median.cbm", "card.json", "cases.npz"
FILES: Final = (_TREES, _CARD, _CASES)


@dataclass(frozen=True, slots=True)
class GateResult:
    """What a gate found.

    Attributes:
        name: of the gate.
        value: measured.
        limit: to keep, in words.
        passed: whether it was kept.
    """

    name: str
    value: float
    limit: str
    passed: bool


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of a model beside its trees.

    Attributes:
        version: names it; follows from what it was trained on and became.
        layout: `LIFE_INPUTS_LAYOUT` that it was trained on.
        features: columns that it sees.
        population: how fast the blocks of its training age.
        calibration: widths of its intervals, see `Calibration`.
        data: what it was trained on: plants, batteries, battery-months, share of the batteries whose end nobody saw,
            first and last day.
        metrics: measured on plants that the model had not seen.
        gates: what each gate found.
    """

    version: str
    layout: str
    features: tuple[str, ...]
    population: LifePopulation
    calibration: dict[str, Any]
    data: dict[str, Any]
    metrics: dict[str, float]
    gates: tuple[GateResult, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether all gates were passed, and there were any."""
        return bool(self.gates) and all(gate.passed for gate in self.gates)

    def as_json(self) -> dict[str, Any]:
        """The card as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "ModelCard":
        """What `as_json` has made."""
        return cls(
            **{
                **data,
                "features": tuple(data["features"]),
                "population": LifePopulation(**data["population"]),
                "gates": tuple(GateResult(**gate) for gate in data["gates"]),
            }
        )


@dataclass(frozen=True, slots=True)
class LifeModel:
    """A model that can be asked.

    Attributes:
        card: what is known of it.
        trees: the median of ln(life / the twin's life).
        cases: past cases.
    """

    card: ModelCard
    trees: CatBoostRegressor
    cases: CaseLibrary

    @property
    def calibration(self) -> Calibration:
        """Widths of its intervals."""
        return Calibration.from_json(self.card.calibration)


def save_model(model: LifeModel, folder: Path) -> None:
    """Writes a model into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    model.trees.save_model(str(folder / _TREES))
    (folder / _CARD).write_text(json.dumps(model.card.as_json(), indent=1) + "\n", encoding="utf-8")
    (folder / _CASES).write_bytes(model.cases.as_bytes())


def load_card(folder: Path) -> ModelCard:
    """Reads what is known of a model.

    Raises:
        InvalidArgumentError: the folder holds no model.
    """
    try:
        return ModelCard.from_json(json.loads((folder / _CARD).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidArgumentError(
            f"{folder} holds no model of remaining life: {error}. Make one with `batterytwin train`.",
            field="model_folder",
            value=str(folder),
        ) from error


def load_model(folder: Path = DEFAULT_MODEL) -> LifeModel:
    """Reads a model.

    Raises:
        InvalidArgumentError: the folder holds no model, or one for other inputs than these.
    """
    card = load_card(folder)
    if card.layout != LIFE_INPUTS_LAYOUT or card.features != FEATURE_NAMES:
        raise InvalidArgumentError(
            f"The model {card.version} was trained on {card.layout}, this version has {LIFE_INPUTS_LAYOUT} or other "
            "features. Train it again with `batterytwin train`.",
            field="model_folder",
            value=str(folder),
        )
    trees = CatBoostRegressor()
    try:
        trees.load_model(str(folder / _TREES))
        cases = CaseLibrary.from_bytes((folder / _CASES).read_bytes())
    except Exception as error:  # CatBoost's and zip's own kinds
        raise InvalidArgumentError(
            f"A file of the model in {folder} cannot be read: {error}", field="model_folder", value=str(folder)
        ) from error
    return LifeModel(card, trees, cases)
