"""The key that signs access tokens: from the environment, or a file in the data directory."""

import os
import secrets
from pathlib import Path
from typing import Final

from batterytwin.errors import InvalidArgumentError

KEY_VARIABLE: Final = "BATTERYTWIN_JWT_SECRET"
_FILE_NAME: Final = "secret"
_LEAST_BYTES: Final = 32
"""HS256 wants a key as long as its hash (RFC 7518, section 3.2)."""


def load_signing_key(data_dir: Path) -> bytes:
    """Key out of BATTERYTWIN_JWT_SECRET, else out of the file `secret`, which is made when it is missing.

    Raises:
        InvalidArgumentError: the key is too short, or the file cannot be read or is open to other users.
    """
    if (given := os.environ.get(KEY_VARIABLE)) is not None:
        return _checked(given.encode(), f"the environment variable {KEY_VARIABLE}")
    path = data_dir / _FILE_NAME
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        _make_if_missing(path)
        if path.stat().st_mode & 0o077:
            raise InvalidArgumentError(
                f"{path} can be read by other users; who has it can sign tokens. Run: chmod 600 {path}",
                field="data_dir",
                value=path,
            )
        return _checked(path.read_bytes(), str(path))
    except OSError as error:
        raise InvalidArgumentError(f"The signing key cannot be used: {error}", field="data_dir", value=path) from error


def _make_if_missing(path: Path) -> None:
    """Whoever links the file first wins, and nobody ever sees half a key."""
    if path.exists():
        return
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(_LEAST_BYTES).encode())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
    finally:
        temporary.unlink()


def _checked(key: bytes, source: str) -> bytes:
    if len(key) < _LEAST_BYTES:
        raise InvalidArgumentError(f"The signing key in {source} is too short: at least {_LEAST_BYTES} bytes.")
    return key
