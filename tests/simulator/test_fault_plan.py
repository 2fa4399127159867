"""Plans of faults: what a file says, and what chance draws."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from batterytwin.errors import InvalidArgumentError
from batterytwin.inventory import load_fleet
from simulator.fault_labels import FaultTargets
from simulator.fault_plan import load_fault_plan, random_fault_plan
from simulator.faults import FaultEvent, FaultKind

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
END = BEGIN + timedelta(days=90)
FLEET = load_fleet()
STRINGS = [string.string_id for location in FLEET.locations for string in location.strings()]


def plan(path: Path, text: str) -> tuple[FaultEvent, ...]:
    (path / "plan.toml").write_text(text)
    return load_fault_plan(path / "plan.toml", BEGIN)


def test_times_are_instants_or_days(tmp_path: Path) -> None:
    first, second = plan(
        tmp_path,
        '[[fault]]\nkind = "WEAK_BLOCK"\ntarget = "BRK-U1-S03-B07"\nstart_days = 1.5\nmagnitude = 0.3\n'
        '[[fault]]\nkind = "DROPOUT"\ntarget = "BRK-U1-S03"\nstart = 2026-01-02T00:00:00Z\ndays = 2\n',
    )
    day_s = 86_400.0
    assert first == FaultEvent(FaultKind.WEAK_BLOCK, "BRK-U1-S03-B07", BEGIN.timestamp() + 1.5 * day_s, magnitude=0.3)
    assert second == FaultEvent(
        FaultKind.DROPOUT, "BRK-U1-S03", BEGIN.timestamp() + day_s, BEGIN.timestamp() + 3.0 * day_s
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[fault]\n", "plan.toml"),
        ('[[faults]]\nkind = "DROPOUT"\n', "faults"),
        ('[[fault]]\nkind = "BROKEN"\ntarget = "BRK"\nstart_days = 0\n', "BROKEN"),
        ('[[fault]]\nkind = "DROPOUT"\ntarget = "BRK-U1-S03"\n', "start_days"),
        ('[[fault]]\nkind = "DROPOUT"\ntarget = "BRK-U1-S03"\nstart_days = 0\nsize = 3\n', "size"),
        ('[[fault]]\nkind = "DROPOUT"\ntarget = "BRK-U1-S03"\nstart = 2026-01-02T00:00:00\n', "zone"),
    ],
)
def test_a_plan_that_cannot_be_used_says_why(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InvalidArgumentError, match=told):
        plan(tmp_path, text)


def test_chance_draws_faults_of_every_kind_at_the_rate_that_was_asked_for() -> None:
    drawn = random_fault_plan(FLEET, STRINGS, 7, (BEGIN, END), 20.0)
    months = 1_944 * 90 / (365.2425 / 12)
    assert len(drawn) == pytest.approx(0.2 * months, rel=0.1)
    assert set(Counter(event.kind for event in drawn)) == set(FaultKind)
    FaultTargets(FLEET, drawn)  # every target exists
    assert all(BEGIN.timestamp() <= event.start_s < END.timestamp() for event in drawn)
    until_s: dict[str, float] = {}
    for event in drawn:
        assert event.start_s >= until_s.get(event.target_id, 0.0)
        until_s[event.target_id] = event.end_s


def test_chance_is_a_function_of_the_seed_and_stays_within_the_strings() -> None:
    mine = ["BRK-U1-S03"]
    one, two, other = (random_fault_plan(FLEET, mine, seed, (BEGIN, END), 100.0) for seed in (7, 7, 8))
    assert one == two != other
    assert {event.target_id[:10] for event in one + other} <= {"BRK-U1-S03", "BRK"}
    assert random_fault_plan(FLEET, mine, 7, (BEGIN, END), 0.0) == ()
