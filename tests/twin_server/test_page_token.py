"""Page tokens: what comes back opens the next page of the same selection, and anything else is refused."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batterytwin.errors import InvalidArgumentError, Reason
from batterytwin.v1.history_service_pb2 import ListEventsRequest
from twin_server.page_token import decode_page_token, encode_page_token


@given(position=st.integers(0, 2**63 - 1), size=st.integers(0, 100))
def test_a_token_leads_on_in_the_same_selection_and_in_no_other(position: int, size: int) -> None:
    request = ListEventsRequest(location_id="BRK", page_size=size)
    request.page_token = encode_page_token(ListEventsRequest(location_id="BRK"), position)
    assert decode_page_token(request) == position
    request.location_id = "CNX"
    with pytest.raises(InvalidArgumentError):
        decode_page_token(request)


def refuse(token: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        decode_page_token(ListEventsRequest(page_token=token))
    assert refused.value.reason is Reason.INVALID_PAGE_TOKEN


@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_no_text_is_a_token(text: str) -> None:
    refuse(text)


@pytest.mark.parametrize(
    "inside", [b"[" * 100_000, b'{"a":' * 100_000, b"[1]", b"null", b"[[],[]]", b'["' + b"9" * 5_000, b"9" * 5_000]
)
def test_nothing_that_is_packed_like_a_token_breaks_the_server(inside: bytes) -> None:
    refuse(base64.urlsafe_b64encode(inside).decode())
