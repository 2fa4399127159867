"""Work that comes back: once when it is due, however long it was due for, by whoever asks first."""

import psycopg
import pytest

from batterytwin.errors import StoreUnavailableError
from storage.server_store import ServerStore
from twin_server.scheduler import Job, Scheduler


class _Work:
    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.count = 0

    async def __call__(self) -> None:
        self.count += 1
        if self.fails:
            raise StoreUnavailableError("not now", retry_after_s=1.0)


def wind_back(url: str, seconds: float) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE scheduled_job SET begun_at = begun_at - make_interval(secs => %s)", (seconds,))


@pytest.fixture
def work() -> _Work:
    return _Work()


async def test_a_job_is_done_once_a_period_also_across_restarts(
    server_store: ServerStore, database_url: str, work: _Work
) -> None:
    for expected in (1, 1):
        await Scheduler(server_store, [Job("sweep", 3_600.0, work)]).look()
        assert work.count == expected
    wind_back(database_url, 3_601.0)
    await Scheduler(server_store, [Job("sweep", 3_600.0, work)]).look()
    assert work.count == 2


async def test_a_job_that_was_due_many_times_is_done_once(
    server_store: ServerStore, database_url: str, work: _Work
) -> None:
    scheduler = Scheduler(server_store, [Job("sweep", 60.0, work)])
    await scheduler.look()
    wind_back(database_url, 3_600.0)
    for _ in range(5):
        await scheduler.look()
    assert work.count == 2


async def test_a_clock_that_was_ahead_for_a_time_keeps_no_job_from_its_turn(
    server_store: ServerStore, database_url: str, work: _Work
) -> None:
    scheduler = Scheduler(server_store, [Job("sweep", 60.0, work)])
    await scheduler.look()
    wind_back(database_url, -365 * 86_400.0)
    for _ in range(2):
        await scheduler.look()
    assert work.count == 2


async def test_of_several_servers_one_does_the_job(server_store: ServerStore, work: _Work) -> None:
    for _ in range(3):
        await Scheduler(server_store, [Job("sweep", 60.0, work)]).look()
    assert work.count == 1


async def test_a_job_that_fails_is_tried_again_soon_and_holds_up_no_other(
    server_store: ServerStore, database_url: str, work: _Work
) -> None:
    failing = _Work(fails=True)
    scheduler = Scheduler(server_store, [Job("bad", 3_600.0, failing), Job("good", 3_600.0, work)])
    await scheduler.look()
    assert (failing.count, work.count) == (1, 1)
    await scheduler.look()
    assert failing.count == 1
    wind_back(database_url, 150.0)
    await scheduler.look()
    assert (failing.count, work.count) == (2, 1)


async def test_what_fails_is_told_until_it_succeeds(server_store: ServerStore, database_url: str) -> None:
    work = _Work(fails=True)
    scheduler = Scheduler(server_store, [Job("sweep", 60.0, work)])
    await scheduler.look()
    assert scheduler.failing() == ["sweep: not now"]
    await scheduler.look()  # not due yet, so nothing is known that is better
    assert scheduler.failing() == ["sweep: not now"]
    work.fails = False
    wind_back(database_url, 150.0)
    await scheduler.look()
    assert scheduler.failing() == []
