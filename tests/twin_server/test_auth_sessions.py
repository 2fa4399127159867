"""Stories of users against a real server: login, renewal, logout, change of password, and what is written down."""

import itertools
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batterytwin.access import CALLER_ADDRESS_METADATA, Role
from batterytwin.errors import OverloadedError, Reason, StoreUnavailableError, TwinError, UnauthenticatedError
from batterytwin.v1 import auth_service_pb2
from clients.async_client import AsyncTwinClient
from clients.errors import error_from_rpc
from tests.twin_server.access_server import PASSWORD, WEAK_HASHER, AccessServer, serve_access
from twin_server.access_admin import set_password
from twin_server.passwords import PasswordCheck, Passwords
from twin_server.principal import ANONYMOUS, Call, current_call

TWIN = "/batterytwin.v1.TwinService/GetTwin"
OTHER_PASSWORD = "staple battery horse"


@pytest_asyncio.fixture
async def server(database_url: str, tmp_path: Path) -> AsyncIterator[AccessServer]:
    async with serve_access(database_url, tmp_path) as running:
        yield running


async def _refused(attempt: object) -> TwinError:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await attempt  # type: ignore[misc]  # any call of a stub
    return error_from_rpc(refused.value, "server")


async def _renew(server: AccessServer, refresh_token: str) -> auth_service_pb2.Session:
    request = auth_service_pb2.RefreshTokenRequest(refresh_token=refresh_token)
    return (await server.auth.RefreshToken(request)).session


async def _actions(server: AccessServer) -> list[str]:
    return [entry.action for entry in reversed(await server.store.audit_trail(100))]


async def test_a_login_tells_who_one_is_and_how_long_it_lasts(server: AccessServer) -> None:
    session = await server.login("ENGINEER")
    assert (session.username, Role(session.role)) == ("engineer", Role.ENGINEER)
    assert list(session.location_ids) == ["BRK"]
    assert abs(session.access_expire_time.seconds - time.time() - 30 * 60) < 60
    assert abs(session.refresh_expire_time.seconds - time.time() - 7 * 86_400) < 60
    await server.call(TWIN, session.access_token)
    entry = (await server.store.audit_trail(1))[0]
    assert (entry.action, entry.actor, entry.target, entry.peer) == ("auth.login", "engineer", "engineer", "127.0.0.1")
    assert entry.request_id


async def test_wrong_name_wrong_password_and_a_disabled_user_sound_alike(server: AccessServer) -> None:
    await server.store.set_user_disabled("gone", disabled=True)
    heard = [
        await _refused(server.login(username, password))
        for username, password in [("viewer", "wrong"), ("nobody", PASSWORD), ("gone", PASSWORD), ("\x00", "x")]
    ]
    assert {error.reason for error in heard} == {Reason.WRONG_CREDENTIALS}
    assert len({error.message for error in heard}) == 1
    assert (await _actions(server)).count("auth.login_failed") == 4


async def test_a_missing_field_is_named(server: AccessServer) -> None:
    error = await _refused(server.login("viewer", ""))
    assert (error.reason, error.field) == (Reason.INVALID_ARGUMENT, "password")


async def test_guessing_is_stopped_with_a_time_to_come_back_and_others_are_not_locked_out(
    server: AccessServer,
) -> None:
    for _ in range(5):
        assert (await _refused(server.login("viewer", "wrong"))).reason is Reason.WRONG_CREDENTIALS
    error = await _refused(server.login("viewer", PASSWORD))
    assert error.reason is Reason.TOO_MANY_ATTEMPTS
    assert error.retry_after_s is not None
    assert 0 < error.retry_after_s <= 300
    await server.login("engineer")


