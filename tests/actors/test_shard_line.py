"""The line between server and shard: answers belong to their questions, and a dead end is told at once."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from actors.shard_line import LineServer, ShardLine
from batterytwin.errors import ShardUnavailableError


def echo(rows: bytes, receive_time_us: int) -> bytes:
    return rows + str(receive_time_us).encode()


async def connected(path: Path, answer: Callable[[bytes, int], bytes] = echo) -> ShardLine:
    LineServer(path, answer)
    return await ShardLine.connect(path)


@pytest.mark.parametrize("size", [0, 1, 26, 70_000, 5_000_000])
async def test_what_goes_in_comes_out(tmp_path: Path, size: int) -> None:
    line = await connected(tmp_path / "line")
    for k in range(3):
        rows = bytes([k]) * size
        assert await line.ask(rows, -k) == rows + str(-k).encode()
    line.close()


async def test_an_answer_that_nobody_waits_for_is_not_taken_for_the_next_one(tmp_path: Path) -> None:
    released = threading.Event()

    def slow(rows: bytes, receive_time_us: int) -> bytes:
        released.wait(10.0)
        return echo(rows, receive_time_us)

    line = await connected(tmp_path / "line", slow)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(line.ask(b"first", 1), 0.05)
    second = asyncio.ensure_future(line.ask(b"second", 2))
    await asyncio.sleep(0.05)
    assert not second.done()
    released.set()
    assert await second == b"second2"
    line.close()


async def test_a_shard_that_dies_is_told_to_those_who_wait_and_to_those_who_ask(tmp_path: Path) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    server = await asyncio.start_unix_server(hang_up, tmp_path / "line")
    line = await ShardLine.connect(tmp_path / "line")
    assert line.is_open
    with pytest.raises(ShardUnavailableError):
        await line.ask(b"rows", 1)
    assert not line.is_open
    with pytest.raises(ShardUnavailableError):
        await line.ask(b"rows", 1)
    server.close()
    await server.wait_closed()


async def test_nobody_at_the_other_end_is_told(tmp_path: Path) -> None:
    with pytest.raises(ShardUnavailableError):
        await ShardLine.connect(tmp_path / "nobody")
    with pytest.raises(ShardUnavailableError):
        await ShardLine().ask(b"rows", 1)


async def test_a_shard_answers_whoever_connects_next(tmp_path: Path) -> None:
    first = await connected(tmp_path / "line")
    assert await first.ask(b"a", 1) == b"a1"
    first.close()
    second = await ShardLine.connect(tmp_path / "line")
    assert await second.ask(b"b", 2) == b"b2"
    second.close()


async def test_a_new_process_takes_the_place_of_a_dead_one(tmp_path: Path) -> None:
    LineServer(tmp_path / "line", echo)
    line = await connected(tmp_path / "line", lambda _rows, _time: b"new")
    assert await line.ask(b"rows", 1) == b"new"
    line.close()
