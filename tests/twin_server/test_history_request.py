"""Which buckets may be asked for over which time."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from batterytwin.errors import InvalidArgumentError, Reason
from twin_server.history_bucket import automatic_bucket_us
from twin_server.history_request import (
    DAY_US,
    HOUR_US,
    LONGEST_FINE_RANGE_US,
    LONGEST_RANGE_US,
    check_fine_range,
)

MINUTE_US = 60_000_000


@pytest.mark.parametrize(
    ("minutes", "remedy"), [(90, "1 h or 2 h"), (150, "2 h or 3 h"), (36 * 60 + 30, "36 h or 37 h")]
)
def test_years_in_buckets_that_are_no_whole_hours_are_refused_with_the_hours_next_to_them(
    minutes: int, remedy: str
) -> None:
    bucket_us = minutes * MINUTE_US
    with pytest.raises(
        InvalidArgumentError, match=f"{minutes / 60:g} h .* give whole hours, for example {remedy}"
    ) as no:
        check_fine_range(0, LONGEST_FINE_RANGE_US + 1, bucket_us)
    assert (no.value.field, no.value.reason) == ("bucket", Reason.TIME_RANGE_TOO_LONG)
    check_fine_range(0, LONGEST_FINE_RANGE_US, bucket_us)


@pytest.mark.parametrize("hours", [1, 2, 5, 24, 90 * 24])
def test_ten_years_are_given_in_whole_hours(hours: int) -> None:
    check_fine_range(0, LONGEST_RANGE_US, hours * HOUR_US)


@given(span_us=st.integers(1, LONGEST_RANGE_US), max_points=st.just(0) | st.integers(10, 20_000))
@example(span_us=91 * DAY_US, max_points=1_456)  # a point would be an hour and a half
def test_what_the_server_chooses_it_also_answers(span_us: int, max_points: int) -> None:
    check_fine_range(0, span_us, automatic_bucket_us(span_us, max_points))
