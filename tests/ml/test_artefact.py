"""A model as a folder, and the gates that it has to keep."""

import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from batterytwin.errors import InvalidArgumentError
from batterytwin.life import Floats, LifeScores
from ml.artefact import DEFAULT_MODEL, FILES, LifeModel, load_card, load_model, save_model
from ml.calibration import Calibration
from ml.check_model import main as check_model
from ml.gates import accuracy_gates, arrhenius_gate, coverage_gate, leakage_gate, monotone_gate
from ml.model_archive import read_card
from ml.scorer import Scorer
from ml.scoring import ModelPair, PairScorer
from tests.ml.unlike_lives import unlike_lives

ROWS = unlike_lives(120, seed=2)


def test_a_model_that_was_written_says_the_same_when_it_is_read(tmp_path: Path) -> None:
    model = load_model()
    save_model(model, tmp_path / "copy")
    copy = load_model(tmp_path / "copy")
    assert copy.card == model.card
    one, other = Scorer(model).score(ROWS), Scorer(copy).score(ROWS)
    assert (one.quantile_days == other.quantile_days).all()
    assert (one.effects == other.effects).all()
    assert (one.case_index == other.case_index).all()


def test_the_shipped_model_is_small_and_has_kept_every_gate() -> None:
    assert sum((DEFAULT_MODEL / name).stat().st_size for name in FILES) < 1_000_000
    card = load_card(DEFAULT_MODEL)
    assert {gate.name for gate in card.gates} == {
        "accuracy",
        "skill",
        "coverage",
        "arrhenius",
        "monotone_health",
        "leakage",
    }
    assert card.passed
    assert not replace(card, gates=()).passed


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="batterytwin train"):
        load_model(tmp_path)


def test_a_model_of_other_inputs_or_with_a_torn_file_is_refused(tmp_path: Path) -> None:
    model = load_model()
    save_model(replace(model, card=replace(model.card, layout="life-inputs-0")), tmp_path / "old")
    with pytest.raises(InvalidArgumentError, match="life-inputs-0"):
        load_model(tmp_path / "old")
    save_model(model, tmp_path / "torn")
    trees = tmp_path / "torn" / FILES[0]
    trees.write_bytes(trees.read_bytes()[:1_000])
    with pytest.raises(InvalidArgumentError, match="cannot be read"):
        load_model(tmp_path / "torn")


def test_a_card_is_json_that_people_can_read() -> None:
    card = json.loads((DEFAULT_MODEL / "card.json").read_text(encoding="utf-8"))
    assert card["data"]["source"] == "simulated plants"
    assert 0.0 < card["data"]["censored_share"] < 1.0


def test_the_shipped_model_keeps_the_gates_that_need_no_lives() -> None:
    scorer = Scorer(load_model())
    assert arrhenius_gate(scorer, ROWS).passed
    assert monotone_gate(scorer, ROWS).passed


class _Bad(Scorer):
    """A scorer that gets something wrong on purpose."""

    def __init__(self, model: LifeModel, *, warm: float = 1.0, backward: bool = False) -> None:
        super().__init__(model)
        self._warm, self._backward = warm, backward

    def score(self, inputs: np.ndarray, *, warmer_k: float = 0.0):  # type: ignore[no-untyped-def]  # as its base
        scores = super().score(inputs, warmer_k=warmer_k)
        factor = self._warm if warmer_k else 1.0
        factor *= 1.0 / (1.0 + np.nan_to_num(inputs[:, -8])[:, np.newaxis]) if self._backward else 1.0
        return replace(scores, quantile_days=scores.quantile_days * factor)


def test_gates_refuse_models_that_ignore_warmth_or_punish_health() -> None:
    model = load_model()
    cold = arrhenius_gate(_Bad(model, warm=1.9), ROWS)
    assert not cold.passed
    assert cold.value > -0.1
    backward = monotone_gate(_Bad(model, backward=True), ROWS)
    assert not backward.passed
    assert backward.value > 0.0


