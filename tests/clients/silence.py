"""A proxy whose first connection can be made to stand still without being closed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def silenceable_proxy(target: str) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """Forwards to `target`; gives its address, and an event after which the first connection carries nothing more."""
    host, _, port = target.rpartition(":")
    silence, connections = asyncio.Event(), 0
    tasks, writers = set[asyncio.Task[None]](), list[asyncio.StreamWriter]()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, first: bool) -> None:
        while data := await reader.read(65_536):
            if first and silence.is_set():
                await asyncio.Event().wait()
            writer.write(data)
            await writer.drain()
        writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        there_reader, there_writer = await asyncio.open_connection(host, int(port))
        writers.extend((writer, there_writer))
        for ends in ((reader, there_writer), (there_reader, writer)):
            tasks.add(asyncio.create_task(forward(*ends, first=connections == 1)))

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", silence
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        for writer in writers:
            writer.close()
        await asyncio.gather(*tasks, *(writer.wait_closed() for writer in writers), return_exceptions=True)
