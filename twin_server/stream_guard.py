"""Ends a stream whose caller has lost the right to it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeVar

from batterytwin.errors import TwinError, UnauthenticatedError
from twin_server.authenticator import RECHECK_S, Authenticator

_T = TypeVar("_T")


class StreamGuard:
    """Looks a stream's token up again while the stream lasts.

    Args:
        authenticator: looks tokens up.
        token: bearer token; empty = nothing to look up, the stream may go on.
        address: network address of the caller.
        clock: wall clock, seconds since 1970 UTC.
    """

    def __init__(
        self, authenticator: Authenticator, token: str, address: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._authenticator = authenticator
        self._token = token
        self._address = address
        self._clock = clock
        self._lost: TwinError | None = None
        self._waiting: asyncio.Timeout | None = None
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._token:
            self._watch = asyncio.create_task(self._look_up_again())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._watch is not None:
            self._watch.cancel()

    async def wait(self, step: Awaitable[_T]) -> _T:
        """Waits for the next step of the stream.

        Raises:
            UnauthenticatedError: the token has expired or was revoked; the step is cancelled.
        """
        self._waiting = asyncio.timeout(0 if self._lost else None)
        try:
            async with self._waiting:
                return await step
        except TimeoutError:
            if self._lost is not None:
                raise self._lost from None
            raise
        finally:
            self._waiting = None

    async def _look_up_again(self) -> None:
        while True:
            try:
                identity = await self._authenticator.authenticate(self._token, self._address)
            except UnauthenticatedError as error:
                self._lost = error
                if self._waiting is not None:
                    self._waiting.reschedule(asyncio.get_running_loop().time())
                return
            await asyncio.sleep(min(RECHECK_S, max(identity.expires_s - self._clock(), 0.0)))
