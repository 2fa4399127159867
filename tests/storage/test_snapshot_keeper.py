"""Which snapshots are kept, and for how long."""

import psycopg

from storage.instants import to_datetime
from storage.snapshot_keeper import thin_snapshots
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


def test_lives_are_kept_with_the_newest_two_and_for_a_month(database_url: str) -> None:
    newest_us = _BEGIN_US + 70 * _DAY_US
    put(database_url, [_BEGIN_US + week * 7 * _DAY_US for week in range(11)], life=b"x", life_sha256=bytes(32))
    put(
        database_url,
        [newest_us + 40 * _DAY_US, newest_us + 80 * _DAY_US],
        life=b"x",
        life_sha256=bytes(32),
        layout="v2",
    )
    assert len(kept(database_url)) == 13
    with psycopg.connect(database_url, options="-c timezone=UTC") as connection:
        rows = connection.execute("SELECT watermark FROM twin_snapshot WHERE life IS NOT NULL ORDER BY 1").fetchall()
    newest_of_each = [newest_us - 7 * _DAY_US, newest_us, newest_us + 40 * _DAY_US, newest_us + 80 * _DAY_US]
    assert [row[0] for row in rows] == [to_datetime(us) for us in newest_of_each]


def test_lives_of_the_last_month_are_kept(database_url: str) -> None:
    put(database_url, [_BEGIN_US + week * 7 * _DAY_US for week in range(11)], life=b"x", life_sha256=bytes(32))
    assert len(kept(database_url)) == 11
    with psycopg.connect(database_url) as connection:
        (count,) = connection.execute("SELECT count(*) FROM twin_snapshot WHERE life IS NOT NULL").fetchone() or ()
    assert count == 5, "today, and one, two, three and four weeks ago"
