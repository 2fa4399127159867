"""Runs experiments one after the other on one server, then compares the states."""

import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.chaos import crowds
from tests.chaos import databases as d
from tests.chaos import experiments as e
from tests.chaos import gateways as g
from tests.chaos import helpers as h
from tests.chaos import nonsense as m
from tests.chaos import owners as o
from tests.chaos.arena import Arena
from tests.chaos.report import Outcome

Experiment = Callable[[Arena], Outcome]

SHARD_BACK_P95_S = 5.0
"""A killed shard is back, and its gateways are served, within this time in 95 % of all cases."""


def short(seed: int) -> dict[str, Experiment]:
    """What CI runs: every kind of fault that heals within seconds, a few times."""
    return {
        "backend": lambda arena: e.kills(arena, "backend", 2, seed),
        "shard": lambda arena: e.kills(arena, "shard", 2, seed + 1),
        "idle_shard": e.idle_shard,
        "lost_acks": lambda arena: e.lost_acks(arena, 2, seed + 2),
        "gateway": lambda arena: g.gateway_kills(arena, 2, seed + 8),
        "buffer_full": lambda arena: g.buffer_full(arena, 0.5),
        "late": lambda arena: e.late_and_duplicate(arena, 2.0, seed + 3),
        "clock_ahead": g.clock_ahead,
        "clock_behind": g.clock_behind,
        "archive_full": d.archive_full,
        "messages": lambda arena: m.random_messages(arena, 1_000, seed + 4),
    }


def full(seed: int, times: int = 20) -> dict[str, Experiment]:
    """Everything; what takes the whole server down comes last."""
    return {
        "backend": lambda arena: e.kills(arena, "backend", times, seed),
        "shard": lambda arena: e.kills(arena, "shard", times, seed + 1, p95_limit_s=SHARD_BACK_P95_S),
        "idle_shard": e.idle_shard,
        "lost_acks": lambda arena: e.lost_acks(arena, times, seed + 2),
        "gateway": lambda arena: g.gateway_kills(arena, times, seed + 8),
        "buffer_full": lambda arena: g.buffer_full(arena, 5.0),
        "late": lambda arena: e.late_and_duplicate(arena, float(times), seed + 3),
        "clock_ahead": g.clock_ahead,
        "clock_behind": g.clock_behind,
        "gateway_day": g.gateway_day,
        "archive_full": d.archive_full,
        "keeper": lambda arena: h.keeper_kills(arena, times, seed + 10),
        "archive_reader": lambda arena: h.helper_kills(arena, "archive reader", times, seed + 11),
        "past_worker": lambda arena: h.helper_kills(arena, "past worker", times, seed + 12),
        "scorer": lambda arena: h.helper_kills(arena, "scorer", times, seed + 13),
        "spare": lambda arena: h.helper_kills(arena, "spare shard", times, seed + 14),
        "million": m.million_samples,
        "stop_shard": lambda arena: e.pauses(arena, "shard", 10.0),
        "stop_backend": lambda arena: e.pauses(arena, "backend", 10.0),
        "slow_network": lambda arena: e.slow_network(arena, float(times)),
        "messages": lambda arena: m.random_messages(arena, 5_000 * times, seed + 4),
        "watchers": lambda arena: crowds.silent_watchers(arena, 20, float(times)),
        "streams": lambda arena: crowds.idle_streams(arena, 1_000),
        "overload": lambda arena: crowds.overload(arena, 3.0 * times),
        "read_only": lambda arena: d.database_read_only(arena, 1.5 * times),
        "postmaster": lambda arena: e.kills(arena, "postmaster", times, seed + 5),
        "slow_database": lambda arena: d.slow_database(arena, float(times)),
        "database_away": lambda arena: d.database_away(arena, 1.5 * times),
        "second_owner": o.second_owner,
        "gcs": lambda arena: e.kills(arena, "gcs", times, seed + 6),
        "raylet": lambda arena: e.kills(arena, "raylet", times, seed + 7),
        "server": lambda arena: e.kills(arena, "server", times, seed + 9),
    }


def run(experiments: Sequence[Experiment], budget_s: float, say: Callable[[str], None]) -> list[Outcome]:
    """Runs experiments; whatever they do, nothing is left behind but, after a failure, the server's log.

    Args:
        experiments: in this order.
        budget_s: no experiment is begun after that; leaving one out is a violation.
        say: told of the progress.
    """
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="batterytwin-chaos-"))
    folder.chmod(0o755)  # as root, the database runs as a user of its own, who has to get in
    outcomes: list[Outcome] = []
    end = Outcome("states and end")
    try:
        arena = Arena(folder)
        try:
            arena.server.wait_for("ready")
            say(f"ready after {time.monotonic() - began:.0f} s")
            for number, experiment in enumerate(experiments):
                if time.monotonic() - began > budget_s:
                    end.require(False, f"out of time: {len(experiments) - number} experiments left out")
                    break
                outcomes.append(experiment(arena))
                say(f"{time.monotonic() - began:6.1f} s  {outcomes[-1].name}: {outcomes[-1].violations or 'good'}")
            differing = arena.differing_states()
            end.require(differing == 0, f"{differing} twins differ from undisturbed ones")
        except Exception:  # noqa: BLE001  # an experiment that breaks is a finding, and the table has to be told
            end.require(False, traceback.format_exc(limit=-4))
        finally:
            left = arena.end()
            end.require(not left, f"{len(left)} processes had to be killed at the end")
        outcomes.append(end)
        if any(outcome.violations for outcome in outcomes):
            kept = Path(tempfile.gettempdir()) / f"{folder.name}.log"
            shutil.copy(folder / "data.log", kept)
            say(f"log of the server: {kept}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return outcomes
