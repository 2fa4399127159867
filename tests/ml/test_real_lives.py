"""Laws of real lives: what became of a block, which ones are alike, and how models are judged on them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from actors.life_inputs import LIFE_INPUTS_LAYOUT, N_LIFE_INPUTS, LifeInputs
from batterytwin.errors import ConflictError
from batterytwin.events import ReplacementReason
from batterytwin.life import CASES_TOLD, MEDIAN
from batterytwin.life_ends import BlockEnd, LifeOutcome, ShownCapacity
from ml.artefact import DEFAULT_MODEL, load_model
from ml.block_ends import end_of
from ml.evaluate import evaluated
from ml.fleet_lives import LEAST_ENDS, FleetLives, FollowedBlock, fleet_figures, fleet_lives
from ml.real_cases import MOST_EACH, CaseSpace, RealCases
from ml.scorer import Scorer
from ml.stored_inputs import read_inputs, stored_layouts
from tests.actors.life_rows import life_rows
from tests.ml.real_lives import BLOCK, DAY_US, END_US, moment, stored_cases
from tests.ml.unlike_lives import unlike_lives
from twin_server.train_command import evaluate

MODEL = load_model()
SPACE = CaseSpace(MODEL.cases, MODEL.card.population)
LATE, EARLY = END_US - 10 * DAY_US, END_US - 50 * DAY_US


def shown(time_us: int, soh: float, *, stopped: bool = False) -> ShownCapacity:
    return ShownCapacity(time_us, soh, stopped)


@pytest.mark.parametrize(
    ("known", "outcome", "until_us"),
    [
        ({}, LifeOutcome.REPLACED, END_US),
        ({"reason": ReplacementReason.OTHER}, LifeOutcome.REPLACED, END_US),
        ({"reason": ReplacementReason.END_OF_LIFE}, LifeOutcome.END_SAID, END_US),
        ({"below_us": LATE}, LifeOutcome.END_TOLD, LATE),
        ({"below_us": LATE, "reason": ReplacementReason.END_OF_LIFE}, LifeOutcome.END_SAID, LATE),
        ({"below_us": LATE, "reason": ReplacementReason.OTHER}, LifeOutcome.REPLACED, LATE),
        ({"tests": (shown(LATE, 0.79),)}, LifeOutcome.END_TESTED, LATE),
        ({"tests": (shown(LATE, 0.79),), "reason": ReplacementReason.OTHER}, LifeOutcome.END_TESTED, LATE),
        ({"tests": (shown(EARLY, 0.79), shown(LATE, 0.77))}, LifeOutcome.END_TESTED, EARLY),
        ({"tests": (shown(EARLY, 0.79), shown(LATE, 0.81))}, LifeOutcome.REPLACED, END_US),
        ({"tests": (shown(EARLY, 0.79), shown(LATE, 0.85, stopped=True))}, LifeOutcome.REPLACED, END_US),
        ({"tests": (shown(LATE, 0.60, stopped=True),)}, LifeOutcome.REPLACED, END_US),
        ({"tests": (shown(LATE, 0.79),), "below_us": EARLY}, LifeOutcome.END_TESTED, EARLY),
        ({"tests": (shown(LATE, 0.85),), "end_soh": 0.9}, LifeOutcome.END_TESTED, LATE),
        ({"gone_us": None}, LifeOutcome.SERVING, END_US - DAY_US),
        ({"gone_us": None, "newest_us": None}, LifeOutcome.SERVING, BLOCK.since_us),
        ({"gone_us": None, "below_us": EARLY}, LifeOutcome.SERVING, EARLY),
        ({"gone_us": None, "tests": (shown(LATE, 0.79),)}, LifeOutcome.SERVING, LATE),
    ],
)
def test_what_became_of_a_block_is_decided_by_tests_then_words_then_its_twin(
    known: dict[str, Any], outcome: LifeOutcome, until_us: int
) -> None:
    assert end_of(replace(BLOCK, **known)) == BlockEnd(outcome, until_us)
    assert outcome.is_end == outcome.name.startswith("END")


def test_inputs_of_an_earlier_layout_are_read_by_their_names() -> None:
    names = tuple(LifeInputs.__annotations__)
    added = {"earlier": frozenset({names[3], names[-1]})}
    row = np.arange(N_LIFE_INPUTS, dtype=np.float64)
    old = np.delete(row, [3, N_LIFE_INPUTS - 1])
    read = read_inputs(old.tobytes(), "", added)
    assert read is not None
    named = read_inputs(old.tobytes(), "earlier", added)
    np.testing.assert_array_equal(named, read)
    assert np.isnan(read[[3, -1]]).all()
    assert (np.delete(read, [3, N_LIFE_INPUTS - 1]) == old).all()
    now = read_inputs(row.tobytes(), LIFE_INPUTS_LAYOUT, added)
    assert now is not None
    assert (now == row).all()
    assert read_inputs(row[:7].tobytes()) is None
    assert read_inputs(old.tobytes(), LIFE_INPUTS_LAYOUT, added) is None
    assert read_inputs(row.tobytes(), "nobody's") is None
    assert stored_layouts(added) == {8 * len(old): "earlier", 8 * N_LIFE_INPUTS: LIFE_INPUTS_LAYOUT}


def test_similar_real_blocks_are_those_nearest_by_the_measure_of_the_library() -> None:
    rows = unlike_lives(120, seed=3)
    cases = RealCases(
        [case for key in range(15) for case in stored_cases(key, rows[8 * key : 8 * key + 8], range(8, 0, -1))]
    )
    asked = unlike_lives(20, seed=4)
    places, wanted = SPACE.library.placed(SPACE.features(rows)), SPACE.library.placed(SPACE.features(asked))
    for place, found in zip(wanted, cases.similar(SPACE, asked), strict=True):
        away = np.linalg.norm(places.astype(np.float64) - place, axis=1).reshape(15, 8).min(axis=1)
        nearest = np.argsort(away)[:CASES_TOLD]
        assert [case.case_id for case, _ in found] == [f"fleet/BRK-U1-S01-B{key:02d}/1" for key in nearest]
        np.testing.assert_allclose([distance for _, distance in found], away[nearest], atol=1e-3)
    assert MOST_EACH >= 8, "so many moments of each cannot hide another block"


def test_a_real_case_tells_what_was_said_and_what_became_of_it() -> None:
    (row,) = life_rows(1, age_years=5.0, told_soh_capacity=0.84)
    ended = RealCases(stored_cases(7, row[np.newaxis], [100.0]))
    ((case, distance),) = ended.similar(SPACE, row[np.newaxis])[0]
    assert distance == pytest.approx(0.0, abs=1e-3)
    assert (case.case_id, case.ended, case.is_real) == ("fleet/BRK-U1-S01-B07/1", True, True)
    assert case.remaining_days == pytest.approx(100.0)
    assert case.predicted_days == pytest.approx(110.0)
    assert case.age_days == pytest.approx(5 * 365.25)
    assert "84 %" in case.story
    assert "test showed the end" in case.story
    good = RealCases(stored_cases(7, row[np.newaxis], [100.0], LifeOutcome.REPLACED))
    ((case, _),) = good.similar(SPACE, row[np.newaxis])[0]
    assert not case.ended
    assert "another reason" in case.story


def test_what_may_not_be_seen_or_is_not_known_is_not_told() -> None:
    rows = unlike_lives(2)
    cases = RealCases(stored_cases(1, rows[:1], [9.0]) + stored_cases(2, rows[1:], [9.0]))
    ((case, _),) = cases.similar(SPACE, rows[:1], np.array([False, True]))[0]
    assert case.case_id.startswith("fleet/BRK-U1-S01-B02")
    assert cases.similar(SPACE, rows, np.zeros(2, np.bool_)) == [[], []]
    assert cases.similar(SPACE, np.full_like(rows, np.nan)) == [[], []]
    assert RealCases(()).similar(SPACE, rows) == [[], []]
    broken = replace(stored_cases(1, rows[:1], [9.0])[0], moment=replace(moment(rows[0], 9.0), inputs=b"short"))
    assert len(RealCases([broken])) == 0


def _followed(ends: int, others: int) -> FleetLives:
    """Blocks of two sites, each with three months; the model is right to a fifth about those that end."""
    rows = unlike_lives(3 * (ends + others), seed=5)
    told = Scorer(MODEL).score(rows).quantile_days[:, MEDIAN]
    blocks = []
    for number in range(ends + others):
        mine = slice(3 * number, 3 * number + 3)
        left = told[mine][-1] * (1.2 if number % 2 else 0.9) + np.array([60.0, 30.0, 0.0])
        outcome = LifeOutcome.END_TESTED if number < ends else LifeOutcome.SERVING
        moments = [moment(row, days, battery_key=number) for row, days in zip(rows[mine], left, strict=True)]
        blocks.append(FollowedBlock(0, number % 2, BlockEnd(outcome, END_US), moments))
    return fleet_lives(blocks)


def test_a_fleet_is_a_table_whose_lives_are_cut_off_where_no_end_was_seen() -> None:
    lives = _followed(4, 6)
    table = lives.table
    assert len(table) == 30
    assert table.censored_share == pytest.approx(0.6)
    assert (np.isfinite(table.true_days) == table.ended).all()
    assert (table.lower_days[table.ended] == table.true_days[table.ended]).all()
    assert (table.watch_days >= table.lower_days).all()
    np.testing.assert_allclose(lives.told_days, 1.1 * table.lower_days, rtol=1e-6)
    assert (np.diff(table.lower_days.reshape(10, 3), axis=1) < 0.0).all(), "in time order within each block"
    assert lives.end_count == 4


def test_a_model_is_judged_on_a_fleet_like_on_plants_and_not_at_all_on_few_ends() -> None:
    with pytest.raises(ConflictError, match=r"9 of 12 blocks .* \(3 serve"):
        fleet_figures(MODEL, _followed(LEAST_ENDS - 1, 3))
    lives = _followed(LEAST_ENDS + 2, 5)
    found = fleet_figures(MODEL, lives)
    assert found["ends"] == found["ends_by_test"] == LEAST_ENDS + 2
    assert found["serving"] == 5
    assert found["told_bias_of_mean"] is not None
    assert found["told_bias_of_mean"] > 0.0
    wanted = evaluated(MODEL, lives.table)
    for name in ("r2", "mae_of_mean", "concordance", "coverage_90", "censored_percent", "twin_plus_10_k_from_25_c"):
        assert found[name] == wanted[name]
    assert all(value is None or np.isfinite(value) for value in found.values())


def test_the_command_tells_what_it_rests_on_and_ends_with_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lives = _followed(LEAST_ENDS, 2)

    async def read(*_: object) -> tuple[FleetLives, Path]:
        return lives, DEFAULT_MODEL

    monkeypatch.setattr("twin_server.train_command._read_fleet", read)
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(evaluate)
    told = CliRunner().invoke(app, ["--fleet", "--data-dir", str(tmp_path)], catch_exceptions=False).output.splitlines()
    assert (
        told[-2] == "12 blocks, 36 battery-months; 10 blocks came to the end of their lives, 17 % were not seen to end"
    )
    assert json.loads(told[-1])["ends"] == LEAST_ENDS
    assert json.loads(told[-1])["model"] == MODEL.card.version
