"""Users, sessions, gateway tokens and the audit trail in a real database."""

import asyncio
import hashlib
import uuid
from collections.abc import Awaitable, Callable

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batterytwin.access import Role
from batterytwin.errors import ConflictError, InvalidArgumentError, NotFoundError, UnknownLocationError
from storage.access_records import AuditEntry, GatewayTokenRecord, RotationOutcome, UserRecord
from storage.server_store import ServerStore
from tests.storage.server_stores import DAY_US, NOW_US, small_inventory


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


async def _user(store: ServerStore, name: str = "nok") -> UserRecord:
    return await store.add_user(name, "hash", Role.VIEWER, None)


async def _session(store: ServerStore, user: UserRecord, token: str, now_us: int = NOW_US) -> str:
    session_id = str(uuid.uuid4())
    await store.start_session(session_id, user, _hash(token), now_us=now_us, expires_us=now_us + 7 * DAY_US)
    return session_id


async def _rotate(store: ServerStore, old: str, new: str, now_us: int = NOW_US) -> RotationOutcome:
    rotation = await store.rotate_refresh_token(_hash(old), _hash(new), now_us=now_us, expires_us=now_us + 7 * DAY_US)
    return rotation.outcome


async def test_a_user_is_found_in_any_case_and_its_name_is_taken_in_any_case(server_store: ServerStore) -> None:
    await server_store.register_inventory(small_inventory("BRK", "CNX"))
    added = await server_store.add_user("Nok", "hash", Role.ENGINEER, ["CNX", "BRK", "CNX"])
    assert (added.username, added.role, added.location_ids) == ("Nok", Role.ENGINEER, frozenset({"BRK", "CNX"}))
    assert await server_store.find_user("nOK") == added
    with pytest.raises(ConflictError):
        await server_store.add_user("NOK", "hash", Role.VIEWER, None)
    assert await server_store.list_users() == [added]
    assert "hash" not in repr(added)


async def test_no_location_is_not_every_location(server_store: ServerStore) -> None:
    assert (await server_store.add_user("none", "hash", Role.VIEWER, [])).location_ids == frozenset()
    assert (await server_store.add_user("all", "hash", Role.VIEWER, None)).location_ids is None


async def test_a_user_of_an_unknown_location_is_not_added(server_store: ServerStore) -> None:
    with pytest.raises(UnknownLocationError, match="XXX"):
        await server_store.add_user("nok", "hash", Role.VIEWER, ["XXX"])
    assert await server_store.list_users() == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(name=st.text(max_size=70))
async def test_a_user_name_is_plain_or_refused(server_store: ServerStore, name: str) -> None:
    try:
        added = await server_store.add_user(name, "hash", Role.VIEWER, None)
    except InvalidArgumentError:
        return
    except ConflictError:
        assert await server_store.find_user(name) is not None
        return
    assert added.username == name
    assert name.isascii()
    assert name.isprintable()
    assert 1 <= len(name) <= 64


async def test_changes_of_unknown_users_and_tokens_are_refused(server_store: ServerStore) -> None:
    attempts: list[Callable[[], Awaitable[object]]] = [
        lambda: server_store.change_password("nobody", "hash", NOW_US),
        lambda: server_store.set_user_disabled("nobody", disabled=True),
        lambda: server_store.revoke_gateway_token("nothing", NOW_US),
    ]
    for attempt in attempts:
        with pytest.raises(NotFoundError):
            await attempt()


async def test_of_simultaneous_renewals_with_one_token_at_most_one_succeeds(server_store: ServerStore) -> None:
    session_id = await _session(server_store, await _user(server_store), "first")
    outcomes = await asyncio.gather(*(_rotate(server_store, "first", f"next{n}") for n in range(6)))
    assert outcomes.count(RotationOutcome.RENEWED) == 1
    assert await server_store.find_session_holder(session_id) is None


