"""`batterytwin user` and `batterytwin token` on a real database."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from typer.testing import CliRunner

from batterytwin.errors import ConflictError, InvalidArgumentError, NotFoundError, UnknownLocationError
from storage.server_store import ServerStore
from tests.storage.server_stores import small_inventory
from tests.twin_server.access_server import PASSWORD
from twin_server.access_commands import token_app, user_app
from twin_server.first_admin import ensure_first_admin
from twin_server.gateway_tokens import GatewayTokens
from twin_server.passwords import Passwords
from twin_server.simulated_gateways import make_simulator_tokens

InStore = Callable[[Callable[[ServerStore], Coroutine[Any, Any, Any]]], Any]


@pytest.fixture
def in_store(database_url: str, monkeypatch: pytest.MonkeyPatch) -> InStore:
    """Function that asks the database that the commands use."""
    monkeypatch.setenv("DATABASE_URL", database_url)

    def ask(question: Callable[[ServerStore], Coroutine[Any, Any, Any]]) -> Any:
        async def with_store() -> Any:
            store = await ServerStore.connect(database_url)
            try:
                return await question(store)
            finally:
                await store.close()

        return asyncio.run(with_store())

    ask(lambda store: store.register_inventory(small_inventory("BRK")))
    return ask


def _run(app: Any, *arguments: str, typed: str | None = None) -> str:
    return CliRunner().invoke(app, arguments, input=typed, catch_exceptions=False).output


def test_a_user_is_added_with_a_made_up_password_that_works(in_store: InStore) -> None:
    output = _run(user_app, "add", "nok", "--role", "engineer", "--location", "BRK")
    password = output.split()[-1]
    user = in_store(lambda store: store.find_user("nok"))
    assert user.location_ids == frozenset({"BRK"})
    assert asyncio.run(Passwords().check(user.password_hash, password)).is_right
    listed = _run(user_app, "list")
    assert "nok" in listed
    assert password not in listed
    assert user.password_hash not in listed


def test_a_password_is_read_from_standard_input_and_never_shown(in_store: InStore) -> None:
    output = _run(user_app, "add", "nok", "--role", "viewer", "--password-stdin", typed=PASSWORD + "\n")
    assert PASSWORD not in output
    assert asyncio.run(Passwords().check(in_store(lambda s: s.find_user("nok")).password_hash, PASSWORD)).is_right
    made_up = _run(user_app, "passwd", "nok").split()[-1]
    assert asyncio.run(Passwords().check(in_store(lambda s: s.find_user("nok")).password_hash, made_up)).is_right


def test_the_last_admin_cannot_be_shut_out(in_store: InStore) -> None:
    in_store(ensure_first_admin)
    assert in_store(ensure_first_admin) is None
    with pytest.raises(ConflictError, match="only admin"):
        _run(user_app, "disable", "admin")
    _run(user_app, "add", "second", "--role", "admin")
    _run(user_app, "disable", "ADMIN")
    assert in_store(lambda s: s.find_user("admin")).disabled
    assert "disabled" in _run(user_app, "list")


def test_a_token_is_shown_once_and_can_be_revoked(in_store: InStore) -> None:
    token = _run(token_app, "create", "--location", "BRK", "--name", "roof").strip()
    assert in_store(lambda store: GatewayTokens(store).find(token)).location_id == "BRK"
    listed = _run(token_app, "list")
    token_id = token.split("_")[1]
    assert token_id in listed
    assert token not in listed
    _run(token_app, "revoke", token_id)
    assert in_store(lambda store: GatewayTokens(store).find(token)) is None
    assert "revoked" in _run(token_app, "list")


def test_the_simulator_ends_its_own_earlier_tokens_and_no_other(in_store: InStore) -> None:
    ours = _run(token_app, "create", "--location", "BRK", "--name", "simulator").strip()
    before, now = (
        in_store(lambda store: make_simulator_tokens(store, small_inventory("BRK")))["BRK"] for _ in range(2)
    )

    async def which_are_good(store: ServerStore) -> list[bool]:
        return [await GatewayTokens(store).find(token) is not None for token in (ours, before, now)]

    assert in_store(which_are_good) == [True, False, True]


def test_every_change_is_in_the_audit_trail(in_store: InStore) -> None:
    _run(user_app, "add", "nok", "--role", "viewer")
    _run(user_app, "passwd", "nok")
    _run(user_app, "disable", "nok")
    token = _run(token_app, "create", "--location", "BRK", "--name", "roof").strip()
    _run(token_app, "revoke", token.split("_")[1])
    trail = in_store(lambda store: store.audit_trail(10))
    assert [entry.action for entry in reversed(trail)] == [
        "user.add",
        "user.set_password",
        "user.disable",
        "token.create",
        "token.revoke",
    ]
    assert {(entry.actor, entry.peer) for entry in trail} == {("command line", "command line")}


@pytest.mark.parametrize(
    ("app", "arguments", "error"),
    [
        (user_app, ("add", "nok", "--role", "king"), InvalidArgumentError),
        (user_app, ("add", "two words", "--role", "viewer"), InvalidArgumentError),
        (user_app, ("add", "nok", "--role", "viewer", "--location", "XXX"), UnknownLocationError),
        (user_app, ("disable", "nobody"), NotFoundError),
        (user_app, ("passwd", "nobody"), NotFoundError),
        (token_app, ("create", "--location", "XXX", "--name", "roof"), UnknownLocationError),
        (token_app, ("revoke", "nothing"), NotFoundError),
    ],
)
@pytest.mark.usefixtures("in_store")
def test_what_cannot_be_done_is_a_typed_error(app: Any, arguments: tuple[str, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        _run(app, *arguments)
