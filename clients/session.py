"""Who is logged in."""

from dataclasses import dataclass, field
from datetime import datetime

from batterytwin.access import Role


@dataclass(frozen=True, slots=True)
class Session:
    """A logged-in session. Tokens are left out of `repr`, so that they reach no log.

    Attributes:
        access_token: token to give to calls as `token=`, valid for 30 min.
        access_expire_time: when it expires, UTC.
        refresh_token: token for `refresh`, valid for 7 days and once.
        refresh_expire_time: when it expires, UTC.
        username: name of the user.
        role: what the user may do; a bare number if the server is newer than this client.
        location_ids: locations assigned to the user; empty = all.
    """

    access_token: str = field(repr=False)
    access_expire_time: datetime
    refresh_token: str = field(repr=False)
    refresh_expire_time: datetime
    username: str
    role: Role | int
    location_ids: tuple[str, ...]
