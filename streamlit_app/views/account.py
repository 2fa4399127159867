"""Account page: who is logged in, the password, and the way out."""

from collections.abc import Mapping
from typing import Final

import streamlit as st

from batterytwin.errors import TwinError
from clients.types import Role
from streamlit_app.alert_list import plain
from streamlit_app.notices import explained
from streamlit_app.visitor import Visitor, current_visitor, leave
from streamlit_app.wording import local_time, word

SHORTEST_PASSWORD: Final = 10
LONGEST_PASSWORD: Final = 128
ROLE_TEXT: Final[Mapping[int, str]] = {
    Role.VIEWER: "Viewer: reads",
    Role.ENGINEER: "Engineer: reads and handles alerts",
    Role.ADMIN: "Administrator: everything, everywhere",
}


@explained
def show() -> None:
    """Draws the page."""
    visitor = current_visitor()
    left, right = st.columns(2)
    with left, st.container(border=True, height="stretch", key="panel_identity"):
        _identity(visitor)
    with right, st.container(border=True, key="panel_password"):
        _password(visitor)


def _identity(visitor: Visitor) -> None:
    identity = visitor.identity
    st.markdown(f"#### {identity.username}")
    st.table(
        {
            "Role": word(ROLE_TEXT, identity.role),
            "Sites": ", ".join(identity.location_ids) or "all",
            "Logged in until": f"{local_time(identity.refresh_expire_time, seconds=False)}, longer with use",
        },
        border="horizontal",
    )
    if st.button("Log out", icon=":material/logout:", key="log_out"):
        visitor.log_out()
        leave(come_back=False)


def _password(visitor: Visitor) -> None:
    st.markdown("**Change the password**")
    with st.form("change_password", border=False, clear_on_submit=True):
        old = st.text_input("Present password", type="password", autocomplete="current-password")
        new = st.text_input(
            "New password", type="password", autocomplete="new-password", max_chars=LONGEST_PASSWORD,
            help=f"At least {SHORTEST_PASSWORD} characters. All other sessions of yours end.",
        )  # fmt: skip
        again = st.text_input(
            "New password again", type="password", autocomplete="new-password", max_chars=LONGEST_PASSWORD
        )
        if not st.form_submit_button("Change", type="primary"):
            return
    problem = _problem(old, new, again)
    if problem:
        st.error(problem, icon=":material/error:")
        return
    client = visitor.backend.client
    try:
        visitor.act(visitor.session.replacing(lambda token: client.change_password(old, new, token=token)))
    except TwinError as error:
        st.error(plain(error.message), icon=":material/error:")
        return
    st.success("The password is changed.", icon=":material/check_circle:")


def _problem(old: str, new: str, again: str) -> str:
    if not old:
        return "Give your present password."
    if len(new) < SHORTEST_PASSWORD:
        return f"The new password needs at least {SHORTEST_PASSWORD} characters."
    return "" if new == again else "The two new passwords differ."
