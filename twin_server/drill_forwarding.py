"""Calls that are meant for a drill: they go on to its API, or are refused; never to the live fleet."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import grpc
import grpc.aio

from batterytwin.errors import InvalidArgumentError, Reason, TwinError, UnavailableError
from clients.errors import error_from_rpc
from twin_server.drain import Drain
from twin_server.drill_keeper import DrillKeeper, unknown_drill
from twin_server.error_status import REQUEST_ID_KEY
from twin_server.principal import Call, current_call
from twin_server.visibility import sees_all_of

_PRODUCT: Final = "/batterytwin."
_FORWARDED: Final = tuple(f"/batterytwin.v1.{name}Service/" for name in ("Twin", "Fleet", "History", "Alert"))
_LIVE_ONLY: Final = frozenset({"/batterytwin.v1.FleetService/RegisterGrid"})
_COME_BACK_S: Final = 1.0
_MAKE_STREAMING: Final = (grpc.unary_stream_rpc_method_handler, grpc.stream_stream_rpc_method_handler)

_Behaviour = Callable[[Any, Any], Any]


class DrillForwarding(grpc.aio.ServerInterceptor):
    """Looks inside each handler whether the call names a drill, which costs one comparison where it does not.

    It stands behind the gates that know and admit the caller; the drill's API looks at the same token again, for its
    own rules. Answers go through as they came, as bytes.

    Args:
        keeper: knows the drills.
        drain: knows when the server stops.
    """

    def __init__(self, keeper: DrillKeeper, drain: Drain) -> None:
        self._keeper = keeper
        self._drain = drain

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Wraps the handler of a call of the product."""
        handler = await continuation(handler_call_details)
        method = str(handler_call_details.method)
        if handler is None or not method.startswith(_PRODUCT):
            return handler
        inside: Callable[[Call, Any, Any], Any]
        if handler.response_streaming:
            live = handler.stream_stream or handler.unary_stream
            make = _MAKE_STREAMING[handler.request_streaming]
            inside = self._stream
        else:
            live, make, inside = handler.unary_unary, grpc.unary_unary_rpc_method_handler, self._single
        if not method.startswith(_FORWARDED) or method in _LIVE_ONLY:
            inside = self._refuse
        return make(_choosing(live, inside), handler.request_deserializer, _through(handler.response_serializer))

    def _refuse(self, call: Call, _request: Any, _context: Any) -> Any:
        raise InvalidArgumentError(
            f"A drill has no {call.method.rpartition('/')[2]}; call it without the metadata `batterytwin-drill`.",
            reason=Reason.NOT_IN_A_DRILL,
            field="batterytwin-drill",
            value=call.drill_id,
        )

    async def _single(self, call: Call, request: Any, context: Any) -> bytes:
        make: Any = self._channel(call).unary_unary(call.method, _write)
        asked = make(request, timeout=context.time_remaining(), metadata=_metadata(call, context))
        try:
            answer: bytes = await asked
        except (grpc.aio.AioRpcError, asyncio.CancelledError) as error:
            raise self._translated(error, call) from error
        return answer

    async def _stream(self, call: Call, request: Any, context: Any) -> AsyncIterator[bytes]:
        make: Any = self._channel(call).unary_stream(call.method, _write)
        asked = make(request, timeout=context.time_remaining(), metadata=_metadata(call, context))
        try:
            while True:
                with self._drain.interruptible():
                    answer = await asked.read()
                if answer is grpc.aio.EOF:
                    return
                yield answer
        except (grpc.aio.AioRpcError, asyncio.CancelledError) as error:
            raise self._translated(error, call) from error
        finally:
            asked.cancel()

    def _channel(self, call: Call) -> grpc.aio.Channel:
        record, channel = self._keeper.channel_of(call.drill_id)
        if not sees_all_of(call.principal, record.location_ids):
            raise unknown_drill(call.drill_id)
        return channel

    def _translated(self, error: grpc.aio.AioRpcError | asyncio.CancelledError, call: Call) -> BaseException:
        """The error of the drill's API; a drill that has ended meanwhile is told as such."""
        if isinstance(error, asyncio.CancelledError):
            task = asyncio.current_task()
            # else the call was cancelled from below, because the way to the drill was closed
            return error if task is None or task.cancelling() else unknown_drill(call.drill_id)
        told = error_from_rpc(error, call.drill_id)
        if type(told) is not UnavailableError:
            return told
        try:
            self._keeper.channel_of(call.drill_id)
        except TwinError as gone:
            return gone
        return UnavailableError(
            f"The drill {call.drill_id} does not answer; it may be about to end.", retry_after_s=_COME_BACK_S
        )


def _choosing(live: _Behaviour, inside: Callable[[Call, Any, Any], Any]) -> _Behaviour:
    """A plain function, so that a live call gets the very coroutine or generator that it would have got without."""

    def answer(request: Any, context: Any) -> Any:
        call = current_call.get()
        if call is None or not call.drill_id:
            return live(request, context)
        return inside(call, request, context)

    return answer


def _through(serialize: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    def write(answer: Any) -> bytes:
        return answer if type(answer) is bytes else serialize(answer)

    return write


def _write(request: Any) -> bytes:
    written: bytes = request.SerializeToString()
    return written


def _metadata(call: Call, context: Any) -> tuple[tuple[str, str], ...]:
    tokens = tuple((key, value) for key, value in context.invocation_metadata() or () if key == "authorization")
    return (*tokens, (REQUEST_ID_KEY, call.request_id))
