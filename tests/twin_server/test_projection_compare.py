"""Projections side by side: member by member, over what all have, and with all that may mislead said."""

from dataclasses import replace

import numpy as np
import pytest

from batterytwin.errors import InvalidArgumentError
from batterytwin.scenarios import ProjectionState
from batterytwin.v1 import projection_pb2
from storage.projection_records import ProjectionRecord
from twin_server.projection_compare import DoneProjection, compare
from twin_server.projection_quantiles import Counts, pack_ends, unpack_ends

YEAR_D = 365.25


def ends(members: int = 20, years: float = 4.0, factor: float = 1.0, seed: int = 1) -> Counts:
    """Of 100 blocks in each member: the same blocks for the same seed, earlier for a greater factor."""
    days = round(years * YEAR_D)
    counts = np.zeros((members, days + 1), np.int64)
    for member in range(members):
        day = np.ceil(np.random.default_rng([seed, member]).uniform(0.0, 10.0 * YEAR_D, 100) / factor)
        counts[member] += np.bincount(day[day <= days].astype(np.int64), minlength=days + 1)
    return counts


def done(name: str, counts: Counts, years: float = 4.0, begin_us: int = 9_000_000, **asked: object) -> DoneProjection:
    request = projection_pb2.ProjectionRequest(
        title=name, years=years, members=len(counts), seed=1, carry_min=30.0, load=1.0, block_price=100.0
    )
    for field, value in asked.items():
        setattr(request, field, value)
    chances = {"U2": 0.4, "U1": 0.97}
    systems = [projection_pb2.CarryingSystem(system_id=name, in_half_a_year=p) for name, p in chances.items()]
    course = projection_pb2.ProjectedCourse(carrying=systems)
    result = projection_pb2.Projection(baseline=course)
    record = ProjectionRecord(
        projection_key=1,
        projection_id=name,
        request=request.SerializeToString(),
        location_ids=("AAA",),
        battery_count=100,
        batteries_sha256=bytes(32),
        asked_us=1,
        asked_by="ann",
        state=ProjectionState.DONE,
        reason="",
        begin_us=begin_us,
        done_us=2,
        took_s=0.1,
        result=result.SerializeToString(),
    )
    return DoneProjection(record, pack_ends(counts))


def test_ends_by_day_are_stored_small_and_come_back_as_they_were() -> None:
    counts = ends(members=100, years=10.0)
    packed = pack_ends(counts)
    assert np.array_equal(unpack_ends(packed, 100), counts)
    assert len(packed) < 50_000


def test_differences_are_taken_member_by_member() -> None:
    usual, hot = ends(), ends(factor=1.3)
    answer = compare([done("usual", usual), done("hot", hot)])
    more = np.sort(hot.sum(axis=1) - usual.sum(axis=1))
    assert list(answer.projections[0].more_than_first.values) == [0.0] * 5
    told = list(answer.projections[1].more_than_first.values)
    assert told == list(np.quantile(more, (0.05, 0.25, 0.5, 0.75, 0.95), method="nearest"))
    assert told[0] > 0.0, "every member loses more blocks in a hotter room"
    assert answer.projections[1].cost_more == 100.0 * told[2]
    assert [row.systems_at_risk for row in answer.projections] == [1, 1]
    assert (answer.years, list(answer.caveats)) == (4.0, [])


def test_what_reaches_further_or_has_more_members_is_compared_over_what_both_have() -> None:
    short, long = ends(members=20, years=2.5), ends(members=30, years=10.0)
    answer = compare([done("short", short, years=2.5), done("long", long, years=10.0)])
    assert answer.years == 2.5
    assert list(answer.projections[1].more_than_first.values) == [0.0] * 5, "they are the same blocks in the same rooms"
    assert len(answer.caveats) == 2


@pytest.mark.parametrize(
    ("differing", "words"),
    [
        ({"seed": 2}, "seeds"),
        ({"begin_us": 9_000_000 + 7_200_000_000}, "2.0 h apart"),
        ({"load": 2.0}, "loads"),
        ({"block_price": 50.0}, "prices"),
    ],
)
def test_whatever_else_may_make_the_difference_is_said(differing: dict[str, int | float], words: str) -> None:
    answer = compare([done("one", ends()), done("other", ends(), **differing)])  # type: ignore[arg-type] # by name
    (caveat,) = answer.caveats
    assert words in caveat


def test_other_batteries_cannot_be_compared() -> None:
    first, other = done("one", ends()), done("other", ends())
    other = replace(other, record=replace(other.record, batteries_sha256=b"\x01" * 32))
    with pytest.raises(InvalidArgumentError, match="same batteries"):
        compare([first, other])
