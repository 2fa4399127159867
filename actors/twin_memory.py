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
    capacity_evidence_us,
    initial_state,
    live_estimates,
)
from actors.twin_record import RECORD_DTYPE, RECORD_LAYOUT, empty_records
from batterytwin.telemetry import LIVE_DTYPE, LIVE_ESTIMATE_COLUMNS, MEASURED_COLUMNS, Rows

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
        estimates: what the twins say, `LIVE_ESTIMATE_COLUMNS`, shape `(n_twins, 10)`; follows from `state`.
    """

    state: NDArray[np.float64]
    records: Rows
    estimates: NDArray[np.float32]

    @classmethod
    def blank(cls, parameters: FilterParameters) -> Self:
        """Twins that have seen nothing."""
        state = initial_state(parameters)
        return cls(state, empty_records(len(state)), live_estimates(state))

    def take(self, twins: NDArray[np.int32]) -> Self:
        """Copy of some twins, shape `(n_taken,)` in each array."""
        return type(self)(self.state.take(twins, 0), self.records.take(twins), self.estimates.take(twins, 0))

    def put(self, twins: NDArray[np.int32], changed: Self) -> None:
        """Takes changed twins over; `changed` holds them in the order of `twins`."""
        self.state[twins] = changed.state
        self.records.view(_WHOLE_RECORD)[twins] = changed.records.view(_WHOLE_RECORD)
        self.estimates[twins] = changed.estimates

    def live(self) -> Rows:
        """Present of the twins, `LIVE_DTYPE`, shape `(n_twins,)`."""
        live = np.empty(len(self.records), LIVE_DTYPE)
        live["as_of_us"] = self.records["watermark_us"]
        live["accepted_count"] = self.records["accepted_count"]
        live["capacity_evidence_us"] = capacity_evidence_us(self.state)
        live["status"] = self.records["status"]
        measured = self.records["measured"]
        for k, name in enumerate(MEASURED_COLUMNS):
            live[name] = measured[:, k]
        for k, name in enumerate(LIVE_ESTIMATE_COLUMNS):
            live[name] = self.estimates[:, k]
        return live

    def to_bytes(self, twin: int) -> bytes:
        """One twin's state as bytes, to restore it from."""
        return b"".join((self.state[twin].tobytes(), self.records[twin].tobytes()))

    def from_bytes(self, twin: int, data: bytes) -> None:
        """Puts one twin's state back, except `estimates`.

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
