"""The one gate that every call passes: correlation id, who is calling, may they, and how errors are answered."""

import os
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import Any, Final, NoReturn

import grpc
import structlog

from batterytwin.errors import PermissionDeniedError, Reason, TwinError
from batterytwin.scenarios import DRILL_METADATA
from twin_server.access_rules import RULE_OF_METHOD, Access, Rule, authorise
from twin_server.authenticator import Authenticator
from twin_server.call_log import CallLine, CallLog
from twin_server.error_status import REQUEST_ID_KEY, STATUS_OF_REASON, status_of, trailing_metadata_of
from twin_server.peer_address import address_of_peer, is_local_address
from twin_server.principal import ANONYMOUS, LOCAL, Call, current_call
from twin_server.stream_guard import StreamGuard
from twin_server.user_tokens import invalid_token

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_END: Final = object()
_MAKE_SINGLE: Final = (grpc.unary_unary_rpc_method_handler, grpc.stream_unary_rpc_method_handler)
_MAKE_STREAMING: Final = (grpc.unary_stream_rpc_method_handler, grpc.stream_stream_rpc_method_handler)

_log = structlog.get_logger(__name__)


class AccessInterceptor(grpc.aio.ServerInterceptor):
    """Guards every method by `access_rules`, and lets nothing but typed errors out.

    A servicer raises errors of `batterytwin.errors` and finds its caller with `current_principal()`. Whatever else it
    raises is logged with its traceback; the client hears INTERNAL and the correlation id. Interceptors behind this one
    have to act inside the handlers they return, since handlers are asked for once a method.

    Args:
        authenticator: knows tokens.
    """

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._calls = CallLog()
        self._handlers: dict[str, Any] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Gives the guarded handler of a method; None, which gRPC answers with UNIMPLEMENTED, where there is none."""
        method = str(handler_call_details.method)
        guarded = self._handlers.get(method)
        if guarded is None:
            handler = await continuation(handler_call_details)
            if handler is None:
                return None
            guarded = self._handlers[method] = self._guard(method, handler)
        return guarded

    def _guard(self, method: str, handler: Any) -> Any:
        rule = RULE_OF_METHOD.get(method)
        if handler.response_streaming:
            behaviour = handler.stream_stream or handler.unary_stream
            guarded, make = self._streaming(method, rule, behaviour), _MAKE_STREAMING[handler.request_streaming]
        else:
            behaviour = handler.stream_unary or handler.unary_unary
            guarded, make = self._single(method, rule, behaviour), _MAKE_SINGLE[handler.request_streaming]
        return make(guarded, handler.request_deserializer, handler.response_serializer)

    def _single(self, method: str, rule: Rule | None, behaviour: Any) -> Any:
        async def guarded(request: Any, context: Any) -> Any:
            call, authorization = _begin(method, context)
            with self._calls.line(method, hot=_is_hot(rule)) as line:
                try:
                    await self._enter(call, authorization, rule)
                    response = await behaviour(request, context)
                except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer
                    await _answer(error, call, line, context)
                context.set_trailing_metadata(((REQUEST_ID_KEY, call.request_id),))
                return response

        return guarded

    def _streaming(self, method: str, rule: Rule | None, behaviour: Any) -> Any:
        async def guarded(request: Any, context: Any) -> AsyncIterator[Any]:
            call, authorization = _begin(method, context)
            with self._calls.line(method, hot=_is_hot(rule)) as line:
                try:
                    token = await self._enter(call, authorization, rule)
                    await context.send_initial_metadata(((REQUEST_ID_KEY, call.request_id),))
                    tell = partial(_answer, call=call, line=line, context=context)
                    async with StreamGuard(self._authenticator, token, call.peer, call.principal, tell=tell) as guard:
                        responses = behaviour(request, context)
                        if isinstance(responses, AsyncGenerator):
                            async with aclosing(responses):
                                while (response := await guard.wait(anext(responses, _END))) is not _END:
                                    yield response
                        else:  # a coroutine that writes its responses itself, as the health service does
                            await guard.wait(responses)
                except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer
                    await _answer(error, call, line, context)
                context.set_trailing_metadata(((REQUEST_ID_KEY, call.request_id),))

        return guarded

    async def _enter(self, call: Call, authorization: str, rule: Rule | None) -> str:
        """Finds out who is calling and whether they may; returns the token that is to stay good, or empty."""
        if rule is None:
            raise PermissionDeniedError("This method is open to nobody.", reason=Reason.ROLE_NOT_ALLOWED)
        if rule.access is Access.PUBLIC:
            return ""
        is_local = call.principal is LOCAL
        token = ""
        if authorization:
            token = _bearer(authorization)
            call.principal = (await self._authenticator.authenticate(token, call.peer)).principal
        authorise(rule.access, call.principal, is_local=is_local)
        return token


def _is_hot(rule: Rule | None) -> bool:
    return rule is not None and rule.hot


def _begin(method: str, context: Any) -> tuple[Call, str]:
    """The call, made known to everything that serves it, and its `authorization`."""
    request_id = authorization = drill_id = ""
    for key, value in context.invocation_metadata() or ():
        if key == "authorization":
            authorization = value
        elif key == REQUEST_ID_KEY:
            request_id = value
        elif key == DRILL_METADATA:
            drill_id = value
    if not _REQUEST_ID.fullmatch(request_id):
        request_id = os.urandom(16).hex()
    address = address_of_peer(context.peer())
    call = Call(method, request_id, address, LOCAL if is_local_address(address) else ANONYMOUS, drill_id)
    current_call.set(call)
    return call, authorization


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise invalid_token()
    return token.strip()


async def _answer(
    error: Exception, call: Call, line: CallLine, context: grpc.aio.ServicerContext[Any, Any]
) -> NoReturn:
    """Ends a call with the rich status of an error."""
    if isinstance(error, grpc.aio.AbortError):  # gRPC's own services end their calls themselves
        line.outcome = "ABORTED"
        raise error
    if not isinstance(error, TwinError) or error.reason is Reason.INTERNAL:
        _log.error("unexpected error", exc_info=error)
        error = TwinError("Something went wrong inside the server. Its log tells more under this request id.")
    line.outcome = error.reason.value
    status = status_of(error, call.request_id)
    await context.abort(STATUS_OF_REASON[error.reason], error.message, trailing_metadata_of(status, call.request_id))
