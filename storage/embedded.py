"""A PostgreSQL server of our own, from the binaries of a wheel, in a data directory."""

import hashlib
import logging
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg

from batterytwin.errors import StoreUnavailableError
from storage.embedded_binaries import MAJOR_VERSION, Binaries, find_binaries
from storage.embedded_process import Postmaster
from storage.embedded_settings import write_settings
from storage.embedded_user import ServerUser, find_server_user, make_private_folder, process_options

_SHARED_ROOT: Final = Path("/var/lib/batterytwin")
_LOCATION_FILE: Final = "postgresql.location"
_NAME: Final = "batterytwin"  # of the database and of its owner
_SHORT_PREFIX: Final = "batterytwin-socket-"
_START_TIMEOUT_S: Final = 300  # recovery after a crash replays up to max_wal_size
_STOP_TIMEOUT_S: Final = 8
_SHOWN_CHARACTERS: Final = 800
_MAX_SOCKET_DIR_BYTES: Final = 107 - len("/.s.PGSQL.5432.lock")

_log = logging.getLogger(__name__)


class EmbeddedPostgres:
    """One database server, reached through a Unix socket only; blocking.

    The server outlives a killed parent on purpose: the next `start` adopts it, so nothing has to be recovered. As root,
    the server runs as a system user of its own; where that user cannot enter `data_dir`, the cluster lies under
    /var/lib/batterytwin and a file in `data_dir` says where.

    Args:
        data_dir: folder for the cluster and its logs; made when missing, its parents' modes are left alone.
        shared_root: as root only: where clusters and binaries go that the server's user could not reach otherwise.
    """

    def __init__(self, data_dir: Path, shared_root: Path = _SHARED_ROOT) -> None:
        self._data_dir = data_dir.absolute()
        self._shared_root = shared_root
        self._home = self._recorded_home() or self._data_dir
        self._short_socket_dir: Path | None = None

    @property
    def home(self) -> Path:
        """Folder that holds the cluster, its socket and its logs."""
        return self._home

    @property
    def cluster(self) -> Path:
        """PostgreSQL's data directory."""
        return self._home / "cluster"

    def start(self) -> str:
        """Starts the server, or adopts the one that already serves this cluster.

        Returns:
            URL of the product's database.

        Raises:
            StoreUnavailableError: the server could not be started; the message holds its own words.
        """
        self._data_dir.mkdir(parents=True, exist_ok=True)
        user = find_server_user(self.cluster)
        self._settle_home(user)
        binaries = find_binaries(user, self._shared_root)
        if not self.cluster.exists():
            self._create_cluster(binaries, user)
        self._check_version()
        if not self._adopt(binaries, user):
            self._launch(binaries, user)
        return self._open_database()

    def stop(self) -> None:
        """Ends all sessions and stops the server. Does nothing when it does not run."""
        postmaster = Postmaster.read(self.cluster)
        if postmaster is not None and postmaster.is_alive():
            user = find_server_user(self.cluster)
            binaries = find_binaries(user, self._shared_root)
            # Immediate = as in a power cut: safe, the next start recovers.
            if not any(self._stop(binaries, user, mode) for mode in ("fast", "immediate")):
                raise StoreUnavailableError(f"The database server (pid {postmaster.pid}) does not stop.")
        self._remove_socket_dir(postmaster)

    def is_running(self) -> bool:
        """Whether a server process serves this cluster."""
        postmaster = Postmaster.read(self.cluster)
        return postmaster is not None and postmaster.is_alive()

    def serves(self) -> bool:
        """Whether it runs and has not been told to stop, by whomever."""
        postmaster = Postmaster.read(self.cluster)
        return postmaster is not None and postmaster.is_alive() and not postmaster.is_stopping

    def answers(self) -> bool:
        """Whether it takes a new session now."""
        postmaster = Postmaster.read(self.cluster)
        return postmaster is not None and postmaster.answers(_NAME)

    def _recorded_home(self) -> Path | None:
        record = self._data_dir / _LOCATION_FILE
        return Path(record.read_text(encoding="utf-8").strip()) if record.is_file() else None

    def _settle_home(self, user: ServerUser | None) -> None:
        if not self._home.is_dir():
            raise StoreUnavailableError(
                f"{self._data_dir / _LOCATION_FILE} says that the database is in {self._home}, which does not exist. "
                "Restore that folder; or, to begin with an empty database, remove the file.",
                field="data_dir",
                value=self._data_dir,
            )
        if user is not None and not self.cluster.exists() and not user.can_enter(self._home):
            digest = hashlib.sha256(str(self._data_dir).encode()).hexdigest()[:16]
            self._home = self._shared_root / digest
            self._home.mkdir(parents=True, exist_ok=True)
            (self._data_dir / _LOCATION_FILE).write_text(f"{self._home}\n", encoding="utf-8")
        make_private_folder(self._home / "log", user)

    def _create_cluster(self, binaries: Binaries, user: ServerUser | None) -> None:
        # Under another name until it is whole: a killed initdb leaves nothing that looks like a cluster.
        partial = self._home / "cluster.partial"
        shutil.rmtree(partial, ignore_errors=True)
        make_private_folder(partial, user)
        result = subprocess.run(  # noqa: S603 - programs of the wheel with arguments of our own
            [
                *(binaries.path("initdb"), "--pgdata", partial, "--username", _NAME, "--auth", "trust"),
                *("--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin"),
                *("--builtin-locale", "C.UTF-8", "--data-checksums"),
            ],
            **process_options(user),
            cwd=partial,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            words = result.stderr.strip()[-_SHOWN_CHARACTERS:]
            raise StoreUnavailableError(f"The database cluster could not be made: {words}")
        partial.rename(self.cluster)

    def _check_version(self) -> None:
        try:
            version = (self.cluster / "PG_VERSION").read_text(encoding="utf-8").strip()
        except OSError as error:
            raise StoreUnavailableError(
                f"{self.cluster} is not a database cluster: {error}. Restore it from a backup, or move it away.",
                field="data_dir",
                value=self._data_dir,
            ) from error
        if version != str(MAJOR_VERSION):
            raise StoreUnavailableError(
                f"{self.cluster} was made by PostgreSQL {version}; this version brings PostgreSQL {MAJOR_VERSION}. "
                "Dump it with the older version of the product and restore it with this one.",
                field="data_dir",
                value=self._data_dir,
            )

    def _adopt(self, binaries: Binaries, user: ServerUser | None) -> bool:
        """Waits for a running server to answer (or to finish stopping); True if one serves this cluster."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        while (postmaster := Postmaster.read(self.cluster)) is not None and postmaster.is_alive():
            if postmaster.answers(_NAME):
                _log.info("adopted the database server that is running (pid %d)", postmaster.pid)
                return True
            if postmaster.is_stopping:  # it might wait for its sessions for ever
                self._stop(binaries, user, "fast")
            if time.monotonic() > deadline:
                raise StoreUnavailableError(
                    f"The database server (pid {postmaster.pid}) runs but does not answer; see {self._home / 'log'}.",
                )
            time.sleep(0.05)
        return False

    def _launch(self, binaries: Binaries, user: ServerUser | None) -> None:
        # PostgreSQL takes any process with a recorded pid, be it a zombie, for a server and would refuse to start; that
        # it is none is known here. Sessions that survived their server it detects by shared memory all the same.
        self._remove_socket_dir(Postmaster.read(self.cluster))
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)
        write_settings(self.cluster, self._make_socket_dir(user))
        deadline = time.monotonic() + 10.0
        while (output := self._pg_ctl(binaries, user, "start", "--timeout", str(_START_TIMEOUT_S))) is not None:
            if "shared memory block" not in output or time.monotonic() > deadline:
                raise StoreUnavailableError(f"The database server could not be started: {output}")
            time.sleep(0.2)  # sessions of a killed server notice its end within moments

    def _remove_socket_dir(self, postmaster: Postmaster | None) -> None:
        made_here = {self._home / "socket"}
        if postmaster is not None and postmaster.socket_dir.name.startswith(_SHORT_PREFIX):
            made_here.add(postmaster.socket_dir)
        for socket_dir in made_here:
            shutil.rmtree(socket_dir, ignore_errors=True)

    def _make_socket_dir(self, user: ServerUser | None) -> Path:
        socket_dir = self._home / "socket"
        if len(str(socket_dir).encode()) > _MAX_SOCKET_DIR_BYTES:
            socket_dir = self._short_socket_dir = self._make_short_folder()
        make_private_folder(socket_dir, user)
        return socket_dir

    def _make_short_folder(self) -> Path:
        """The same one as before, where there was one: those who are connected look there for the server again."""
        if self._short_socket_dir is not None:
            with suppress(FileExistsError):
                self._short_socket_dir.mkdir(mode=0o700)
                return self._short_socket_dir
        return Path(tempfile.mkdtemp(prefix=_SHORT_PREFIX))

    def _stop(self, binaries: Binaries, user: ServerUser | None, mode: str) -> bool:
        output = self._pg_ctl(binaries, user, "stop", "--mode", mode, "--timeout", str(_STOP_TIMEOUT_S))
        return output is None or not self.is_running()

    def _pg_ctl(self, binaries: Binaries, user: ServerUser | None, *arguments: str) -> str | None:
        """Runs pg_ctl and waits; returns None on success, else what it and the server wrote."""
        with tempfile.TemporaryFile() as output:  # a pipe would stay open in the server and never end
            result = subprocess.run(  # noqa: S603 - programs of the wheel with arguments of our own
                [binaries.path("pg_ctl"), *arguments, "--wait", "--pgdata", self.cluster],
                **process_options(user),
                cwd=self.cluster,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
            output.seek(0)
            words = output.read().decode(errors="replace").strip()
        if result.returncode == 0:
            return None
        # Once the server has turned to its log file, the reason stands there.
        return (self._log_end() if "logging collector" in words else words)[-_SHOWN_CHARACTERS:]

    def _log_end(self) -> str:
        newest = max((self._home / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)
        return newest.read_text(encoding="utf-8", errors="replace").strip()

    def _open_database(self) -> str:
        postmaster = Postmaster.read(self.cluster)
        if postmaster is None:
            raise StoreUnavailableError("The database server ended right after its start.")
        host = quote(str(postmaster.socket_dir), safe="")
        try:
            with psycopg.connect(f"postgresql://{_NAME}@/postgres?host={host}", autocommit=True) as connection:
                found = connection.execute("SELECT FROM pg_database WHERE datname = %s", (_NAME,)).fetchone()
                if found is None:
                    connection.execute(f"CREATE DATABASE {_NAME}")
        except psycopg.OperationalError as error:
            raise StoreUnavailableError(f"The database server does not answer: {error}") from error
        return f"postgresql://{_NAME}@/{_NAME}?host={host}"
