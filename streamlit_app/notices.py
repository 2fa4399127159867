"""What people read when something is missing."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec

import streamlit as st

from batterytwin.errors import TwinError, UnknownBatteryError, UnknownLocationError, UnknownStringError
from streamlit_app import links
from streamlit_app.alert_list import plain
from streamlit_app.scoped_cache import AWAY, Answer
from streamlit_app.wording import age

P = ParamSpec("P")
_TRY_EVERY_S: Final = 5
_TRIED: Final = "page_tried"
UNKNOWN: Final = (UnknownBatteryError, UnknownLocationError, UnknownStringError)
"""What an address with a wrong name leads to."""


def away_notice(*answers: Answer[object]) -> bool:
    """Says that the values below are the last known ones, if they are. True when it did."""
    old = [answer for answer in answers if answer.problem is not None]
    if not old:
        return False
    since = age(time.time() - min(answer.received_at for answer in old))
    st.warning(
        f"The server does not answer. These are the last known values, received {since} ago; "
        "the page goes on by itself when the server is back.",
        icon=":material/cloud_off:",
    )
    return True


def explained(show: Callable[P, None]) -> Callable[P, None]:
    """Shows a typed error of the server as a sentence instead of the part of the page that needed the answer."""

    @wraps(show)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            show(*args, **kwargs)
        except AWAY:
            _not_yet()
        except UNKNOWN as error:
            st.error(plain(error.message), icon=":material/error:")
            links.page_link("fleet", "To the fleet", ":material/grid_view:")
        except TwinError as error:
            st.error(plain(error.message), icon=":material/error:")

    return wrapper


def explained_page(show: Callable[P, None]) -> Callable[P, None]:
    """Like `explained`, for a whole page: one sentence while the server is away, and a new try every few seconds."""

    @wraps(show)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            show(*args, **kwargs)
        except AWAY:
            _not_yet()
            st.session_state[_TRIED] = False
            _try_again()

    return explained(wrapper)


@st.fragment(run_every=_TRY_EVERY_S)
def _try_again() -> None:
    # The first time it runs as a part of the page that has just failed.
    if st.session_state.get(_TRIED):
        st.rerun()
    st.session_state[_TRIED] = True


def _not_yet() -> None:
    st.warning("The server does not answer yet. This page fills by itself when it does.", icon=":material/cloud_off:")
