"""`schema.sql` is what the migrations make, and makes it itself."""

import psycopg

from storage.schema_dump import SCHEMA_FILE, dump_schema


def test_schema_file_is_what_the_migrations_make(database_url: str) -> None:
    assert dump_schema(database_url) == SCHEMA_FILE.read_text(), "run `python -m storage.schema_dump`"


def test_schema_file_makes_the_same_catalogue(empty_database: str) -> None:
    with psycopg.connect(empty_database) as connection:
        connection.execute(SCHEMA_FILE.read_text())
    assert dump_schema(empty_database) == SCHEMA_FILE.read_text()


def test_every_column_with_a_physical_quantity_names_its_unit(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        comments = connection.execute(
            "SELECT c.relname, a.attname, col_description(a.attrelid, a.attnum) FROM pg_attribute a"
            " JOIN pg_class c ON c.oid = a.attrelid WHERE c.relname IN ('reading', 'late_reading', 'location')"
            " AND a.atttypid IN ('real'::regtype, 'double precision'::regtype) AND a.attnum > 0"
        ).fetchall()
    assert len(comments) > 20
    assert [(table, column) for table, column, comment in comments if not comment] == []
