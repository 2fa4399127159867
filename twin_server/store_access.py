"""An open store for commands on the server's own machine, whether the server runs or not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from storage.embedded import EmbeddedPostgres
from storage.migrate import migrate
from storage.server_store import ServerStore
from twin_server.instance import Instance, read_instance
from twin_server.up_command import make_settings


@asynccontextmanager
async def open_server_store(data_dir: Path | None = None) -> AsyncIterator[ServerStore]:
    """Opens the store of a data directory (or of DATABASE_URL). Starts the embedded database if no server runs.

    Raises:
        ConflictError: a server is just starting on this data directory.
        StoreUnavailableError: the database does not answer.
    """
    settings = make_settings(data_dir=data_dir)
    postgres = EmbeddedPostgres(settings.data_dir)
    instance: Instance | None = None
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
    elif read_instance(settings.data_dir) is not None:
        url = await asyncio.to_thread(postgres.start)  # adopts the running one
    else:
        instance = Instance(settings.data_dir)
        instance.acquire()
        url = await asyncio.to_thread(postgres.start)
        await asyncio.to_thread(migrate, url)
    try:
        store = await ServerStore.connect(url)
        try:
            yield store
        finally:
            await store.close()
    finally:
        if instance is not None:
            await asyncio.to_thread(postgres.stop)
            instance.release()