def test_answers_that_are_no_numbers_are_no_better_with_better_health() -> None:
    assert not monotone_gate(_Silent(load_model()), ROWS).passed


class _Silent(Scorer):
    """A scorer whose answers are no numbers."""

    def score(self, inputs: np.ndarray, *, warmer_k: float = 0.0):  # type: ignore[no-untyped-def]  # as its base
        scores = super().score(inputs, warmer_k=warmer_k)
        return replace(scores, quantile_days=np.full_like(scores.quantile_days, np.nan))


@pytest.mark.parametrize("value", [0.80, 0.99, float("nan")])
def test_intervals_that_are_too_narrow_or_too_wide_are_refused(value: float) -> None:
    assert not coverage_gate(value).passed
    assert coverage_gate(0.90).passed


def test_models_worse_than_physics_or_that_know_labels_by_heart_are_refused() -> None:
    assert all(gate.passed for gate in accuracy_gates(r2=0.8, error_of_twin=0.9))
    assert [gate.passed for gate in accuracy_gates(r2=0.3, error_of_twin=1.1)] == [False, False]
    assert not any(gate.passed for gate in accuracy_gates(r2=float("nan"), error_of_twin=float("nan")))
    assert leakage_gate(0.01).passed
    assert not leakage_gate(0.4).passed


def test_a_calibration_says_where_its_upper_bounds_hold() -> None:
    widths = load_model().calibration
    assert isinstance(widths, Calibration)
    assert widths.upper_known.dtype == np.bool_


def _no_cases(folder: Path) -> None:
    with np.load(folder / "cases.npz") as stored:
        kept = {name: stored[name] if name in {"centre", "scale"} else stored[name][:0] for name in stored.files}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **kept)
    (folder / "cases.npz").write_bytes(buffer.getvalue())


def _other_widths(folder: Path) -> None:
    card = json.loads((folder / "card.json").read_text())
    card["calibration"]["factors"] = [row[:3] for row in card["calibration"]["factors"]]
    (folder / "card.json").write_text(json.dumps(card))


def _no_widths(folder: Path) -> None:
    card = json.loads((folder / "card.json").read_text())
    del card["calibration"]["upper_known"]
    (folder / "card.json").write_text(json.dumps(card))


@pytest.mark.parametrize("spoil", [_no_cases, _other_widths, _no_widths])
def test_a_model_that_can_be_read_but_cannot_answer_is_refused(
    tmp_path: Path, spoil: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(DEFAULT_MODEL, tmp_path / "model"))
    check_model(folder)
    assert json.loads(capsys.readouterr().out) == {"version": load_card(DEFAULT_MODEL).version}
    spoil(folder)
    check_model(folder)
    assert "cannot answer" in json.loads(capsys.readouterr().out)["error"]


def test_a_shadow_that_cannot_answer_does_not_silence_what_is_told() -> None:
    class Broken:
        def score(self, inputs: Floats, *, warmer_k: float = 0.0) -> LifeScores:
            raise IndexError(f"{len(inputs)} rows, {warmer_k} K")

    pair = PairScorer(lambda folder: Broken() if folder == "broken" else Scorer())
    pair.use(ModelPair("told", "broken"))
    answer = pair.score(ROWS, 0.0)
    assert answer.shadow is None
    assert np.isfinite(answer.told.quantile_days).all()


@pytest.mark.parametrize(
    "card",
    [
        json.dumps({"version": "", "layout": "x", "gates": [], "metrics": {}}),
        json.dumps({"version": "a\0b", "layout": "x", "gates": [], "metrics": {}}),
        json.dumps({"version": "v" * 101, "layout": "x", "gates": [], "metrics": {}}),
        json.dumps({"version": "v", "layout": "x", "gates": [], "metrics": {"mae": 10**400}}),
        json.dumps({"version": "v", "layout": "x", "gates": [], "metrics": {}}).encode("utf-16"),
        "[" * 100_000,
        "null",
    ],
)
def test_what_is_no_card_is_refused(card: str | bytes) -> None:
    with pytest.raises(InvalidArgumentError, match="card cannot be read"):
        read_card(card)
