"""How many points a page of history holds."""

from typing import Final

from twin_server.page_token import read_page_size

LARGEST_PAGE: Final = 50_000
"""Points; a month of raw rows at the normal pace, one a minute, is 43,200."""

MOST_BYTES: Final = 2 * 1024 * 1024
"""Columns of a page; with its events and alerts it stays below the 4 MiB that a gRPC client takes by default."""

_POINT_BYTES: Final = 9  # time and suspect
_VALUE_BYTES: Final = 4
_COUNT_BYTES: Final = 5  # of a varint, at most


def page_points(page_size: int, metric_count: int, *, bucketed: bool) -> int:
    """Points of a page: what is asked for, unless that is more than a message should carry.

    Args:
        page_size: of the request; 0 = as many as there may be.
        metric_count: series of the answer.
        bucketed: whether each point has mean, smallest, largest value and count.

    Raises:
        InvalidArgumentError: the size is negative.
    """
    wanted = read_page_size(page_size, default=LARGEST_PAGE, largest=LARGEST_PAGE)
    values_bytes = metric_count * _VALUE_BYTES
    point_bytes = _POINT_BYTES + (3 * values_bytes + _COUNT_BYTES if bucketed else values_bytes)
    return min(wanted, MOST_BYTES // point_bytes)
