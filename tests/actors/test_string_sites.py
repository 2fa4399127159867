"""What strings of one site have in common: how much warmer they have become."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.string_slow_faults import site_rises_k


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), unknown=st.sampled_from([0.0, 0.4, 1.0]))
def test_the_rise_of_a_site_is_the_median_of_what_is_known_of_its_strings(seed: int, unknown: float) -> None:
    rng = np.random.default_rng(seed)
    site_of = rng.integers(0, 9, 60).astype(np.int32)
    rise_k = np.where(rng.random(60) < unknown, np.nan, rng.normal(0.0, 1.0, 60))
    sites = site_of[rng.integers(0, 60, 20)]
    found = site_rises_k(rise_k, site_of, sites)
    assert found.shape == (20, 1)
    for site, rise in zip(sites.tolist(), found[:, 0].tolist(), strict=True):
        known = rise_k[(site_of == site) & ~np.isnan(rise_k)]
        assert rise == np.median(known) if len(known) else np.isnan(rise)
