"""Laws of what peers say of a battery."""

import numpy as np
import pytest

from actors.life_inputs import life_records
from actors.remaining_life import LifePopulation, physics_life
from actors.remaining_life_peers import with_peers
from batterytwin.life import MEDIAN, Floats
from tests.actors.life_rows import YEAR_S, life_rows
from tests.ml.unlike_lives import unlike_lives, without_readings

_KIND = LifePopulation(ln_mean=-0.2, ln_sigma=0.25, fleet_share=0.4, site_share=0.1)
_TESTED = {"test_sigma": 0.025, "test_us": 1.8e15 - 0.2 * YEAR_S * 1e6}


def _one_fleet(n: int) -> np.ndarray:
    return np.zeros(n, np.int64)


def _peers(values: Floats) -> tuple[Floats, Floats]:
    x = life_records(values)
    return x["peer_ln_speed"], x["peer_ln_speed_sigma"]


def _fleet(soh: float, n: int = 24) -> Floats:
    """A tested fleet, the last battery of which is not tested."""
    values = life_rows(n, age_years=6.0, test_soh=soh, **_TESTED)
    for name in ("test_soh", "test_sigma", "test_us"):
        life_records(values)[name][-1] = np.nan
    return values


def test_peers_that_say_nothing_move_nothing() -> None:
    values = life_rows(8, age_years=0.01)
    shift, sigma = _peers(with_peers(values, _KIND, _one_fleet(8), _one_fleet(8)))
    assert np.abs(shift).max() < 0.01
    usual = np.hypot(_KIND.fleet_sigma, _KIND.site_sigma)
    assert sigma == pytest.approx(usual, rel=0.05)  # the grid reaches three sigmas
    alone, among = (
        physics_life(rows, _KIND).quantile_days
        for rows in (values, with_peers(values, _KIND, _one_fleet(8), _one_fleet(8)))
    )
    np.testing.assert_allclose(among, alone, rtol=0.03)


def test_worn_peers_shorten_the_life_of_a_block_that_was_never_tested() -> None:
    lives = []
    for soh in (0.82, 0.90, 0.98):
        told = with_peers(_fleet(soh), _KIND, _one_fleet(24), _one_fleet(24))
        lives.append(float(physics_life(told, _KIND).quantile_days[-1, MEDIAN]))
    assert lives[0] < lives[1] < lives[2]
    told = with_peers(_fleet(0.82), _KIND, _one_fleet(24), _one_fleet(24))
    width, alone = (np.ptp(physics_life(rows, _KIND).speed_quantiles[-1]) for rows in (told, _fleet(0.82)))
    assert width < alone


def test_a_block_does_not_speak_for_itself_and_other_fleets_do_not_either() -> None:
    values = np.concatenate([_fleet(0.85), _fleet(0.97)])
    fleet = np.repeat([4, 7], 24)
    before = _peers(with_peers(values, _KIND, fleet, fleet))
    changed = values.copy()
    life_records(changed)["test_soh"][3] = 0.99
    after = _peers(with_peers(changed, _KIND, fleet, fleet))
    for one, other in zip(before, after, strict=True):
        assert one[3] == pytest.approx(other[3], abs=1e-12)
        np.testing.assert_array_equal(one[24:], other[24:])
    assert (after[0][:3] < before[0][:3]).all()  # a sound block says that the others age slowly too


def test_order_does_not_matter_and_a_site_tells_more_of_its_own() -> None:
    values = np.concatenate([_fleet(0.82), _fleet(0.97)])
    site = np.repeat([0, 1], 24)
    shift, _ = _peers(with_peers(values, _KIND, _one_fleet(48), site))
    assert shift[0] > shift[-1]
    order = np.random.default_rng(5).permutation(48)
    again, _ = _peers(with_peers(values[order], _KIND, _one_fleet(48), site[order]))
    np.testing.assert_allclose(again, shift[order], atol=1e-9)


def test_blocks_without_readings_hear_their_peers_and_say_nothing() -> None:
    values = unlike_lives(30)
    silent = without_readings(values[:5])
    with_them = with_peers(np.concatenate([values, silent]), _KIND, _one_fleet(35), _one_fleet(35))
    assert np.isfinite(life_records(with_them)["peer_ln_speed"]).all()
    assert np.isnan(physics_life(with_them, _KIND).quantile_days[30:]).all()
