"""Limits on guessing passwords."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from twin_server.attempt_limits import AttemptLimits

_WINDOW_S: Final = 300.0
_MOST_OF_PAIR: Final = 5
_MOST_OF_ADDRESS: Final = 30
_MOST_OF_USER: Final = 50
_LONGEST_NAME: Final = 64


class LoginLimits:
    """Failed logins in five minutes: 5 of a user from an address, 30 from an address, 50 of a user.

    An address is that of the person, also where a program on the server's machine (the dashboard) asks for many. The
    limit of a user alone is wide, so that a stranger cannot easily lock somebody out from another address.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._of_pair = AttemptLimits(_MOST_OF_PAIR, _WINDOW_S, clock)
        self._of_address = AttemptLimits(_MOST_OF_ADDRESS, _WINDOW_S, clock)
        self._of_user = AttemptLimits(_MOST_OF_USER, _WINDOW_S, clock)

    @contextmanager
    def attempt(self, username: str, address: str) -> Iterator[None]:
        """A login that is judged in the block; see `AttemptLimits.attempt`.

        Raises:
            OverloadedError: too many have failed (TOO_MANY_ATTEMPTS); says when to come back.
        """
        user = _known_by(username)
        pair = self._of_pair.attempt(f"{user}\n{address}")
        with pair, self._of_address.attempt(address), self._of_user.attempt(user):
            yield

    def succeed(self, username: str, address: str) -> None:
        """Notes that the login begun last has succeeded, which clears the name for this address."""
        user = _known_by(username)
        self._of_pair.forget(f"{user}\n{address}")
        self._of_address.succeed(address)
        self._of_user.succeed(user)


def _known_by(username: str) -> str:
    """What is remembered of a name: nobody has one longer than 64 characters, so all of those may count as one."""
    return username[: _LONGEST_NAME + 1].lower()
