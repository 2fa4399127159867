"""The audit refuses columns that know what a model may not know."""

import numpy as np
import pytest

from batterytwin.errors import InvalidArgumentError
from ml.features import FEATURE_NAMES
from ml.leakage import refuse_leaks, shuffled_labels

BATTERY = np.repeat(np.arange(100), 20)
MONTH = np.tile(np.arange(20), 100)
RNG = np.random.default_rng(5)
LIFE = 40.0 + 30.0 * RNG.uniform(size=100)[BATTERY] - MONTH


def _audit(name: str, values: np.ndarray) -> None:
    refuse_leaks([name], values.astype(np.float32)[:, np.newaxis], BATTERY, LIFE)


def test_what_the_model_sees_has_names_that_pass() -> None:
    noise = RNG.normal(size=(len(BATTERY), len(FEATURE_NAMES))).astype(np.float32)
    refuse_leaks(FEATURE_NAMES, noise, BATTERY, LIFE)


@pytest.mark.parametrize(
    "name",
    ["site_id", "battery_id", "serial", "installed_us", "true_soh", "life_label", "plant", "temperature_mean_30d_c"],
)
def test_names_dates_temperatures_and_truth_are_refused(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match=name):
        _audit(name, RNG.normal(size=len(BATTERY)))


def test_a_column_as_good_as_the_label_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="as good as"):
        _audit("health", np.exp(-LIFE / 10.0))


def test_a_column_that_knows_how_a_battery_ends_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="names them"):
        _audit("wear", RNG.permutation(100)[BATTERY] * 0.37)


def test_a_column_that_moves_with_a_battery_passes() -> None:
    _audit("wear", 0.01 * MONTH + RNG.normal(size=100)[BATTERY])


def test_shuffled_labels_keep_what_is_common_and_lose_whose_it_was() -> None:
    twin = np.full(len(LIFE), 50.0)
    shuffled = shuffled_labels(LIFE, twin, BATTERY, seed=3)
    was, became = (np.array([values[b == BATTERY].mean() for b in range(100)]) for values in (LIFE, shuffled))
    assert np.log(shuffled).mean() == pytest.approx(np.log(LIFE).mean())
    assert abs(np.corrcoef(was, became)[0, 1]) < 0.3