async def test_a_token_expires_and_the_session_of_a_disabled_user_ends(server_store: ServerStore) -> None:
    user = await _user(server_store)
    session_id = await _session(server_store, user, "first")
    assert await _rotate(server_store, "first", "late", NOW_US + 7 * DAY_US) is RotationOutcome.EXPIRED
    assert await _rotate(server_store, "never seen", "x") is RotationOutcome.UNKNOWN
    assert (await server_store.find_session_holder(session_id)) == user
    await server_store.set_user_disabled("NOK", disabled=True)
    assert await server_store.find_session_holder(session_id) is None
    assert await _rotate(server_store, "first", "x") is RotationOutcome.UNKNOWN


async def test_sessions_end_one_by_one_and_all_together(server_store: ServerStore) -> None:
    user = await _user(server_store)
    sessions = [await _session(server_store, user, token) for token in ("a", "b", "c")]
    assert await server_store.end_session(_hash("a"), NOW_US) == (sessions[0], "nok")
    assert await server_store.end_session(_hash("a"), NOW_US) == (sessions[0], "nok")
    assert await server_store.end_session(_hash("z"), NOW_US) is None
    assert sorted(await server_store.end_sessions_of(user.user_key, NOW_US)) == sorted(sessions[1:])
    for session_id in sessions:
        assert await server_store.find_session_holder(session_id) is None


async def test_sessions_that_can_no_longer_be_renewed_are_forgotten_at_the_next_login(
    server_store: ServerStore, database_url: str
) -> None:
    user = await _user(server_store)
    await _session(server_store, user, "old")
    kept = await _session(server_store, user, "kept", NOW_US + DAY_US)
    fresh = await _session(server_store, user, "fresh", NOW_US + 7 * DAY_US)
    with psycopg.connect(database_url) as connection:
        left = {str(row[0]) for row in connection.execute("SELECT session_id FROM user_session")}
    assert left == {kept, fresh}


async def test_a_gateway_token_is_found_by_its_secret_until_it_is_revoked(server_store: ServerStore) -> None:
    await server_store.register_inventory(small_inventory("BRK"))
    token = GatewayTokenRecord("abc", "BRK", "roof", NOW_US, "nok", None, None)
    assert not await server_store.has_gateway_token("BRK")
    await server_store.add_gateway_token(token, _hash("secret"))
    found = await server_store.use_gateway_token("abc", _hash("secret"), NOW_US + 5)
    assert found is not None
    assert (found.location_id, found.last_used_us) == ("BRK", NOW_US + 5)
    assert await server_store.use_gateway_token("abc", _hash("guess"), NOW_US + 9) is None
    for later in (1, 2):
        await server_store.revoke_gateway_token("abc", NOW_US + later)
    assert await server_store.use_gateway_token("abc", _hash("secret"), NOW_US + 9) is None
    assert await server_store.has_gateway_token("BRK"), "one that is revoked was made all the same"
    [listed] = await server_store.list_gateway_tokens()
    assert (listed.revoked_us, listed.last_used_us) == (NOW_US + 1, NOW_US + 5)
    with pytest.raises(UnknownLocationError):
        await server_store.add_gateway_token(
            GatewayTokenRecord("def", "XXX", "roof", NOW_US, "nok", None, None), _hash("secret")
        )


async def test_the_audit_trail_only_grows(server_store: ServerStore, database_url: str) -> None:
    entries = [AuditEntry(NOW_US + n, "nok", "alert.resolve", f"alert {n}", "why", "10.0.0.1", "r1") for n in range(3)]
    for entry in entries:
        await server_store.audit(entry)
    with psycopg.connect(database_url, autocommit=True) as connection:
        for tampering in ("UPDATE audit_entry SET actor = 'x'", "DELETE FROM audit_entry", "TRUNCATE audit_entry"):
            with pytest.raises(psycopg.errors.DatabaseError, match="append-only"):
                connection.execute(tampering)
    assert await server_store.audit_trail(10) == entries[::-1]
    assert await server_store.audit_trail(2) == entries[:0:-1]
