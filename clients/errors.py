"""From the status of a failed call to an error of `batterytwin.errors`, by fixed tables."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol, cast

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from batterytwin.errors import (
    DOMAIN,
    BufferUnavailableError,
    ConflictError,
    DeadlineTooShortError,
    InvalidArgumentError,
    ModelRefusedError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    Reason,
    ScorerUnavailableError,
    ShardUnavailableError,
    StoreUnavailableError,
    TooManyDrillsError,
    TwinError,
    UnauthenticatedError,
    UnavailableError,
    UnknownAlertError,
    UnknownBatteryError,
    UnknownDrillError,
    UnknownLocationError,
    UnknownModelError,
    UnknownProjectionError,
    UnknownScenarioError,
    UnknownStringError,
)

_CLASS_OF_REASON: Final[dict[Reason, type[TwinError]]] = {
    Reason.UNKNOWN_BATTERY: UnknownBatteryError,
    Reason.UNKNOWN_STRING: UnknownStringError,
    Reason.UNKNOWN_LOCATION: UnknownLocationError,
    Reason.UNKNOWN_ALERT: UnknownAlertError,
    Reason.UNKNOWN_MODEL: UnknownModelError,
    Reason.UNKNOWN_SCENARIO: UnknownScenarioError,
    Reason.UNKNOWN_DRILL: UnknownDrillError,
    Reason.UNKNOWN_PROJECTION: UnknownProjectionError,
    Reason.MODEL_GATE_FAILED: ModelRefusedError,
    Reason.MODEL_LAYOUT_MISMATCH: ModelRefusedError,
    Reason.MODEL_NOT_APPROVED: ModelRefusedError,
    Reason.MODEL_STATE_FORBIDS: ModelRefusedError,
    Reason.SCORER_UNAVAILABLE: ScorerUnavailableError,
    Reason.LIFE_UNKNOWN: ConflictError,
    Reason.DATABASE_FORBIDS: ConflictError,
    Reason.TOKEN_MISSING: UnauthenticatedError,
    Reason.TOKEN_INVALID: UnauthenticatedError,
    Reason.TOKEN_EXPIRED: UnauthenticatedError,
    Reason.WRONG_CREDENTIALS: UnauthenticatedError,
    Reason.ROLE_NOT_ALLOWED: PermissionDeniedError,
    Reason.LOCATION_NOT_ALLOWED: PermissionDeniedError,
    Reason.ALREADY_EXISTS: ConflictError,
    Reason.ALERT_STATE_FORBIDS: ConflictError,
    Reason.TOO_MANY_ATTEMPTS: OverloadedError,
    Reason.DRILL_CHANGED: ConflictError,
    Reason.PROJECTION_STATE_FORBIDS: ConflictError,
    Reason.TOO_MANY_DRILLS: TooManyDrillsError,
    Reason.SERVER_FULL: OverloadedError,
    Reason.SHARD_RESTARTING: ShardUnavailableError,
    Reason.DATABASE_UNAVAILABLE: StoreUnavailableError,
    Reason.SHUTTING_DOWN: UnavailableError,
    Reason.DEADLINE_TOO_SHORT: DeadlineTooShortError,
    Reason.BUFFER_UNAVAILABLE: BufferUnavailableError,
    Reason.INTERNAL: TwinError,
}
"""Every other reason says that the request was wrong: InvalidArgumentError."""

_CLASS_OF_CODE: Final[dict[grpc.StatusCode, type[TwinError]]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgumentError,
    grpc.StatusCode.OUT_OF_RANGE: InvalidArgumentError,
    grpc.StatusCode.UNIMPLEMENTED: InvalidArgumentError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.UNAUTHENTICATED: UnauthenticatedError,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDeniedError,
    grpc.StatusCode.ALREADY_EXISTS: ConflictError,
    grpc.StatusCode.FAILED_PRECONDITION: ConflictError,
    grpc.StatusCode.ABORTED: ConflictError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: OverloadedError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineTooShortError,
    grpc.StatusCode.CANCELLED: DeadlineTooShortError,
}

PERMANENT_ERRORS: Final = (InvalidArgumentError, UnauthenticatedError, PermissionDeniedError)
"""Errors that come back however often the same call is repeated."""


_REASONS: Final = {reason.value: reason for reason in Reason}


class _FailedCall(Protocol):
    """What blocking and asynchronous errors of gRPC have in common."""

    def code(self) -> grpc.StatusCode | None: ...
    def details(self) -> str | None: ...
    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]] | None: ...


@dataclass(frozen=True, slots=True)
class _Details:
    info: ErrorInfo | None = None
    retry_after_s: float | None = None


def error_from_rpc(error: grpc.RpcError, target: str) -> TwinError:
    """Turns a failed call into the error that the server raised.

    The class follows the `reason` of the server's `google.rpc.ErrorInfo`, else the status code. A reason that this
    version does not know stays readable in the message.

    Args:
        error: what the gRPC call raised; it must also be a `grpc.Call`, as every error of a finished call is.
        target: address of the server, for the message when nobody answers there.
    """
    call = cast("_FailedCall", error)
    code = call.code() or grpc.StatusCode.UNKNOWN
    text = call.details() or f"The call failed with {code.name}."
    details = _read_details(call.trailing_metadata())
    if details.info is not None:
        return _error_from_info(details.info, code, text, details.retry_after_s)
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in text:
        # gRPC itself refuses oversized messages, with this text and no reason; repeating them cannot help
        return InvalidArgumentError(f"{text}. Send smaller batches.", reason=Reason.BATCH_TOO_LARGE)
    if code is grpc.StatusCode.UNAVAILABLE:
        text = f"The server at {target} cannot be reached ({text}). Check the address and that it runs."
    elif code in {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}:
        # who cancels a call himself gets no status: the server's clock has found the deadline passed before ours did
        text = f"The server at {target} did not answer before the deadline."
    elif code is grpc.StatusCode.UNIMPLEMENTED:
        text = f"The server at {target} does not know this call ({text}). Its version may be older than this client's."
    return _CLASS_OF_CODE.get(code, TwinError)(text, retry_after_s=details.retry_after_s)


def as_told(error: grpc.RpcError, target: str) -> TwinError:
    """Like `error_from_rpc` for who comes back by himself: only a server of this product can refuse something for good.

    While it is away, a proxy may answer in its place that it knows no such call, token or route.
    """
    told = error_from_rpc(error, target)
    is_ours = _read_details(cast("_FailedCall", error).trailing_metadata()).info is not None
    if is_ours or told.reason is Reason.BATCH_TOO_LARGE:  # which gRPC says of the batch itself
        return told
    return UnavailableError(told.message, retry_after_s=told.retry_after_s)


def _error_from_info(info: ErrorInfo, code: grpc.StatusCode, text: str, retry_after_s: float | None) -> TwinError:
    field, value = info.metadata.get("field", ""), info.metadata.get("value", "")
    reason = _REASONS.get(info.reason)
    if reason is None:
        unknown = _CLASS_OF_CODE.get(code, TwinError)
        return unknown(f"{text} ({info.reason})", field=field, value=value, retry_after_s=retry_after_s)
    return _CLASS_OF_REASON.get(reason, InvalidArgumentError)(
        text, reason=reason, field=field, value=value, retry_after_s=retry_after_s
    )


def _read_details(metadata: Iterable[tuple[str, str | bytes]] | None) -> _Details:
    raw = next((value for key, value in metadata or () if key == "grpc-status-details-bin"), None)
    if not isinstance(raw, bytes):
        return _Details()
    try:
        details = Status.FromString(raw).details
        info, retry = ErrorInfo(), RetryInfo()
        has_info = any(detail.Unpack(info) for detail in details)
        has_retry = any(detail.Unpack(retry) for detail in details)
    except DecodeError:  # a proxy in between may have written anything
        return _Details()
    return _Details(
        info if has_info and info.domain == DOMAIN else None,
        retry.retry_delay.ToTimedelta().total_seconds() if has_retry else None,
    )
