"""Keys, tokens, passwords and limits by themselves."""

import asyncio
import secrets
import stat
import tracemalloc
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import jwt
import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from batterytwin.access import CALLER_ADDRESS_METADATA, Role
from batterytwin.errors import (
    InvalidArgumentError,
    OverloadedError,
    Reason,
    StoreUnavailableError,
    UnauthenticatedError,
)
from storage.access_records import GatewayTokenRecord, UserRecord
from tests.twin_server.access_server import WEAK_HASHER
from twin_server.attempt_limits import AttemptLimits
from twin_server.authenticator import RECHECK_S, Authenticator
from twin_server.gateway_tokens import GatewayTokens
from twin_server.login_limits import LoginLimits
from twin_server.passwords import Passwords, make_up_password
from twin_server.peer_address import address_of_peer, is_local_address, stated_address
from twin_server.principal import PrincipalKind
from twin_server.signing_key import KEY_VARIABLE, load_signing_key
from twin_server.user_tokens import ACCESS_TOKEN_S, UserTokens

KEY = b"k" * 32
SESSION = "11111111-1111-1111-1111-111111111111"


class Clock:
    """Time that only a test moves."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


class FakeStore:
    """One user and one gateway token, counting how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False
        self.answers = asyncio.Event()
        self.answers.set()
        self.user: UserRecord | None = UserRecord(1, "nok", "hash", Role.VIEWER, None, disabled=False)
        self.token: GatewayTokenRecord | None = None
        self.secret_sha256 = b""

    async def find_session_holder(self, session_id: str) -> UserRecord | None:
        self._ask()
        return self.user if session_id == SESSION else None

    async def add_gateway_token(self, token: GatewayTokenRecord, secret_sha256: bytes) -> None:
        self.token, self.secret_sha256 = token, secret_sha256

    async def use_gateway_token(self, token_id: str, secret_sha256: bytes, now_us: int) -> GatewayTokenRecord | None:
        self._ask()
        await self.answers.wait()
        if self.token is None or (token_id, secret_sha256) != (self.token.token_id, self.secret_sha256):
            return None
        return replace(self.token, last_used_us=now_us)

    def _ask(self) -> None:
        self.asked += 1
        if self.away:
            raise StoreUnavailableError("away", retry_after_s=1.0)


def _authenticator(store: FakeStore, clock: Clock) -> tuple[Authenticator, UserTokens, GatewayTokens]:
    users, gateways = UserTokens(KEY, clock), GatewayTokens(store, clock)
    return Authenticator(store, users, gateways, clock=clock, monotonic=clock), users, gateways


async def test_a_known_token_is_looked_up_once_in_half_a_minute() -> None:
    store, clock = FakeStore(), Clock()
    authenticator, users, gateways = _authenticator(store, clock)
    for token in (users.make("nok", SESSION)[0], await gateways.create("BRK", "roof", "test")):
        store.asked = 0
        for _ in range(100):
            await authenticator.authenticate(token, "10.0.0.1")
        assert store.asked == 1
        clock.now_s += RECHECK_S
        await asyncio.gather(*(authenticator.authenticate(token, "10.0.0.1") for _ in range(50)))
        assert store.asked == 2


async def test_role_and_locations_are_the_present_ones_not_those_at_login() -> None:
    store, clock = FakeStore(), Clock()
    authenticator, users, _ = _authenticator(store, clock)
    token = users.make("nok", SESSION)[0]
    assert (await authenticator.authenticate(token, "x")).principal.role is Role.VIEWER
    store.user = UserRecord(1, "nok", "hash", Role.ENGINEER, frozenset({"BRK"}), disabled=False)
    clock.now_s += RECHECK_S
    principal = (await authenticator.authenticate(token, "x")).principal
    assert (principal.role, principal.location_ids) == (Role.ENGINEER, frozenset({"BRK"}))


