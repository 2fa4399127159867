"""The queue of projections: one at a time, cancelled at once, and none lost when the server ends."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from batterytwin.errors import InvalidArgumentError, OverloadedError, StoreUnavailableError, UnknownProjectionError
from batterytwin.scenarios import ProjectionState
from storage.projection_records import ProjectionOutcome, ProjectionRecord
from storage.server_store import ServerStore
from tests.storage.test_projection_table import new
from twin_server import projection_keeper
from twin_server.projection_job import ProjectionNews, Tell
from twin_server.projection_keeper import MOST_WAITING, ProjectionKeeper

DONE = ProjectionOutcome(ProjectionState.DONE, 5, 0.1, result=b"result", totals=b"totals")


class Computed:
    """Computes when it is told to.

    Attributes:
        begun: how many have begun.
        ended: how many were ended before they were done.
        most: how many were computed at a time.
    """

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.begun = self.ended = self.most = self.now = 0
        self.errors: list[Exception] = []

    async def compute(self, request: bytes, tell: Tell) -> ProjectionOutcome:
        assert request == b"request"
        self.begun += 1
        self.now += 1
        self.most = max(self.most, self.now)
        tell(ProjectionNews(0.4, 77))
        try:
            await self.go.wait()
            if self.errors:
                raise self.errors.pop(0)
        except asyncio.CancelledError:
            self.ended += 1
            raise
        finally:
            self.now -= 1
        return DONE


@asynccontextmanager
async def keeping(store: ServerStore, computed: Computed) -> AsyncIterator[ProjectionKeeper]:
    keeper = ProjectionKeeper(store, computed.compute)
    running = asyncio.create_task(keeper.run())
    yield keeper
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - seen from outside alone
            await asyncio.sleep(0.005)


async def found(store: ServerStore, number: int) -> ProjectionRecord:
    record = await store.projection(f"prj-{number}")
    assert record is not None
    return record


async def state_of(store: ServerStore, number: int, wanted: ProjectionState) -> ProjectionRecord:
    async with asyncio.timeout(20):
        while (record := await found(store, number)).state is not wanted:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.005)
    return record


async def test_projections_are_computed_one_after_the_other_and_tell_how_far_they_are(
    server_store: ServerStore,
) -> None:
    computed = Computed()
    async with keeping(server_store, computed) as keeper:
        for number in (1, 2, 3):
            await keeper.ask(new(number))
        await until(lambda: computed.begun == 1)
        assert keeper.news_of("prj-1") == ProjectionNews(0.4, 77)
        assert keeper.news_of("prj-2") == ProjectionNews()
        computed.go.set()
        record = await state_of(server_store, 3, ProjectionState.DONE)
    assert (computed.begun, computed.most, record.result) == (3, 1, b"result")


async def test_a_full_queue_says_so_and_when_to_come_back(server_store: ServerStore) -> None:
    keeper = ProjectionKeeper(server_store, Computed().compute)
    asked = [asyncio.create_task(keeper.ask(new(number))) for number in range(MOST_WAITING + 3)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    refused = [error for error in outcomes if isinstance(error, OverloadedError)]
    assert len(refused) == 3
    assert refused[0].retry_after_s is not None


async def test_cancelling_ends_what_is_computed_and_the_next_one_begins(server_store: ServerStore) -> None:
    computed = Computed()
    async with keeping(server_store, computed) as keeper:
        for number in (1, 2, 3):
            await keeper.ask(new(number))
        await until(lambda: computed.begun == 1)
        waiting = await keeper.cancel("prj-2", str(uuid.uuid4()))
        running = await keeper.cancel("prj-1", str(uuid.uuid4()))
        assert (waiting.state, running.state) == (ProjectionState.CANCELLED, ProjectionState.CANCELLED)
        assert computed.ended == 1
        computed.go.set()
        await state_of(server_store, 3, ProjectionState.DONE)
        assert computed.begun == 2
        with pytest.raises(UnknownProjectionError):
            await keeper.cancel("prj-9", str(uuid.uuid4()))


async def test_what_ran_when_the_server_ended_is_computed_anew_and_what_waited_goes_on(
    server_store: ServerStore,
) -> None:
    before, after = Computed(), Computed()
    async with keeping(server_store, before) as keeper:
        for number in (1, 2):
            await keeper.ask(new(number))
        await until(lambda: before.begun == 1)
    assert before.ended == 1
    after.go.set()
    async with keeping(server_store, after):
        await state_of(server_store, 1, ProjectionState.DONE)
        await state_of(server_store, 2, ProjectionState.DONE)
    assert after.begun == 2


async def test_what_fails_says_why_and_a_database_that_was_away_is_no_failure(
    server_store: ServerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projection_keeper, "_RETRY_S", 0.01)
    computed = Computed()
    computed.go.set()
    computed.errors = [InvalidArgumentError("no reading then"), StoreUnavailableError("away"), ValueError("a bug")]
    async with keeping(server_store, computed) as keeper:
        for number in (1, 2, 3):
            await keeper.ask(new(number))
        failed = await state_of(server_store, 1, ProjectionState.FAILED)
        assert (failed.reason, failed.begin_us) == ("no reading then", 77)
        odd = await state_of(server_store, 2, ProjectionState.FAILED)
        assert odd.reason == "unexpected ValueError"
        await state_of(server_store, 3, ProjectionState.DONE)
    assert computed.begun == 4, "the second one began again"
