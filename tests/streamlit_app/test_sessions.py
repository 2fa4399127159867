import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait

import pytest

from batterytwin.errors import PermissionDeniedError, Reason, UnauthenticatedError, UnavailableError
from clients.types import Location, Session
from streamlit_app.sessions import SessionStore
from tests.streamlit_app.dummy_client import PASSWORD, DummyClient


@pytest.fixture
def store(dummy: DummyClient) -> SessionStore:
    return SessionStore(dummy.refresh)


def opened(store: SessionStore, dummy: DummyClient, username: str = "anna") -> str:
    return store.open(dummy.login(username, PASSWORD))


def test_names_are_long_random_and_lead_to_their_own_session(store: SessionStore, dummy: DummyClient) -> None:
    names = {opened(store, dummy, user): user for user in ("anna", "somchai", "viewer") for _ in range(5)}
    assert len(names) == 15
    assert all(len(name) >= 43 for name in names)
    for name, user in names.items():
        session = store.find(name)
        assert session is not None
        assert session.identity.username == user


@pytest.mark.parametrize("name", [None, "", "guess", "a" * 43])
def test_an_unknown_name_opens_nothing(store: SessionStore, dummy: DummyClient, name: str | None) -> None:
    opened(store, dummy)
    assert store.find(name) is None


def test_names_are_not_kept_in_clear(store: SessionStore, dummy: DummyClient) -> None:
    name = opened(store, dummy)
    assert name not in repr(vars(store))


def test_an_access_token_about_to_expire_is_renewed_first(store: SessionStore, dummy: DummyClient) -> None:
    dummy.access_s = 30.0
    session = store.find(opened(store, dummy))
    assert session is not None
    dummy.access_s = 1_800.0
    assert session.access_token() == session.access_token() == "access-2"
    assert dummy.calls.count("refresh") == 1


def test_many_tabs_renew_a_token_once(store: SessionStore, dummy: DummyClient) -> None:
    session = store.find(opened(store, dummy))
    assert session is not None
    dummy.expire_access_tokens()
    together = threading.Barrier(8)

    def fragment() -> int:
        together.wait()
        return len(session.call(lambda token: dummy.list_locations(token=token)))

    with ThreadPoolExecutor(8) as pool:
        assert [future.result() for future in [pool.submit(fragment) for _ in range(8)]] == [9] * 8
    assert dummy.calls.count("refresh") == 1
    assert not session.ended


def test_a_session_that_the_server_ended_is_over_here(store: SessionStore, dummy: DummyClient) -> None:
    name = opened(store, dummy)
    session = store.find(name)
    assert session is not None
    dummy.expire_sessions()
    with pytest.raises(UnauthenticatedError):
        session.call(lambda token: dummy.list_locations(token=token))
    assert session.ended
    assert store.find(name) is None


def test_a_session_outlives_an_absence_of_the_server(store: SessionStore, dummy: DummyClient) -> None:
    session = store.find(opened(store, dummy))
    assert session is not None
    dummy.expire_access_tokens()
    session.call(session.replacing(lambda _: dummy.login("anna", PASSWORD)))
    dummy.away = True
    with pytest.raises(UnavailableError):
        session.call(lambda token: dummy.list_locations(token=token))
    dummy.away = False
    assert session.call(lambda token: dummy.list_locations(token=token))


@pytest.mark.parametrize(
    "error", [PermissionDeniedError("no"), UnauthenticatedError("wrong", reason=Reason.WRONG_CREDENTIALS)]
)
def test_only_a_refused_token_is_renewed(store: SessionStore, dummy: DummyClient, error: Exception) -> None:
    session = store.find(opened(store, dummy))
    assert session is not None

    def refuse(_token: str) -> None:
        raise error

    with pytest.raises(type(error)):
        session.call(refuse)
    assert "refresh" not in dummy.calls
    assert not session.ended


def test_logging_out_ends_the_session_here_and_at_the_server(store: SessionStore, dummy: DummyClient) -> None:
    name = opened(store, dummy)
    session = store.find(name)
    assert session is not None
    refresh_token = session.identity.refresh_token
    store.close(name, dummy.logout)
    assert store.find(name) is None
    with pytest.raises(UnauthenticatedError):
        dummy.refresh(refresh_token)
    with pytest.raises(UnauthenticatedError):
        session.call(lambda _: (_ for _ in ()).throw(UnauthenticatedError("expired")))


def test_logging_out_works_while_the_server_is_away(store: SessionStore, dummy: DummyClient) -> None:
    name = opened(store, dummy)
    dummy.away = True
    store.close(name, dummy.logout)
    assert store.find(name) is None


def test_what_a_tab_left_open_asks_is_over_with_the_session(store: SessionStore, dummy: DummyClient) -> None:
    name = opened(store, dummy)
    session = store.find(name)
    assert session is not None
    dummy.away = True
    store.close(name, dummy.logout)
    dummy.away = False
    with pytest.raises(UnauthenticatedError):
        session.call(lambda token: dummy.list_locations(token=token))


def test_a_tab_that_renews_while_the_password_is_changed_ends_nothing(store: SessionStore, dummy: DummyClient) -> None:
    session = store.find(opened(store, dummy))
    assert session is not None
    tabs: list[Future[tuple[Location, ...]]] = []
    with ThreadPoolExecutor(1) as pool:

        def change(_token: str) -> Session:
            dummy.expire_sessions()  # the server ends all of them, and its answer is still on its way
            tabs.append(pool.submit(session.call, lambda token: dummy.list_locations(token=token)))
            wait(tabs, timeout=0.2)
            return dummy.login("anna", PASSWORD)

        session.call(session.replacing(change))
    assert [len(tab.result()) for tab in tabs] == [9]
    assert not session.ended


def test_a_session_ends_with_its_refresh_token(dummy: DummyClient) -> None:
    now = [0.0]
    store = SessionStore(dummy.refresh, clock=lambda: now[0])
    session = dummy.login("anna", PASSWORD)
    name = store.open(session)
    now[0] = session.refresh_expire_time.timestamp() - 1
    assert store.find(name) is not None
    now[0] += 1
    assert store.find(name) is None


def test_the_session_unused_for_longest_gives_way(dummy: DummyClient) -> None:
    store = SessionStore(dummy.refresh, capacity=2)
    first, second = opened(store, dummy), opened(store, dummy)
    store.find(first)
    third = opened(store, dummy)
    assert [store.find(name) is not None for name in (first, second, third)] == [True, False, True]
