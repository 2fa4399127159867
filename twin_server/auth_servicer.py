"""Login, renewal, logout, change of password."""

from typing import Any

from batterytwin.errors import InvalidArgumentError, PermissionDeniedError, Reason
from batterytwin.v1 import auth_service_pb2, auth_service_pb2_grpc
from storage.access_records import UserRecord
from storage.server_store import ServerStore
from twin_server.audit import audit_entry
from twin_server.login_limits import LoginLimits
from twin_server.passwords import Passwords
from twin_server.peer_address import stated_address
from twin_server.principal import LOCAL, Call, current_call
from twin_server.sessions import Sessions, wrong_credentials


class AuthServicer(auth_service_pb2_grpc.AuthServiceServicer):
    """Gives and renews access.

    The audit trail tells of logins and changes of password, those with a wrong name or password too, of logouts, and of
    spent tokens that came again. Renewals, and attempts beyond the limits, are in the log alone.

    Args:
        store: users and the audit trail.
        sessions: starts, renews and ends sessions.
        passwords: checks and hashes.
        limits: how often somebody may guess.
    """

    def __init__(self, store: ServerStore, sessions: Sessions, passwords: Passwords, limits: LoginLimits) -> None:
        self._store = store
        self._sessions = sessions
        self._passwords = passwords
        self._limits = limits

    async def Login(self, request: auth_service_pb2.LoginRequest, context: Any) -> auth_service_pb2.LoginResponse:
        """Trades a name and a password for tokens."""
        _require(username=request.username, password=request.password)
        call = _call()
        if call.principal is LOCAL:  # else whoever guesses could call every guess another's
            call.peer = stated_address(context.invocation_metadata() or ()) or call.peer
        user = await self._check_password(request.username, request.password, "auth.login")
        session = await self._sessions.start(user)
        await self._store.audit(audit_entry("auth.login", user.username, actor=user.username))
        return auth_service_pb2.LoginResponse(session=session)

    async def RefreshToken(
        self, request: auth_service_pb2.RefreshTokenRequest, context: Any
    ) -> auth_service_pb2.RefreshTokenResponse:
        """Trades a refresh token for new tokens."""
        _require(refresh_token=request.refresh_token)
        session = await self._sessions.renew(request.refresh_token, _call().peer)
        return auth_service_pb2.RefreshTokenResponse(session=session)

    async def Logout(self, request: auth_service_pb2.LogoutRequest, context: Any) -> auth_service_pb2.LogoutResponse:
        """Ends a session."""
        _require(refresh_token=request.refresh_token)
        await self._sessions.end(request.refresh_token)
        return auth_service_pb2.LogoutResponse()

    async def ChangePassword(
        self, request: auth_service_pb2.ChangePasswordRequest, context: Any
    ) -> auth_service_pb2.ChangePasswordResponse:
        """Changes the caller's own password."""
        _require(old_password=request.old_password, new_password=request.new_password)
        if request.new_password == request.old_password:
            raise InvalidArgumentError("The new password is the old one; choose another.", field="new_password")
        principal = _call().principal
        if not principal.session_id:
            raise PermissionDeniedError("The operator of the machine has no password.", reason=Reason.ROLE_NOT_ALLOWED)
        user = await self._check_password(principal.name, request.old_password, "auth.change_password")
        session = await self._sessions.change_password(user, await self._passwords.hash(request.new_password))
        await self._store.audit(audit_entry("auth.change_password", user.username))
        return auth_service_pb2.ChangePasswordResponse(session=session)

    async def _check_password(self, username: str, password: str, action: str) -> UserRecord:
        """User of this name and password.

        Raises:
            OverloadedError: too many attempts have failed (TOO_MANY_ATTEMPTS).
            UnauthenticatedError: wrong name or password, which of them is not told (WRONG_CREDENTIALS).
        """
        peer = _call().peer
        with self._limits.attempt(username, peer):
            user = await self._store.find_user(username) if username.isprintable() else None
        check = await self._passwords.check(user.password_hash if user else None, password)
        if user is None or not check.is_right or user.disabled:
            await self._store.audit(audit_entry(f"{action}_failed", username))
            raise wrong_credentials()
        self._limits.succeed(username, peer)
        if check.better_hash is not None:
            return await self._store.rehash_password(user, check.better_hash)
        return user


def _call() -> Call:
    call = current_call.get()
    if call is None:
        raise RuntimeError("AuthServicer has to be served behind AccessInterceptor")
    return call


def _require(**fields: str) -> None:
    for name, value in fields.items():
        if not value:
            raise InvalidArgumentError(f"{name} is missing.", field=name)
