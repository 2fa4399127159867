"""The dashboard: fleet, site, battery and alerts in a browser, started with `python -m streamlit_app`."""
