"""Every error that may reach a user or a client, as one tree.

TwinError
+- InvalidArgumentError      a request that cannot be understood
|  +- NotFoundError: UnknownBatteryError, UnknownLocationError, UnknownStringError, UnknownAlertError,
|     UnknownModelError, UnknownScenarioError, UnknownDrillError, UnknownProjectionError
+- UnauthenticatedError      no valid token
+- PermissionDeniedError     valid token, not allowed here
+- ConflictError             the state of things forbids it
|  +- ModelRefusedError       a model may not be used
+- DeadlineTooShortError     the deadline cannot be met
+- OverloadedError           full; come back after `retry_after_s`
|  +- TooManyDrillsError      five drills live already
+- UnavailableError          a part is restarting; come back after `retry_after_s`
|  +- ShardUnavailableError, StoreUnavailableError, ScorerUnavailableError
+- BufferUnavailableError    a gateway's disk buffer cannot be written; raised by its client, never by a server
+- LeaseLostError            another owner has taken these twins over
+- SchemaMismatchError       the database belongs to another version
"""

from enum import StrEnum

DOMAIN = "batterytwin.v1"
"""Domain of every reason in `google.rpc.ErrorInfo`."""


class Reason(StrEnum):
    """Stable names of what went wrong; clients may branch on them. Never renamed, never reused."""

    # rows of a batch
    UNKNOWN_BATTERY = "UNKNOWN_BATTERY"
    UNKNOWN_STRING = "UNKNOWN_STRING"
    NOT_FINITE = "NOT_FINITE"
    EMPTY_READING = "EMPTY_READING"
    TIME_MISSING = "TIME_MISSING"
    TIME_IN_FUTURE = "TIME_IN_FUTURE"
    TIME_OUT_OF_RANGE = "TIME_OUT_OF_RANGE"
    WRONG_LOCATION = "WRONG_LOCATION"
    # whole requests
    COLUMN_LENGTH_MISMATCH = "COLUMN_LENGTH_MISMATCH"
    EMPTY_BATCH = "EMPTY_BATCH"
    BATCH_TOO_LARGE = "BATCH_TOO_LARGE"
    SEQUENCE_OUT_OF_ORDER = "SEQUENCE_OUT_OF_ORDER"
    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    INVALID_PAGE_TOKEN = "INVALID_PAGE_TOKEN"
    TIME_RANGE_TOO_LONG = "TIME_RANGE_TOO_LONG"
    UNKNOWN_LOCATION = "UNKNOWN_LOCATION"
    UNKNOWN_ALERT = "UNKNOWN_ALERT"
    UNKNOWN_MODEL = "UNKNOWN_MODEL"
    UNKNOWN_SCENARIO = "UNKNOWN_SCENARIO"
    UNKNOWN_DRILL = "UNKNOWN_DRILL"
    UNKNOWN_PROJECTION = "UNKNOWN_PROJECTION"
    NOT_IN_A_DRILL = "NOT_IN_A_DRILL"
    # access
    TOKEN_MISSING = "TOKEN_MISSING"
    TOKEN_INVALID = "TOKEN_INVALID"
    TOKEN_EXPIRED = "TOKEN_EXPIRED"
    WRONG_CREDENTIALS = "WRONG_CREDENTIALS"
    TOO_MANY_ATTEMPTS = "TOO_MANY_ATTEMPTS"
    ROLE_NOT_ALLOWED = "ROLE_NOT_ALLOWED"
    LOCATION_NOT_ALLOWED = "LOCATION_NOT_ALLOWED"
    # state and load
    ALREADY_EXISTS = "ALREADY_EXISTS"
    ALERT_STATE_FORBIDS = "ALERT_STATE_FORBIDS"
    MODEL_GATE_FAILED = "MODEL_GATE_FAILED"
    MODEL_LAYOUT_MISMATCH = "MODEL_LAYOUT_MISMATCH"
    MODEL_NOT_APPROVED = "MODEL_NOT_APPROVED"
    MODEL_STATE_FORBIDS = "MODEL_STATE_FORBIDS"
    DRILL_CHANGED = "DRILL_CHANGED"
    PROJECTION_STATE_FORBIDS = "PROJECTION_STATE_FORBIDS"
    TOO_MANY_DRILLS = "TOO_MANY_DRILLS"
    SERVER_FULL = "SERVER_FULL"
    SHARD_RESTARTING = "SHARD_RESTARTING"
    DATABASE_UNAVAILABLE = "DATABASE_UNAVAILABLE"
    DATABASE_FORBIDS = "DATABASE_FORBIDS"
    SCORER_UNAVAILABLE = "SCORER_UNAVAILABLE"
    LIFE_UNKNOWN = "LIFE_UNKNOWN"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    DEADLINE_TOO_SHORT = "DEADLINE_TOO_SHORT"
    BUFFER_UNAVAILABLE = "BUFFER_UNAVAILABLE"
    INTERNAL = "INTERNAL"


