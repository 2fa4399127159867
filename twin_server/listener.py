"""The gRPC server itself: limits, keepalive, TLS, and a port that nobody else has."""

from collections.abc import Sequence
from typing import Final

import grpc

from batterytwin.errors import ConflictError
from twin_server.settings import ServerSettings
from twin_server.tls import load_server_credentials

_SHORTEST_CLIENT_PING_MS: Final = 20_000
"""Clients ping every 30 to 60 s; the default of gRPC would cut them off for less than five minutes."""


def make_listener(settings: ServerSettings, interceptors: Sequence[grpc.aio.ServerInterceptor]) -> grpc.aio.Server:
    """Makes a server without services and ports. Needs a running event loop."""
    return grpc.aio.server(
        interceptors=interceptors,
        maximum_concurrent_rpcs=4 * settings.max_concurrent_calls,  # the last fence; admission refuses politely before
        options=[
            ("grpc.so_reuseport", 0),  # a second server on the port must fail, not share it
            ("grpc.max_receive_message_length", settings.max_message_bytes),
            ("grpc.keepalive_time_ms", 60_000),
            ("grpc.keepalive_timeout_ms", 20_000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_recv_ping_interval_without_data_ms", _SHORTEST_CLIENT_PING_MS),
        ],
    )


def bind(server: grpc.aio.Server, settings: ServerSettings) -> int:
    """Opens the port; returns its number.

    Raises:
        InvalidArgumentError: the address may not be served without TLS, or the certificate cannot be read.
        ConflictError: the port is taken.
    """
    settings.check_exposure()
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"{host}:{settings.port}"
    credentials = _credentials(settings)
    try:
        if credentials is None:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise ConflictError(
            f"{address} cannot be opened: another program uses it, or the address is not of this machine. "
            "Choose another --port.",
            field="port",
            value=settings.port,
        ) from error


def bind_local(server: grpc.aio.Server) -> int:
    """Opens a port that only this machine reaches, without TLS, beside a public one; returns its number.

    The dashboard, the simulator and commands on this machine come through it: a certificate names the public address,
    not the loopback one.
    """
    return server.add_insecure_port("127.0.0.1:0")


def _credentials(settings: ServerSettings) -> grpc.ServerCredentials | None:
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    return load_server_credentials(settings.tls_certificate, settings.tls_key)
