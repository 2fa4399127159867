"""`python -m streamlit_app`: serves the dashboard of one server."""

import argparse
import ipaddress
from collections.abc import Sequence
from pathlib import Path

from streamlit_app.serve import DashboardSettings, serve


def read_arguments(arguments: Sequence[str] | None = None) -> DashboardSettings:
    """Settings from the command line; None = that of this process."""
    parser = argparse.ArgumentParser(prog="python -m streamlit_app", description="Serves the dashboard.")
    parser.add_argument("--target", required=True, metavar="HOST:PORT", help="address of the API")
    parser.add_argument("--address", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8501, help="port to listen on (default: %(default)s)")
    parser.add_argument("--root-certificate", type=Path, metavar="PEM", help="authority of the API's certificate")
    parser.add_argument("--certificate", type=Path, metavar="PEM", help="serve with TLS: certificate")
    parser.add_argument("--key", type=Path, metavar="PEM", help="serve with TLS: key of the certificate")
    given = parser.parse_args(arguments)
    if (given.certificate is None) != (given.key is None):
        parser.error("TLS needs both --certificate and --key.")
    if given.certificate is None and not _is_loopback(given.address):
        parser.error(f"{given.address} can be reached from other machines, so it needs --certificate and --key.")
    return DashboardSettings(**vars(given))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


if __name__ == "__main__":
    serve(read_arguments())
