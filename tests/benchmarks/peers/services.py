"""Services that take readings: the product itself, in messages and one by one, and a plain one beside it."""

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Final

import psycopg

from storage.durability import durability_gaps
from storage.embedded import EmbeddedPostgres
from tests.bench.call_load import ingest_singles, prepared_singles
from tests.bench.load import days_ago, pools_flat_out
from tests.bench.server_process import running_server
from tests.benchmarks.peers.databases import Round
from tests.benchmarks.peers.process import NotHereError, free_port, running
from tests.benchmarks.peers.workload import STREAMS, json_readings, post_all, round_of_batches

_ROOT: Final = Path(__file__).parents[3]
_NEEDED: Final = ("fastapi", "sqlalchemy", "uvicorn")
_IN_FLIGHT: Final = 7 * STREAMS
_PLAIN_S: Final = 4.0
_SINGLES: Final = 4_000


@contextmanager
def batterytwin(folder: Path) -> Iterator[Round]:
    """The product: every reading estimated, judged, durable and acknowledged."""
    with running_server(folder / "data") as (server, token):
        yield lambda number: asyncio.run(pools_flat_out(server.target, token, round_of_batches(number)))


@contextmanager
def batterytwin_singles(folder: Path) -> Iterator[Round]:
    """The product, one reading a call, as many under way as the plain service gets."""
    with running_server(folder / "data") as (server, token):

        def send(number: int) -> float:
            batches = prepared_singles(days_ago(1) + 3_600.0 * number, _SINGLES)
            return asyncio.run(ingest_singles(server.target, token, _IN_FLIGHT, batches)).per_s

        yield send


@contextmanager
def plain_service(folder: Path) -> Iterator[Round]:
    """FastAPI and SQLAlchemy over the same PostgreSQL with the same settings, a worker a core.

    Raises:
        NotHereError: a library is missing.
        RuntimeError: the database could lose commits, or holds fewer readings than were taken.
    """
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise NotHereError(f"not importable: {', '.join(missing)} (pip install {' '.join(_NEEDED)})")
    postgres, port = EmbeddedPostgres(folder / "data"), free_port()
    url = postgres.start()
    try:
        if gaps := durability_gaps(url):
            raise RuntimeError(f"the database could lose commits: {gaps}")
        command = [sys.executable, "-m", "uvicorn", "tests.benchmarks.peers.fastapi_service:app"]
        command += ["--port", str(port), "--workers", str(len(os.sched_getaffinity(0))), "--log-level", "warning"]
        paths = [str(_ROOT), str(_ROOT / "protos"), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = os.environ | {
            "PLAIN_DATABASE_URL": url.replace("postgresql://", "postgresql+psycopg://", 1),
            "PYTHONPATH": os.pathsep.join(paths),
        }
        sent: list[int] = []
        with running(command, folder, port, "/health", environment):
            yield lambda number: _post_singles(port, number, sent)
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT count(*) FROM plain_reading").fetchone()
        if row is None or row[0] != sum(sent):
            raise RuntimeError(f"{sum(sent)} readings were taken, {row and row[0]} are stored")
    finally:
        postgres.stop()


def _post_singles(port: int, number: int, sent: list[int]) -> float:
    """Posts readings one by one for some seconds, each connection waiting for its answer."""
    singles = [list(chain.from_iterable(map(json_readings, stream))) for stream in round_of_batches(number)]
    bodies = [singles[lane % STREAMS][lane // STREAMS :: _IN_FLIGHT // STREAMS] for lane in range(_IN_FLIGHT)]
    began = time.perf_counter()
    taken = post_all(port, "/readings", bodies, _PLAIN_S, "application/json")
    took_s = time.perf_counter() - began
    sent.append(taken)
    return taken / took_s
