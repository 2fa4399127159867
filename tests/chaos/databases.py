"""Harm done to what stores: a database that is away, slow or read-only, and a full disk under the archive."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import psutil
import psycopg

from batterytwin.errors import StoreUnavailableError
from storage.archive_settings import ArchiveSettings
from storage.embedded import EmbeddedPostgres
from storage.partition_keeper import PartitionKeeper
from tests.chaos.arena import Arena
from tests.chaos.experiments import acked_rows, finish, loaded, recover
from tests.chaos.report import Outcome
from tests.chaos.victims import server_rss_mb
from tests.fixtures.full_disk import full_disk
from twin_server.archive_job import run_archive_keeper

_NO_HOT_DAYS = ArchiveSettings(hot_days=0)
_INDEX_S = 60.0
_FULL_BYTES = 4_096
_MOST_GROWTH = 0.10
_INDEXED = """
SELECT count(*) FILTER (WHERE to_regclass(c.relname || '_battery_time') IS NULL), count(*)
FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid
WHERE inhparent = 'reading'::regclass AND c.relname < 'reading_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD')
"""


def database_away(arena: Arena, away_s: float) -> Outcome:
    """Fast stop of a PostgreSQL that nobody starts again: nothing is acknowledged, the server lives, not ready (R4)."""
    outcome, before = Outcome("PostgreSQL away", faults=1), acked_rows(arena)
    arena.database_proxy()
    postgres = EmbeddedPostgres(arena.data_dir)
    with loaded(arena) as load:
        load.wait_acked_since(time.monotonic())
        rss = server_rss_mb(arena)
        postgres.stop()
        moment = time.monotonic()
        try:
            time.sleep(max(6.0, away_s))
            _nothing_acked(arena, outcome, moment + 0.5)
            _no_growth(arena, outcome, rss)
            outcome.require(arena.health("liveness") == "SERVING", "alive is told as dead")
            outcome.require(arena.health("") == "NOT_SERVING", "ready without a database")
        finally:
            postgres.start()
        outcome.recoveries_s.append(recover(arena, load, time.monotonic()))
    return finish(outcome, arena, load, before)


def slow_database(arena: Arena, seconds: float) -> Outcome:
    """Half a second between server and database, there and back: slower, and as right and ready as before (R4)."""
    outcome, before = Outcome("+500 ms to PostgreSQL", faults=1), acked_rows(arena)
    proxy = arena.database_proxy()
    with loaded(arena) as load:
        load.wait_acked_since(time.monotonic())
        proxy.delay_s = 0.25
        try:
            words = _words(lambda: arena.health(""), seconds)
            slow_s = load.wait_acked_since(time.monotonic())
        finally:
            proxy.delay_s = 0.0
        outcome.recoveries_s.append(recover(arena, load, time.monotonic()))
    outcome.require(set(words) == {"SERVING"}, f"readiness was {words}")
    outcome.notes.append(f"acknowledged after {slow_s:.1f} s meanwhile; readiness {words}")
    return finish(outcome, arena, load, before)


def _words(ask: Callable[[], str], seconds: float) -> dict[str, int]:
    words: dict[str, int] = {}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        word = ask()
        words[word] = words.get(word, 0) + 1
        time.sleep(0.5)
    return words


def database_read_only(arena: Arena, seconds: float) -> Outcome:
    """New sessions may not write; those that stand are ended (R4)."""
    outcome, before = Outcome("PostgreSQL read-only", faults=1), acked_rows(arena)
    url = arena.url
    with loaded(arena) as load:
        load.wait_acked_since(time.monotonic())
        rss = server_rss_mb(arena)
        _read_only(url, "on")
        moment = time.monotonic()
        try:
            time.sleep(seconds)
            _nothing_acked(arena, outcome, moment + 0.5)
            _no_growth(arena, outcome, rss)
        finally:
            _read_only(url, "off")
        outcome.recoveries_s.append(recover(arena, load, time.monotonic()))
    return finish(outcome, arena, load, before)


def _nothing_acked(arena: Arena, outcome: Outcome, since_s: float) -> None:
    early = [b for book in arena.ledgers for b in list(book.batches) if b.acked_s and b.acked_s > since_s]
    outcome.require(not early, f"{len(early)} batches acknowledged without a database that takes them")


def _no_growth(arena: Arena, outcome: Outcome, rss_mb: float) -> None:
    grown = server_rss_mb(arena) / rss_mb - 1.0
    outcome.require(grown <= _MOST_GROWTH, f"the server grew by {grown:.0%} without its database")


def _read_only(url: str, value: str) -> None:
    with psycopg.connect(url, autocommit=True, options="-c default_transaction_read_only=off") as connection:
        connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )


def archive_full(arena: Arena) -> Outcome:
    """A full disk under the archive while days are sealed under load: told in words, nothing moved; then it goes on."""
    outcome, before = Outcome("archive disk full", faults=1), acked_rows(arena)
    close_days(arena)
    with loaded(arena) as load:
        load.wait_acked_since(time.monotonic())
        with full_disk(_FULL_BYTES):
            told = keep_archive(arena)
        outcome.require("too large" in str(told), f"told {told}")
        outcome.require(not list(arena.archive.rglob("*.p*")), "a file was left behind")
        outcome.recoveries_s.append(load.wait_acked_since(time.monotonic()))
    outcome.judge(arena.check())
    done = keep_archive(arena)
    outcome.require(isinstance(done, dict) and done["sealed_rows"] > 0, f"with space again: {done}")
    outcome.notes.append(f"told {told!r}; then {done}")
    return finish(outcome, arena, load, before)


def keep_archive(arena: Arena, kill_after_s: float | None = None) -> object:
    """One round of the server's keeper of the archive, at once and of every day that is over; or what it says.

    Args:
        arena: whose days.
        kill_after_s: when its process gets SIGKILL; None = it gets none.
    """

    async def keep() -> object:
        killing = asyncio.create_task(_kill_keeper(kill_after_s))
        try:
            return dict(await run_archive_keeper(arena.url, arena.archive, _NO_HOT_DAYS))
        except StoreUnavailableError as error:
            return error.message
        finally:
            killing.cancel()

    return asyncio.run(keep())


async def _kill_keeper(after_s: float | None) -> None:
    if after_s is None:
        return
    await asyncio.sleep(after_s)
    for process in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if "storage.archive_keeper" in process.cmdline():
                kill_quietly(process.pid)


def kill_quietly(pid: int) -> None:
    """SIGKILL for a process that may have ended meanwhile."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def close_days(arena: Arena) -> None:
    """Gives the days that are over their index, as happens by itself once they are quiet."""
    keeper, give_up = PartitionKeeper(arena.url), time.monotonic() + _INDEX_S
    with psycopg.connect(arena.url, autocommit=True) as connection:
        while time.monotonic() < give_up:
            keeper.run(time.time_ns() // 1_000)
            ((open_days, days),) = connection.execute(_INDEXED).fetchall()
            if days and not open_days:
                return
            time.sleep(1.0)
    raise TimeoutError("days that are over do not get their index")
