"""Ways from page to page. Pages and their subjects are addressed by the URL, so any of them can be bookmarked."""

from typing import Final, cast

import streamlit as st

_KEY: Final = "pages"


def register(pages: dict[str, st.Page]) -> None:
    """Makes the pages of this run known by name: "fleet", "battery", "life" and so on."""
    st.session_state[_KEY] = pages


def page(name: str) -> st.Page:
    """A page by name."""
    return cast("dict[str, st.Page]", st.session_state[_KEY])[name]


def open_battery(battery_id: str) -> None:
    """Goes to a battery."""
    st.switch_page(page("battery"), query_params={"battery": battery_id})


def battery_link(battery_id: str, label: str, icon: str | None = None) -> None:
    """A link to a battery."""
    st.page_link(page("battery"), label=label, icon=icon, query_params={"battery": battery_id})


def string_link(string_id: str, label: str, icon: str | None = None) -> None:
    """A link to a string."""
    st.page_link(page("string"), label=label, icon=icon, query_params={"string": string_id})


def site_link(location_id: str, label: str, icon: str | None = None) -> None:
    """A link to a site."""
    st.page_link(page("site"), label=label, icon=icon, query_params={"site": location_id})


def follow_deep_link() -> None:
    """Opens what `/?site=BRK`, `/?string=BRK-U1-S03` or `/?battery=BRK-U1-S03-B07` name; called on the front page."""
    for name in ("battery", "string", "site"):
        wanted = st.query_params.get(name)
        if wanted:
            st.switch_page(page(name), query_params={name: wanted})
