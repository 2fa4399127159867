"""The script that Streamlit runs for every visitor: sets the look, finds out who it is and shows a page."""

from pathlib import Path

import streamlit as st

from streamlit_app import links
from streamlit_app.pages import build_pages
from streamlit_app.visitor import current_visitor

_HERE = Path(__file__).parent


def main() -> None:
    """Draws one run of the dashboard."""
    st.set_page_config("BatteryTwin", _HERE / "favicon.svg", layout="wide", initial_sidebar_state="collapsed")
    st.html(_HERE / "style.css")
    visitor = current_visitor()
    st.logo(_HERE / "logo.svg")
    pages = build_pages(visitor.identity.username)
    links.register(pages)
    st.navigation(list(pages.values()), position="top").run()


main()
