"""The polite fence in front of all services: full, starting, out of time or unreadable is told with a reason."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError

from batterytwin.errors import DeadlineTooShortError, InvalidArgumentError, OverloadedError, Reason, UnavailableError

_PRODUCT: Final = "/batterytwin."
_INGEST: Final = "/batterytwin.v1.IngestService/"
_ALWAYS_OPEN: Final = "/batterytwin.v1.FleetService/GetStatus"
_SHORTEST_DEADLINE_S: Final = 0.002


class _Unreadable:
    """Stands for a request whose bytes are not the message that they should be."""


class Admission(grpc.aio.ServerInterceptor):
    """Counts calls under way; health and reflection are never refused.

    Ingest and everything else have a limit each, so that watchers cannot shut gateways out.

    Attributes:
        open: False while twins are being restored.
    """

    def __init__(self, max_concurrent_calls: int) -> None:
        self.open = False
        self._limit = max_concurrent_calls
        self._under_way = {True: 0, False: 0}

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
        if handler.response_streaming:
            return self._streaming(handler, method)
        return self._unary(handler, method)

    def _unary(self, handler: Any, method: str) -> Any:
        behaviour = handler.unary_unary

        async def admitted(request: Any, context: Any) -> Any:
            with self._admitted(method, context):
                return await behaviour(_readable(request), context)

        return grpc.unary_unary_rpc_method_handler(
            admitted, _lenient(handler.request_deserializer), handler.response_serializer
        )

    def _streaming(self, handler: Any, method: str) -> Any:
        prepare: Callable[[Any], Any]
        if handler.request_streaming:
            behaviour, make, prepare = handler.stream_stream, grpc.stream_stream_rpc_method_handler, _readable_all
        else:
            behaviour, make, prepare = handler.unary_stream, grpc.unary_stream_rpc_method_handler, _readable

        async def admitted(request: Any, context: Any) -> AsyncIterator[Any]:
            with self._admitted(method, context):
                async with aclosing(behaviour(prepare(request), context)) as responses:
                    async for response in responses:
                        yield response

        return make(admitted, _lenient(handler.request_deserializer), handler.response_serializer)

    @contextmanager
    def _admitted(self, method: str, context: Any) -> Iterator[None]:
        if not self.open and method != _ALWAYS_OPEN:
            raise UnavailableError(
                "Twins are being restored; come back in a moment.", reason=Reason.SHARD_RESTARTING, retry_after_s=1.0
            )
        remaining_s = context.time_remaining()
        if remaining_s is not None and remaining_s < _SHORTEST_DEADLINE_S:
            raise DeadlineTooShortError("The deadline has passed before work began; allow more time.")
        kind = method.startswith(_INGEST)
        if self._under_way[kind] >= self._limit:
            raise OverloadedError(f"{self._limit} calls are under way already; come back later.", retry_after_s=1.0)
        self._under_way[kind] += 1
        try:
            yield
        finally:
            self._under_way[kind] -= 1


def _lenient(deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Without this, unreadable bytes would be answered as an internal error of the server."""

    def read(data: bytes) -> Any:
        try:
            return deserialize(data)
        except DecodeError:
            return _Unreadable()

    return read


def _readable(request: Any) -> Any:
    if isinstance(request, _Unreadable):
        raise InvalidArgumentError("The bytes of the request are not the message that this method takes.")
    return request


async def _readable_all(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for request in requests:
        yield _readable(request)