async def test_a_revoked_token_dies_within_half_a_minute_and_an_expired_one_at_once() -> None:
    store, clock = FakeStore(), Clock()
    authenticator, users, gateways = _authenticator(store, clock)
    gateway, user = await gateways.create("BRK", "roof", "test"), users.make("nok", SESSION)[0]
    identity = await authenticator.authenticate(gateway, "x")
    assert (identity.principal.kind, identity.principal.location_ids) == (PrincipalKind.GATEWAY, frozenset({"BRK"}))
    await authenticator.authenticate(user, "x")
    store.secret_sha256 = b"revoked"
    clock.now_s += RECHECK_S
    with pytest.raises(UnauthenticatedError) as refused:
        await authenticator.authenticate(gateway, "x")
    assert refused.value.reason is Reason.TOKEN_INVALID
    clock.now_s += ACCESS_TOKEN_S - RECHECK_S
    store.away = True
    with pytest.raises(UnauthenticatedError) as refused:
        await authenticator.authenticate(user, "x")
    assert refused.value.reason is Reason.TOKEN_EXPIRED


async def test_a_call_that_is_cut_off_while_its_token_is_looked_up_prolongs_nothing() -> None:
    store, clock = FakeStore(), Clock()
    authenticator, _, gateways = _authenticator(store, clock)
    token = await gateways.create("BRK", "roof", "test")
    await authenticator.authenticate(token, "x")
    store.secret_sha256 = b"revoked"
    clock.now_s += RECHECK_S
    store.answers.clear()
    call = asyncio.create_task(authenticator.authenticate(token, "x"))
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.wait([call])
    store.answers.set()
    with pytest.raises(UnauthenticatedError):
        await authenticator.authenticate(token, "x")


async def test_guessed_gateway_tokens_reach_the_database_only_so_often() -> None:
    store, clock = FakeStore(), Clock()
    authenticator, _, gateways = _authenticator(store, clock)
    good = await gateways.create("BRK", "roof", "test")
    await authenticator.authenticate(good, "10.0.0.1")
    reasons = []
    for _ in range(100):
        with pytest.raises((UnauthenticatedError, OverloadedError)) as refused:
            await authenticator.authenticate(f"bt_{secrets.token_hex(6)}_{secrets.token_hex(32)}", "10.0.0.1")
        reasons.append(refused.value.reason)
    assert reasons.count(Reason.TOKEN_INVALID) == 60
    assert reasons[60:] == [Reason.TOO_MANY_ATTEMPTS] * 40
    await authenticator.authenticate(good, "10.0.0.1")


@given(text=st.text(max_size=120) | st.text(max_size=80).map("bt_{}".format))
def test_no_text_is_a_token(text: str) -> None:
    authenticator, _, _ = _authenticator(FakeStore(), Clock())
    with pytest.raises(UnauthenticatedError) as refused:
        asyncio.run(authenticator.authenticate(text, "x"))
    assert refused.value.reason is Reason.TOKEN_INVALID


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"sub": "nok"},
        {"sub": "nok", "exp": 9e9},
        {"sub": 7, "sid": "", "exp": 9e9},
        {"sub": "x", "sid": "", "exp": "soon"},
    ],
)
def test_a_signed_token_without_the_right_claims_is_invalid(claims: dict[str, object]) -> None:
    with pytest.raises(UnauthenticatedError) as refused:
        UserTokens(KEY).read(jwt.encode(claims, KEY, "HS256"))
    assert refused.value.reason is Reason.TOKEN_INVALID


def test_the_signing_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    key = load_signing_key(tmp_path / "data")
    assert len(key) >= 32
    assert load_signing_key(tmp_path / "data") == key
    assert load_signing_key(tmp_path / "other") != key
    file = tmp_path / "data" / "secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["secret"]
    file.chmod(0o644)
    with pytest.raises(InvalidArgumentError, match="chmod 600"):
        load_signing_key(tmp_path / "data")


def test_the_environment_beats_the_file_and_short_keys_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "e" * 32)
    assert load_signing_key(tmp_path) == b"e" * 32
    assert not list(tmp_path.iterdir())
    monkeypatch.setenv(KEY_VARIABLE, "short")
    with pytest.raises(InvalidArgumentError, match=KEY_VARIABLE) as refused:
        load_signing_key(tmp_path)
    assert "short" not in refused.value.value


async def test_a_password_is_right_wrong_or_better_hashed() -> None:
    passwords = Passwords(WEAK_HASHER)
    stored = await passwords.hash("correct horse battery")
    assert (await passwords.check(stored, "correct horse battery")).is_right
    for wrong_hash, password in ((stored, "correct horse"), (None, ""), ("garbage", "x"), (stored, "y" * 100_000)):
        assert not (await passwords.check(wrong_hash, password)).is_right
    stronger = Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    check = await stronger.check(stored, "correct horse battery")
    assert check.better_hash is not None
    assert await stronger.check(check.better_hash, "correct horse battery") == type(check)(is_right=True)


