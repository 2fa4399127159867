"""A gateway in a process of its own, to be killed: `python -m tests.clients.gateway_child BUFFER TARGET`.

Prints the number of each batch when it has been told that it is taken, several at once under way.
"""

import asyncio
import sys
from itertools import count
from pathlib import Path

from clients.gateway import GatewayClient
from tests.clients.batches import batch


async def _feed(buffer: Path, target: str) -> None:
    numbers = count()
    async with GatewayClient(target, "t", buffer=buffer) as gateway:

        async def send() -> None:
            for number in numbers:
                await gateway.send(batch(number))
                print(number, flush=True)

        await asyncio.gather(*(send() for _ in range(3)))


if __name__ == "__main__":
    asyncio.run(_feed(Path(sys.argv[1]), sys.argv[2]))