class TwinError(Exception):
    """Something went wrong that the caller should hear of.

    Attributes:
        reason: stable name for machines.
        message: what is wrong and what to do about it, for people.
        field: request field at fault, or empty.
        value: its value as text, or empty.
        retry_after_s: seconds after which a retry may succeed; None = a retry will not help.
    """

    default_reason = Reason.INTERNAL

    def __init__(
        self,
        message: str,
        *,
        reason: Reason | None = None,
        field: str = "",
        value: object = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.field = field
        self.value = str(value)[:200]
        self.retry_after_s = retry_after_s


class InvalidArgumentError(TwinError):
    """The request cannot be understood."""

    default_reason = Reason.INVALID_ARGUMENT


class NotFoundError(InvalidArgumentError):
    """The thing named does not exist (or the caller may not know of it)."""


class UnknownBatteryError(NotFoundError):
    """No battery of this name is in the inventory."""

    default_reason = Reason.UNKNOWN_BATTERY


class UnknownStringError(NotFoundError):
    """No string of this name is in the inventory."""

    default_reason = Reason.UNKNOWN_STRING


class UnknownLocationError(NotFoundError):
    """No location of this name is in the inventory."""

    default_reason = Reason.UNKNOWN_LOCATION


class UnknownAlertError(NotFoundError):
    """No alert of this name exists."""

    default_reason = Reason.UNKNOWN_ALERT


class UnknownModelError(NotFoundError):
    """No model of this version is registered."""

    default_reason = Reason.UNKNOWN_MODEL


class UnknownScenarioError(NotFoundError):
    """No scenario of this name is in the library."""

    default_reason = Reason.UNKNOWN_SCENARIO


class UnknownDrillError(NotFoundError):
    """No drill of this name lives."""

    default_reason = Reason.UNKNOWN_DRILL


class UnknownProjectionError(NotFoundError):
    """No projection of this name is stored."""

    default_reason = Reason.UNKNOWN_PROJECTION


class UnauthenticatedError(TwinError):
    """No valid token came with the call."""

    default_reason = Reason.TOKEN_INVALID


class PermissionDeniedError(TwinError):
    """The caller is known and may not do this here."""

    default_reason = Reason.ROLE_NOT_ALLOWED


class ConflictError(TwinError):
    """The present state forbids it."""

    default_reason = Reason.ALREADY_EXISTS


class ModelRefusedError(ConflictError):
    """A model may not be used: the reason says why, the message with which value and limit."""

    default_reason = Reason.MODEL_GATE_FAILED


class OverloadedError(TwinError):
    """The server is full; come back after `retry_after_s`."""

    default_reason = Reason.SERVER_FULL


class TooManyDrillsError(OverloadedError):
    """As many drills live as may at once; one must be stopped first."""

    default_reason = Reason.TOO_MANY_DRILLS


class UnavailableError(TwinError):
    """A part of the server is away; come back after `retry_after_s`."""

    default_reason = Reason.SHUTTING_DOWN


class ShardUnavailableError(UnavailableError):
    """The shard that owns the twins is restarting."""

    default_reason = Reason.SHARD_RESTARTING


class StoreUnavailableError(UnavailableError):
    """The database does not answer."""

    default_reason = Reason.DATABASE_UNAVAILABLE


class ScorerUnavailableError(UnavailableError):
    """The scorer of remaining lives does not answer; answers go on without it, marked so."""

    default_reason = Reason.SCORER_UNAVAILABLE


class SchemaMismatchError(TwinError):
    """The database was made by another version, or its schema was changed by hand."""


class DeadlineTooShortError(TwinError):
    """The caller's deadline has passed or cannot be met."""

    default_reason = Reason.DEADLINE_TOO_SHORT


class BufferUnavailableError(TwinError):
    """The disk buffer of a gateway cannot be read or written. Raised by the gateway client, never by a server."""

    default_reason = Reason.BUFFER_UNAVAILABLE


class LeaseLostError(TwinError):
    """Another owner has taken these twins over; this one must stop. Never reaches a client."""
