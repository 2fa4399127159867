"""The network address in what gRPC calls a peer."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import unquote

from batterytwin.access import CALLER_ADDRESS_METADATA


@lru_cache(maxsize=1_024)
def address_of_peer(peer: str) -> str:
    """Address without its port: "127.0.0.1" of "ipv4:127.0.0.1:40312", "::1" of "ipv6:%5B::1%5D:40312"."""
    kind, _, rest = unquote(peer).partition(":")
    if kind == "ipv4":
        return rest.rpartition(":")[0]
    if kind == "ipv6":
        return rest.partition("]")[0].lstrip("[")
    return kind or "unknown"


def stated_address(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    """The network address for which a program on this machine says that it asks; empty where it says none."""
    stated = next((value for key, value in metadata if key == CALLER_ADDRESS_METADATA), "")
    try:
        return str(ipaddress.ip_address(str(stated)))
    except ValueError:
        return ""


@lru_cache(maxsize=1_024)
def is_local_address(address: str) -> bool:
    """Whether an address is this machine's own: loopback, or a socket in its file system."""
    if address == "unix":
        return True
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return (mapped or ip).is_loopback
