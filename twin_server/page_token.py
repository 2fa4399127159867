"""Page tokens: opaque to the client, bound to the request that they continue."""

import base64
import hashlib
import json
from typing import Any, Final

from google.protobuf.message import Message

from batterytwin.errors import InvalidArgumentError, Reason

_PAGING_FIELDS: Final = ("page_size", "page_token")


def encode_page_token(request: Message, position: int) -> str:
    """Token of the page that begins at `position` of what `request` selects."""
    text = json.dumps([_fingerprint(request), position], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_page_token(request: Any) -> int | None:
    """Position that the token of a request names, or None for the first page.

    Args:
        request: any message with a field `page_token`.

    Raises:
        InvalidArgumentError: the token is not one of ours, or was made for another selection (INVALID_PAGE_TOKEN).
    """
    token: str = request.page_token
    if not token:
        return None
    try:
        fingerprint, position = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, TypeError, RecursionError):
        raise _unusable(token) from None
    if fingerprint != _fingerprint(request) or type(position) is not int or not 0 <= position < 2**63:
        raise _unusable(token)
    return position


def read_page_size(page_size: int, *, default: int, largest: int) -> int:
    """Rows of a page: `default` for 0, never more than `largest`.

    Raises:
        InvalidArgumentError: the size is negative.
    """
    if page_size < 0:
        raise InvalidArgumentError(
            f"page_size is {page_size}; give 1...{largest}, or 0 for {default}.", field="page_size", value=page_size
        )
    return min(page_size or default, largest)


def _fingerprint(request: Message) -> str:
    selection = type(request)()
    selection.CopyFrom(request)
    for field in _PAGING_FIELDS:
        selection.ClearField(field)
    return hashlib.sha256(selection.SerializeToString(deterministic=True)).hexdigest()[:16]


def _unusable(token: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        "The page token does not belong to this request; begin with the first page.",
        reason=Reason.INVALID_PAGE_TOKEN,
        field="page_token",
        value=token,
    )
