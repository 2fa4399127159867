"""Access control put together: the gate of the server, the service behind login, and the tokens of gateways."""

from dataclasses import dataclass
from pathlib import Path

from argon2 import PasswordHasher

from storage.server_store import ServerStore
from twin_server.auth_servicer import AuthServicer
from twin_server.authenticator import Authenticator
from twin_server.gateway_tokens import GatewayTokens
from twin_server.interceptor import AccessInterceptor
from twin_server.login_limits import LoginLimits
from twin_server.passwords import Passwords
from twin_server.sessions import Sessions
from twin_server.signing_key import load_signing_key
from twin_server.user_tokens import UserTokens


@dataclass(frozen=True, slots=True)
class Access:
    """The parts that a server needs.

    Attributes:
        interceptor: guards every call; has to be the outermost.
        auth_servicer: login and tokens.
        gateway_tokens: makes tokens of gateways.
    """

    interceptor: AccessInterceptor
    auth_servicer: AuthServicer
    gateway_tokens: GatewayTokens


def make_access(data_dir: Path, store: ServerStore, password_hasher: PasswordHasher | None = None) -> Access:
    """Puts access control together.

    Args:
        data_dir: where the signing key is, unless the environment has it.
        store: open store on a migrated database.
        password_hasher: argon2 parameters; None = those of `Passwords`.

    Raises:
        InvalidArgumentError: the signing key cannot be used.
    """
    user_tokens = UserTokens(load_signing_key(data_dir))
    gateway_tokens = GatewayTokens(store)
    authenticator = Authenticator(store, user_tokens, gateway_tokens)
    sessions = Sessions(store, user_tokens, authenticator)
    auth_servicer = AuthServicer(store, sessions, Passwords(password_hasher), LoginLimits())
    return Access(AccessInterceptor(authenticator), auth_servicer, gateway_tokens)
