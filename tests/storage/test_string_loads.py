"""When strings carried load is told of tables and archive alike."""

import numpy as np
import psycopg
import pytest

from batterytwin.telemetry import Flag, Regime, Rows
from storage.archive_merge import merge_weeks
from storage.archive_seal import seal_day
from tests.storage.archive_days import FIRST_DAY, KEYS, STEP_US, Days, readings

DAYS = range(FIRST_DAY, FIRST_DAY + 2)
MINUTE_US = 60_000_000


def some_under_load() -> Rows:
    """Rows of which some carry load and some are implausible."""
    rows, rng = readings(DAYS), np.random.default_rng(7)
    rows["status"] = np.where(rng.random(len(rows)) < 0.4, int(Regime.DISCHARGE) << 8, 0x100)
    rows["status"] |= np.where(rng.random(len(rows)) < 0.1, int(Flag.SUSPECT), 0).astype(np.int16)
    return rows


@pytest.fixture
def batteries_of(days: Days) -> dict[str, list[int]]:
    """Batteries of each string."""
    with psycopg.connect(days.url) as connection:
        found = connection.execute(
            "SELECT string_id, array_agg(battery_key ORDER BY battery_key) FROM battery JOIN string USING (string_key)"
            " WHERE battery_key = ANY(%s) GROUP BY string_id",
            (list(KEYS),),
        )
        return dict(found.fetchall())


def test_whether_there_may_be_readings_is_known_of_any_time(days: Days) -> None:
    days.write(readings(DAYS, keys=KEYS[:1]))
    century = range(FIRST_DAY + 10_000)
    spans = (DAYS, century, range(FIRST_DAY, DAYS.stop - 1), range(FIRST_DAY), range(DAYS.stop, century.stop))
    expected = [True, True, True, False, False]
    assert [days.may_have_readings(span, KEYS) for span in spans] == expected
    assert not days.may_have_readings(century, KEYS[1:])
    with psycopg.connect(days.url, autocommit=True) as connection:
        for day in DAYS:
            seal_day(connection, days.folder, day)
            assert [days.may_have_readings(span, KEYS) for span in spans] == expected
    assert not days.may_have_readings(century, KEYS[1:])


def test_loads_are_those_of_the_rows(days: Days, batteries_of: dict[str, list[int]]) -> None:
    rows = some_under_load()
    days.write(rows)
    found = days.loads(DAYS, batteries_of)
    good = rows[(rows["status"] & int(Flag.SUSPECT)) == 0]
    assert sum(load.heard for load in found) == len(good)
    assert sum(load.loaded for load in found) == np.count_nonzero(good["status"] >> 8 == int(Regime.DISCHARGE))
    assert {load.minute_us for load in found} == set((good["sample_time_us"] // MINUTE_US * MINUTE_US).tolist())
    assert [load.first_loaded_us is None for load in found] == [not load.loaded for load in found]


def test_a_sealed_day_tells_the_same(days: Days, batteries_of: dict[str, list[int]]) -> None:
    rows = some_under_load()
    days.write(rows)
    before = days.loads(DAYS, batteries_of)
    with psycopg.connect(days.url, autocommit=True, options="-c timezone=UTC") as connection:
        for day in DAYS:
            assert seal_day(connection, days.folder, day)
            assert days.loads(DAYS, batteries_of) == before
        assert merge_weeks(connection, days.folder, FIRST_DAY + 30) > 0
    assert days.loads(DAYS, batteries_of) == before


def test_rows_that_come_for_a_sealed_day_stand_beside_its_own(days: Days, batteries_of: dict[str, list[int]]) -> None:
    rows = some_under_load()
    days.write(rows)
    before = days.loads(DAYS, batteries_of)
    with psycopg.connect(days.url, autocommit=True, options="-c timezone=UTC") as connection:
        assert seal_day(connection, days.folder, FIRST_DAY)
    late = rows[:1].copy()
    late["sample_time_us"] += STEP_US // 2
    late["status"] = int(Regime.DISCHARGE) << 8
    days.write(rows[-1:], late)
    found = [load for load in days.loads(DAYS, batteries_of) if load not in before]
    assert [(load.heard, load.loaded, load.first_us) for load in found] == [(1, 1, int(late["sample_time_us"][0]))]
