"""Calls and watches over a blocking channel: token, deadline, errors, resumption."""

import copy
import time
from collections.abc import Callable, Generator, Iterator
from typing import Self, TypeVar

import grpc

from batterytwin.errors import OverloadedError, TwinError, UnavailableError
from clients.backoff import Backoff
from clients.channel import DEFAULT_DEADLINE_S, Metadata, Tls, drill_metadata, open_channel, token_metadata
from clients.errors import error_from_rpc

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")


class SyncConnection:
    """One channel to a server, shared by all threads and all users of a process.

    Args:
        target: address of the server, `host:port`.
        tls: encryption; None = none.
    """

    def __init__(self, target: str, tls: Tls | None) -> None:
        self.target = target
        self.channel = open_channel(target, tls)
        self._metadata: Metadata = ()
        self._is_borrowed = False

    def in_drill(self, drill_id: str) -> Self:
        """The same connection for calls that are answered in a drill; empty = in the live fleet."""
        inside = copy.copy(self)
        inside._metadata = drill_metadata(drill_id)
        inside._is_borrowed = True
        return inside

    def close(self) -> None:
        """Closes the channel; calls under way end with an error. One made by `in_drill` leaves it open."""
        if not self._is_borrowed:
            self.channel.close()

    def call(
        self,
        method: "grpc.UnaryUnaryMultiCallable[_Request, _Response]",
        request: _Request,
        token: str,
        deadline_s: float | None = None,
        more: Metadata = (),
    ) -> _Response:
        """Makes one call; `more` goes with it beside the token.

        Raises:
            TwinError: the error that the server answered with, or that kept the call from reaching it.
        """
        timeout_s = DEFAULT_DEADLINE_S if deadline_s is None else deadline_s
        try:
            return method(request, timeout=timeout_s, metadata=(*token_metadata(token), *self._metadata, *more))
        except grpc.RpcError as error:
            raise error_from_rpc(error, self.target) from error

    def stream(
        self,
        method: "grpc.UnaryStreamMultiCallable[_Request, _Response]",
        request: _Request,
        token: str,
        deadline_s: float | None = None,
    ) -> Generator[_Response]:
        """Follows a stream once, to its end; closing the iterator ends the call.

        Args:
            method: what to call.
            request: what to ask.
            token: access token, or empty.
            deadline_s: time the whole stream may take, s; None = as long as it takes.

        Raises:
            TwinError: the error that the server answered with, at any time.
        """
        stream = method(request, timeout=deadline_s, metadata=(*token_metadata(token), *self._metadata))
        try:
            yield from stream
        except grpc.RpcError as error:
            raise error_from_rpc(error, self.target) from error
        finally:
            stream.cancel()

    def watch(
        self,
        method: "grpc.UnaryStreamMultiCallable[_Request, _Response]",
        next_request: Callable[[], _Request],
        token: str,
    ) -> Iterator[_Response]:
        """Follows a stream for ever; after a break it calls again with a fresh request.

        Raises:
            TwinError: the stream could not be started, or cannot be resumed (for example, the token has expired).
        """
        backoff = Backoff()
        started = False
        while True:
            stream = method(next_request(), metadata=(*token_metadata(token), *self._metadata))
            error: TwinError | None = None
            try:
                for response in stream:
                    started = True
                    backoff.reset()
                    yield response
            except grpc.RpcError as broken:
                error = error_from_rpc(broken, self.target)
                if not started or not isinstance(error, UnavailableError | OverloadedError):
                    raise error from broken
            finally:
                stream.cancel()
            time.sleep(backoff.next_s(error.retry_after_s if error else None))
