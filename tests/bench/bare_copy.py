"""What PostgreSQL alone can take: the same rows, encoded beforehand, in one COPY a fleet-sized commit."""

import statistics
import time
from pathlib import Path

import numpy as np
import psycopg

from batterytwin.telemetry import TELEMETRY_DTYPE
from storage.copy_encoder import encode_copy
from storage.embedded import EmbeddedPostgres

_BATCH_ROWS = 1_944
_ROUNDS = 3


def bare_copy_rows_per_s(data_dir: Path, rows: int) -> float:
    """Rows a second of bare binary COPY, each fleet-sized batch committed, median of three rounds.

    The table is logged and has the columns of `reading` and no index; the server is the one under test, idle now.
    """
    batch = np.zeros(_BATCH_ROWS, TELEMETRY_DTYPE)
    batch["battery_key"] = np.arange(1, _BATCH_ROWS + 1)
    batch["sample_time_us"] = time.time_ns() // 1_000
    block = encode_copy(batch)
    batches = rows // _BATCH_ROWS
    results = []
    with psycopg.connect(EmbeddedPostgres(data_dir).start(), autocommit=True) as connection:
        for _ in range(_ROUNDS):
            connection.execute("DROP TABLE IF EXISTS bench_reading")
            connection.execute("CREATE TABLE bench_reading (LIKE reading)")
            began = time.perf_counter()
            for _ in range(batches):
                with connection.cursor().copy("COPY bench_reading FROM STDIN (FORMAT BINARY)") as copy:
                    copy.write(block)
            results.append(batches * _BATCH_ROWS / (time.perf_counter() - began))
        connection.execute("DROP TABLE bench_reading")
    return statistics.median(results)
