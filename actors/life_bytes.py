"""Accumulators of one battery as few bytes: most counters have leading zeros, so runs of zeros become their length."""

from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from actors.compiled import kernel
from actors.life_layout import LIFE_DTYPE, LIFE_LAYOUT, empty_life
from actors.life_upgrade import HOURLY_DTYPE, HOURLY_LAYOUT, from_hourly, from_hourly_differences
from batterytwin.telemetry import Rows

_HEADER: Final = LIFE_LAYOUT.encode() + b"\n"
_DTYPES: Final = {LIFE_LAYOUT.encode(): LIFE_DTYPE, HOURLY_LAYOUT.encode(): HOURLY_DTYPE}
_LONGEST_RUN: Final = 255
_BYTES = numba.uint8[::1]


@kernel(numba.int64(_BYTES, _BYTES))
def _pack(data: Any, packed: Any) -> int:
    """Fills `packed` and returns how much of it."""
    count, k = 0, 0
    while k < data.size:
        packed[count] = data[k]
        count += 1
        if data[k] != 0:
            k += 1
            continue
        run = 1
        while run < _LONGEST_RUN and k + run < data.size and data[k + run] == 0:
            run += 1
        packed[count] = run
        count += 1
        k += run
    return count


@kernel(numba.boolean(numba.types.Array(numba.uint8, 1, "C", readonly=True), _BYTES))
def _unpack(packed: Any, data: Any) -> bool:
    """Fills `data`, which is zero; whether `packed` has as much as that and no more."""
    k, place = 0, np.int64(0)
    while k < packed.size and place < data.size:
        if packed[k] != 0:
            data[place] = packed[k]
            place += 1
            k += 1
        elif k + 1 < packed.size:
            place += np.int64(packed[k + 1])
            k += 2
        else:
            return False
    return bool(k == packed.size and place == data.size)


def without_zeros(data: NDArray[np.uint8]) -> bytes:
    """Bytes with runs of zeros as their length."""
    packed = np.empty(2 * len(data), np.uint8)
    return packed[: _pack(data, packed)].tobytes()


def pack_life(life: Rows) -> bytes:
    """One battery's accumulators as bytes, headed by the name of their layout.

    Args:
        life: `LIFE_DTYPE`, shape `(1,)`.
    """
    return _HEADER + without_zeros(np.frombuffer(bytearray(life.tobytes()), np.uint8))


def unpack_life(packed: bytes) -> Rows | None:
    """Accumulators from bytes, `LIFE_DTYPE`, shape `(1,)`; None where they are none that this version can read."""
    header, newline, content = packed.partition(b"\n")
    dtype = _DTYPES.get(header) if newline else None
    if dtype is None:
        return None
    data: NDArray[np.uint8] = np.zeros(dtype.itemsize, np.uint8)
    if not _unpack(np.frombuffer(content, np.uint8), data):
        return None
    return data.view(LIFE_DTYPE) if dtype is LIFE_DTYPE else from_hourly(from_hourly_differences(data))


def assumed_life(installed_us: float, sample_time_us: float, age_s: float) -> Rows:
    """Accumulators of a battery of which only the age is known, `LIFE_DTYPE`, shape `(1,)`.

    Args:
        installed_us: when the block came into service, microseconds UTC.
        sample_time_us: its newest reading; 0 = none yet.
        age_s: age at 20 degC then.
    """
    life = empty_life(np.array([installed_us]))
    if sample_time_us > 0.0:
        now = int(sample_time_us)
        month = int(np.datetime64(now, "us").astype("datetime64[M]").astype(np.int64)) + 12 * 1970
        life["first_us"] = life["as_of_us"] = life["temperature_us"] = now
        life["hour"], life["month"] = now // 3_600_000_000, month
        life["month_year"][0, month % 12] = month // 12
        life["assumed_age_us"] = life["assumed_stress_us"] = round(1e6 * age_s)
        life["begun_late"] = 1
    return life
