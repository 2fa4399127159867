"""Ends a stream whose caller has lost the right to it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, Final, NoReturn, Self, TypeVar

import structlog

from batterytwin.errors import Reason, TwinError, UnauthenticatedError
from twin_server.authenticator import RECHECK_S, Authenticator
from twin_server.principal import Principal

_T = TypeVar("_T")

GRACE_S: Final = 5.0
"""Time in which the caller of a stream that is to end may still take what was sent last."""

_last_words: Final[set[asyncio.Task[NoReturn]]] = set()
"""Errors on their way to callers; the event loop alone keeps no task alive."""

_log = structlog.get_logger(__name__)


class StreamGuard:
    """Looks a stream's token up again while the stream lasts.

    Args:
        authenticator: looks tokens up.
        token: bearer token; empty = nothing to look up, the stream may go on.
        address: network address of the caller.
        principal: who the caller was when the stream began, which decides what it tells.
        tell: ends the call with an error.
        clock: wall clock, seconds since 1970 UTC.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        token: str,
        address: str,
        principal: Principal,
        *,
        tell: Callable[[TwinError], Coroutine[Any, Any, NoReturn]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._authenticator = authenticator
        self._token = token
        self._address = address
        self._tell = tell
        self._clock = clock
        self._principal = principal
        self._lost: TwinError | None = None
        self._waiting: asyncio.Timeout | None = None
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._token:
            stream = asyncio.current_task()
            assert stream is not None, "a stream is served by a task"
            self._watch = asyncio.create_task(self._look_up_again(stream))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._watch is not None:
            self._watch.cancel()

    async def wait(self, step: Awaitable[_T]) -> _T:
        """Waits for the next step of the stream.

        Raises:
            UnauthenticatedError: the token has expired, was revoked or may do something else by now; the step is
                cancelled.
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

    async def _look_up_again(self, stream: asyncio.Task[Any]) -> None:
        while self._lost is None:
            pause_s = RECHECK_S
            try:
                identity = await self._authenticator.authenticate(self._token, self._address)
                if identity.principal != self._principal:
                    raise UnauthenticatedError(
                        "Your role or your locations have changed; call again.", reason=Reason.TOKEN_INVALID
                    )
                pause_s = min(pause_s, max(identity.expires_s - self._clock(), 0.0))
            except UnauthenticatedError as error:
                self._lost = error
            except TwinError as error:  # it cannot be looked up now, which says nothing of the token
                _log.info("token of a stream not looked up", reason=error.message)
            if self._lost is None:
                await asyncio.sleep(pause_s)
        if self._waiting is not None:
            self._waiting.reschedule(asyncio.get_running_loop().time())
        await asyncio.sleep(GRACE_S)
        # Its caller does not read, so it never comes to its next step; and the error waits for the caller to read on.
        words = asyncio.create_task(self._tell(self._lost))
        _last_words.add(words)
        words.add_done_callback(_said)
        await asyncio.sleep(0)
        stream.cancel()


def _said(words: asyncio.Task[NoReturn]) -> None:
    _last_words.discard(words)
    if not words.cancelled():
        words.exception()  # a call is ended by one
