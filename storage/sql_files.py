"""SQL statements live in `storage/sql/*.sql`; this reads them."""

from importlib import resources


def read_sql(name: str) -> bytes:
    """Reads one statement.

    Call it while a module is imported, so that a wrong name is found at start and not when the statement is needed.

    Args:
        name: file name without `.sql`.

    Returns:
        The statement as bytes: psycopg takes these where it would ask that a string be a literal.
    """
    return (resources.files("storage") / "sql" / f"{name}.sql").read_bytes()
