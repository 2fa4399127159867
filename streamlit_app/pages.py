"""The pages by name, as the navigation and links know them."""

import streamlit as st

from streamlit_app.views import account, alerts, battery, fleet, site, string


def build_pages(username: str) -> dict[str, st.Page]:
    """Pages in the order of the navigation; the account page bears the visitor's name."""
    return {
        "fleet": st.Page(fleet.show, title="Fleet", icon=":material/grid_view:", url_path="fleet", default=True),
        "site": st.Page(site.show, title="Site", icon=":material/view_module:", url_path="site"),
        "string": st.Page(string.show, title="String", url_path="string", visibility="hidden"),
        "battery": st.Page(battery.show, title="Battery", url_path="battery", visibility="hidden"),
        "alerts": st.Page(alerts.show, title="Alerts", icon=":material/notifications:", url_path="alerts"),
        "account": st.Page(account.show, title=username, icon=":material/account_circle:", url_path="account"),
    }
