"""A TCP proxy that delays, swallows answers, or cuts."""

import asyncio
import threading
from contextlib import suppress
from pathlib import Path

_CHUNK_BYTES = 65_536


class Proxy:
    """Stands between clients and a server on this machine, in a thread of its own.

    Args:
        server: port of the server, or its Unix socket.

    Attributes:
        port: where clients reach it.
        delay_s: added to whatever passes, each way.
        swallow_answers: nothing of what the server says reaches a client.
    """

    def __init__(self, server: int | Path) -> None:
        self.delay_s = 0.0
        self.swallow_answers = False
        self.swallowed_bytes = 0
        self.port = 0
        self._server = server
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()), name="proxy")

    def __enter__(self) -> "Proxy":
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Breaks every connection that stands."""
        self._loop.call_soon_threadsafe(self._cut)

    def _cut(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._end.wait()
        server.close()
        self._cut()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if isinstance(self._server, Path):
                up_reader, up_writer = await asyncio.open_unix_connection(self._server)
            else:
                up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._server)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, up_writer}
        self._writers |= pair
        try:
            questions = self._pass(reader, up_writer, is_answer=False)
            await asyncio.gather(questions, self._pass(up_reader, writer, is_answer=True))
        except asyncio.CancelledError:
            return  # the proxy ends
        finally:
            self._writers -= pair
            for each in pair:
                each.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK_BYTES):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if is_answer and self.swallow_answers:
                    self.swallowed_bytes += len(chunk)
                    continue
                writer.write(chunk)
                await writer.drain()
        writer.transport.abort()
