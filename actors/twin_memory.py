"""Everything a shard holds of its twins, as arrays with one row a twin."""

import hashlib
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from actors.filter import (
    MODEL_VERSION,
    N_STATE,
    STATE_LAYOUT,
    FilterParameters,
    initial_state,
)
from actors.live_kernel import tell_live
from actors.twin_record import RECORD_DTYPE, RECORD_LAYOUT, empty_records
from batterytwin.telemetry import Rows

MEMORY_LAYOUT: Final = f"{STATE_LAYOUT}+{RECORD_LAYOUT}@{MODEL_VERSION}"
"""Name of the layout of a twin's bytes; only the same one can be restored."""

_STATE_BYTES: Final = N_STATE * 8
_WHOLE_RECORD: Final = np.dtype((np.void, RECORD_DTYPE.itemsize))  # copied at once, ten times faster than by field
TWIN_BYTES: Final = _STATE_BYTES + RECORD_DTYPE.itemsize
"""Size of one twin's bytes."""


@dataclass(frozen=True, slots=True)
class TwinMemory:
    """Twins, or a copy of some of them to work on.

    Attributes:
        state: state of the filter, shape `(n_twins, N_STATE)`.
        records: intake and alert rules, `RECORD_DTYPE`, shape `(n_twins,)`.
    """

    state: NDArray[np.float64]
    records: Rows

    @classmethod
    def blank(cls, parameters: FilterParameters) -> Self:
        """Twins that have seen nothing."""
        state = initial_state(parameters)
        return cls(state, empty_records(len(state)))

    def take(self, twins: NDArray[np.int32]) -> Self:
        """Copy of some twins, shape `(n_taken,)` in each array."""
        return type(self)(self.state.take(twins, 0), self.records.take(twins))

    def put(self, twins: NDArray[np.int32], changed: Self) -> None:
        """Takes changed twins over; `changed` holds them in the order of `twins`."""
        self.state[twins] = changed.state
        self.records.view(_WHOLE_RECORD)[twins] = changed.records.view(_WHOLE_RECORD)

    def live(self, parameters: FilterParameters, twins: NDArray[np.int32]) -> Rows:
        """Present of the twins, `LIVE_DTYPE`, shape `(n_twins,)`.

        Args:
            parameters: of all twins of the shard.
            twins: position in the shard of each twin that is here, shape `(n_twins,)`.
        """
        return tell_live(self.state, parameters, twins, self.records)

    def to_bytes(self, twin: int) -> bytes:
        """One twin's state as bytes, to restore it from."""
        return b"".join((self.state[twin].tobytes(), self.records[twin].tobytes()))

    def from_bytes(self, twin: int, data: bytes) -> None:
        """Puts one twin's state back.

        Raises:
            ValueError: the bytes are not those of one twin of this layout.
        """
        if len(data) != TWIN_BYTES:
            raise ValueError(f"a twin has {TWIN_BYTES} bytes, not {len(data)}")
        self.state[twin] = np.frombuffer(data, np.float64, N_STATE)
        self.records[twin] = np.frombuffer(data, RECORD_DTYPE, 1, _STATE_BYTES)[0]

    def state_hash(self, twin: int) -> str:
        """SHA-256 of one twin's bytes."""
        return hashlib.sha256(self.to_bytes(twin)).hexdigest()
