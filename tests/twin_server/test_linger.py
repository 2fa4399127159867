"""Waiting for company pays for a trickle and is given up where nobody comes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_server.linger import ENOUGH_ROWS, LONGEST_S, Linger

_CALL_S = 0.003


def test_a_trickle_is_joined_after_a_while() -> None:
    linger = Linger()
    arrivals_s = [0.031 * k for k in range(400)]
    assert _rows_a_call(linger, arrivals_s) > 4


def test_a_trickle_without_a_beat_is_joined_too() -> None:
    arrivals_s = np.random.default_rng(5).exponential(0.062, 2_000).cumsum().tolist()
    assert _rows_a_call(Linger(), arrivals_s, last=1_500) > 2.5


def test_a_trickle_is_joined_after_senders_that_were_faster() -> None:
    linger = Linger()
    _answered_per_s(linger, senders=4)
    assert _rows_a_call(linger, [0.031 * k for k in range(1_000)]) > 4


def test_a_sender_that_waits_for_its_answers_is_hardly_slowed_down() -> None:
    assert _answered_per_s(Linger(), senders=1) > 0.5 / _CALL_S


@pytest.mark.parametrize("senders", range(2, ENOUGH_ROWS))
def test_senders_that_wait_for_their_answers_go_as_soon_as_all_of_them_are_there(senders: int) -> None:
    if_nobody_waited_per_s = senders / (2 * _CALL_S)  # a call for the first and one for the others
    assert _answered_per_s(Linger(), senders) > 0.5 * if_nobody_waited_per_s


@given(st.lists(st.tuples(st.integers(1, 30), st.floats(0.0, LONGEST_S)), max_size=200), st.integers(0, 100))
def test_the_wait_is_bounded_and_a_batch_never_waits(calls: list[tuple[int, float]], rows: int) -> None:
    linger = Linger()
    for request_count, took_s in calls:
        linger.learn(request_count, took_s)
    assert 0.0 <= linger.delay_s(rows) <= LONGEST_S
    assert linger.delay_s(ENOUGH_ROWS) == 0.0
    assert linger.patience_s > 0.0


def _rows_a_call(linger: Linger, arrivals_s: list[float], last: int = 100) -> float:
    """Rows that a call carries among so many of the last arrivals."""
    calls, begin = [], 0
    while begin < len(arrivals_s):
        company, until = _company(linger, arrivals_s[begin : begin + ENOUGH_ROWS])
        linger.learn(company, arrivals_s[begin + company - 1] - arrivals_s[begin])
        calls.append(until)
        begin += company
    return last / sum(call >= arrivals_s[-last] for call in calls)


def _answered_per_s(linger: Linger, senders: int) -> float:
    """Readings a second of senders that wait for their answers, and then come half a millisecond after each other."""
    now_s, calls = 0.0, 1_000
    for _ in range(calls):
        arrivals_s = [now_s + 0.0005 * sender for sender in range(senders)]
        company, until = _company(linger, arrivals_s)
        linger.learn(company, arrivals_s[company - 1] - arrivals_s[0])
        # who came too late for this call is there already when it ends, and waits for the others
        now_s = until + _CALL_S * (1.0 if company == senders else 2.0)
    return calls * senders / now_s


def _company(linger: Linger, arrivals_s: list[float]) -> tuple[int, float]:
    """How many of these one-row requests the call joins that is made for the first, and when it is made."""
    give_up, company = arrivals_s[0] + linger.delay_s(1), 1
    until = min(give_up, arrivals_s[0] + linger.patience_s)
    while company < min(len(arrivals_s), ENOUGH_ROWS) and arrivals_s[company] <= until:
        until = min(give_up, arrivals_s[company] + linger.patience_s)
        company += 1
    return company, arrivals_s[company - 1] if company == ENOUGH_ROWS else until
