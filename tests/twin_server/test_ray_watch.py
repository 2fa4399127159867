"""A server that could not start a dead shard again says so and ends, for its supervisor to start it anew."""

import subprocess
import sys

import psutil
import pytest
from grpc_health.v1.health import aio as health

from actors.ray_processes import RayProcesses
from twin_server import ray_watch
from twin_server.ray_watch import RayWatch
from twin_server.readiness import Readiness


def test_a_process_that_was_killed_has_ended_though_nobody_has_waited_for_it() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    processes = RayProcesses({"raylet": psutil.Process(child.pid), "gcs_server": psutil.Process()})
    assert processes.ended() == []
    child.kill()
    while not processes.ended():
        pass
    assert processes.ended() == ["raylet"]
    child.wait()
    assert processes.ended() == ["raylet"]


def test_other_children_of_this_process_are_none_of_ray() -> None:
    assert RayProcesses.of_this_process().ended() == []


async def test_readiness_tells_the_reason_before_the_server_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_watch, "LOOK_EVERY_S", 0.001)
    monkeypatch.setattr(ray_watch, "_NOTICE_S", 0.01)
    readiness = Readiness(health.HealthServicer(), ("a",))
    await readiness.set_restored(1)
    assert readiness.reasons() == []
    looks, told, reasons_at_the_end = iter(([], [], ["raylet"])), list[str](), list[list[str]]()
    watch = RayWatch(
        lambda: next(looks),
        readiness.set_unsupervised,
        told.append,
        lambda: reasons_at_the_end.append(readiness.reasons()),
    )
    await watch.run()
    assert reasons_at_the_end == [["raylet of Ray ended, so that no shard could be started again"]]
    assert "started anew by its supervisor" in told[0]
