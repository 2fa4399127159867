"""Whether a database keeps what it has committed when the power fails."""

from typing import Any, Final

import psycopg

from batterytwin.errors import StoreUnavailableError
from storage.sql_files import read_sql

NEEDED: Final = {
    "fsync": {"on"},
    "full_page_writes": {"on"},
    "synchronous_commit": {"on", "remote_write", "remote_apply"},
}
"""Settings without which a commit may be lost or a page torn, with the values that will do."""

_UNLOGGED: Final = read_sql("unlogged_tables")

Connection = psycopg.Connection[Any]


def durability_gaps(url: str) -> list[str]:
    """What could make a database forget commits in a power cut; empty = nothing.

    Looks at the settings as a session of the product has them, and at every table, all partitions included.

    Args:
        url: libpq connection string or URL of a migrated database.

    Returns:
        One sentence for each gap, for people.

    Raises:
        StoreUnavailableError: the database does not answer.
    """
    try:
        with psycopg.connect(url, autocommit=True, application_name="batterytwin durability") as connection:
            return [*_setting_gaps(connection), *_table_gaps(connection)]
    except psycopg.Error as error:
        raise StoreUnavailableError(f"The database does not answer: {error}", retry_after_s=1.0) from error


def _setting_gaps(connection: Connection) -> list[str]:
    gaps = []
    for name, will_do in NEEDED.items():
        row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
        value = "missing" if row is None else str(row[0])
        if value not in will_do:
            gaps.append(f"{name} is {value}; set it to on.")
    return gaps


def _table_gaps(connection: Connection) -> list[str]:
    names = [str(name) for (name,) in connection.execute(_UNLOGGED)]
    return [f"Table {name} is not logged; run ALTER TABLE {name} SET LOGGED." for name in names]
