"""Errors cross the wire and come out as they went in; what is unknown stays readable and does no harm."""

from collections.abc import Iterator

import grpc
import grpc.aio
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st

from batterytwin import errors
from batterytwin.errors import (
    ConflictError,
    DeadlineTooShortError,
    InvalidArgumentError,
    OverloadedError,
    PermissionDeniedError,
    Reason,
    TwinError,
    UnauthenticatedError,
    UnavailableError,
)
from clients.errors import error_from_rpc
from tests.clients.statuses import failed_call


def classes(root: type[TwinError] = TwinError) -> Iterator[type[TwinError]]:
    yield root
    for child in root.__subclasses__():
        yield from classes(child)


CLASSES = sorted(set(classes()), key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_survives_with_its_default_reason(kind: type[TwinError]) -> None:
    sent = kind("what is wrong", field="voltage_v", value="7", retry_after_s=1.25)
    received = error_from_rpc(failed_call(sent), "host:1")
    assert issubclass(
        kind, type(received)
    )  # a class without a reason of its own comes out as the one it shares it with
    assert type(received).default_reason is kind.default_reason
    assert received.__dict__ == sent.__dict__


@given(
    st.sampled_from(Reason),
    st.text(min_size=1, max_size=50),
    st.text(max_size=20),
    st.none() | st.floats(0, 1e6).map(lambda s: round(s, 3)),
)
def test_every_reason_survives(reason: Reason, message: str, field: str, retry_after_s: float | None) -> None:
    sent = TwinError(message, reason=reason, field=field, retry_after_s=retry_after_s)
    received = error_from_rpc(failed_call(sent), "host:1")
    assert (received.reason, received.message, received.field) == (reason, message, field)
    assert received.retry_after_s == (
        retry_after_s if retry_after_s is None else pytest.approx(retry_after_s, abs=1e-6)
    )


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, UnauthenticatedError),
        (grpc.StatusCode.PERMISSION_DENIED, PermissionDeniedError),
        (grpc.StatusCode.INVALID_ARGUMENT, InvalidArgumentError),
        (grpc.StatusCode.FAILED_PRECONDITION, ConflictError),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, OverloadedError),
        (grpc.StatusCode.UNAVAILABLE, UnavailableError),
        (grpc.StatusCode.DATA_LOSS, TwinError),
    ],
)
def test_a_reason_of_the_future_goes_by_its_code_and_stays_readable(
    code: grpc.StatusCode, kind: type[TwinError]
) -> None:
    status = Status(code=code.value[0], message="moon phase")
    status.details.add().Pack(ErrorInfo(reason="MOON_PHASE", domain=errors.DOMAIN))
    received = error_from_rpc(raw_failure(code, "moon phase", status.SerializeToString()), "host:1")
    assert type(received) is kind
    assert "moon phase" in received.message
    assert "MOON_PHASE" in received.message


@pytest.mark.parametrize("code", [grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED])
def test_whoever_sees_first_that_the_deadline_has_passed_the_error_is_the_same(code: grpc.StatusCode) -> None:
    received = error_from_rpc(raw_failure(code, code.name, b""), "host:1")
    assert type(received) is DeadlineTooShortError
    assert "did not answer before the deadline" in received.message


@given(st.binary(max_size=60))
def test_garbage_in_the_details_is_ignored(details: bytes) -> None:
    received = error_from_rpc(raw_failure(grpc.StatusCode.INVALID_ARGUMENT, "no", details), "host:1")
    assert type(received) is InvalidArgumentError
    assert received.message == "no"


def test_the_reasons_of_others_are_not_taken_for_ours() -> None:
    status = Status(code=16, message="token")
    status.details.add().Pack(ErrorInfo(reason="UNKNOWN_BATTERY", domain="example.org"))
    received = error_from_rpc(raw_failure(grpc.StatusCode.UNAUTHENTICATED, "token", status.SerializeToString()), "h:1")
    assert type(received) is UnauthenticatedError


def test_a_server_that_is_away_is_named() -> None:
    received = error_from_rpc(raw_failure(grpc.StatusCode.UNAVAILABLE, "refused", b""), "host:1")
    assert isinstance(received, UnavailableError)
    assert "host:1" in received.message


def raw_failure(code: grpc.StatusCode, text: str, details: bytes) -> grpc.aio.AioRpcError:
    trailing = grpc.aio.Metadata(("grpc-status-details-bin", details))
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, text)
