"""What-if page: the control panel of drills. What runs, and what can be started."""

import streamlit as st

from streamlit_app import answers
from streamlit_app.notices import away_notice, explained, explained_page
from streamlit_app.views.drill_edit import drill_edit
from streamlit_app.views.drill_running import running_drills
from streamlit_app.views.drill_start import drill_start
from streamlit_app.visitor import current_visitor
from streamlit_app.what_if_tabs import what_if_tabs


def show() -> None:
    """Draws the page."""
    what_if_tabs()
    _page()


@explained_page
def _page() -> None:
    visitor = current_visitor()
    away_notice(answers.locations(visitor.live))
    with st.container(border=True, key="panel_running"):
        running_drills()
    if not visitor.may_drill:
        st.caption("Viewers watch drills; engineers and administrators start, change and stop them.")
        return
    drill_edit()
    with st.container(border=True, key="panel_start"):
        _start()


@st.fragment
@explained
def _start() -> None:
    drill_start(current_visitor())
