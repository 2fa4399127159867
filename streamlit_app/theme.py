"""How Streamlit itself is set up: no telemetry, no developer tools, a light and a dark look that follow the system.

Everything is passed at start, so neither the working directory nor a file of the person who starts it matters.
"""

from typing import Final

_LIGHT: Final = {
    "primaryColor": "#0F6E84",
    "backgroundColor": "#FFFFFF",
    "secondaryBackgroundColor": "#F4F6F9",
    "textColor": "#17202E",
    "linkColor": "#0F6E84",
    "borderColor": "#D8DEE7",
    "dataframeBorderColor": "#E3E8EF",
    "dataframeHeaderBackgroundColor": "#EDF1F6",
}
_DARK: Final = {
    "primaryColor": "#3FB6CF",
    "backgroundColor": "#161E29",
    "secondaryBackgroundColor": "#0E141C",
    "textColor": "#E6EBF2",
    "linkColor": "#5CC6DC",
    "borderColor": "#2A3545",
    "dataframeBorderColor": "#253041",
    "dataframeHeaderBackgroundColor": "#1B2532",
}
_SHAPE: Final = {
    "baseRadius": "10px",
    "buttonRadius": "8px",
    "baseFontSize": 15,
    "metricValueFontSize": "1.55rem",
    "metricValueFontWeight": 600,
    "showWidgetBorder": True,
    "linkUnderline": False,
    "paddingTop": "1.2rem",
    "paddingBottom": "2.5rem",
}


def streamlit_options(
    *, address: str, port: int, certificate: str | None = None, key: str | None = None
) -> dict[str, object]:
    """Options of `streamlit.App.run` for this dashboard."""
    options: dict[str, object] = {
        "server.address": address,
        "server.port": port,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "server.runOnSave": False,
        "server.enableStaticServing": False,
        "server.enableAgentApi": False,
        "server.disconnectedSessionTTL": 30,
        "server.maxUploadSize": 1,
        "server.maxWidgetStateSize": 1,
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "client.showErrorLinks": "false",
        "logger.hideWelcomeMessage": True,
        "global.disableWidgetStateDuplicationWarning": True,
    }
    if certificate and key:
        options |= {"server.sslCertFile": certificate, "server.sslKeyFile": key}
    options |= {f"theme.{name}": value for name, value in _SHAPE.items()}
    options |= {f"theme.light.{name}": value for name, value in _LIGHT.items()}
    options |= {f"theme.dark.{name}": value for name, value in _DARK.items()}
    return options
