"""Which world the pages show: the live fleet, or a drill. The address holds it, and so does the state of the browser.

A drill that was left is remembered: refreshes that the browser sent before it knew of that still carry the old address.
"""

import re
from typing import Final, NoReturn

import streamlit as st

PARAMETER: Final = "drill"
"""Query parameter that names the drill."""

_CHOSEN: Final = "drill_chosen"
_LEFT: Final = "drill_left"
_ENDED: Final = "drill_ended"
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_name(text: str) -> bool:
    """Whether a drill can have this name."""
    return _NAME.fullmatch(text) is not None


def current_drill() -> str:
    """Name of the drill that is shown; empty = the live fleet."""
    wanted = st.query_params.get(PARAMETER, "")
    if wanted and wanted != st.session_state.get(_LEFT) and is_name(wanted):
        st.session_state[_CHOSEN] = wanted
    return str(st.session_state.get(_CHOSEN, ""))


def choose_drill(drill_id: str) -> None:
    """Shows a drill from the next run on."""
    st.session_state[_CHOSEN] = drill_id
    st.session_state.pop(_LEFT, None)


def leave_drill(*, ended: bool = False) -> NoReturn:
    """Leads back to the live fleet; ends this run, and the next one shows the same page.

    Args:
        ended: the drill has gone, which the next run is to tell.
    """
    drill_id = st.session_state.pop(_CHOSEN, "")
    st.session_state[_LEFT] = drill_id
    if ended:
        st.session_state[_ENDED] = drill_id
    st.query_params.pop(PARAMETER, None)
    st.rerun()


def ended_drill() -> str:
    """Name of the drill that has ended while it was looked at; told once, then empty."""
    return str(st.session_state.pop(_ENDED, ""))


def keep_in_address(drill_id: str) -> None:
    """Lets the address name what is shown, so that it can be kept and passed on."""
    if st.query_params.get(PARAMETER, "") == drill_id:
        return
    if drill_id:
        st.query_params[PARAMETER] = drill_id
    else:
        st.query_params.pop(PARAMETER, None)
