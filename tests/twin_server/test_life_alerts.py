"""When alerts about remaining lives are raised and cleared: as laws of pure functions, and once over a database."""

import time
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batterytwin.alerts import AlertChange, AlertRule, AlertState, AlertTransition, Severity
from batterytwin.telemetry import Rows
from storage.alert_records import AlertRecord
from storage.prediction_rows import PREDICTION_DTYPE
from storage.prediction_table import TOLD_BEFORE_DTYPE
from storage.server_store import ServerStore
from tests.storage.server_stores import small_inventory
from tests.storage.test_predictions import predictions
from twin_server.life_alert_changes import MOST_SINGLE, SiteLives, changes_of
from twin_server.life_alert_rules import AGES_S, find

DAY_US = 86_400_000_000
NOW_US = 1_790_000_000_000_000
N = 24
SHAPE = {"days_05": 0.5, "days_25": 0.8, "days_75": 1.2, "days_95": 1.6}
"""Quantiles over the median."""

SHORT, FELL, REVIEW = AlertRule.LIFE_SHORT, AlertRule.LIFE_FELL, AlertRule.LIFE_REVIEW
Told = float | Sequence[float]


class World:
    """One site whose lives a test sets, with the alerts that its rules have made."""

    def __init__(self) -> None:
        self.rows = np.zeros(N, PREDICTION_DTYPE)
        self.before = np.zeros((N, 4), TOLD_BEFORE_DTYPE)
        self.now_us = NOW_US
        self.since_us = np.zeros(N, np.int64)
        self.is_near = np.zeros(N, np.bool_)
        self.alerts: dict[str, AlertRecord] = {}
        self.tell(2_000.0)

    def tell(self, now: Told, month: Told | None = None, share: Told = 0.9, *, day: Told | None = None) -> None:
        """Medians told now and in the last day; of a month ago what passes into the same end, or other ones."""
        self.rows["as_of"], self.rows["upper_known"] = self.now_us, True
        _put(self.rows, now, share)
        for place, age_s in enumerate(AGES_S):
            told = (now if day is None else day) if place < 2 else (now if month is None else month)
            column = self.before[:, place]
            column["as_of"] = self.now_us - age_s * 1_000_000
            _put(column, np.asarray(told, np.float64) + age_s / 86_400, share)

    def look(self) -> list[AlertTransition]:
        ids = [f"AAA-U1-S01-B{number + 1:02d}" for number in range(N)]
        site = SiteLives(
            "AAA", self.now_us, ids, np.arange(N, dtype=np.int32), self.since_us, self.rows,
            find(self.rows, self.before, self.now_us), self.is_near, list(self.alerts.values()),
        )  # fmt: skip
        changes = changes_of(site)
        for change in changes:
            if change.change == AlertChange.CLEARED:
                del self.alerts[change.alert_id]
            else:
                self.alerts[change.alert_id] = alert(
                    change.alert_id, change.rule, change.severity, value=change.value, at_us=self.now_us,
                    of="" if change.battery_key is None else ids[change.battery_key],
                )  # fmt: skip
        assert not changes_of(
            SiteLives(
                "AAA", self.now_us, ids, np.arange(N, dtype=np.int32), self.since_us, self.rows,
                find(self.rows, self.before, self.now_us), self.is_near, list(self.alerts.values()),
            )
        ), "a second look, or a restart, changes nothing"  # fmt: skip
        of_life = [one for one in self.alerts.values() if one.battery_id and one.rule in (SHORT, FELL)]
        assert len({one.battery_id for one in of_life}) == len(of_life), "one alert a battery"
        self.now_us += 3_600_000_000
        return changes

    def standing(self) -> list[tuple[AlertRule, str]]:
        return [(one.rule, one.battery_id or one.location_id) for one in self.alerts.values()]


def _put(rows: Rows, days: Told | np.ndarray, share: Told) -> None:
    rows["days_50"], rows["confidence"] = days, share
    for name, factor in SHAPE.items():
        if name in (rows.dtype.names or ()):
            rows[name] = rows["days_50"] * factor


def alert(name: str, rule: AlertRule, severity: Severity, *, of: str, value: float, at_us: int = 0) -> AlertRecord:
    return AlertRecord(
        name, of, "", "AAA", rule, severity, AlertState.RAISED, "", value, 0.0, "", at_us,
        None, None, "", "", None, "", "",
    )  # fmt: skip


