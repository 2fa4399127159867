"""Passwords: how they are hashed, checked and made up."""

import asyncio
import secrets
from dataclasses import dataclass
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from batterytwin.errors import InvalidArgumentError

MIN_PASSWORD_CHARS: Final = 10
MAX_PASSWORD_CHARS: Final = 128

_AT_ONCE: Final = 2
"""Hashes under way at the same time, each 64 MiB: a flood of logins must not take memory and cores from ingest."""


@dataclass(frozen=True, slots=True)
class PasswordCheck:
    """Whether a password is right, and the hash to store instead when its parameters have become too weak."""

    is_right: bool
    better_hash: str | None = None


class Passwords:
    """Hashes and checks passwords with argon2id, in threads.

    Args:
        hasher: parameters; by default 3 passes over 64 MiB in one lane (RFC 9106, section 4, second choice, with the
            lanes of one core).
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._hash_of_nobody: str | None = None

    async def hash(self, password: str) -> str:
        """Hash of a new password in PHC string format.

        Raises:
            InvalidArgumentError: the password has fewer than 10 or more than 128 characters.
        """
        if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
            raise InvalidArgumentError(
                f"A password has {MIN_PASSWORD_CHARS}...{MAX_PASSWORD_CHARS} characters.", field="new_password"
            )
        return await self._in_thread(password)

    async def check(self, password_hash: str | None, password: str) -> PasswordCheck:
        """Checks a password; without a hash (nobody has this name) it is wrong, and takes as long to be found so."""
        if self._hash_of_nobody is None:
            self._hash_of_nobody = await self._in_thread(secrets.token_urlsafe())
        shortened = password[: MAX_PASSWORD_CHARS + 1]  # no longer one is ever stored
        async with self._slots:
            return await asyncio.to_thread(self._check, password_hash, self._hash_of_nobody, shortened)

    async def _in_thread(self, password: str) -> str:
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    def _check(self, password_hash: str | None, hash_of_nobody: str, password: str) -> PasswordCheck:
        try:
            self._hasher.verify(password_hash or hash_of_nobody, password)
        except (VerificationError, InvalidHashError):
            return PasswordCheck(is_right=False)
        if password_hash is None:
            return PasswordCheck(is_right=False)
        if self._hasher.check_needs_rehash(password_hash):
            return PasswordCheck(is_right=True, better_hash=self._hasher.hash(password))
        return PasswordCheck(is_right=True)


def make_up_password() -> str:
    """A random password with 96 bits, easy to copy."""
    return secrets.token_urlsafe(12)
