"""Every method of the compiled API, for every kind of caller, answered by a real server."""

import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import jwt
import pytest
import pytest_asyncio
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from batterytwin.access import Role
from batterytwin.errors import PermissionDeniedError, Reason, UnauthenticatedError
from clients.errors import error_from_rpc
from tests.twin_server.access_server import METHODS, AccessServer, serve_access
from twin_server.access_rules import RULE_OF_METHOD, Access, authorise
from twin_server.operator_token import operator_token
from twin_server.principal import ANONYMOUS, LOCAL, Principal, PrincipalKind
from twin_server.signing_key import load_signing_key

PUBLIC = {"Login", "RefreshToken", "Logout"}
WITHOUT_LOGIN_ON_LOOPBACK = {"GetStatus"}
FEED = {"IngestReadings", "StreamReadings"}
PLAY = {"CheckScenario", "StartScenario", "UpdateScenario", "StopScenario", "ProjectScenario", "CancelProjection"}
HANDLE = {"AcknowledgeAlert", "ResolveAlert", "RecordEvent"} | PLAY
EXTEND = {"RegisterGrid"}
MODELS = {"ImportModel", "ApproveModel", "ActivateModel", "ShadowModel"}
READ = {_m.rpartition("/")[2] for _m in METHODS} - PUBLIC - FEED - HANDLE - EXTEND - MODELS

OPEN_TO = {
    "no token": PUBLIC | WITHOUT_LOGIN_ON_LOOPBACK,
    "garbage": PUBLIC,
    "garbage that looks like a gateway's": PUBLIC,
    "wrong scheme": PUBLIC,
    "expired": PUBLIC,
    "signed by another key": PUBLIC,
    "unsigned": PUBLIC,
    "of an ended session": PUBLIC,
    "of a disabled user": PUBLIC,
    "of a revoked gateway": PUBLIC,
    "gateway": PUBLIC | WITHOUT_LOGIN_ON_LOOPBACK | FEED,
    "viewer": PUBLIC | READ,
    "engineer": PUBLIC | READ | HANDLE,
    "engineer everywhere": PUBLIC | READ | HANDLE | EXTEND,
    "admin": PUBLIC | READ | HANDLE | EXTEND | FEED | MODELS,
    "operator": PUBLIC | READ | HANDLE | EXTEND | FEED | MODELS,
}
REASON_OF_BAD_TOKEN = {"no token": Reason.TOKEN_MISSING, "expired": Reason.TOKEN_EXPIRED}


@pytest_asyncio.fixture
async def server(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AccessServer]:
    monkeypatch.setattr("twin_server.authenticator._MOST_UNKNOWN_A_MINUTE", 10_000)  # every method is tried
    async with serve_access(database_url, tmp_path) as running:
        yield running


async def _tokens(server: AccessServer, data_dir: Path) -> dict[str, str | None]:
    key = load_signing_key(data_dir)
    claims = {"sub": "admin", "sid": "", "iat": 0, "exp": int(time.time()) + 600}
    sessions = {name: await server.login(name) for name in ("viewer", "engineer", "planner", "admin", "gone", "left")}
    await server.store.set_user_disabled("gone", disabled=True)
    await server.auth.Logout(server.logout_request(sessions["left"].refresh_token))
    gateways = server.access.gateway_tokens
    revoked = await gateways.create("BRK", name="old", created_by="test")
    await server.store.revoke_gateway_token(revoked.split("_")[1], 1)
    return {
        "no token": None,
        "garbage": "\u0ca0_\u0ca0".encode().hex(),
        "garbage that looks like a gateway's": f"bt_{secrets.token_hex(6)}_{secrets.token_hex(32)}",
        "wrong scheme": sessions["admin"].access_token,
        "expired": jwt.encode(claims | {"exp": 1}, key, "HS256"),
        "signed by another key": jwt.encode(claims, secrets.token_bytes(32), "HS256"),
        "unsigned": jwt.encode(claims, "", "none"),
        "of an ended session": sessions["left"].access_token,
        "of a disabled user": sessions["gone"].access_token,
        "of a revoked gateway": revoked,
        "gateway": await gateways.create("BRK", name="gateway", created_by="test"),
        "viewer": sessions["viewer"].access_token,
        "engineer": sessions["engineer"].access_token,
        "engineer everywhere": sessions["planner"].access_token,
        "admin": sessions["admin"].access_token,
        "operator": operator_token(data_dir),
    }


