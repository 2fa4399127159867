"""An embedded database that ends is started again, and none is started while it is being stopped."""

import asyncio
import threading

from batterytwin.errors import StoreUnavailableError
from twin_server.database_keeper import DatabaseKeeper


class ScriptedServer:
    """Runs, until told that it does not; `failures` starts fail."""

    def __init__(self) -> None:
        self.running = True
        self.failures = 0
        self.starts = 0
        self.hold = threading.Event()
        self.hold.set()
        self.starting = threading.Event()

    def serves(self) -> bool:
        return self.running

    def answers(self) -> bool:
        return self.running

    def start(self) -> str:
        self.starting.set()
        self.hold.wait(20)
        self.starts += 1
        if self.failures:
            self.failures -= 1
            raise StoreUnavailableError("no room left on the disk")
        self.running = True
        return "url"


async def test_it_is_started_again_until_it_runs() -> None:
    server, told = ScriptedServer(), list[str]()
    keeper = DatabaseKeeper(server, told.append)
    keeper.start()
    server.failures, server.running = 1, False
    async with asyncio.timeout(20):
        while not server.running:  # noqa: ASYNC110 - seen from outside alone
            await asyncio.sleep(0.01)
    await keeper.stop()
    assert server.starts == 2
    assert told[0] == "the database ended; starting it again"
    assert "no room" in told[1]


async def test_a_stop_begins_when_the_database_is_back() -> None:
    server = ScriptedServer()
    keeper = DatabaseKeeper(server, lambda _: None)
    keeper.start()
    server.running = False
    await keeper.settle(20.0)
    assert server.starts == 1
    await keeper.stop()


async def test_a_database_that_stays_away_keeps_no_stop_waiting() -> None:
    server = ScriptedServer()
    server.running = False
    async with asyncio.timeout(20):
        await DatabaseKeeper(server, lambda _: None).settle(0.2)
    assert server.starts == 0


async def test_a_stop_waits_for_a_start_under_way() -> None:
    server = ScriptedServer()
    keeper = DatabaseKeeper(server, lambda _: None)
    keeper.start()
    server.hold.clear()
    server.running = False
    assert await asyncio.to_thread(server.starting.wait, 20)
    stopping = asyncio.create_task(keeper.stop())
    await asyncio.sleep(0.05)
    assert not stopping.done()
    server.hold.set()
    await stopping
    assert server.starts == 1
