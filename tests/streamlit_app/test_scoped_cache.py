import threading
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batterytwin.errors import PermissionDeniedError, UnauthenticatedError, UnavailableError
from clients.types import Role
from streamlit_app.scoped_cache import Scope, ScopedCache

ANNA = Scope("anna", Role.ADMIN, ())
SOMCHAI = Scope("somchai", Role.ENGINEER, ("BRK",))


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> ScopedCache:
    return ScopedCache(2.0, clock=clock)


scopes = st.builds(
    Scope,
    st.sampled_from(["anna", "somchai", "malee"]),
    st.sampled_from([1, 2, 3]),
    st.sampled_from([(), ("BRK",), ("HKT",), ("BRK", "HKT")]),
    st.sampled_from(["", "d1", "d2"]),
)


@given(st.lists(st.tuples(scopes, st.sampled_from(["", "BRK", "HKT"])), max_size=40))
def test_nobody_ever_sees_what_was_answered_to_another_scope_or_about_another_site(
    asked: list[tuple[Scope, str]],
) -> None:
    cache = ScopedCache(1e9, clock=Clock())
    for scope, site in asked:
        answer = cache.get(scope, ("snapshot", site), partial(tuple, (scope, site)))
        assert answer.value == (scope, site)


def test_a_young_answer_is_not_asked_for_again(cache: ScopedCache, clock: Clock) -> None:
    asked: list[int] = []
    for _ in range(5):
        cache.get(ANNA, "q", lambda: asked.append(1))
    assert len(asked) == 1
    clock.now += 2.1
    cache.get(ANNA, "q", lambda: asked.append(1))
    assert len(asked) == 2


@pytest.mark.parametrize("away", [False, True])
def test_a_clock_that_is_set_back_freezes_no_answer(cache: ScopedCache, clock: Clock, away: bool) -> None:
    def ask() -> float:
        if away:
            raise UnavailableError("away")
        return clock.now

    cache.get(ANNA, "q", lambda: clock.now)
    clock.now += 2.1
    cache.get(ANNA, "q", ask)
    clock.now -= 3_600.0
    assert cache.get(ANNA, "q", lambda: clock.now).value == clock.now


def test_threads_that_ask_at_once_share_one_call(cache: ScopedCache) -> None:
    asked: list[int] = []
    go = threading.Barrier(8)

    def ask() -> int:
        asked.append(1)
        return 5

    def work() -> None:
        go.wait()
        assert cache.get(ANNA, "q", ask).value == 5

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked) == 1


def fail_away() -> int:
    raise UnavailableError("away")


def test_the_last_known_answer_is_shown_as_such_while_the_server_is_away(cache: ScopedCache, clock: Clock) -> None:
    cache.get(ANNA, "q", lambda: 1)
    clock.now += 10
    answer = cache.get(ANNA, "q", fail_away)
    assert (answer.value, answer.received_at) == (1, 1_000.0)
    assert isinstance(answer.problem, UnavailableError)
    clock.now += 3
    assert cache.get(ANNA, "q", lambda: 2).problem is None


def test_without_a_known_answer_the_error_is_raised(cache: ScopedCache) -> None:
    cache.get(SOMCHAI, "q", lambda: 1)
    with pytest.raises(UnavailableError):
        cache.get(ANNA, "q", fail_away)


@pytest.mark.parametrize("error", [PermissionDeniedError, UnauthenticatedError])
def test_what_is_refused_is_forgotten(cache: ScopedCache, clock: Clock, error: type[PermissionDeniedError]) -> None:
    def refuse() -> int:
        raise error("no")

    cache.get(ANNA, "q", lambda: 1)
    clock.now += 10
    with pytest.raises(error):
        cache.get(ANNA, "q", refuse)
    with pytest.raises(UnavailableError):
        cache.get(ANNA, "q", fail_away)


def test_after_an_action_only_the_actors_answers_are_asked_again(cache: ScopedCache) -> None:
    cache.get(ANNA, "q", lambda: 1)
    cache.get(SOMCHAI, "q", lambda: 1)
    cache.forget(ANNA)
    assert cache.get(ANNA, "q", lambda: 2).value == 2
    assert cache.get(SOMCHAI, "q", lambda: 2).value == 1


def test_memory_is_bounded() -> None:
    cache = ScopedCache(1e9, capacity=3, clock=Clock())
    for question in range(10):
        cache.get(ANNA, question, lambda: 0)
    asked: list[int] = []
    cache.get(ANNA, 0, lambda: asked.append(1))
    assert asked
