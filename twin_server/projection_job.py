"""What the server and the process that computes a projection say to each other."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProjectionJob:
    """What to compute.

    Attributes:
        url: database that holds the twins.
        archive: folder of sealed days; None = nothing was sealed.
        request: `batterytwin.v1.ProjectionRequest` with the defaults filled in.
    """

    url: str
    archive: Path
    request: bytes


@dataclass(frozen=True, slots=True)
class ProjectionNews:
    """How far a projection has come.

    Attributes:
        share: share that is done, 0...1.
        begin_us: the instant whose twins were copied, microseconds since 1970 UTC; None = not copied yet.
    """

    share: float = 0.0
    begin_us: int | None = None


Tell = Callable[[ProjectionNews], None]
