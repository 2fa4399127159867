"""Databases of drills: copies of an empty, migrated template, made beside the main database and dropped whole."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from batterytwin.errors import ConflictError, InvalidArgumentError, Reason, StoreUnavailableError
from storage.migrate import migrate, read_migrations
from storage.sql_files import read_sql

_LIST: Final = read_sql("drill_databases")
_LOCK_KEY: Final = 6203154006
_OPTIONS: Final = "-c lock_timeout=20s -c client_min_messages=warning"
_CONNECT_TIMEOUT_S: Final = 10
_NAME: Final = re.compile(r"[a-z0-9_-]{1,36}")
_MOST_OF_MAIN: Final = 11  # a name has 63 characters
_TEMPLATE: Final = "template"

Connection = psycopg.Connection[Any]


class DrillDatabases:
    """Makes and drops the databases of the drills of one main database; blocking.

    Their names begin with that of the main database and a digest of it, so that several products on one PostgreSQL
    server neither share nor drop each other's.

    Args:
        url: libpq connection string or URL of the main database. Its user must be allowed to create databases.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._known_prefix = ""

    def prepare(self) -> None:
        """Makes the template, unless it is there, and drops those of other versions. Repeating it changes nothing.

        Raises:
            ConflictError: the user may not create databases (DATABASE_FORBIDS).
            StoreUnavailableError: the database server does not answer.
        """
        with self._session() as connection:
            self._prepare(connection)

    def create(self, drill_id: str) -> str:
        """Makes the database of a drill; returns its connection string. The one of an earlier drill is dropped.

        Raises:
            InvalidArgumentError: the name of the drill cannot be part of a database's.
            ConflictError: the user may not create databases (DATABASE_FORBIDS).
            StoreUnavailableError: the database server does not answer.
        """
        with self._session() as connection:
            template = self._prepare(connection)
            name = self._name_of(drill_id)
            _drop(connection, name)
            _execute(connection, "CREATE DATABASE {} TEMPLATE {}", name, template)
            # What a power cut takes of a drill is not missed: it does not outlive its process either.
            _execute(connection, "ALTER DATABASE {} SET synchronous_commit = off", name)
        return self.url_of(drill_id)

    def url_of(self, drill_id: str) -> str:
        """Connection string of the database of a drill, whether it is there or not.

        Raises:
            InvalidArgumentError: the name of the drill cannot be part of a database's.
            StoreUnavailableError: the database server does not answer.
        """
        return make_conninfo(self._url, dbname=self._name_of(drill_id))

    def drop(self, drill_id: str) -> None:
        """Ends all sessions in the database of a drill and drops it. Repeating it changes nothing.

        Raises:
            InvalidArgumentError: the name of the drill cannot be part of a database's.
            StoreUnavailableError: the database server does not answer.
        """
        with self._session() as connection:
            _drop(connection, self._name_of(drill_id))

    def left_over(self) -> list[str]:
        """Drills of this main database whose databases are there, sorted.

        Raises:
            StoreUnavailableError: the database server does not answer.
        """
        with self._session() as connection:
            return [name for name in self._found(connection) if not name.startswith(_TEMPLATE)]

    def drop_left_over(self) -> list[str]:
        """Drops the databases of all drills of this main database; returns the drills.

        Raises:
            StoreUnavailableError: the database server does not answer.
        """
        found = self.left_over()
        for drill_id in found:
            self.drop(drill_id)
        return found

    def _prepare(self, connection: Connection) -> str:
        """Name of the template, which is there afterwards."""
        wanted = f"{_TEMPLATE}_{_version()}"
        name = self._prefix + wanted
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK_KEY,))
        try:
            templates = [other for other in self._found(connection) if other.startswith(_TEMPLATE)]
            if wanted not in templates:
                # Under another name until it is whole: a server that is killed leaves nothing that looks like one.
                partial = f"{self._prefix}{_TEMPLATE}_new"
                _drop(connection, partial)
                _execute(connection, "CREATE DATABASE {}", partial)
                migrate(make_conninfo(self._url, dbname=partial), timescale=False)
                _execute(connection, "ALTER DATABASE {} ALLOW_CONNECTIONS false", partial)
                _execute(connection, "ALTER DATABASE {} RENAME TO {}", partial, name)
            for other in templates:
                if other != wanted:
                    _drop(connection, self._prefix + other)
        finally:
            connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK_KEY,))
        return name

    def _found(self, connection: Connection) -> list[str]:
        """What follows the prefix in the names of databases that have it."""
        rows = connection.execute(_LIST, {"prefix": self._prefix})
        return [str(name).removeprefix(self._prefix) for (name,) in rows]

    def _name_of(self, drill_id: str) -> str:
        if not _NAME.fullmatch(drill_id) or drill_id.startswith(_TEMPLATE):
            raise InvalidArgumentError(
                f"A drill's name has 1...36 of a-z 0-9 _ - and does not begin with {_TEMPLATE}.",
                field="drill_id",
                value=drill_id,
            )
        return self._prefix + drill_id

    @property
    def _prefix(self) -> str:
        if not self._known_prefix:
            with self._session() as connection:
                main = connection.info.dbname
            digest = hashlib.sha256(main.encode()).hexdigest()[:8]
            readable = re.sub(r"[^a-z0-9_]", "_", main.lower())[:_MOST_OF_MAIN]
            self._known_prefix = f"{readable}_drill_{digest}_"
        return self._known_prefix

    @contextmanager
    def _session(self) -> Iterator[Connection]:
        try:
            with psycopg.connect(
                self._url,
                autocommit=True,
                connect_timeout=_CONNECT_TIMEOUT_S,
                options=_OPTIONS,
                application_name="batterytwin drills",
            ) as connection:
                yield connection
        except psycopg.errors.InsufficientPrivilege as error:
            raise ConflictError(
                "The database's user may not create databases, and every drill has one of its own: let an "
                "administrator of the database server run ALTER ROLE ... CREATEDB for that user.",
                reason=Reason.DATABASE_FORBIDS,
                field="database_url",
            ) from error
        except psycopg.Error as error:
            raise StoreUnavailableError(
                f"The database server cannot look after the databases of drills now: {error}", retry_after_s=1.0
            ) from error


def _drop(connection: Connection, name: str) -> None:
    _execute(connection, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _execute(connection: Connection, statement: Any, *names: str) -> None:
    connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _version() -> str:
    """Digest of all migrations: a template that lacks one is never copied."""
    texts = "".join(f"{migration.name} {migration.sha256}\n" for migration in read_migrations())
    return hashlib.sha256(texts.encode()).hexdigest()[:16]
