"""Puts the dashboard together and serves it until a signal ends it."""

import importlib
from dataclasses import dataclass
from pathlib import Path

from starlette.middleware import Middleware
from streamlit.starlette import App

from clients.channel import Tls
from clients.sync_client import TwinClient
from streamlit_app.assets import asset_routes
from streamlit_app.backend import Backend, install
from streamlit_app.download_routes import DownloadRoutes
from streamlit_app.gate import Gate
from streamlit_app.login_routes import LoginRoutes
from streamlit_app.sessions import SessionStore
from streamlit_app.theme import streamlit_options


@dataclass(frozen=True, slots=True)
class DashboardSettings:
    """What can be chosen about a dashboard.

    Attributes:
        target: address of the API, `host:port`.
        address: address to listen on.
        port: port to listen on.
        root_certificate: PEM file of the authority of the API's certificate; None = the API speaks without TLS.
        certificate: PEM file of the dashboard's own certificate; None = the dashboard is served without TLS.
        key: PEM file of its key.
    """

    target: str
    address: str
    port: int
    root_certificate: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


def serve(settings: DashboardSettings) -> None:
    """Serves the dashboard; returns after SIGINT or SIGTERM."""
    client = TwinClient(settings.target, tls=Tls(settings.root_certificate) if settings.root_certificate else None)
    try:
        app = build_app(client, settings)
        app.run(
            config=streamlit_options(
                address=settings.address,
                port=settings.port,
                certificate=str(settings.certificate) if settings.certificate else None,
                key=str(settings.key) if settings.key else None,
            )
        )
    finally:
        client.close()


def build_app(client: TwinClient, settings: DashboardSettings) -> App:
    """The dashboard as an ASGI application: Streamlit behind the gate, with the login page beside it."""
    # Pages import pandas and Plotly; done now, the first visitor does not wait for it.
    importlib.import_module("streamlit_app.pages")
    secure = settings.certificate is not None
    # Browsers share cookies between the ports of a host, so two dashboards on one machine need two names.
    cookie_name = f"{'__Host-' if secure else ''}batterytwin-{settings.port}"
    sessions = SessionStore(client.refresh)
    install(Backend(client, cookie_name, sessions))
    return App(
        Path(__file__).with_name("app.py"),
        routes=[
            *LoginRoutes(sessions, client.login, cookie_name, secure=secure).routes(),
            *DownloadRoutes(sessions, client, cookie_name).routes(),
            *asset_routes(),
        ],
        middleware=[Middleware(Gate, sessions=sessions, cookie_name=cookie_name)],
    )