def some(days: float, *, of: float = 2_000.0, count: int = 1) -> list[float]:
    """The first batteries have so many days, the others many."""
    return [days] * count + [of] * (N - count)


FIRST = "AAA-U1-S01-B01"


def test_few_days_left_are_told_once_and_until_there_are_clearly_more() -> None:
    world = World()
    world.tell(some(80.0), day=some(100.0))
    assert not world.look(), "one odd prediction is not heard"
    world.tell(some(80.0))
    (raised,) = world.look()
    assert (raised.rule, raised.change, raised.severity) == (SHORT, AlertChange.RAISED, Severity.WARNING)
    assert "80 days left (90 % interval 40 to 128)" in raised.message
    world.tell(some(70.0))
    (worse,) = world.look()
    assert (worse.change, worse.severity, worse.alert_id) == (AlertChange.ESCALATED, Severity.CRITICAL, raised.alert_id)
    world.tell(some(110.0))
    assert not world.look(), "dead band"
    world.tell(some(130.0), day=some(110.0))
    assert not world.look()
    world.tell(some(130.0))
    assert [change.change for change in world.look()] == [AlertChange.CLEARED]


def test_without_fresh_readings_or_earlier_statements_nothing_changes() -> None:
    world = World()
    world.tell(some(80.0))
    world.before["as_of"][:, 1] = 0
    assert not world.look(), "no day of statements: a new block, another model, a restart after long"
    world.tell(some(80.0))
    world.look()
    world.tell(some(900.0))
    world.rows["as_of"] -= 2 * DAY_US
    assert not world.look(), "nothing has been read"
    world.tell(some(900.0))
    world.before["as_of"] = 0
    assert not world.look(), "another model"
    assert world.standing() == [(SHORT, FIRST)]


@settings(max_examples=40, deadline=None)
@given(st.floats(200.0, 6_000.0), st.floats(-2.0, 2.0))
def test_a_fall_counts_beyond_thirty_days_and_beyond_the_interval(median: float, share: float) -> None:
    world = World()
    limit = max(30.0, 0.2 * (median + 30.0))  # the lower quartile that was told a month ago is a fifth below the median
    now = max(median - share * limit, 125.0)
    world.tell(some(now, of=median), some(median, of=median))
    changes = world.look()
    if median - now > 1.001 * limit:
        assert [(one.rule, one.change, one.severity) for one in changes] == [
            (FELL, AlertChange.RAISED, Severity.WARNING)
        ]
        assert changes[0].value == pytest.approx(median - now, rel=1e-3)
        assert changes[0].threshold == pytest.approx(limit, rel=1e-3)
    elif median - now < 0.999 * limit:
        assert not changes, "the passing of time, a rise, and what the interval allows are no news"


@pytest.mark.parametrize("place", range(4))
def test_no_single_statement_makes_a_fall(place: int) -> None:
    world = World()
    world.tell(some(1_000.0), some(2_000.0))
    world.before["days_50"][0, place] = 2_000.0 if place < 2 else 1_000.0
    assert not world.look()


def test_a_fall_is_over_when_it_is_made_good_or_a_month_old() -> None:
    world = World()
    for after_now, after_month in ((1_900.0, 2_000.0), (1_000.0, 1_000.0)):
        world.tell(some(1_000.0), some(2_000.0))
        assert "1000 days earlier" in next(change.message for change in world.look())
        world.tell(some(1_700.0), some(2_000.0))
        assert not world.look(), "half of the way back"
        world.tell(some(after_now), some(after_month))
        assert [change.change for change in world.look()] == [AlertChange.CLEARED]


def test_a_battery_is_told_of_once() -> None:
    world = World()
    world.tell(some(1_000.0), some(2_000.0))
    world.look()
    world.tell(some(50.0), some(2_000.0))
    assert [(one.rule, one.change) for one in world.look()] == [
        (SHORT, AlertChange.RAISED),
        (FELL, AlertChange.CLEARED),
    ]
    health = alert("health", AlertRule.SOH_LOW, Severity.CRITICAL, of=FIRST, value=0.78)
    world.alerts["health"] = health
    world.look()
    assert world.standing() == [(AlertRule.SOH_LOW, FIRST)], "its health says already that it is to be replaced"
    world.alerts["health"] = alert("health", AlertRule.SOH_LOW, Severity.WARNING, of=FIRST, value=0.83)
    world.look()
    assert (SHORT, FIRST) in world.standing()


