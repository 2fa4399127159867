"""Which twins live in which shard, and whether the machine has the memory for it."""

import os
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from actors.fleet import TwinSpec
from batterytwin.errors import ConflictError, InvalidArgumentError, Reason

ACTOR_BYTES: Final = 130 * 2**20
"""Memory of one actor process with its share of Ray, before any twin (measured, proportional set size)."""

TWIN_BYTES: Final = 8 * 2**10
"""Memory of one twin with its working copy and its share of a batch."""

RUNTIME_BYTES: Final = 450 * 2**20
"""Memory of Ray's own processes and its object store, once."""


def place_twins(specs: Sequence[TwinSpec], twins_per_actor: int | None = None) -> list[list[TwinSpec]]:
    """Divides twins among shards: whole strings where a shard can hold one, shards as even as strings allow.

    Args:
        specs: twins in fleet order; the blocks of a string stand together.
        twins_per_actor: most twins a shard may hold; below the size of a string, strings are divided. None: as many
            shards as cores.

    Returns:
        Twins of each shard, in fleet order. No shard is empty.

    Raises:
        InvalidArgumentError: `twins_per_actor` is below 1.
    """
    if twins_per_actor is not None and twins_per_actor < 1:
        raise InvalidArgumentError(
            "An actor holds at least one twin: choose 1 or more.", field="twins_per_actor", value=twins_per_actor
        )
    strings = [list(blocks) for _, blocks in groupby(specs, key=lambda spec: spec.string_id)]
    if twins_per_actor is None:
        return _even(strings, core_count())
    parts = [part for string in strings for part in _cut(string, twins_per_actor)]
    shards: list[list[TwinSpec]] = []
    for part in parts:
        if shards and len(shards[-1]) + len(part) <= twins_per_actor:
            shards[-1] += part
        else:
            shards.append(list(part))
    return shards


def _cut(string: list[TwinSpec], size: int) -> list[list[TwinSpec]]:
    return [string[start : start + size] for start in range(0, len(string), size)]


def _even(strings: list[list[TwinSpec]], count: int) -> list[list[TwinSpec]]:
    """Consecutive strings in `count` shards (fewer if there are fewer strings), each close to its share of twins."""
    total = sum(map(len, strings))
    shards: list[list[TwinSpec]] = [[] for _ in range(count)]
    placed = 0
    for string in strings:
        middle = placed + len(string) / 2
        shards[min(int(middle * count / total), count - 1)] += string
        placed += len(string)
    return [shard for shard in shards if shard]


def core_count() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_memory(shard_count: int, twin_count: int, available_bytes: int | None = None) -> None:
    """Refuses a number of actors that the machine cannot hold, before any is started.

    Args:
        shard_count: actors to start.
        twin_count: twins in all of them.
        available_bytes: memory that may be used; None: ask the machine.

    Raises:
        ConflictError: they need more than there is.
    """
    available = available_memory_bytes() if available_bytes is None else available_bytes
    needed = RUNTIME_BYTES + shard_count * ACTOR_BYTES + twin_count * TWIN_BYTES
    if needed > available:
        raise ConflictError(
            f"{shard_count} actors for {twin_count} twins need about {needed / 2**30:.1f} GiB, "
            f"and {available / 2**30:.1f} GiB are available. Choose more twins per actor.",
            reason=Reason.SERVER_FULL,
            field="twins_per_actor",
            value=twin_count // max(shard_count, 1),
        )


def available_memory_bytes(proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Memory that new processes may use: what the kernel calls available, or what the control group leaves.

    Args:
        proc: where the kernel tells of itself.
        cgroup: control group of this machine or container (version 2, or 1 under `memory/`).

    Returns:
        Bytes; where nothing can be found out, a very large number, so that nothing is refused without a reason.
    """
    found = [_meminfo_available(proc / "meminfo")]
    found.append(_cgroup_left(cgroup, "memory.max", "memory.current", "inactive_file"))
    version_1 = cgroup / "memory"
    found.append(_cgroup_left(version_1, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"))
    return min((value for value in found if value is not None), default=2**62)


def _meminfo_available(path: Path) -> int | None:
    kibibytes = _field(path, "MemAvailable:")
    return None if kibibytes is None else kibibytes * 1024


def _cgroup_left(folder: Path, limit: str, used: str, cached: str) -> int | None:
    try:
        limit_bytes = int((folder / limit).read_text(encoding="ascii"))
        used_bytes = int((folder / used).read_text(encoding="ascii"))
    except (OSError, ValueError):  # no such controller, or "max"
        return None
    reclaimable_bytes = _field(folder / "memory.stat", cached) or 0
    return max(limit_bytes - used_bytes + reclaimable_bytes, 0)


def _field(path: Path, name: str) -> int | None:
    """Number after a name in a file of `name number` lines."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.split()[:1] == [name]), None)
