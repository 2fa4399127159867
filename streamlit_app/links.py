"""Ways from page to page. Pages and their subjects are addressed by the URL, so any of them can be bookmarked."""

from typing import Final, cast

import streamlit as st

from streamlit_app.drill_choice import PARAMETER, current_drill

_KEY: Final = "pages"


def register(pages: dict[str, st.Page]) -> None:
    """Makes the pages of this run known by name: "fleet", "battery", "life" and so on."""
    st.session_state[_KEY] = pages


def page(name: str) -> st.Page:
    """A page by name."""
    return cast("dict[str, st.Page]", st.session_state[_KEY])[name]


def address(**subject: str) -> dict[str, str]:
    """Query parameters of a subject in the world that is shown: a drill stays the one that is looked at."""
    drill_id = current_drill()
    return {**subject, PARAMETER: drill_id} if drill_id else subject


def stand_at(**subject: str) -> None:
    """Lets the address say what the page shows."""
    wanted = address(**subject)
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


def page_link(name: str, label: str, icon: str | None = None, /, **subject: str) -> None:
    """A link to a page by name, with what it shows."""
    st.page_link(page(name), label=label, icon=icon, query_params=address(**subject))


def open_battery(battery_id: str) -> None:
    """Goes to a battery."""
    st.switch_page(page("battery"), query_params=address(battery=battery_id))


def battery_link(battery_id: str, label: str, icon: str | None = None) -> None:
    """A link to a battery."""
    page_link("battery", label, icon, battery=battery_id)


def string_link(string_id: str, label: str, icon: str | None = None) -> None:
    """A link to a string."""
    page_link("string", label, icon, string=string_id)


def site_link(location_id: str, label: str, icon: str | None = None) -> None:
    """A link to a site."""
    page_link("site", label, icon, site=location_id)


def follow_deep_link() -> None:
    """Opens what `/?site=BRK`, `/?string=BRK-U1-S03` or `/?battery=BRK-U1-S03-B07` name; called on the front page."""
    for name in ("battery", "string", "site"):
        wanted = st.query_params.get(name)
        if wanted:
            st.switch_page(page(name), query_params=address(**{name: wanted}))