async def test_a_stranger_at_the_dashboard_locks_nobody_else_out_and_is_written_down(server: AccessServer) -> None:
    async with AsyncTwinClient(server.target) as dashboard:
        for number in range(40):
            with pytest.raises((UnauthenticatedError, OverloadedError)):
                await dashboard.login("viewer" if number < 6 else f"user{number}", "wrong", caller_address="10.0.0.66")
        for username in ("viewer", "engineer"):
            await dashboard.login(username, PASSWORD, caller_address="10.0.0.1")
            with pytest.raises(OverloadedError):
                await dashboard.login(username, PASSWORD, caller_address="10.0.0.66")
        await dashboard.login("viewer", PASSWORD, caller_address="no address")
    peers = [entry.peer for entry in await server.store.audit_trail(100) if entry.action.startswith("auth.login")]
    assert {peer: peers.count(peer) for peer in peers} == {"10.0.0.66": 30, "10.0.0.1": 2, "127.0.0.1": 1}


async def test_who_comes_from_elsewhere_cannot_call_its_guesses_anothers(server: AccessServer) -> None:
    number = itertools.count(1)
    context = SimpleNamespace(invocation_metadata=lambda: [(CALLER_ADDRESS_METADATA, f"10.0.0.{next(number)}")])
    current_call.set(Call("Login", "id", "203.0.113.9", ANONYMOUS))
    for expected in (*[UnauthenticatedError] * 5, OverloadedError):
        with pytest.raises(expected):
            await server.access.auth_servicer.Login(
                auth_service_pb2.LoginRequest(username="viewer", password="wrong"), context
            )


