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
async def open_database(data_dir: Path | None = None, *, bring_up_to_date: bool = True) -> AsyncIterator[str]:
    """URL of the database of a data directory (or DATABASE_URL). Starts the embedded one if no server runs.

    Args:
        data_dir: data directory; None = the usual one.
        bring_up_to_date: apply missing migrations to a database that is started here.

    Raises:
        ConflictError: a server is just starting on this data directory.
        StoreUnavailableError: the database does not answer.
    """
    settings = make_settings(data_dir=data_dir)
    postgres = EmbeddedPostgres(settings.data_dir)
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    if read_instance(settings.data_dir) is not None:
        yield await asyncio.to_thread(postgres.start)  # adopts the running one
        return
    instance = Instance(settings.data_dir)
    instance.acquire()
    try:
        url = await asyncio.to_thread(postgres.start)
        if bring_up_to_date:
            await asyncio.to_thread(migrate, url)
        yield url
    finally:
        await asyncio.to_thread(postgres.stop)
        instance.release()


@asynccontextmanager
async def open_server_store(data_dir: Path | None = None) -> AsyncIterator[ServerStore]:
    """Opens the store of a data directory (or of DATABASE_URL). Starts the embedded database if no server runs.

    Raises:
        ConflictError: a server is just starting on this data directory.
        StoreUnavailableError: the database does not answer.
    """
    async with open_database(data_dir) as url:
        store = await ServerStore.connect(url)
        try:
            yield store
        finally:
            await store.close()
