"""Alerts that a drill has raised, for its report."""

from typing import Final

from storage.alert_query import AlertQuery
from storage.alert_records import AlertRecord
from storage.server_store import ServerStore

_MOST: Final = 10_000
_PAGE: Final = 1_000


async def alerts_raised(store: ServerStore, begin_us: int) -> tuple[tuple[AlertRecord, ...], int]:
    """The oldest alerts of a drill, and how many there are; those that stood when it began are not its own.

    Args:
        store: of its database.
        begin_us: its begin, microseconds since 1970 UTC.

    Raises:
        StoreUnavailableError: the database is away.
    """
    found: list[AlertRecord] = []
    token = ""
    while True:
        page = await store.list_alerts(AlertQuery(start_us=begin_us + 1, page_size=_PAGE, page_token=token))
        found += page.alerts
        token = page.next_page_token
        if not token:
            return tuple(found[: -_MOST - 1 : -1]), len(found)
