"""Which snapshots are kept, and for how long."""

from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from batterytwin.events import REACH_US
from storage.instants import to_datetime, to_us
from storage.shard_store import TwinSnapshot
from storage.snapshot_keeper import thin_snapshots
from storage.snapshot_rows import load_snapshots, write_snapshots
from tests.storage.shard_stores import T0_US

_MINUTE_US = 60_000_000
_HOUR_US = 60 * _MINUTE_US
_DAY_US = 24 * _HOUR_US
_BEGIN_US = T0_US // (7 * _DAY_US) * (7 * _DAY_US) + 4 * _DAY_US  # a Monday: weeks are counted from there


def put(url: str, watermarks_us: list[int], layout: str = "v1", **columns: object) -> None:
    names = ["battery_key", "watermark", "layout", "state", "sha256", "taken_at", *columns]
    with psycopg.connect(url) as connection:
        for watermark_us in watermarks_us:
            at = to_datetime(watermark_us)
            connection.execute(
                f"INSERT INTO twin_snapshot ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})",
                [1, at, layout, b"x", bytes(32), at, *columns.values()],
            )


def kept(url: str, kept_days: int = 730) -> list[int]:
    thin_snapshots(url, kept_days)
    assert thin_snapshots(url, kept_days) == 0, "a second round finds nothing to do"
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        rows = connection.execute("SELECT extract(epoch FROM watermark)::bigint FROM twin_snapshot ORDER BY 1")
        return [int(row[0]) * 1_000_000 for row in rows]


def test_the_newest_two_an_hourly_and_a_weekly_one_are_kept(database_url: str) -> None:
    newest_us = _BEGIN_US + 21 * _DAY_US
    put(database_url, [newest_us - n * 5 * _MINUTE_US for n in range(21 * 24 * 12 + 1)])
    left = kept(database_url)
    assert left[-2:] == [newest_us - 5 * _MINUTE_US, newest_us]
    weekly = [_BEGIN_US + week * 7 * _DAY_US for week in range(3)]
    hourly = [newest_us - n * _HOUR_US for n in range(25, 0, -1)]
    assert left == sorted({*weekly, *hourly, newest_us - 5 * _MINUTE_US, newest_us})
    assert kept(database_url, kept_days=8)[0] == weekly[2]


def test_superseded_ones_go_after_a_day_and_damaged_ones_are_told_of_for_a_month(database_url: str) -> None:
    put(database_url, [_BEGIN_US + 2 * _DAY_US])
    put(database_url, [_BEGIN_US, _BEGIN_US + 2 * _DAY_US - 1_000_000], superseded_at=to_datetime(_BEGIN_US))
    with psycopg.connect(database_url) as connection:
        (now,) = connection.execute("SELECT now() - interval '1 day'").fetchone() or ()
    put(database_url, [_BEGIN_US + _HOUR_US], damaged_at=now)
    put(database_url, [_BEGIN_US + 2 * _HOUR_US], damaged_at=to_datetime(T0_US - 400 * _DAY_US))
    assert kept(database_url) == [
        _BEGIN_US + _HOUR_US,
        _BEGIN_US + 2 * _DAY_US - 1_000_000,
        _BEGIN_US + 2 * _DAY_US,
    ]


def put_weekly(url: str, weeks: int) -> None:
    put(url, [_BEGIN_US + week * 7 * _DAY_US for week in range(weeks)], life=b"x", life_sha256=bytes(32))


def days_with_life(url: str) -> list[int]:
    """Days since the begin of the snapshots that have a life."""
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT watermark FROM twin_snapshot WHERE life IS NOT NULL ORDER BY 1").fetchall()
    return [(to_us(row[0]) - _BEGIN_US) // _DAY_US for row in rows]


def test_lives_of_the_last_month_are_kept_and_three_from_before(database_url: str) -> None:
    put_weekly(database_url, 11)
    assert len(kept(database_url)) == 11
    assert days_with_life(database_url) == [21, 28, 35, *range(42, 71, 7)]


def test_the_newest_lives_of_another_layout_are_kept(database_url: str) -> None:
    put_weekly(database_url, 11)
    newest_us = [_BEGIN_US + day * _DAY_US for day in (110, 150)]
    put(database_url, newest_us, life=b"x", life_sha256=bytes(32), layout="v2")
    assert len(kept(database_url)) == 13
    assert days_with_life(database_url) == [56, 63, 70, 110, 150]


def check_begins(connection: psycopg.Connection[Any], day: int, first_day: int) -> None:
    """Takes a snapshot, thins out, and looks from where each day of the reach would begin."""
    newest_us = _BEGIN_US + day * _DAY_US
    write_snapshots(connection, [TwinSnapshot(1, newest_us, "v1", b"state", b"life")])
    thin_snapshots(connection.info.dsn, 730)
    for place_us in [newest_us - REACH_US + n * _DAY_US for n in range(REACH_US // _DAY_US + 1)]:
        begin = load_snapshots(connection, [1], "v1", {1: place_us}).get(1)
        assert (begin is None) == (place_us <= _BEGIN_US + first_day * _DAY_US)
        assert begin is None or begin.life == b"life"


@pytest.mark.parametrize(
    "days",
    [
        range(75),
        [*range(3, 20), *range(75, 82)],
        [0, 13, 14, 27, 28, 41, 42, 55, 56, 69, 70, 71],
        [0, 1, 2, 200, 400, 401],
    ],
    ids=["every day", "silent for eight weeks", "either end of a week", "seldom"],
)
def test_what_is_told_of_late_begins_from_a_snapshot_with_its_life(database_url: str, days: Sequence[int]) -> None:
    with psycopg.connect(database_url, autocommit=True, options="-c timezone=UTC") as connection:
        for day in days:
            check_begins(connection, day, days[0])


def test_so_does_what_is_told_of_after_a_revision_of_a_whole_month(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True, options="-c timezone=UTC") as connection:
        for day in range(60):
            check_begins(connection, day, 0)
        from_us = _BEGIN_US + 59 * _DAY_US - REACH_US
        connection.execute(
            "UPDATE twin_snapshot SET superseded_at = now() WHERE watermark >= %s", [to_datetime(from_us)]
        )
        for day in range(60, 95):
            check_begins(connection, day, 0)
