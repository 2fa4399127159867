"""Users, tokens and the audit trail as plain values. Times are microseconds since 1970 UTC."""

from dataclasses import dataclass
from enum import StrEnum

from batterytwin.access import Role


@dataclass(frozen=True, slots=True)
class UserRecord:
    """A user.

    Attributes:
        user_key: database key.
        username: name as it was given; compared in any case of letters.
        password_hash: argon2 hash in PHC string format.
        role: what the user may do.
        location_ids: locations assigned; None = all.
        disabled: whether login is refused.
    """

    user_key: int
    username: str
    password_hash: str
    role: Role
    location_ids: frozenset[str] | None
    disabled: bool

    def __repr__(self) -> str:  # a hash in a log line would be a gift
        return f"UserRecord({self.username!r}, {self.role.name})"


class RotationOutcome(StrEnum):
    """What became of an attempt to renew a session."""

    RENEWED = "renewed"
    UNKNOWN = "unknown"
    """No such token, or its session has ended, or its user is disabled."""
    EXPIRED = "expired"
    REUSED = "reused"
    """The token had been spent before: somebody else has it too, so the session was ended."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """Result of an attempt to renew a session.

    `session_id` and `username` are empty for an unknown token; `user` is known of a renewed session alone.
    """

    outcome: RotationOutcome
    session_id: str = ""
    username: str = ""
    user: UserRecord | None = None


@dataclass(frozen=True, slots=True)
class GatewayTokenRecord:
    """A token bound to one location; the secret itself is not stored."""

    token_id: str
    location_id: str
    name: str
    created_us: int
    created_by: str
    revoked_us: int | None
    last_used_us: int | None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit trail.

    Attributes:
        at_us: when, server time.
        actor: who: a user name, the name of a gateway token, or "command line".
        action: what, for example "alert.acknowledge".
        target: to what, for example an alert id.
        reason: why, in the words of the actor; may be empty.
        peer: from where: network address, or "command line".
        request_id: correlation id of the call; empty outside a call.
    """

    at_us: int
    actor: str
    action: str
    target: str
    reason: str = ""
    peer: str = ""
    request_id: str = ""
