"""How a connection to the server is opened: keepalive, retries, message sizes, encryption, token."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc
import grpc.aio

from batterytwin.access import CALLER_ADDRESS_METADATA
from batterytwin.errors import InvalidArgumentError
from batterytwin.scenarios import DRILL_METADATA

DEFAULT_DEADLINE_S: Final = 10.0
"""Time a single call may take unless the caller says otherwise, s."""

DRILL_DEADLINE_S: Final = 60.0
"""Time that starting, changing or stopping a drill may take unless the caller says otherwise, s."""

Metadata = tuple[tuple[str, str], ...]
"""Names and values that go with a call."""

MAX_REQUEST_BYTES: Final = 4 * 1024 * 1024
"""Largest request that a server takes by default."""

GATEWAY_KEEPALIVE_S: Final = 30.0
"""Silence after which a gateway asks whether its server still lives, s; a server allows 20 and more."""

_KEEPALIVE_S: Final = 60.0
_KEEPALIVE_TIMEOUT_S: Final = 20.0
_MAX_RESPONSE_BYTES: Final = 64 * 1024 * 1024
_PACKAGE: Final = "batterytwin.v1"

_NOT_RETRIED: Final = (
    # a second try after a lost answer would spend the refresh token twice and so end the session
    {"service": f"{_PACKAGE}.AuthService", "method": "RefreshToken"},
    # after a lost answer the old password is no longer right, and the retry would say so
    {"service": f"{_PACKAGE}.AuthService", "method": "ChangePassword"},
    # the gateway and the watches come back by themselves, with what they have seen
    {"service": f"{_PACKAGE}.IngestService", "method": "StreamReadings"},
    {"service": f"{_PACKAGE}.TwinService", "method": "WatchTwins"},
    {"service": f"{_PACKAGE}.AlertService", "method": "WatchAlerts"},
    {"service": f"{_PACKAGE}.ScenarioService", "method": "WatchScenario"},
)

_SERVICE_CONFIG: Final = {
    "methodConfig": [
        {"name": list(_NOT_RETRIED)},
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.2s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        },
    ]
}

_OPTIONS: Final[tuple[tuple[str, int | str], ...]] = (
    ("grpc.http2.max_pings_without_data", 0),  # else it stops asking a silent server after the second time
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.max_send_message_length", MAX_REQUEST_BYTES),
    ("grpc.max_receive_message_length", _MAX_RESPONSE_BYTES),
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
)


@dataclass(frozen=True, slots=True)
class Tls:
    """Encryption of a connection.

    Attributes:
        root_certificate: PEM file of the authority that signed the server's certificate; None = those of the system.
        server_name: name in the server's certificate where it is not the host of the target; empty = the host.
    """

    root_certificate: Path | None = None
    server_name: str = ""


def open_channel(target: str, tls: Tls | None) -> grpc.Channel:
    """Opens a blocking channel to `host:port`; it connects at the first call.

    Raises:
        InvalidArgumentError: the root certificate cannot be read.
    """
    options = _options(tls, _KEEPALIVE_S, _KEEPALIVE_TIMEOUT_S)
    if tls is None:
        return grpc.insecure_channel(target, options=options)
    return grpc.secure_channel(target, _credentials(tls), options=options)


def open_aio_channel(target: str, tls: Tls | None, *, keepalive_s: float = _KEEPALIVE_S) -> grpc.aio.Channel:
    """Opens an asynchronous channel to `host:port` in the running event loop; it connects at the first call.

    Args:
        target: address.
        tls: encryption; None = none.
        keepalive_s: silence after which the server is asked whether it still lives, s; a third of that later without
            an answer its calls fail.

    Raises:
        InvalidArgumentError: the root certificate cannot be read.
    """
    options = _options(tls, keepalive_s, keepalive_s / 3)
    if tls is None:
        return grpc.aio.insecure_channel(target, options=options)
    return grpc.aio.secure_channel(target, _credentials(tls), options=options)


def token_metadata(token: str) -> Metadata:
    """Metadata that carries an access or gateway token; nothing for an empty one."""
    return (("authorization", f"Bearer {token}"),) if token else ()


def drill_metadata(drill_id: str) -> Metadata:
    """Metadata that has a call answered in a drill; nothing for an empty name."""
    return ((DRILL_METADATA, drill_id),) if drill_id else ()


def caller_metadata(address: str) -> Metadata:
    """Metadata that says for whose network address a login is; nothing for an empty one."""
    return ((CALLER_ADDRESS_METADATA, address),) if address else ()


def _credentials(tls: Tls) -> grpc.ChannelCredentials:
    if tls.root_certificate is None:
        return grpc.ssl_channel_credentials()
    try:
        return grpc.ssl_channel_credentials(tls.root_certificate.read_bytes())
    except OSError as error:
        raise InvalidArgumentError(
            f"The root certificate cannot be read: {error}. Name a PEM file that this user may read.",
            field="root_certificate",
            value=tls.root_certificate,
        ) from error


def _options(tls: Tls | None, keepalive_s: float, timeout_s: float) -> tuple[tuple[str, int | str], ...]:
    name = (("grpc.ssl_target_name_override", tls.server_name),) if tls is not None and tls.server_name else ()
    keepalive = (
        ("grpc.keepalive_time_ms", round(keepalive_s * 1e3)),
        ("grpc.keepalive_timeout_ms", round(timeout_s * 1e3)),
        # gRPC asks for other reasons too, and asks once at a time; without this it would wait a minute for those
        ("grpc.http2.ping_timeout_ms", round(timeout_s * 1e3)),
    )
    return (*_OPTIONS, *keepalive, *name)
