"""A gateway in a process of its own, to be killed or starved of disk: `python -m tests.chaos.gateway_child`.

Its first line of input says what to send, as JSON. It prints the number of each sequence when it is told that it is
taken, and `refused WHY` when it is told that it is not, which it then tries again. When its input ends it takes no
more, waits until everything is acknowledged, and prints its counters as JSON.
"""

import asyncio
import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from batterytwin.errors import BufferUnavailableError
from clients.gateway import GatewayClient
from tests.chaos.ledger import Ledger

_RETRY_S = 0.05


async def _feed(orders: dict[str, Any]) -> None:
    ledger = Ledger(tuple(orders["battery_ids"]), orders["base_us"], newest=orders["first"] - 1)
    async with GatewayClient(orders["target"], orders["token"], buffer=Path(orders["buffer"])) as gateway:
        ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
        while not ended.done():
            await _send(gateway, ledger, ledger.take(1))
            await asyncio.sleep(1.0 / orders["rate_hz"])
    print(json.dumps(asdict(gateway.counters)), flush=True)


async def _send(gateway: GatewayClient, ledger: Ledger, sequences: tuple[int, ...]) -> None:
    while True:
        try:
            await gateway.send(ledger.reading_batch(sequences))
        except BufferUnavailableError as error:
            print(f"refused {error.message}", flush=True)
            await asyncio.sleep(_RETRY_S)
        else:
            print(*sequences, flush=True)
            return


if __name__ == "__main__":
    logging.getLogger("clients").setLevel(logging.CRITICAL)  # that it loses the server and its disk is the point
    asyncio.run(_feed(json.loads(sys.stdin.readline())))
