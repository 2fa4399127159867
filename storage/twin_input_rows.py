"""Inputs of twins in table `twin_input`: the part of their log that is no reading."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import psycopg

from batterytwin.events import CurrentSensor, TwinInput, TwinInputKind
from storage.instants import to_datetime, to_us
from storage.shard_store import LoggedInput
from storage.sql_files import read_sql

_INSERT: Final = read_sql("insert_twin_inputs")
_READ: Final = read_sql("read_twin_inputs")
_STORED: Final = read_sql("stored_twin_inputs")

Connection = psycopg.Connection[Any]


def write_inputs(connection: Connection, inputs: Sequence[LoggedInput], known_us: int) -> None:
    """Stores inputs within the transaction under way.

    Args:
        connection: in a transaction.
        inputs: in the order of their numbers.
        known_us: when the server received them, microseconds since 1970 UTC.

    Raises:
        psycopg.Error: the database is away, or one of them is there already.
    """
    sensors = [i.content.current_sensor for i in inputs]
    with connection.cursor(binary=True) as cursor:
        cursor.execute(
            _INSERT,
            {
                "keys": [i.content.battery_key for i in inputs],
                "seqs": [i.seq for i in inputs],
                "watermarks": [to_datetime(i.watermark_us) for i in inputs],
                "kinds": [int(i.content.kind) for i in inputs],
                "times": [to_datetime(i.content.time_us) for i in inputs],
                "sohs": [i.content.soh_capacity for i in inputs],
                "sigmas": [i.content.sigma for i in inputs],
                "sources": [i.content.source_id for i in inputs],
                "swapped": [s and s.discharge_positive for s in sensors],
                "offsets": [s and s.offset_a for s in sensors],
                "known_at": to_datetime(known_us),
            },
        )


def read_inputs(connection: Connection, taken: Mapping[int, int]) -> list[LoggedInput]:
    """Inputs numbered above what each battery has taken (`{battery_key: seq}`), sorted by battery and place.

    Raises:
        psycopg.OperationalError: the database is away.
    """
    with connection.cursor(binary=True) as cursor:
        cursor.execute(_READ, {"keys": list(taken.keys()), "seqs": list(taken.values())})
        return [logged_input(row) for row in cursor]


def logged_input(row: Sequence[Any]) -> LoggedInput:
    """One input out of a row of the queries of this table."""
    battery_key, seq, watermark, kind, at, soh_capacity, sigma, source_id, discharge_positive, offset_a = row
    sensor = None if discharge_positive is None else CurrentSensor(discharge_positive, offset_a)
    given = TwinInput(battery_key, TwinInputKind(kind), to_us(at), source_id, soh_capacity, sigma, sensor)
    return LoggedInput(seq, to_us(watermark), given)


def stored_inputs(connection: Connection, pairs: Collection[tuple[int, str]]) -> set[tuple[int, str]]:
    """Those pairs of battery and source that are stored already.

    Raises:
        psycopg.OperationalError: the database is away.
    """
    cursor = connection.execute(
        _STORED, {"keys": [key for key, _ in pairs], "sources": [source for _, source in pairs]}
    )
    return {(int(key), str(source)) for key, source in cursor}
