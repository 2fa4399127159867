"""Time series databases that take line protocol: they store what comes, and estimate and judge nothing."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from tests.benchmarks.peers.process import ask, find_program, free_port, running
from tests.benchmarks.peers.workload import line_protocol, post_all, round_of_batches

Round = Callable[[int], float]
"""Does the round of a number; returns readings a second."""

_LIMIT_S: Final = 60.0
_INFLUX: Final = """\
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
wal-fsync-delay = "0s"
query-log-enabled = false
[http]
bind-address = "127.0.0.1:{port}"
log-enabled = false
[monitor]
store-enabled = false
"""


@contextmanager
def victoria_metrics(folder: Path) -> Iterator[Round]:
    """VictoriaMetrics, single node. It has no log to sync: the last seconds before a power cut are lost.

    Raises:
        NotHereError: it is not installed.
        RuntimeError: it holds fewer readings than it took.
    """
    program, port = find_program("victoria-metrics", "victoria-metrics"), free_port()
    options = [f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={folder / 'data'}", "-retentionPeriod=1"]
    sent: list[int] = []
    with running([program, *options], folder, port, "/health"):
        yield lambda number: _send(port, "/write?precision=ms", number, sent)
        ask(port, "GET", "/internal/force_flush")
        query = urlencode({"query": "sum(count_over_time(battery_voltage_v[3d]))"})
        answer = json.loads(ask(port, "GET", f"/api/v1/query?{query}")[1])
        _check("VictoriaMetrics", sum(sent), int(answer["data"]["result"][0]["value"][1]))


@contextmanager
def influx_db(folder: Path) -> Iterator[Round]:
    """InfluxDB 1 as it comes: every write is synced to its log before it is answered.

    Raises:
        NotHereError: it is not installed.
        RuntimeError: it holds fewer readings than it took.
    """
    program, port = find_program("influxd", "influxdb"), free_port()
    settings = folder / "influxdb.conf"
    settings.write_text(_INFLUX.format(folder=folder, port=port, rpc=free_port()), encoding="utf-8")
    sent: list[int] = []
    with running([program, "-config", settings], folder, port, "/ping"):
        ask(port, "POST", f"/query?{urlencode({'q': 'CREATE DATABASE fleet'})}")
        yield lambda number: _send(port, "/write?db=fleet&precision=ms", number, sent)
        query = urlencode({"db": "fleet", "q": "SELECT count(voltage_v) FROM battery"})
        answer = json.loads(ask(port, "GET", f"/query?{query}")[1])
        _check("InfluxDB", sum(sent), int(answer["results"][0]["series"][0]["values"][0][1]))


def _send(port: int, path: str, number: int, sent: list[int]) -> float:
    """Sends a round whose words were made beforehand, which a peer's own client would have to do meanwhile."""
    batches = round_of_batches(number)
    bodies = [[line_protocol(batch) for batch in stream] for stream in batches]
    rows = sum(len(batch.readings) for stream in batches for batch in stream)
    began = time.perf_counter()
    if post_all(port, path, bodies, _LIMIT_S) != sum(map(len, bodies)):
        raise RuntimeError(f"a round took longer than {_LIMIT_S:.0f} s")
    took_s = time.perf_counter() - began
    sent.append(rows)
    return rows / took_s


def _check(name: str, sent: int, held: int) -> None:
    if held != sent:
        raise RuntimeError(f"{name} took {sent} readings and holds {held}")