async def test_every_method_lets_in_whom_it_should_and_nobody_else(server: AccessServer, tmp_path: Path) -> None:
    tokens = await _tokens(server, tmp_path)
    assert tokens.keys() == OPEN_TO.keys()
    wrong = []
    for caller, token in tokens.items():
        for method in METHODS:
            scheme = "Basic" if caller == "wrong scheme" else "Bearer"
            reason = await _reason(server, method, token, scheme)
            if method.rpartition("/")[2] in OPEN_TO[caller]:
                expected: set[Reason | None] = {None, Reason.INVALID_ARGUMENT, Reason.ROLE_NOT_ALLOWED}
                if caller != "operator" or "ChangePassword" not in method:  # the operator has no password
                    expected.remove(Reason.ROLE_NOT_ALLOWED)
            elif OPEN_TO[caller] <= PUBLIC | WITHOUT_LOGIN_ON_LOOPBACK:
                expected = {REASON_OF_BAD_TOKEN.get(caller, Reason.TOKEN_INVALID)}
            else:
                expected = {Reason.ROLE_NOT_ALLOWED}
            if reason not in expected:
                wrong.append((caller, method, reason))
    assert wrong == []


async def _reason(server: AccessServer, method: str, token: str | None, scheme: str) -> Reason | None:
    """Reason of the refusal; None when the call was answered."""
    try:
        await server.call(method, token, scheme)
    except grpc.aio.AioRpcError as error:
        return error_from_rpc(error, server.target).reason
    return None


def test_the_table_names_every_method_of_every_service_and_no_other() -> None:
    ours = {method for method in RULE_OF_METHOD if method.startswith("/batterytwin.")}
    assert ours == METHODS.keys()
    foreign = set()
    for module in (health_pb2, reflection_pb2):
        file = FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        foreign |= {f"/{file.package}.{service.name}/{m.name}" for service in file.service for m in service.method}
    assert foreign <= RULE_OF_METHOD.keys()


@pytest.mark.parametrize("access", Access)
def test_a_higher_role_may_never_do_less(access: Access) -> None:
    allowed = [_is_let_in(access, Principal(PrincipalKind.USER, "x", role, None)) for role in Role]
    assert allowed == sorted(allowed)


def test_being_local_opens_nothing_but_what_is_said() -> None:
    for access in Access:
        assert _is_let_in(access, LOCAL, is_local=True) == (access in (Access.PUBLIC, Access.LOCAL_OR_USER))
        assert _is_let_in(access, ANONYMOUS) == (access is Access.PUBLIC)


def test_a_principal_sees_its_own_locations_only() -> None:
    gateway = Principal(PrincipalKind.GATEWAY, "gateway", location_ids=frozenset({"BRK"}))
    gateway.require_location("BRK")
    with pytest.raises(PermissionDeniedError) as refused:
        gateway.require_location("CNX")
    assert (refused.value.reason, refused.value.value) == (Reason.LOCATION_NOT_ALLOWED, "CNX")
    assert not ANONYMOUS.may_see("BRK")
    assert Principal(PrincipalKind.USER, "admin", Role.ADMIN, None).may_see("anything")


def _is_let_in(access: Access, principal: Principal, *, is_local: bool = False) -> bool:
    try:
        authorise(access, principal, is_local=is_local)
    except (PermissionDeniedError, UnauthenticatedError):
        return False
    return True
