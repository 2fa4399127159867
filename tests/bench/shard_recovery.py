"""How long a killed shard takes to come back under load, and what the other shards' callers notice of it.

`python -m tests.bench.shard_recovery FOLDER` measures alone; the folder must be empty and reachable by every user.
"""

import asyncio
import json
import signal
import statistics
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np
import psycopg

from batterytwin.errors import TwinError
from batterytwin.inventory import load_fleet
from clients.async_client import AsyncTwinClient
from storage.embedded import EmbeddedPostgres
from tests.bench.load import float_readings
from tests.bench.server_process import ServerProcess
from twin_server.operator_token import operator_token

_ROUNDS: Final = 5
_PERIOD_S: Final = 1.0
_SETTLE_S: Final = 15.0
"""Between two deaths; longer than it takes until another process is kept ready."""
_STRINGS_OF_BACKENDS: Final = "SELECT battery_id, backend_pid FROM battery JOIN lease USING (lease_id)"


class _Answers:
    """Acknowledgements: for which string, when its batch was first sent, how long that took with all repetitions."""

    def __init__(self, strings: int) -> None:
        self.newest_s = np.zeros(strings)
        self._all: list[tuple[int, float, float]] = []

    def note(self, place: int, sent_s: float, attempt_s: float) -> None:
        """Notes that a batch has been acknowledged now, which was sent for the last time at `attempt_s`."""
        self.newest_s[place] = attempt_s
        self._all.append((place, sent_s, time.monotonic() - sent_s))

    def within(self, begin_s: float, end_s: float, places: set[int]) -> list[float]:
        """What batches took that were first sent in a time, for some strings, as far as they are answered."""
        return [took for place, sent_s, took in self._all if begin_s <= sent_s < end_s and place in places]


def shard_recovery(folder: Path) -> dict[str, float]:
    """Kills a shard at 1,944 readings/s, five times.

    Args:
        folder: empty; the server's user must be able to reach it.

    Returns:
        `shard_killed_s`: seconds from SIGKILL until every string is acknowledged again, the median; with `_worst`, the
        longest. `others_p99_while_a_shard_is_away`: p99 of the acknowledgements of other shards' strings meanwhile,
        over that of all strings before.
    """
    data_dir = folder / "shard"
    server = ServerProcess(data_dir, "--no-simulator", "--no-dashboard")
    try:
        server.wait_for("ready")
        return asyncio.run(_kill_shards(server, data_dir))
    finally:
        server.stop()


async def _kill_shards(server: ServerProcess, data_dir: Path) -> dict[str, float]:
    strings = {
        string.string_id: [battery.battery_id for battery in string.batteries]
        for location in load_fleet().locations
        for string in location.strings()
    }
    answers = _Answers(len(strings))
    url = EmbeddedPostgres(data_dir).start()  # it runs: this tells where
    took_s, before_s, absences = [], [], []
    async with AsyncTwinClient(server.target, token=operator_token(data_dir)) as client, asyncio.TaskGroup() as group:
        senders = [
            group.create_task(_feed_string(client, place, ids, answers)) for place, ids in enumerate(strings.values())
        ]
        for number in range(_ROUNDS):
            await asyncio.sleep(_SETTLE_S)
            shards, backends = await asyncio.to_thread(lambda: (server.shards(), _backends(url)))
            killed_s = time.monotonic()
            shards[number % len(shards)].send_signal(signal.SIGKILL)
            while answers.newest_s.min() < killed_s:  # noqa: ASYNC110 - seen from outside alone
                await asyncio.sleep(0.01)
            took_s.append(time.monotonic() - killed_s)
            now = await asyncio.to_thread(_backends, url)
            others = {place for place, name in enumerate(strings) if now[name] == backends[name]}
            before_s += answers.within(killed_s - 10.0, killed_s - 1.0, set(range(len(strings))))
            absences.append((killed_s, killed_s + took_s[-1], others))
        await asyncio.sleep(_SETTLE_S)  # until the slowest call of the last absence is answered as well
        meanwhile_s = [took for absence in absences for took in answers.within(*absence)]
        for sender in senders:
            sender.cancel()
    return {
        "shard_killed_s": statistics.median(took_s),
        "shard_killed_s_worst": max(took_s),
        "others_p99_while_a_shard_is_away": float(np.quantile(meanwhile_s, 0.99) / np.quantile(before_s, 0.99)),
    }


def _backends(url: str) -> dict[str, int]:
    """Session of the database that writes for each string."""
    with psycopg.connect(url) as connection:
        return {name.rpartition("-")[0]: pid for name, pid in connection.execute(_STRINGS_OF_BACKENDS).fetchall()}


async def _feed_string(client: AsyncTwinClient, place: int, ids: list[str], answers: _Answers) -> None:
    """Sends the blocks of a string once a second, and each batch again until it is acknowledged."""
    await asyncio.sleep(_PERIOD_S * (place % 81) / 81)
    start_s = time.time() - 3_600.0
    for number in range(3_600):
        batch = float_readings(ids, start_s + number, seed=number)
        sent = time.monotonic()
        while True:
            attempt = time.monotonic()
            try:
                result = await client.ingest(batch)
            except TwinError:
                await asyncio.sleep(0.05)
                continue
            if result.accepted + result.duplicate != len(ids):
                raise RuntimeError(f"{result} for {len(ids)} rows")
            answers.note(place, sent, attempt)
            break
        await asyncio.sleep(max(0.0, sent + _PERIOD_S - time.monotonic()))


def main() -> None:
    """Measures in a folder and prints one JSON object."""
    print(json.dumps(shard_recovery(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