def test_a_replacement_ends_what_was_told_of_the_block_before() -> None:
    world = World()
    world.tell(some(50.0))
    world.look()
    world.since_us[0] = world.now_us
    world.rows["as_of"][0] = 0
    world.before["as_of"][0] = 0
    assert [change.change for change in world.look()] == [AlertChange.CLEARED]


@pytest.mark.parametrize(("now", "month", "rule"), [(50.0, 50.0, SHORT), (1_000.0, 2_000.0, FELL)])
def test_many_of_a_site_are_one_alert(now: float, month: float, rule: AlertRule) -> None:
    def tell(count: int) -> None:
        world.tell(some(now, count=count), some(month, count=count))

    world = World()
    tell(MOST_SINGLE)
    world.look()
    assert len(world.alerts) == MOST_SINGLE
    tell(MOST_SINGLE + 1)
    world.look()
    assert world.standing() == [(rule, "AAA")]
    tell(MOST_SINGLE - 4)
    assert not world.look(), "some less: it stands"
    tell(2 * (MOST_SINGLE + 1))
    assert [one.change for one in world.look()] == [AlertChange.CLEARED, AlertChange.RAISED], "twice as many are news"
    world.before["as_of"] = 0
    assert not world.look(), "nothing can be said"
    tell(2)
    world.look()
    assert sorted(world.standing()) == [(rule, FIRST), (rule, "AAA-U1-S01-B02")]
    world.tell(some(now, count=0))
    world.look()
    assert not world.alerts


def test_low_confidence_is_one_alert_of_a_site_and_only_where_something_rests_on_it() -> None:
    world = World()
    world.tell(2_000.0, share=0.4)
    assert not world.look(), "hundreds of them: nothing is decided yet"
    world.is_near[:3] = True
    (raised,) = world.look()
    assert (raised.rule, raised.location_id, raised.battery_key, raised.value) == (REVIEW, "AAA", None, 3.0)
    assert f"3 of {N} batteries are due within two quarters" in raised.message
    world.tell(2_000.0, share=0.62)
    assert not world.look(), "dead band"
    world.tell(2_000.0, share=[np.nan] * N)
    assert [one.change for one in world.look()] == [AlertChange.CLEARED], "of no model's say nothing is told"


async def test_what_was_told_before_is_that_of_the_same_model_block_and_filter(server_store: ServerStore) -> None:
    now_us = int(time.time() * 1e6)
    keys = list((await server_store.register_inventory(small_inventory("BRK"))).values())[:5]
    told, other_model, other_block, shadowed, silent = keys
    for days in (0.0, 0.6, 1.2, 30.5, 31.5):
        at_us = now_us - round(days * DAY_US)
        await server_store.add_predictions(predictions([told], at_us, 500.0 + days))
        await server_store.add_predictions(predictions([other_model], at_us, 500.0, model_key=7.0 + (days > 1)))
        await server_store.add_predictions(predictions([other_block], at_us, 500.0, unit_seq=1.0 + (days < 1)))
        await server_store.add_predictions(predictions([shadowed], at_us, role=1 + (days > 1), model_key=7.0))
    await server_store.add_predictions(predictions([silent], now_us))
    await server_store.add_predictions(predictions([silent], now_us - 60 * DAY_US))
    newest = {int(row["battery_key"]): row for row in await server_store.newest_predictions()}
    rows = np.array([newest[key] for key in keys], PREDICTION_DTYPE)
    found = await server_store.told_before(rows, np.zeros(5, np.bool_), AGES_S)
    assert found["days_50"][0].tolist() == pytest.approx([500.6, 501.2, 530.5, 531.5], rel=1e-5)
    assert (found["as_of"] > 0).tolist() == [
        [True] * 4,
        [True, False, False, False],
        [True, False, False, False],
        [True] * 4,
        [False] * 4,
    ]
    fed = await server_store.told_before(rows, np.ones(5, np.bool_), AGES_S)
    assert (fed["as_of"] == found["as_of"]).all(), "sample times tell the same here"
    await server_store.note_filter_version("1", "a")
    assert (await server_store.told_before(rows[:1], np.zeros(1, np.bool_), AGES_S))["as_of"].all()
    await server_store.note_filter_version("2", "b")
    assert not (await server_store.told_before(rows[:1], np.zeros(1, np.bool_), AGES_S))["as_of"].any()
