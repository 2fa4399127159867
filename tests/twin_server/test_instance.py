"""One server a data directory, and nothing left of a killed one."""

import fcntl
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import psutil
import pytest

from batterytwin.errors import ConflictError, InvalidArgumentError
from twin_server.child_process import ChildProcess
from twin_server.instance import Instance, read_instance


def test_second_server_on_a_data_directory_is_refused(tmp_path: Path) -> None:
    first = Instance(tmp_path)
    first.acquire()
    with pytest.raises(ConflictError, match=str(os.getpid())):
        Instance(tmp_path).acquire()
    first.release()
    second = Instance(tmp_path)
    second.acquire()
    second.release()


def test_record_is_readable_while_held_and_gone_afterwards(tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    instance.acquire()
    instance.record.target = "127.0.0.1:1"
    instance.save()
    found = read_instance(tmp_path)
    assert found is not None
    assert found.target == "127.0.0.1:1"
    instance.release()
    assert read_instance(tmp_path) is None


def test_no_server_runs_where_a_killed_one_left_its_record_whoever_has_its_number_now(tmp_path: Path) -> None:
    killed = Instance(tmp_path)
    killed.acquire()  # and the number is that of this process
    assert killed._lock is not None  # what the kernel does for a killed process
    killed._lock.close()
    assert read_instance(tmp_path) is None


def test_a_server_starts_while_somebody_looks_whether_one_runs(tmp_path: Path) -> None:
    first = Instance(tmp_path)
    first.acquire()
    first.release()
    with (tmp_path / "instance.lock").open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        threading.Timer(0.1, looking.close).start()
        second = Instance(tmp_path)
        second.acquire()
    second.release()


def test_a_data_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InvalidArgumentError, match="file"):
            Instance(place).acquire()


def test_children_of_a_killed_server_are_ended_by_the_next_start(tmp_path: Path) -> None:
    orphan = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        killed = Instance(tmp_path)
        killed.acquire()
        killed.add_child(orphan.pid)
        assert killed._lock is not None  # what the kernel does for a killed process
        killed._lock.close()
        successor = Instance(tmp_path)
        successor.acquire()
        assert not psutil.pid_exists(orphan.pid)
        successor.release()
    finally:
        orphan.kill()
        orphan.wait()


def test_a_reused_pid_is_left_alone(tmp_path: Path) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        killed = Instance(tmp_path)
        killed.acquire()
        killed.record.children[str(bystander.pid)] = psutil.Process(bystander.pid).create_time() - 1_000
        killed.save()
        assert killed._lock is not None  # what the kernel does for a killed process
        killed._lock.close()
        successor = Instance(tmp_path)
        successor.acquire()
        assert bystander.poll() is None
        successor.release()
    finally:
        bystander.kill()
        bystander.wait()


async def test_child_runs_a_module_with_its_secrets_on_stdin(tmp_path: Path) -> None:
    child = await ChildProcess.start(
        "echo", "tests.twin_server.echo_child", [], log_path=tmp_path / "log", stdin=b"secret\n", read_output=True
    )
    assert (await child.output.readline()).strip() == b"got secret"
    assert await child.wait() == 0


async def test_the_log_of_a_child_that_is_started_again_and_again_does_not_grow_for_ever(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(bytes(11 * 1024 * 1024))
    child = await ChildProcess.start("echo", "tests.twin_server.echo_child", [], log_path=log, stdin=b"x\n")
    await child.wait()
    assert log.stat().st_size < 1_000
    assert (tmp_path / "log.1").stat().st_size == 11 * 1024 * 1024


async def test_stop_ends_a_child_that_will_not(tmp_path: Path) -> None:
    child = await ChildProcess.start(
        "stubborn", "tests.twin_server.echo_child", ["--ignore-sigterm"], log_path=tmp_path / "log", read_output=True
    )
    await child.output.readline()
    await child.stop(grace_s=0.2)
    assert not psutil.pid_exists(child.pid)


def test_child_dies_with_a_killed_parent(tmp_path: Path) -> None:
    parent_code = textwrap.dedent(
        """
        import asyncio, pathlib, sys
        from twin_server.child_process import ChildProcess
        async def main():
            child = await ChildProcess.start("c", "tests.twin_server.echo_child", ["--wait"],
                                             log_path=pathlib.Path(sys.argv[1]), read_output=True)
            await child.output.readline()
            print(child.pid, flush=True)
            await asyncio.sleep(60)
        asyncio.run(main())
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent_code, tmp_path / "log"], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        parent.wait()
        child.wait(timeout=10)
    assert not child.is_running()