async def test_whoever_came_while_the_database_was_away_is_let_in_when_it_is_back(
    server: AccessServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def be_away(*_: object, **__: object) -> None:
        raise StoreUnavailableError("away", retry_after_s=1.0)

    session = await server.login("viewer")
    with monkeypatch.context() as patch:
        for method in ("find_user", "rotate_refresh_token"):
            patch.setattr(server.store, method, be_away)
        for _ in range(40):
            for attempt in (server.login("viewer"), _renew(server, session.refresh_token)):
                assert (await _refused(attempt)).reason is Reason.DATABASE_UNAVAILABLE
    await _renew(server, session.refresh_token)
    await server.login("viewer")


async def test_a_refresh_token_is_good_once_and_a_spent_one_ends_the_session(server: AccessServer) -> None:
    first = await server.login("viewer")
    second = await _renew(server, first.refresh_token)
    assert second.refresh_token != first.refresh_token
    await server.call(TWIN, second.access_token)

    assert (await _refused(_renew(server, first.refresh_token))).reason is Reason.TOKEN_INVALID
    assert (await _refused(_renew(server, second.refresh_token))).reason is Reason.TOKEN_INVALID
    for token in (first.access_token, second.access_token):
        assert (await _refused(server.call(TWIN, token))).reason is Reason.TOKEN_INVALID
    assert "auth.spent_token_used" in await _actions(server)


async def test_logout_ends_a_session_at_once_and_may_be_repeated(server: AccessServer) -> None:
    session, other = await server.login("viewer"), await server.login("viewer")
    await server.call(TWIN, session.access_token)
    for _ in range(2):
        await server.auth.Logout(server.logout_request(session.refresh_token))
    assert (await _refused(server.call(TWIN, session.access_token))).reason is Reason.TOKEN_INVALID
    assert (await _refused(_renew(server, session.refresh_token))).reason is Reason.TOKEN_INVALID
    await server.call(TWIN, other.access_token)
    await server.auth.Logout(server.logout_request("never given out"))


async def test_a_changed_password_ends_all_other_sessions(server: AccessServer) -> None:
    session, other = await server.login("viewer"), await server.login("viewer")
    metadata = (("authorization", f"Bearer {session.access_token}"),)

    async def change(old: str, new: str) -> auth_service_pb2.Session:
        request = auth_service_pb2.ChangePasswordRequest(old_password=old, new_password=new)
        return (await server.auth.ChangePassword(request, metadata=metadata)).session

    assert (await _refused(change("wrong", OTHER_PASSWORD))).reason is Reason.WRONG_CREDENTIALS
    for bad in ("short", PASSWORD, "x" * 129):
        error = await _refused(change(PASSWORD, bad))
        assert (error.reason, error.field, error.value) == (Reason.INVALID_ARGUMENT, "new_password", "")
    fresh = await change(PASSWORD, OTHER_PASSWORD)
    await server.call(TWIN, fresh.access_token)
    for old in (session, other):
        assert (await _refused(server.call(TWIN, old.access_token))).reason is Reason.TOKEN_INVALID
        assert (await _refused(_renew(server, old.refresh_token))).reason is Reason.TOKEN_INVALID
    assert (await _refused(server.login("viewer"))).reason is Reason.WRONG_CREDENTIALS
    await server.login("viewer", OTHER_PASSWORD)
    assert {"auth.change_password", "auth.change_password_failed"} <= set(await _actions(server))


async def test_a_login_that_is_under_way_does_not_outlive_a_change_of_password(
    server: AccessServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = Passwords.check

    async def change_first(passwords: Passwords, password_hash: str | None, password: str) -> PasswordCheck:
        checked = await check(passwords, password_hash, password)
        await set_password(server.store, "viewer", password=OTHER_PASSWORD, passwords=Passwords(WEAK_HASHER))
        return replace(checked, better_hash=password_hash)

    with monkeypatch.context() as patch:
        patch.setattr(Passwords, "check", change_first)
        assert (await _refused(server.login("viewer"))).reason is Reason.WRONG_CREDENTIALS
    assert (await _refused(server.login("viewer"))).reason is Reason.WRONG_CREDENTIALS
    await server.login("viewer", OTHER_PASSWORD)


async def test_a_renewal_that_cannot_be_answered_spends_nothing(
    server: AccessServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def break_off(*_: object, **__: object) -> None:
        raise StoreUnavailableError("away", retry_after_s=1.0)

    session = await server.login("viewer")
    with monkeypatch.context() as patch:
        patch.setattr(server.store, "find_session_holder", break_off)
        with suppress(grpc.aio.AioRpcError):
            session = await _renew(server, session.refresh_token)
    await _renew(server, session.refresh_token)


@pytest.mark.parametrize("fails", ["end_sessions_of", "start_session", "audit"])
async def test_no_session_outlives_a_change_of_password_that_was_cut_off(
    server: AccessServer, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    session, other = await server.login("viewer"), await server.login("viewer")

    async def break_off(*_: object, **__: object) -> None:
        raise StoreUnavailableError("away", retry_after_s=1.0)

    with monkeypatch.context() as patch:
        patch.setattr(server.store, fails, break_off)
        request = auth_service_pb2.ChangePasswordRequest(old_password=PASSWORD, new_password=OTHER_PASSWORD)
        with suppress(grpc.aio.AioRpcError):
            await server.auth.ChangePassword(request, metadata=(("authorization", f"Bearer {session.access_token}"),))
    await server.login("viewer", OTHER_PASSWORD)
    for old in (session, other):
        assert (await _refused(server.call(TWIN, old.access_token))).reason is Reason.TOKEN_INVALID
        assert (await _refused(_renew(server, old.refresh_token))).reason is Reason.TOKEN_INVALID


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(data=st.data())
async def test_no_text_opens_the_door_or_breaks_it(server: AccessServer, data: st.DataObject) -> None:
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
    error = await _refused(server.login(data.draw(text), data.draw(text)))
    assert error.reason in {Reason.WRONG_CREDENTIALS, Reason.INVALID_ARGUMENT, Reason.TOO_MANY_ATTEMPTS}
    assert (await _refused(_renew(server, data.draw(text)))).reason in {
        Reason.TOKEN_INVALID,
        Reason.INVALID_ARGUMENT,
        Reason.TOO_MANY_ATTEMPTS,
    }
