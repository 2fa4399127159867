"""Waiting for company pays for a trickle and is given up where nobody comes."""

from hypothesis import given
from hypothesis import strategies as st

from twin_server.linger import ENOUGH_ROWS, LONGEST_S, Linger


def test_a_trickle_is_joined_after_a_while() -> None:
    linger = Linger()
    arrivals_s = [0.031 * k for k in range(400)]
    calls = _calls(linger, arrivals_s)
    assert len(arrivals_s[-100:]) / max(1, sum(1 for call in calls if call >= arrivals_s[-100])) > 4


def test_a_sender_that_waits_for_its_answers_is_hardly_slowed_down() -> None:
    linger = Linger()
    waited_s = 0.0
    for _ in range(1_000):
        waited_s += linger.delay_s(1)
        linger.learn(1)
    assert waited_s / 1_000 < 0.005


@given(st.lists(st.integers(1, 30), max_size=200), st.integers(0, 100))
def test_the_wait_is_bounded_and_a_batch_never_waits(company: list[int], rows: int) -> None:
    linger = Linger()
    for request_count in company:
        linger.learn(request_count)
    assert 0.0 <= linger.delay_s(rows) <= LONGEST_S
    assert linger.delay_s(ENOUGH_ROWS) == 0.0


def _calls(linger: Linger, arrivals_s: list[float]) -> list[float]:
    """Times of the calls that a pump would make for one-row requests arriving at these times."""
    calls, begin = [], 0
    while begin < len(arrivals_s):
        until = arrivals_s[begin] + linger.delay_s(1)
        end = begin + 1
        while end < len(arrivals_s) and arrivals_s[end] <= until and end - begin < ENOUGH_ROWS:
            end += 1
        linger.learn(end - begin)
        calls.append(until)
        begin = end
    return calls
