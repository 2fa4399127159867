"""A block of binary COPY is the same as rows inserted one by one."""

import numpy as np
import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from batterytwin.telemetry import TELEMETRY_DTYPE, Rows
from storage.copy_encoder import CopyEncoder, decode_copy, encode_copy
from storage.copy_script import read_copy, run_script
from storage.instants import to_datetime
from tests.storage.shard_stores import KEYS, T0_US, rows_of

_NAMES = TELEMETRY_DTYPE.names or ()
_YEAR_9999_US = 253_402_300_799_999_999


def any_rows(size: st.SearchStrategy[int]) -> st.SearchStrategy[Rows]:
    """Every value that the columns can hold: infinities, subnormal numbers and all bit patterns of NaN included."""
    return npst.arrays(TELEMETRY_DTYPE, size, elements=npst.from_dtype(TELEMETRY_DTYPE), fill=st.nothing()).map(
        _in_range
    )


def _in_range(rows: Rows) -> Rows:
    rows["sample_time_us"] %= _YEAR_9999_US
    return rows


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=any_rows(st.integers(0, 12)))
def test_a_block_equals_row_inserts(rows: Rows, database_url: str) -> None:
    insert = f"INSERT INTO inserted VALUES ({', '.join(['%b'] * len(_NAMES))})"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE copied (LIKE reading); CREATE TEMP TABLE inserted (LIKE reading)")
        run_script(connection, b"COPY copied FROM STDIN (FORMAT binary)", [CopyEncoder().pieces(rows)])
        for row in rows.tolist():
            connection.execute(insert, [row[0], to_datetime(row[1]), *row[2:]])
        differences = connection.execute(
            "(TABLE copied EXCEPT ALL TABLE inserted) UNION ALL (TABLE inserted EXCEPT ALL TABLE copied)"
        ).fetchall()
        assert differences == []
        back = decode_copy(read_copy(connection, b"COPY copied TO STDOUT (FORMAT binary)"))
        assert back.tobytes() == rows.tobytes()


@given(rows=any_rows(st.integers(1, 5)), count=st.sampled_from([0, 1, 2, 1_023, 1_024, 1_025, 2_500]))
def test_decoding_undoes_encoding(rows: Rows, count: int) -> None:
    repeated = np.resize(rows, count)
    assert decode_copy(encode_copy(repeated)).tobytes() == repeated.tobytes()


def test_an_encoder_may_be_used_again_and_again() -> None:
    encoder = CopyEncoder()
    for count in (5_000, 1, 3_000, 0, 1_024):
        rows = rows_of([(KEYS[n % len(KEYS)], T0_US + n) for n in range(count)], seed=count)
        assert b"".join(bytes(piece) for piece in encoder.pieces(rows)) == encode_copy(rows)


def test_encoding_leaves_the_rows_alone() -> None:
    rows = rows_of([(1, T0_US)])
    before = rows.tobytes()
    encode_copy(rows)
    rows.flags.writeable = False
    encode_copy(rows)
    assert np.array_equal(rows.view(np.uint8), np.frombuffer(before, np.uint8))
