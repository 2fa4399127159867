"""The operator of the server's own machine: whoever can read the signing key."""

from pathlib import Path
from typing import Final

from twin_server.signing_key import load_signing_key
from twin_server.user_tokens import UserTokens

OPERATOR_NAME: Final = "local operator"
"""No user can have this name: it has a blank."""


def operator_token(data_dir: Path) -> str:
    """Access token with the role of an admin, for commands on the server's own machine; needs no login.

    Raises:
        InvalidArgumentError: the signing key cannot be read.
    """
    return UserTokens(load_signing_key(data_dir)).make(OPERATOR_NAME, session_id="")[0]
