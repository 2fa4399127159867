"""What the gate makes of calls: correlation ids, answers to errors, ends of streams, lines in the log."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from batterytwin.access import Role
from batterytwin.errors import (
    DOMAIN,
    InvalidArgumentError,
    Reason,
    StoreUnavailableError,
    TwinError,
    UnauthenticatedError,
)
from batterytwin.v1.twin_pb2 import TwinColumns
from batterytwin.v1.twin_service_pb2 import WatchTwinsResponse
from clients.errors import error_from_rpc
from tests.twin_server.access_server import METHODS, AccessServer, serve_access
from tests.twin_server.conftest import ReadLog
from twin_server import authenticator, stream_guard
from twin_server.access_rules import RULE_OF_METHOD
from twin_server.principal import current_call, current_principal

GET_TWIN = "/batterytwin.v1.TwinService/GetTwin"
WATCH = "/batterytwin.v1.TwinService/WatchTwins"
STREAM = "/batterytwin.v1.IngestService/StreamReadings"
INGEST = "/batterytwin.v1.IngestService/IngestReadings"


async def _fails(server: AccessServer, method: str = GET_TWIN, **metadata: str) -> grpc.aio.AioRpcError:
    token = (await server.login("admin")).access_token
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await server.call(method, token, **metadata)
    return refused.value


def _raiser(error: BaseException) -> Any:
    async def behave(_request: Any, _context: Any) -> Any:
        raise error

    return behave


def _stream_raiser(error: BaseException) -> Any:
    async def behave(_request: Any, _context: Any) -> AsyncIterator[Any]:
        raise error
        yield

    return behave


@pytest.mark.parametrize("method", [GET_TWIN, WATCH, STREAM])
async def test_a_typed_error_arrives_with_everything_it_says(database_url: str, tmp_path: Path, method: str) -> None:
    error = InvalidArgumentError("Too much.", field="page_size", value=7, retry_after_s=1.25)
    behave = _stream_raiser(error) if METHODS[method].server_streaming else _raiser(error)
    async with serve_access(database_url, tmp_path, {method: behave}) as server:
        refused: Any = await _fails(server, method, x_request_id="abc-1")
    status = rpc_status.from_call(refused)
    info, retry, violation = ErrorInfo(), RetryInfo(), BadRequest()
    for detail, message in zip(status.details, (info, retry, violation), strict=True):
        assert detail.Unpack(message)
    assert (refused.code(), status.message) == (grpc.StatusCode.INVALID_ARGUMENT, "Too much.")
    assert (info.reason, info.domain) == ("INVALID_ARGUMENT", DOMAIN)
    assert dict(info.metadata) == {"field": "page_size", "value": "7", "request_id": "abc-1"}
    assert retry.retry_delay.ToMilliseconds() == 1_250
    assert [(v.field, v.description) for v in violation.field_violations] == [("page_size", "Too much.")]
    assert dict(refused.trailing_metadata() or ())["x-request-id"] == "abc-1"


@pytest.mark.parametrize(
    "error", [RuntimeError("secret inside"), TwinError("secret inside"), KeyError("secret inside")]
)
async def test_an_unexpected_error_is_logged_with_its_traceback_and_not_shown(
    database_url: str, tmp_path: Path, read_log: ReadLog, error: Exception
) -> None:
    async with serve_access(database_url, tmp_path, {GET_TWIN: _raiser(error)}) as server:
        refused = await _fails(server, x_request_id="abc-2")
    assert refused.code() is grpc.StatusCode.INTERNAL
    heard = error_from_rpc(refused, "server")
    assert heard.reason is Reason.INTERNAL
    assert "secret" not in f"{refused.debug_error_string()} {refused.trailing_metadata()}"
    [line] = [line for line in read_log() if line["event"] == "unexpected error"]
    assert (line["level"], line["request_id"], line["method"], line["caller"]) == ("error", "abc-2", GET_TWIN, "admin")
    assert "Traceback" in line["exception"]
    assert "secret inside" in line["exception"]


async def test_an_unusable_correlation_id_is_replaced_and_every_answer_has_one(
    database_url: str, tmp_path: Path
) -> None:
    seen = []

    async def behave(_request: Any, _context: Any) -> Any:
        seen.append(current_call.get())
        raise UnauthenticatedError("x")

    async with serve_access(database_url, tmp_path, {GET_TWIN: behave}) as server:
        token = (await server.login("admin")).access_token
        for sent in ("ok.1", "two words", "x" * 65, ""):
            with pytest.raises(grpc.aio.AioRpcError):
                await server.call(GET_TWIN, token, x_request_id=sent)
        call = server.stub_of(INGEST)(_empty(INGEST), metadata=(("authorization", f"Bearer {token}"),))
        await call
        assert re.fullmatch("[0-9a-f]{32}", dict(await call.trailing_metadata())["x-request-id"])
        stream = server.stub_of(WATCH)(_empty(WATCH), metadata=(("authorization", f"Bearer {token}"),))
        assert re.fullmatch("[0-9a-f]{32}", dict(await stream.initial_metadata())["x-request-id"])
    ids = [call.request_id for call in seen if call is not None]
    assert ids[0] == "ok.1"
    assert all(re.fullmatch("[0-9a-f]{32}", made) for made in ids[1:])
    assert len(set(ids)) == 4


async def test_a_servicer_knows_its_caller_and_calls_do_not_mix(database_url: str, tmp_path: Path) -> None:
    seen: set[tuple[str, bool]] = set()

    async def behave(_request: Any, _context: Any) -> Any:
        name = current_principal().name
        await asyncio.sleep(0.01)
        seen.add((name, current_principal().name == name))
        raise UnauthenticatedError("x")

    async with serve_access(database_url, tmp_path, {GET_TWIN: behave}) as server:
        tokens = [(await server.login(name)).access_token for name in ("viewer", "engineer", "admin")]
        await asyncio.gather(*(server.call(GET_TWIN, token) for token in tokens * 5), return_exceptions=True)
    assert seen == {("viewer", True), ("engineer", True), ("admin", True)}


async def _log_out(server: AccessServer, session: Any) -> None:
    await server.auth.Logout(server.logout_request(session.refresh_token))


async def _log_out_while_tokens_cannot_be_looked_up(server: AccessServer, session: Any) -> None:
    find, away = server.store.find_session_holder, asyncio.Event()

    async def be_away(_session_id: str) -> Any:
        away.set()
        raise StoreUnavailableError("away", retry_after_s=1.0)

    server.store.find_session_holder = be_away  # type: ignore[method-assign,assignment]
    await _log_out(server, session)
    await away.wait()
    server.store.find_session_holder = find  # type: ignore[method-assign]


async def _take_a_role_away(server: AccessServer, _session: Any) -> None:
    find = server.store.find_session_holder

    async def demoted(session_id: str) -> Any:
        user = await find(session_id)
        return user and replace(user, role=Role.VIEWER)

    server.store.find_session_holder = demoted  # type: ignore[method-assign]


@pytest.mark.parametrize("end", [_log_out, _log_out_while_tokens_cannot_be_looked_up, _take_a_role_away])
@pytest.mark.parametrize("method", [WATCH, STREAM])
async def test_a_stream_ends_when_what_let_it_in_does(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    end: Callable[[AccessServer, Any], Awaitable[None]],
) -> None:
    ended = asyncio.Event()

    async def behave(_request: Any, _context: Any) -> AsyncIterator[Any]:
        try:
            yield _answer(method)
            await asyncio.Event().wait()
        finally:
            ended.set()

    for module in (stream_guard, authenticator):
        monkeypatch.setattr(module, "RECHECK_S", 0.01)
    async with serve_access(database_url, tmp_path, {method: behave}) as server, asyncio.timeout(30):
        session = await server.login("admin")
        metadata = (("authorization", f"Bearer {session.access_token}"),)
        argument = _requests(method) if method == STREAM else _empty(method)
        call = server.stub_of(method)(argument, metadata=metadata)
        answers = aiter(call)
        await anext(answers)
        await end(server, session)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await anext(answers)
        assert error_from_rpc(refused.value, "server").reason is Reason.TOKEN_INVALID
        await ended.wait()


async def test_a_stream_that_nobody_reads_ends_with_its_session_as_well(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, ended = 0, asyncio.Event()

    async def behave(_request: Any, _context: Any) -> AsyncIterator[Any]:
        nonlocal sent
        try:
            while True:
                yield WatchTwinsResponse(twins=TwinColumns(battery_ids=["x" * 1_000_000]))
                sent += 1
        finally:
            ended.set()

    monkeypatch.setattr(stream_guard, "RECHECK_S", 0.01)
    monkeypatch.setattr(stream_guard, "GRACE_S", 0.01)
    async with serve_access(database_url, tmp_path, {WATCH: behave}) as server, asyncio.timeout(30):
        session = await server.login("admin")
        call = server.stub_of(WATCH)(_empty(WATCH), metadata=(("authorization", f"Bearer {session.access_token}"),))
        await call.initial_metadata()
        before = -1
        while sent != before:  # until the connection takes no more
            before = sent
            await asyncio.sleep(0.3)
        await _log_out(server, session)
        await ended.wait()
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            async for _ in call:
                pass
        assert error_from_rpc(refused.value, "server").reason is Reason.TOKEN_INVALID
    assert not stream_guard._last_words


async def test_a_cancelled_call_is_cancelled_inside_and_the_server_lives_on(
    database_url: str, tmp_path: Path, read_log: ReadLog
) -> None:
    entered, cancelled = asyncio.Event(), asyncio.Event()

    async def behave(_request: Any, _context: Any) -> Any:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with serve_access(database_url, tmp_path, {GET_TWIN: behave}) as server, asyncio.timeout(30):
        token = (await server.login("admin")).access_token
        call = asyncio.create_task(server.call(GET_TWIN, token))
        await entered.wait()
        call.cancel()
        await cancelled.wait()
        await server.login("viewer")
    assert [line["outcome"] for line in read_log() if line.get("method") == GET_TWIN] == ["CANCELLED"]


async def test_health_needs_no_token_and_unknown_methods_do_not_exist(database_url: str, tmp_path: Path) -> None:
    async with serve_access(database_url, tmp_path) as server, asyncio.timeout(30):
        health: Any = health_pb2_grpc.HealthStub(server.channel)
        answer = await health.Check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        watch = aiter(health.Watch(health_pb2.HealthCheckRequest()))
        assert (await anext(watch)).status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await health.Check(health_pb2.HealthCheckRequest(service="nothing"))
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND
        nothing: Any = server.channel.unary_unary("/batterytwin.v1.TwinService/Nothing")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await nothing(b"")
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_served_method_without_a_rule_is_refused(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(RULE_OF_METHOD, GET_TWIN)
    async with serve_access(database_url, tmp_path) as server:
        assert error_from_rpc(await _fails(server), "server").reason is Reason.ROLE_NOT_ALLOWED


async def test_each_call_is_one_line_without_secrets_and_hot_calls_are_only_counted(
    database_url: str, tmp_path: Path, read_log: ReadLog
) -> None:
    async with serve_access(database_url, tmp_path) as server:
        session = await server.login("admin")
        await server.call(GET_TWIN, session.access_token, x_request_id="abc-3")
        for _ in range(3):
            await server.call(INGEST, session.access_token)
    lines = read_log()
    [line] = [line for line in lines if line.get("method") == GET_TWIN]
    assert (line["event"], line["outcome"], line["caller"]) == ("call", "OK", "admin")
    assert (line["request_id"], line["peer"]) == ("abc-3", "127.0.0.1")
    assert not [line for line in lines if line.get("method") == INGEST]
    text = json.dumps(lines)
    for secret in (session.access_token, session.refresh_token, "correct horse"):
        assert secret not in text


async def test_while_the_database_is_away_known_tokens_stay_good(database_url: str, tmp_path: Path) -> None:
    async with serve_access(database_url, tmp_path) as server:
        gateway = await server.access.gateway_tokens.create("BRK", name="gateway", created_by="test")
        token = (await server.login("admin")).access_token
        for known in (token, gateway):
            await server.call(INGEST, known)
        unknown = (await server.login("viewer")).access_token
        await server.store.close()
        for known in (token, gateway):
            await server.call(INGEST, known)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await server.call(GET_TWIN, unknown)
        error = error_from_rpc(refused.value, "server")
        assert isinstance(error, StoreUnavailableError)
        assert error.retry_after_s


def _empty(method: str) -> Any:
    return GetMessageClass(METHODS[method].input_type)()


def _answer(method: str) -> Any:
    return GetMessageClass(METHODS[method].output_type)()


async def _requests(method: str) -> AsyncIterator[Any]:
    yield _empty(method)
    await asyncio.Event().wait()
