"""When predictions count as wrong."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from batterytwin.alerts import AlertChange, AlertRule, AlertTransition
from storage.prediction_table import LifeInnovation
from twin_server.life_drift import DRIFT_LIMIT, DriftMonitor, measure_drift

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


class _Site:
    """A store, a hub and a fleet of one site, whose predictions a test makes wrong."""

    def __init__(self) -> None:
        self.error = 0.0
        self.changes: list[AlertTransition] = []
        self.standing: list[Any] = []
        self.fleet_map = self.clocks = self
        self.locations = [(SimpleNamespace(location_id="AAA"), slice(0, 1))]
        self.location_of = np.zeros(1, np.int32)

    def find_key(self, _battery_key: int) -> int:
        return 0

    def now_us(self, _number: int) -> int:
        return len(self.changes) + 1

    def poke(self) -> None:
        return

    async def life_innovations(self, apart_days: int, window_days: int) -> list[LifeInnovation]:
        assert (apart_days, window_days) == (30, 365)
        return [_pair(1_000.0, 50.0, 1_000.0 * (1 - self.error) - 50.0)] * 20

    async def uncleared_alerts(self, rules: Sequence[AlertRule]) -> list[Any]:
        assert list(rules) == [AlertRule.LIFE_MODEL_ERROR]
        return self.standing

    async def apply_transitions(self, transitions: Sequence[AlertTransition]) -> None:
        self.changes += transitions
        raised = [one for one in transitions if one.change == AlertChange.RAISED]
        self.standing = [SimpleNamespace(alert_id=one.alert_id, location_id="AAA") for one in raised]


async def test_an_error_about_the_limit_does_not_chatter() -> None:
    site: Any = _Site()
    monitor = DriftMonitor(site, site, site)
    seen = []
    for site.error in (0.14, 0.16, 0.14, 0.16, 0.13, 0.11, 0.14):
        await monitor.look()
        seen.append(len(site.changes))
    assert seen == [0, 1, 1, 1, 1, 2, 2]
    raised, cleared = site.changes
    assert (raised.alert_id, cleared.change) == (cleared.alert_id, AlertChange.CLEARED)
