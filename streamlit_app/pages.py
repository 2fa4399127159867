"""The pages by name, as the navigation and links know them."""

import streamlit as st

from streamlit_app.views import (
    account,
    alerts,
    battery,
    drill_report,
    fleet,
    life,
    models,
    plan,
    projection,
    projections,
    side,
    site,
    string,
    what_if,
)


def build_pages(username: str) -> dict[str, st.Page]:
    """Pages in the order of the navigation; the account page bears the visitor's name."""
    return {
        "fleet": st.Page(fleet.show, title="Fleet", icon=":material/grid_view:", url_path="fleet", default=True),
        "site": st.Page(site.show, title="Site", icon=":material/view_module:", url_path="site"),
        "string": st.Page(string.show, title="String", url_path="string", visibility="hidden"),
        "battery": st.Page(battery.show, title="Battery", url_path="battery", visibility="hidden"),
        "life": st.Page(life.show, title="Life", icon=":material/timeline:", url_path="life"),
        "plan": st.Page(plan.show, title="Plan", icon=":material/event:", url_path="plan"),
        "what_if": st.Page(what_if.show, title="What if", icon=":material/theater_comedy:", url_path="what-if"),
        "side": st.Page(side.show, title="Side by side", url_path="side-by-side", visibility="hidden"),
        "report": st.Page(drill_report.show, title="Drill report", url_path="drill-report", visibility="hidden"),
        "projections": st.Page(projections.show, title="Projections", url_path="projections", visibility="hidden"),
        "projection": st.Page(projection.show, title="Projection", url_path="projection", visibility="hidden"),
        "models": st.Page(models.show, title="Models", icon=":material/model_training:", url_path="models"),
        "alerts": st.Page(alerts.show, title="Alerts", icon=":material/notifications:", url_path="alerts"),
        "account": st.Page(account.show, title=username, icon=":material/account_circle:", url_path="account"),
    }
