"""The ways between the pages of what-if."""

import streamlit as st

from streamlit_app import links

_TABS = (
    ("what_if", "Drills", ":material/theater_comedy:"),
    ("side", "Side by side", ":material/compare:"),
    ("report", "Reports", ":material/lab_profile:"),
    ("projections", "Projections", ":material/show_chart:"),
)


def what_if_tabs() -> None:
    """Shows the ways; Streamlit marks the page that is open."""
    with st.container(horizontal=True, gap="small", key="what_if_tabs"):
        for name, label, icon in _TABS:
            links.page_link(name, label, icon)
