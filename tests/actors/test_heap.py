"""The heap is trimmed after bursts of rows, and neither within them nor for a trickle."""

import pytest

from actors.heap import HeapTrimmer, trim_heap


@pytest.mark.parametrize(("rows", "waited_s", "trims"), [(99_999, 9.0, 0), (100_000, 1.9, 0), (100_000, 2.0, 2)])
def test_only_a_burst_that_is_over_is_followed_by_a_trim(rows: int, waited_s: float, trims: int) -> None:
    trimmed: list[float] = []
    now_s = [100.0]
    heap = HeapTrimmer(lambda: trimmed.append(now_s[0]), lambda: now_s[0])
    heap.note(1)
    heap.note(rows - 1)
    now_s[0] += waited_s
    for _ in range(3):  # the second trim takes what the work after the last row has left behind
        heap.look()
    assert len(trimmed) == trims


def test_this_machine_can_be_asked_to_trim() -> None:
    trim_heap()
