"""A server whose handlers only echo, behind the gate of the real one: `python -m tests.bench.echo_server DATA_DIR`.

Event loop, listener, interceptors, tokens, log and database are those of `batterytwin up` in the same data directory,
which has to run; only what handlers do is missing. Prints its address as its only line and serves until SIGTERM.
"""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from batterytwin.v1 import ingest_service_pb2, ingest_service_pb2_grpc, reading_pb2, twin_pb2, twin_service_pb2
from batterytwin.v1.twin_service_pb2_grpc import TwinServiceServicer, add_TwinServiceServicer_to_server
from storage.embedded import EmbeddedPostgres
from storage.server_store import ServerStore
from twin_server.access import make_access
from twin_server.admission import Admission
from twin_server.event_loop import run_on_event_loop
from twin_server.listener import bind, make_listener
from twin_server.logging_setup import configure_logging
from twin_server.settings import ServerSettings


class EchoIngest(ingest_service_pb2_grpc.IngestServiceServicer):
    """Takes rows nowhere."""

    async def IngestReadings(  # noqa: N802 # as the proto calls it
        self,
        request: ingest_service_pb2.IngestReadingsRequest,
        context: Any,  # noqa: ARG002 # as above
    ) -> ingest_service_pb2.IngestReadingsResponse:
        """Says how many rows came."""
        counts = reading_pb2.IngestCounts(accepted_count=len(request.readings.battery_ids))
        return ingest_service_pb2.IngestReadingsResponse(counts=counts)


class EchoTwin(TwinServiceServicer):
    """Knows no twins."""

    async def GetTwin(  # noqa: N802 # as the proto calls it
        self,
        request: twin_service_pb2.GetTwinRequest,
        context: Any,  # noqa: ARG002 # as above
    ) -> twin_service_pb2.GetTwinResponse:
        """Says the name that was asked for."""
        return twin_service_pb2.GetTwinResponse(twin=twin_pb2.Twin(battery_id=request.battery_id))


@contextmanager
def echo_beside(data_dir: Path) -> Iterator[str]:
    """An echo server in a process of its own, as the real one is; gives its address."""
    process = subprocess.Popen([sys.executable, "-m", __name__, data_dir], stdout=subprocess.PIPE, text=True)
    try:
        address = process.stdout.readline().strip() if process.stdout else ""
        if not address:
            raise RuntimeError(f"the echo server ended early: exit code {process.wait(timeout=10)}")
        yield address
    finally:
        process.terminate()
        process.wait(timeout=10)


async def serve(data_dir: Path) -> None:
    """Serves until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    settings = ServerSettings(data_dir=data_dir, port=0)
    configure_logging(data_dir / "logs" / "echo.log")
    store = await ServerStore.connect(await asyncio.to_thread(EmbeddedPostgres(data_dir).start))
    admission = Admission(settings.max_concurrent_calls)
    server = make_listener(settings, [make_access(data_dir, store).interceptor, admission])
    # the types want every method of a service; here the others stay unimplemented
    ingest_service_pb2_grpc.add_IngestServiceServicer_to_server(EchoIngest(), server)  # type: ignore[abstract]
    add_TwinServiceServicer_to_server(EchoTwin(), server)  # type: ignore[abstract]
    port = bind(server, settings)
    await server.start()
    admission.open = True
    print(f"127.0.0.1:{port}", flush=True)
    await stop.wait()
    await server.stop(1.0)
    await store.close()


if __name__ == "__main__":
    run_on_event_loop(serve(Path(sys.argv[1])))
