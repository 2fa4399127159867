"""Laws of answers, by the model that comes with the product and by physics alone."""

import numpy as np
import pytest

from actors.life_inputs import life_records
from actors.remaining_life import physics_life
from batterytwin.errors import InvalidArgumentError
from batterytwin.life import CASES_TOLD, FACTORS, MEDIAN, LifeScores
from ml.artefact import load_model
from ml.fusion import TWIN_WEIGHT
from ml.gates import BASES_C, at_base
from ml.scorer import Scorer
from tests.ml.unlike_lives import unlike_lives, without_readings

ROWS = unlike_lives(300)
SCORERS = {"model": Scorer(load_model()), "physics": Scorer()}
COLUMNS = (
    "quantile_days",
    "twin_quantile_days",
    "model_days",
    "twin_weight",
    "confidence",
    "effects",
    "case_index",
    "upper_known",
)


@pytest.fixture(params=sorted(SCORERS))
def scorer(request: pytest.FixtureRequest) -> Scorer:
    return SCORERS[request.param]


def _same(one: LifeScores, other: LifeScores, rows: slice) -> None:
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name)[rows], err_msg=name)


def test_an_answer_is_the_same_in_any_company(scorer: Scorer) -> None:
    whole = scorer.score(ROWS)
    for rows in (slice(0, 1), slice(7, 8), slice(0, 150), slice(150, 300)):
        _same(scorer.score(ROWS[rows]), whole, rows)


def test_quantiles_are_in_order_and_effects_add_up_to_the_answer(scorer: Scorer) -> None:
    scores = scorer.score(ROWS)
    assert (np.diff(scores.quantile_days, axis=1) >= 0.0).all()
    assert (scores.quantile_days > 0.0).all()
    assert scores.effects.shape == (len(ROWS), len(FACTORS))
    life = np.log(scores.quantile_days[:, MEDIAN] / 3_652.5)
    np.testing.assert_allclose(scores.effects.sum(axis=1), life, atol=1e-9)
    np.testing.assert_allclose(scores.shares.sum(axis=1), 1.0)


@pytest.mark.parametrize("base_c", BASES_C)
def test_ten_kelvin_more_take_a_share_of_twin_model_and_answer_alike(scorer: Scorer, base_c: float) -> None:
    rows = at_base(ROWS, base_c)
    before, after = scorer.score(rows), scorer.score(rows, warmer_k=10.0)
    long = before.twin_days > 30.0
    for name in ("twin_days", "model_days"):
        change = (getattr(after, name) / getattr(before, name) - 1.0)[long]
        assert np.isnan(change).all() or (np.nanmin(change) >= -0.50 and np.nanmax(change) <= -0.40)
    fused = (after.quantile_days[:, MEDIAN] / before.quantile_days[:, MEDIAN] - 1.0)[long]
    assert (fused >= -0.50).all()
    assert (fused <= -0.40).all()


def test_twin_and_model_are_weighed_in_the_logarithm() -> None:
    scores = SCORERS["model"].score(ROWS)
    weight = scores.twin_weight
    assert weight.min() >= TWIN_WEIGHT
    assert (weight[scores.confidence >= 0.5] == TWIN_WEIGHT).all()
    fused = weight * np.log(scores.twin_days) + (1.0 - weight) * np.log(scores.model_days)
    np.testing.assert_allclose(np.log(scores.quantile_days[:, MEDIAN]), fused, atol=1e-9)


def test_similar_cases_are_the_nearest_first_and_can_be_told() -> None:
    model = load_model()
    scores = SCORERS["model"].score(ROWS)
    assert scores.case_index.shape == (len(ROWS), CASES_TOLD)
    assert (np.diff(scores.case_distance, axis=1) >= 0.0).all()
    assert ((scores.confidence >= 0.0) & (scores.confidence <= 1.0)).all()
    case = model.cases.case(int(scores.case_index[0, 0]))
    assert case.case_id == f"library/{scores.case_index[0, 0]}"
    assert case.remaining_days > 0.0
    assert case.story.endswith(".")


def test_a_battery_without_readings_gets_no_number_and_disturbs_no_other(scorer: Scorer) -> None:
    rows = ROWS[:4].copy()
    rows[1] = without_readings(ROWS[1:2])[0]
    scores = scorer.score(rows)
    assert np.isnan(scores.quantile_days[1]).all()
    assert np.isnan(scores.confidence[1])
    assert (scores.case_index[1] == -1).all()
    assert not scores.upper_known[1]
    _same(scorer.score(ROWS[2:3]), scores, slice(2, 3))


def test_a_young_block_of_half_its_capacity_is_not_told_years(scorer: Scorer) -> None:
    rows = ROWS[:1].copy()
    known = life_records(rows)
    known["installed_us"] = known["as_of_us"] - 500 * 86_400e6
    known["told_soh_capacity"], known["told_soh_capacity_sigma"] = 0.5, 0.028
    known["test_us"], known["test_soh"], known["test_sigma"] = known["as_of_us"], 0.5, 0.03
    assert scorer.score(rows).quantile_days[0, -1] < 30.0


def test_physics_speaks_alone_and_says_so_without_a_model() -> None:
    scores = SCORERS["physics"].score(ROWS)
    assert not scores.model_version
    assert (scores.quantile_days == physics_life(ROWS).quantile_days).all()
    assert np.isnan(scores.model_days).all()
    assert (scores.twin_weight == 1.0).all()


def test_inputs_of_another_layout_are_refused(scorer: Scorer) -> None:
    with pytest.raises(InvalidArgumentError, match="columns"):
        scorer.score(ROWS[:, :-1])
    assert scorer.score(ROWS[:0]).quantile_days.shape == (0, 5)
