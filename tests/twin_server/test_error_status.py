"""Every reason has exactly one status code, and a client makes the same error of it again."""

from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batterytwin import errors
from batterytwin.errors import Reason, TwinError
from clients.errors import error_from_rpc
from twin_server.error_status import STATUS_OF_REASON, status_of, trailing_metadata_of


class _Failed(grpc.RpcError):
    """A failed call as a client sees it."""

    def __init__(self, error: TwinError, request_id: str) -> None:
        super().__init__()
        self._code = STATUS_OF_REASON[error.reason]
        self._message = error.message
        self._metadata = trailing_metadata_of(status_of(error, request_id), request_id)

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._message

    def trailing_metadata(self) -> Any:
        return self._metadata


def test_every_reason_has_exactly_one_code() -> None:
    assert STATUS_OF_REASON.keys() == set(Reason)
    assert not {grpc.StatusCode.OK, grpc.StatusCode.UNKNOWN, grpc.StatusCode.CANCELLED} & set(STATUS_OF_REASON.values())


@pytest.mark.parametrize("reason", Reason)
def test_a_client_gets_the_same_reason_back(reason: Reason) -> None:
    error = TwinError("What is wrong.", reason=reason, field="battery_id", value="B7", retry_after_s=2.5)
    heard = error_from_rpc(_Failed(error, "abc"), "server")
    assert (heard.reason, heard.field, heard.value, heard.retry_after_s) == (reason, "battery_id", "B7", 2.5)


@pytest.mark.parametrize("kind", [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, TwinError)])
def test_a_client_raises_the_class_that_the_server_raised(kind: type[TwinError]) -> None:
    error = kind("What is wrong.")
    heard = error_from_rpc(_Failed(error, "abc"), "server")
    if error.reason is not Reason.INTERNAL and kind is not errors.NotFoundError:
        assert type(heard) is kind


def test_what_may_be_tried_again_is_what_its_code_says() -> None:
    """A retry policy goes by the code: UNAVAILABLE is safe to repeat, and only a full or absent server is that."""
    away = {reason for reason, code in STATUS_OF_REASON.items() if code is grpc.StatusCode.UNAVAILABLE}
    assert away == {
        Reason.SHARD_RESTARTING,
        Reason.DATABASE_UNAVAILABLE,
        Reason.SCORER_UNAVAILABLE,
        Reason.SHUTTING_DOWN,
    }


@given(
    message=st.text(st.characters(exclude_categories=["Cs"])),
    field=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    value=st.text(st.characters(exclude_categories=["Cs"])),
    retry_after_s=st.none() | st.floats(0, 1e6),
)
def test_any_text_travels(message: str, field: str, value: str, retry_after_s: float | None) -> None:
    error = TwinError(message, reason=Reason.INVALID_ARGUMENT, field=field, value=value, retry_after_s=retry_after_s)
    heard = error_from_rpc(_Failed(error, "abc"), "server")
    assert (heard.field, heard.value) == (field, value[:200])
    if retry_after_s is not None:
        assert heard.retry_after_s == pytest.approx(retry_after_s, abs=1e-6)
