"""The script that Streamlit runs for a visitor: sets the look, finds out who it is, names the world, shows a page."""

from pathlib import Path

import streamlit as st

from streamlit_app import links
from streamlit_app.drill_banner import world_bar
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
    page = st.navigation(list(pages.values()), position="top")
    world_bar(next((name for name, known in pages.items() if known.url_path == page.url_path), ""))
    page.run()


main()
