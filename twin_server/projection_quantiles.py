"""What the members of an ensemble say: as quantiles, and member by member as it is stored."""

import math
import zlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from batterytwin.life import QUANTILES
from batterytwin.v1 import projection_pb2

Counts = NDArray[np.int64]


def quantiles(values: NDArray[np.float64] | NDArray[np.int64]) -> list[float | None]:
    """`QUANTILES` of what the members say; None = not within the horizon."""
    found = np.quantile(values, QUANTILES, method="nearest")
    return [float(value) if np.isfinite(value) else None for value in found]


def quantiles_message(values: Iterable[float | None]) -> projection_pb2.Quantiles:
    """Message of quantiles; None becomes NaN."""
    return projection_pb2.Quantiles(values=[math.nan if value is None else value for value in values])


def pack_ends(ends: Counts) -> bytes:
    """Ends by day as they are stored."""
    return zlib.compress(ends.astype("<u4").tobytes(), 6)


def unpack_ends(packed: bytes, members: int) -> Counts:
    """Ends by day of so many members as they were stored."""
    return np.frombuffer(zlib.decompress(packed), "<u4").reshape(members, -1).astype(np.int64)
