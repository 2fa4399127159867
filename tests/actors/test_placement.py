"""Which twins live together, and what the memory can hold."""

from itertools import groupby, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.placement import available_memory_bytes, check_memory, place_twins
from batterytwin.errors import ConflictError, InvalidArgumentError
from batterytwin.inventory import load_fleet
from tests.fixtures.small_fleet import specs_of

FLEET = specs_of(load_fleet())
GIB = 2**30


@given(st.one_of(st.none(), st.integers(1, 3_000)))
def test_every_twin_has_one_place_and_order_is_kept(twins_per_actor: int | None) -> None:
    shards = place_twins(FLEET, twins_per_actor)
    assert [spec for shard in shards for spec in shard] == FLEET
    assert all(shards)
    if twins_per_actor is not None:
        assert max(map(len, shards)) <= twins_per_actor


@given(st.integers(24, 3_000))
def test_strings_stay_whole_where_a_shard_can_hold_one(twins_per_actor: int) -> None:
    for before, after in pairwise(place_twins(FLEET, twins_per_actor)):
        assert before[-1].string_id != after[0].string_id


@pytest.mark.parametrize(("twins_per_actor", "shards"), [(24, 81), (1, 1944), (1944, 1), (48, 41), (216, 9)])
def test_grain(twins_per_actor: int, shards: int) -> None:
    assert len(place_twins(FLEET, twins_per_actor)) == shards


@pytest.mark.parametrize("cores", [1, 2, 3, 8, 81, 200])
def test_by_default_there_are_as_many_shards_as_cores(cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.placement.core_count", lambda: cores)
    shards = place_twins(FLEET)
    assert len(shards) == min(cores, 81)
    strings = [len(list(groupby(shard, key=lambda spec: spec.string_id))) for shard in shards]
    assert max(strings) - min(strings) <= 1


def test_no_twin_at_all_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="1 or more"):
        place_twins(FLEET, 0)


def test_actors_beyond_the_memory_are_refused_with_both_numbers() -> None:
    check_memory(2, 1_944, available_bytes=2 * GIB)
    with pytest.raises(ConflictError, match=r"1944 actors .* need about 2\d\d\.\d GiB, and 2\.0 GiB are available"):
        check_memory(1_944, 1_944, available_bytes=2 * GIB)


def test_available_memory_is_the_smaller_of_machine_and_control_group(tmp_path: Path) -> None:
    proc, cgroup = tmp_path / "proc", tmp_path / "cgroup"
    proc.mkdir()
    cgroup.mkdir()
    (proc / "meminfo").write_text("MemTotal: 16000 kB\nMemAvailable:    9000 kB\n")
    assert available_memory_bytes(proc, cgroup) == 9_000 * 1024
    (cgroup / "memory.max").write_text("max\n")
    (cgroup / "memory.current").write_text("1000\n")
    assert available_memory_bytes(proc, cgroup) == 9_000 * 1024
    (cgroup / "memory.max").write_text("5000\n")
    assert available_memory_bytes(proc, cgroup) == 4_000
    (cgroup / "memory.stat").write_text("anon 300\ninactive_file 700\n")
    assert available_memory_bytes(proc, cgroup) == 4_700, "the page cache gives way"


def test_an_unknown_machine_refuses_nothing(tmp_path: Path) -> None:
    check_memory(8, 1_944, available_memory_bytes(tmp_path, tmp_path))
