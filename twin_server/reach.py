"""How commands find a server and say who they are."""

from dataclasses import dataclass
from pathlib import Path

from batterytwin.errors import UnauthenticatedError, UnavailableError
from clients.channel import Tls
from clients.sync_client import TwinClient
from twin_server.instance import read_instance
from twin_server.operator_token import operator_token
from twin_server.up_command import make_settings


@dataclass(frozen=True, slots=True)
class Reach:
    """A server and how to talk to it.

    Attributes:
        target: its address, `host:port`.
        tls: encryption; None = none.
        token: access token; None = the caller stays anonymous.
    """

    target: str
    tls: Tls | None
    token: str | None

    def client(self) -> TwinClient:
        """A client for it, to be closed by the caller."""
        return TwinClient(self.target, self.token, tls=self.tls)


def own_target(data_dir: Path | None) -> str:
    """Address of the server that runs on a data directory.

    Raises:
        UnavailableError: none runs there.
    """
    settings = make_settings(data_dir=data_dir)
    record = read_instance(settings.data_dir)
    if record is None or not record.target:
        raise UnavailableError(
            f"No server runs on {settings.data_dir}. Start one with `batterytwin up`, "
            "or name it with --data-dir or --server."
        )
    return record.target


def reach(
    data_dir: Path | None,
    server: str | None,
    *,
    tls: bool = False,
    root_certificate: Path | None = None,
    anonymous: bool = False,
    remedy: str = "set BATTERYTWIN_ACCESS_TOKEN",
) -> Reach:
    """Finds a server: the named one with the token in BATTERYTWIN_ACCESS_TOKEN, else the one that runs here.

    Args:
        data_dir: data directory of a server here; None = the usual one.
        server: `host:port` of another server.
        tls: whether it speaks TLS.
        root_certificate: authority of its certificate (implies `tls`).
        anonymous: do not look for a token.
        remedy: what to do where a token is needed and missing.

    Raises:
        UnavailableError: no server is named and none runs here.
        UnauthenticatedError: another server is named and there is no token for it.
    """
    settings = make_settings(data_dir=data_dir)
    encryption = Tls(root_certificate) if tls or root_certificate else None
    target = server or own_target(data_dir)
    if anonymous:
        return Reach(target, encryption, None)
    if settings.access_token is not None:
        return Reach(target, encryption, settings.access_token.get_secret_value())
    if server is not None:
        raise UnauthenticatedError(f"{server} wants to know who calls: {remedy}.")
    return Reach(target, encryption, operator_token(settings.data_dir))
