"""When predictions count as wrong."""

from hypothesis import given, settings
from hypothesis import strategies as st

from storage.prediction_table import LifeInnovation
from twin_server.life_drift import DRIFT_LIMIT, measure_drift

DAY_S = 86_400.0


def _pair(first_days: float, gone_days: float, later_days: float, *, realised: bool = False) -> LifeInnovation:
    return LifeInnovation(1, realised, 0.0, first_days, gone_days * DAY_S, later_days, 1)


def test_few_pairs_say_nothing() -> None:
    assert measure_drift([_pair(100.0, 40.0, 60.0)] * 11) is None


@settings(max_examples=30)
@given(st.floats(100.0, 4_000.0), st.floats(30.0, 90.0))
def test_a_life_that_passes_as_it_was_told_has_no_innovation(first_days: float, gone_days: float) -> None:
    drift = measure_drift([_pair(first_days, gone_days, first_days - gone_days)] * 20)
    assert drift is not None
    assert abs(drift.error) < 1e-9
    assert (drift.pair_count, drift.limit, drift.realised_count) == (20, DRIFT_LIMIT, 0)


@settings(max_examples=30)
@given(st.floats(200.0, 4_000.0), st.floats(-0.9, 0.9))
def test_the_error_is_the_share_that_was_wrong(first_days: float, share: float) -> None:
    drift = measure_drift([_pair(first_days, 50.0, first_days * (1 + share) - 50.0)] * 15)
    assert drift is not None
    assert abs(drift.error - abs(share)) < 1e-6
    assert abs(drift.bias - share) < 1e-6


def test_an_end_counts_like_a_later_statement() -> None:
    drift = measure_drift([_pair(400.0, 300.0, 0.0, realised=True)] * 12)
    assert drift is not None
    assert (drift.realised_count, drift.error, drift.bias) == (12, 0.25, -0.25)