async def test_passwords_have_ten_to_128_characters_and_made_up_ones_do() -> None:
    passwords = Passwords(WEAK_HASHER)
    for password in ("x" * 9, "x" * 129):
        with pytest.raises(InvalidArgumentError):
            await passwords.hash(password)
    made_up = make_up_password()
    await passwords.hash(made_up)
    assert made_up != make_up_password()


def test_attempts_are_counted_in_a_sliding_window() -> None:
    clock = Clock()
    limits = AttemptLimits(3, 60.0, clock)
    for _ in range(3):
        limits.begin("a")
        clock.now_s += 10
    with pytest.raises(OverloadedError) as refused:
        limits.begin("a")
    assert refused.value.retry_after_s == 30.0
    limits.begin("b")
    clock.now_s += 30
    limits.begin("a")
    limits.succeed("a")
    limits.begin("a")


def guess(limits: LoginLimits, username: str, address: str) -> None:
    with limits.attempt(username, address):
        pass


def test_a_stranger_cannot_lock_a_user_out_and_one_address_cannot_try_everybody() -> None:
    limits = LoginLimits(Clock())
    for _ in range(5):
        guess(limits, "Nok", "10.0.0.66")
    with pytest.raises(OverloadedError):
        guess(limits, "nok", "10.0.0.66")
    guess(limits, "nok", "10.0.0.1")
    limits.succeed("nok", "10.0.0.1")
    for number in range(25):
        guess(limits, f"user{number}", "10.0.0.66")
    with pytest.raises(OverloadedError):
        guess(limits, "somebody", "10.0.0.66")


def test_long_names_of_nobody_fill_no_memory() -> None:
    limits = LoginLimits(Clock())
    tracemalloc.start()
    try:
        for number in range(100):
            with suppress(OverloadedError):
                guess(limits, f"{number:03}" + 1_000_000 * "x", "10.0.0.66")
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1_000_000
    guess(limits, 64 * "n", "10.0.0.1")


def test_what_an_absent_database_could_not_judge_is_no_guess() -> None:
    limits = LoginLimits(Clock())
    for _ in range(100):
        with pytest.raises(StoreUnavailableError), limits.attempt("nok", "10.0.0.1"):
            raise StoreUnavailableError("away")
    for _ in range(5):
        guess(limits, "nok", "10.0.0.1")
    with pytest.raises(OverloadedError):
        guess(limits, "nok", "10.0.0.1")


async def test_gateways_that_come_while_the_database_is_away_are_let_in_when_it_is_back() -> None:
    store, clock = FakeStore(), Clock()
    authenticator, _, gateways = _authenticator(store, clock)
    token = await gateways.create("BRK", "roof", "test")
    store.away = True
    for _ in range(100):
        with pytest.raises(StoreUnavailableError):
            await authenticator.authenticate(token, "10.0.0.1")
    store.away = False
    await authenticator.authenticate(token, "10.0.0.1")


@pytest.mark.parametrize(
    ("stated", "address"), [("10.1.2.3", "10.1.2.3"), ("2001:DB8::1", "2001:db8::1"), ("\n", ""), ("admin", "")]
)
def test_a_stated_address_is_an_address_or_none(stated: str, address: str) -> None:
    assert stated_address([("x", "10.0.0.1"), (CALLER_ADDRESS_METADATA, stated)]) == address
    assert not stated_address([])


@pytest.mark.parametrize(
    ("peer", "address", "is_local"),
    [
        ("ipv4:127.0.0.1:40312", "127.0.0.1", True),
        ("ipv4:10.1.2.3:40312", "10.1.2.3", False),
        ("ipv6:%5B::1%5D:40312", "::1", True),
        ("ipv6:[::ffff:127.0.0.1]:1", "::ffff:127.0.0.1", True),
        ("ipv6:[::ffff:10.0.0.1]:1", "::ffff:10.0.0.1", False),
        ("ipv6:[fe80::1%25eth0]:1", "fe80::1%eth0", False),
        ("unix:", "unix", True),
        ("", "unknown", False),
    ],
)
def test_the_address_of_a_peer(peer: str, address: str, is_local: bool) -> None:
    assert address_of_peer(peer) == address
    assert is_local_address(address) is is_local
