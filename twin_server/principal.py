"""Who is calling, known everywhere while the call is served."""

from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

from batterytwin.access import Role
from batterytwin.errors import PermissionDeniedError, Reason


class PrincipalKind(StrEnum):
    """What sort of caller it is."""

    USER = "user"
    GATEWAY = "gateway"
    LOCAL = "local"
    """No token, from this machine."""
    ANONYMOUS = "anonymous"
    """No token, from elsewhere."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller and what it may do.

    Attributes:
        kind: what sort of caller it is.
        name: user name, or name of the gateway token; empty without a token.
        role: role of a user; None for anyone else.
        location_ids: locations it may see; None = all.
        session_id: session of a user, which ends with logout; empty for anyone else.
    """

    kind: PrincipalKind
    name: str = ""
    role: Role | None = None
    location_ids: frozenset[str] | None = frozenset()
    session_id: str = ""

    def has_role(self, least: Role) -> bool:
        """Whether it is a user with this role or a higher one."""
        return self.role is not None and self.role >= least

    def may_see(self, location_id: str) -> bool:
        """Whether it may know of this location."""
        return self.location_ids is None or location_id in self.location_ids

    def require_location(self, location_id: str) -> None:
        """Lets a call about a location go on.

        Raises:
            PermissionDeniedError: the location is not assigned to the caller (LOCATION_NOT_ALLOWED). Whether it exists
                is not told.
        """
        if not self.may_see(location_id):
            raise PermissionDeniedError(
                f"{self.name or 'This caller'} has no access to location {location_id[:64]}; "
                "an administrator can assign it.",
                reason=Reason.LOCATION_NOT_ALLOWED,
                field="location_id",
                value=location_id,
            )


LOCAL = Principal(PrincipalKind.LOCAL)
ANONYMOUS = Principal(PrincipalKind.ANONYMOUS)


@dataclass(slots=True)
class Call:
    """The call being served.

    Attributes:
        method: full name, for example "/batterytwin.v1.TwinService/GetTwin".
        request_id: correlation id, in every log line and answer.
        peer: address of the caller without its port.
        principal: who is calling; LOCAL or ANONYMOUS until the token has been looked at.
        drill_id: drill in which it is to be answered; empty = in the live fleet.
    """

    method: str
    request_id: str
    peer: str
    principal: Principal
    drill_id: str = ""


current_call: ContextVar[Call | None] = ContextVar("current_call", default=None)
"""Set by the interceptor; None outside a call."""


def current_principal() -> Principal:
    """Who makes the call being served; `ANONYMOUS` outside a call."""
    call = current_call.get()
    return ANONYMOUS if call is None else call.principal
