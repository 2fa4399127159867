"""Hours of the present day get their indexes while rows are written, and history does not depend on them."""

import asyncio
from itertools import pairwise

import numpy as np
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batterytwin.telemetry import MEASURED_COLUMNS, STORED_ESTIMATE_COLUMNS
from storage.partition_keeper import PartitionKeeper
from storage.partitions import DAY_US, create_partitions, partition_name
from storage.reading_indexes import PartIndex, index_parts, part_indexes
from storage.reading_pieces import divided, reading_pieces
from storage.server_store import ServerStore
from tests.storage.server_stores import HOUR_US, MINUTE_US, NOW_US, store_rows, telemetry
from tests.storage.shard_stores import PostgresBackend

DAY = NOW_US // DAY_US
START_US = DAY * DAY_US
METRICS = (*MEASURED_COLUMNS, *STORED_ESTIMATE_COLUMNS)


def parts(connection: psycopg.Connection) -> list[tuple[float, float, bool]]:
    found = part_indexes(connection, DAY)
    return [(index.first_minute / 60, index.last_minute / 60, index.valid) for index in found]


@given(
    times=st.tuples(st.integers(0, 100), st.integers(1, 100)),
    parts=st.lists(st.tuples(st.integers(-50, 200), st.integers(0, 60)), max_size=8),
)
def test_pieces_join_to_the_whole_and_lie_within_or_outside_of_every_part(
    times: tuple[int, int], parts: list[tuple[int, int]]
) -> None:
    start, end = times[0], times[0] + times[1]
    indexed = [(first, first + length) for first, length in parts]
    pieces = divided((start, end), indexed)
    assert pieces[0][0] == start
    assert pieces[-1][1] == end
    for (_, before), (after, _) in pairwise(pieces):
        assert before == after
    for piece_start, piece_end in pieces:
        assert piece_start < piece_end
        for first, last in indexed:
            assert (first <= piece_start and piece_end <= last) or piece_end <= first or last <= piece_start


def test_hours_that_are_over_are_indexed_and_joined(postgres_backend: PostgresBackend) -> None:
    connection = postgres_backend.connection
    create_partitions(connection, [DAY])
    expected = {
        0: [],
        1: [(0, 1, True)],
        5: [(0, 5, True)],
        8: [(0, 8, True)],
        10: [(0, 8, True), (8, 10, True)],
        10.5: [(0, 8, True), (8, 10, True), (10, 10.5, True)],
        10.75: [(0, 8, True), (8, 10, True), (10, 10.75, True)],
        11: [(0, 8, True), (8, 11, True)],
        16.25: [(0, 8, True), (8, 16, True), (16, 16.25, True)],
        20: [(0, 8, True), (8, 16, True), (16, 20, True)],
    }
    for hour, found in expected.items():
        now_us = START_US + round(hour * HOUR_US) + 6 * MINUTE_US
        index_parts(connection, now_us)
        assert parts(connection) == found
        assert index_parts(connection, now_us + MINUTE_US) == []


def test_indexes_under_their_earlier_names_serve_until_others_take_their_place(
    postgres_backend: PostgresBackend,
) -> None:
    connection = postgres_backend.connection
    create_partitions(connection, [DAY])
    partition = partition_name(DAY)
    for name, condition in (("h00_h08", "sample_time >= 'epoch'"), ("h08_h09", "sample_time >= 'epoch'")):
        connection.execute(f"CREATE INDEX {partition}_{name} ON {partition} (battery_key) WHERE {condition}")
    index_parts(connection, START_US + 10 * HOUR_US + 6 * MINUTE_US)
    assert [index.name.removeprefix(partition) for index in part_indexes(connection, DAY)] == [
        "_h00_h08",
        "_h0800_h1000",
    ]


def test_an_index_of_hours_that_failed_is_made_anew(postgres_backend: PostgresBackend) -> None:
    connection = postgres_backend.connection
    store_rows(postgres_backend.url, telemetry(1, [START_US]))
    broken = PartIndex(DAY, 0, 180, valid=False)
    with pytest.raises(psycopg.errors.DivisionByZero):
        connection.execute(
            f"CREATE INDEX CONCURRENTLY {broken.name} ON {partition_name(DAY)} ((1 / (battery_key - 1)))"
        )
    assert parts(connection) == [(0, 3, False)]
    index_parts(connection, START_US + 4 * HOUR_US)
    assert parts(connection) == [(0, 3, True), (3, 3.75, True)]


def test_the_index_of_a_day_takes_the_place_of_those_of_its_hours(postgres_backend: PostgresBackend) -> None:
    store_rows(postgres_backend.url, telemetry(1, [START_US]))
    keeper = PartitionKeeper(postgres_backend.url)
    keeper.run(START_US + 10 * HOUR_US)
    assert parts(postgres_backend.connection) == [(0, 8, True), (8, 9, True), (9, 9.75, True)]
    for _ in range(2):
        keeper.run(START_US + DAY_US)
    assert parts(postgres_backend.connection) == []


@pytest.mark.parametrize("bucket_us", [None, HOUR_US])
async def test_history_is_the_same_with_indexes_of_hours(
    server_store: ServerStore, database_url: str, bucket_us: int | None
) -> None:
    rows = telemetry(1, range(START_US - HOUR_US, START_US + 9 * HOUR_US, MINUTE_US), seed=5)
    store_rows(database_url, rows)
    store_rows(database_url, telemetry(2, range(START_US, START_US + 9 * HOUR_US, MINUTE_US), seed=6))

    async def seen() -> list[np.ndarray]:
        found, after_us = [], None
        while True:
            page = await server_store.query_history(
                1, START_US - DAY_US, START_US + DAY_US, METRICS, bucket_us=bucket_us, after_us=after_us, limit=130
            )
            found.append(np.array([page.time_us, *page.values.values()], np.float64))
            if not page.more:
                return [np.concatenate(found, axis=1)]
            after_us = int(page.time_us[-1])

    before = await seen()
    await asyncio.to_thread(PartitionKeeper(database_url).run, START_US + 10 * HOUR_US)
    async with server_store._connection() as connection:
        pieces = await reading_pieces(connection, (START_US - DAY_US, START_US + DAY_US))
    assert [(piece[1] - START_US) / HOUR_US for piece in pieces] == [0, 8, 9, 9.75, 24]
    np.testing.assert_array_equal(await seen(), before)


async def test_rows_of_indexed_hours_are_found_without_looking_at_others(
    server_store: ServerStore, database_url: str
) -> None:
    for key in (1, 2, 3):
        store_rows(database_url, telemetry(key, range(START_US, START_US + 7 * HOUR_US, MINUTE_US // 4), seed=key))
    await asyncio.to_thread(PartitionKeeper(database_url).run, START_US + 7 * HOUR_US)
    async with server_store._connection() as connection:
        between = (
            f"sample_time >= to_timestamp({START_US / 1e6}) AND sample_time < to_timestamp({START_US / 1e6 + 3_600})"
        )
        plan = await connection.execute(
            f"EXPLAIN SELECT sample_time, status, soc FROM reading WHERE battery_key = 2 AND {between}"
        )
        assert "Index Only Scan" in str(await plan.fetchall())
