"""Peers get the same readings in their own words, and one that is not here costs nothing but its own row."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.peers.__main__ import Peer, measure
from tests.benchmarks.peers.databases import Round
from tests.benchmarks.peers.process import NotHereError, find_program, running
from tests.benchmarks.peers.workload import STREAMS, json_readings, line_protocol, post_all, round_of_batches


def test_a_round_brings_every_battery_the_same_number_of_readings() -> None:
    streams = round_of_batches(0, samples=18)
    rows = [len(batch.readings) for stream in streams for batch in stream]
    assert len(streams) == STREAMS
    assert set(rows) == {1_944}
    assert sum(rows) == 18 * 1_944


def test_line_protocol_and_json_say_the_same() -> None:
    batch = round_of_batches(0, samples=9)[0][0]
    lines = line_protocol(batch).decode().splitlines()
    objects = [json.loads(body) for body in json_readings(batch)]
    assert len(lines) == len(objects) == len(batch.readings)
    for line, told in zip(lines, objects, strict=True):
        name, fields, time_ms = line.split(" ")
        values = {key: float(value) for key, value in (field.split("=") for field in fields.split(","))}
        assert name == f"battery,battery_id={told['battery_id']}"
        assert int(time_ms) == int(told["sample_time"] * 1_000)
        assert values == pytest.approx({key: told[key] for key in values}, rel=1e-6)
        assert set(told) - set(values) == {"battery_id", "sample_time"}


def test_a_program_that_is_missing_names_its_package() -> None:
    with pytest.raises(NotHereError, match="package no-such-package"):
        find_program("no-such-program", "no-such-package")


def test_a_program_that_ends_at_once_is_told_with_its_last_words(tmp_path: Path) -> None:
    command = ["sh", "-c", "echo cannot start; exit 3"]
    with pytest.raises(NotHereError, match="cannot start"), running(command, tmp_path, 9, "/"):
        pass


def test_peers_take_turns_and_the_first_round_does_not_count(tmp_path: Path) -> None:
    order: list[str] = []
    peers = [Peer(name, _counting(name, order), "") for name in ("a", "b")]
    measure(peers, tmp_path, rounds=2)
    assert order == ["a0", "b0", "a1", "b1", "a2", "b2"]
    assert [peer.median for peer in peers] == [15.0, 15.0]


def test_one_that_is_missing_or_fails_leaves_the_others_alone(tmp_path: Path) -> None:
    @contextmanager
    def missing(_folder: Path) -> Iterator[Round]:
        raise NotHereError("not installed")
        yield lambda _number: 0.0

    @contextmanager
    def failing(_folder: Path) -> Iterator[Round]:
        yield lambda number: 1.0 / number if number < 2 and number else _fail()

    @contextmanager
    def losing(_folder: Path) -> Iterator[Round]:
        yield lambda _number: 1.0
        raise RuntimeError("holds fewer readings than it took")

    order: list[str] = []
    peers = [
        Peer("m", missing, ""),
        Peer("f", failing, ""),
        Peer("l", losing, ""),
        Peer("a", _counting("a", order), ""),
    ]
    measure(peers, tmp_path, rounds=2)
    assert [peer.median for peer in peers] == [None, None, None, 15.0]
    assert [peer.reason for peer in peers[:3]] == [
        "not installed",
        "RuntimeError: no answer",
        "holds fewer readings than it took",
    ]


def test_bodies_are_posted_in_order_over_a_connection_a_stream() -> None:
    taken: list[bytes] = []
    with _service(taken, 204) as port:
        assert post_all(port, "/", [[b"a1", b"a2"], [b"b1"]], 10.0) == 3
    assert sorted(taken) == [b"a1", b"a2", b"b1"]
    assert taken.index(b"a1") < taken.index(b"a2")


def test_nothing_is_begun_after_the_limit() -> None:
    taken: list[bytes] = []
    with _service(taken, 204) as port:
        assert post_all(port, "/", [[b"a1"]], 0.0) == 0
    assert taken == []


def test_a_body_that_is_refused_ends_the_round() -> None:
    with _service([], 400) as port, pytest.raises(RuntimeError, match="answered with 400"):
        post_all(port, "/", [[b"a1"]], 10.0)


def _fail() -> float:
    raise RuntimeError("no answer")


def _counting(name: str, order: list[str]) -> Any:
    @contextmanager
    def opened(_folder: Path) -> Iterator[Round]:
        def send(number: int) -> float:
            order.append(f"{name}{number}")
            return 10.0 * number

        yield send

    return opened


@contextmanager
def _service(taken: list[bytes], status: int) -> Iterator[int]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            taken.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
