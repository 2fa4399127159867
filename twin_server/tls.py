"""The server's certificate."""

import ssl
from pathlib import Path

import grpc

from batterytwin.errors import InvalidArgumentError


def load_server_credentials(certificate: Path, key: Path) -> grpc.ServerCredentials:
    """Credentials out of PEM files.

    Args:
        certificate: certificate chain, the server's own first.
        key: its private key, without a passphrase.

    Raises:
        InvalidArgumentError: a file cannot be read, is not PEM, or the two do not belong together.
    """
    certificate_pem, key_pem = _read(certificate, "tls_certificate"), _read(key, "tls_key")
    try:
        # gRPC would say no more than that the port cannot be opened. The empty password keeps OpenSSL from asking.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, ValueError, OSError) as error:
        raise InvalidArgumentError(
            f"{certificate} and {key} are not a certificate with its private key in PEM format, without passphrase: "
            f"{error}",
            field="tls_certificate",
            value=certificate,
        ) from error
    return grpc.ssl_server_credentials([(key_pem, certificate_pem)])


def _read(path: Path, field: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidArgumentError(f"{path} cannot be read: {error.strerror}.", field=field, value=path) from error
