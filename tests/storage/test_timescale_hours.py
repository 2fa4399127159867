"""Where TimescaleDB keeps the hours, they answer when the readings are gone: its statements, on tables like its own."""

import re

import numpy as np
import psycopg
import pytest

from storage.history_reads import HISTORY_METRICS
from storage.timescale import MIGRATIONS
from tests.storage.archive_days import FIRST_DAY, KEYS, Days, assert_same, readings
from tests.storage.archive_days import connect as connect_to

DAYS = range(FIRST_DAY, FIRST_DAY + 3)
HOUR_US = 3_600_000_000
BUCKETS = (HOUR_US, 7 * HOUR_US, 24 * HOUR_US)


def make_alike(connection: psycopg.Connection) -> None:
    """Makes `reading` one table and `reading_hour` what the continuous aggregate holds."""
    migration = (MIGRATIONS / "0014_hypertable.sql").read_text()
    hours = re.search(r"AS\n(SELECT\n.*GROUP BY battery_key, hour)", migration, re.DOTALL)
    assert hours is not None
    buckets = hours[1].replace("time_bucket(interval '1 hour', sample_time)", "date_trunc('hour', sample_time, 'UTC')")
    connection.execute("CREATE TABLE reading_alike AS SELECT * FROM reading")
    connection.execute("ALTER TABLE reading RENAME TO reading_by_day")
    connection.execute("ALTER TABLE reading_alike RENAME TO reading")
    connection.execute(f"CREATE TABLE reading_hour AS {buckets}".encode())


@pytest.fixture
def alike(days: Days) -> Days:
    rows = readings(DAYS)
    days.write(rows)
    days.trace(np.concatenate([rows[rows["battery_key"] == key][::6] for key in KEYS]))
    return days


def test_hours_answer_with_the_states_of_the_model_when_the_readings_are_gone(alike: Days) -> None:
    before = {bucket: alike.seen(DAYS, bucket) for bucket in BUCKETS}
    assert before[HOUR_US][0].values.keys() == set(HISTORY_METRICS)
    with connect_to(alike) as connection:
        make_alike(connection)
        for bucket in BUCKETS:
            assert_same(before[bucket], alike.seen(DAYS, bucket))
        connection.execute("DELETE FROM reading WHERE sample_time < '2026-11-24 12:00+00'")
        for bucket in BUCKETS:
            assert_same(before[bucket], alike.seen(DAYS, bucket))


def test_it_is_known_that_hours_alone_are_left(alike: Days) -> None:
    with connect_to(alike) as connection:
        make_alike(connection)
        assert alike.hours_only_until(DAYS) == [None] * 3
        connection.execute("DELETE FROM reading WHERE sample_time < '2026-11-24 00:00+00'")
        assert alike.hours_only_until(DAYS) == [DAYS[1]] * 3
        assert alike.hours_only_until(DAYS[1:]) == [None] * 3
