"""The one table from reasons to gRPC status codes, and how an error becomes a rich status.

An error travels as `google.rpc.Status` with `ErrorInfo` (reason, domain, metadata), with `RetryInfo` when a retry may
help and with `BadRequest` when one field of the request is at fault.
"""

from typing import Final

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from batterytwin.errors import DOMAIN, Reason, TwinError

REQUEST_ID_KEY: Final = "x-request-id"
"""Metadata key of the correlation id, in both directions."""

_STATUS_DETAILS_KEY: Final = "grpc-status-details-bin"

STATUS_OF_REASON: Final[dict[Reason, grpc.StatusCode]] = {
    Reason.UNKNOWN_BATTERY: grpc.StatusCode.NOT_FOUND,
    Reason.UNKNOWN_STRING: grpc.StatusCode.NOT_FOUND,
    Reason.UNKNOWN_LOCATION: grpc.StatusCode.NOT_FOUND,
    Reason.UNKNOWN_ALERT: grpc.StatusCode.NOT_FOUND,
    Reason.UNKNOWN_MODEL: grpc.StatusCode.NOT_FOUND,
    Reason.UNKNOWN_SCENARIO: grpc.StatusCode.NOT_FOUND,
    Reason.UNKNOWN_DRILL: grpc.StatusCode.NOT_FOUND,
    Reason.UNKNOWN_PROJECTION: grpc.StatusCode.NOT_FOUND,
    Reason.NOT_IN_A_DRILL: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.MODEL_GATE_FAILED: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.MODEL_LAYOUT_MISMATCH: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.MODEL_NOT_APPROVED: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.MODEL_STATE_FORBIDS: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.LIFE_UNKNOWN: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.SCORER_UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Reason.NOT_FINITE: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.EMPTY_READING: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.TIME_MISSING: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.TIME_IN_FUTURE: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.TIME_OUT_OF_RANGE: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.WRONG_LOCATION: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.COLUMN_LENGTH_MISMATCH: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.EMPTY_BATCH: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.BATCH_TOO_LARGE: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.SEQUENCE_OUT_OF_ORDER: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.INVALID_ARGUMENT: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.INVALID_PAGE_TOKEN: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.TIME_RANGE_TOO_LONG: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.TOKEN_MISSING: grpc.StatusCode.UNAUTHENTICATED,
    Reason.TOKEN_INVALID: grpc.StatusCode.UNAUTHENTICATED,
    Reason.TOKEN_EXPIRED: grpc.StatusCode.UNAUTHENTICATED,
    Reason.WRONG_CREDENTIALS: grpc.StatusCode.UNAUTHENTICATED,
    Reason.ROLE_NOT_ALLOWED: grpc.StatusCode.PERMISSION_DENIED,
    Reason.LOCATION_NOT_ALLOWED: grpc.StatusCode.PERMISSION_DENIED,
    Reason.ALREADY_EXISTS: grpc.StatusCode.ALREADY_EXISTS,
    Reason.ALERT_STATE_FORBIDS: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.TOO_MANY_ATTEMPTS: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.DRILL_CHANGED: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.PROJECTION_STATE_FORBIDS: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.TOO_MANY_DRILLS: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.SERVER_FULL: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.SHARD_RESTARTING: grpc.StatusCode.UNAVAILABLE,
    Reason.DATABASE_UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Reason.DATABASE_FORBIDS: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.SHUTTING_DOWN: grpc.StatusCode.UNAVAILABLE,
    Reason.DEADLINE_TOO_SHORT: grpc.StatusCode.DEADLINE_EXCEEDED,
    Reason.BUFFER_UNAVAILABLE: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.INTERNAL: grpc.StatusCode.INTERNAL,
}
"""Status code of every reason. Clients go by the reason; the code serves generic tools and retry policies."""


def status_of(error: TwinError, request_id: str) -> Status:
    """Rich status of an error.

    Args:
        error: what went wrong.
        request_id: correlation id of the call, told in the metadata of `ErrorInfo`.
    """
    metadata = {"request_id": request_id}
    if error.field:
        metadata["field"] = error.field
    if error.value:
        metadata["value"] = error.value
    details: list[Message] = [ErrorInfo(reason=error.reason.value, domain=DOMAIN, metadata=metadata)]
    if error.retry_after_s is not None:
        details.append(RetryInfo(retry_delay=_duration(error.retry_after_s)))
    code = STATUS_OF_REASON[error.reason]
    if error.field and code is grpc.StatusCode.INVALID_ARGUMENT:
        violation = BadRequest.FieldViolation(field=error.field, description=error.message)
        details.append(BadRequest(field_violations=[violation]))
    return Status(code=code.value[0], message=error.message, details=[_packed(detail) for detail in details])


def trailing_metadata_of(status: Status, request_id: str) -> tuple[tuple[str, str | bytes], ...]:
    """Metadata that carries a rich status to the client."""
    return ((REQUEST_ID_KEY, request_id), (_STATUS_DETAILS_KEY, status.SerializeToString()))


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromMicroseconds(round(seconds * 1_000_000))
    return duration


def _packed(message: Message) -> Any:
    packed = Any()
    packed.Pack(message)
    return packed
