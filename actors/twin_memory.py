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
from actors.filter_layout import parameter_records, state_records
from actors.life_bytes import assumed_life, pack_life, unpack_life
from actors.life_layout import LIFE_DTYPE, empty_life
from actors.live_kernel import tell_live
from actors.twin_record import RECORD_DTYPE, RECORD_LAYOUT, empty_records
from batterytwin.telemetry import Rows

MEMORY_LAYOUT: Final = f"{STATE_LAYOUT}+{RECORD_LAYOUT}@{MODEL_VERSION}"
"""Name of the layout of a twin's bytes; only the same one can be restored."""

_STATE_BYTES: Final = N_STATE * 8
_WHOLE_RECORD: Final = np.dtype((np.void, RECORD_DTYPE.itemsize))  # copied at once, ten times faster than by field
_WHOLE_LIFE: Final = np.dtype((np.void, LIFE_DTYPE.itemsize))  # likewise
_NO_LIVES: Final = np.empty(0, LIFE_DTYPE)
TWIN_BYTES: Final = _STATE_BYTES + RECORD_DTYPE.itemsize
"""Size of one twin's bytes, without its accumulators of life."""


@dataclass(frozen=True, slots=True)
class TwinMemory:
    """Twins, or a copy of some of them to work on.

    Attributes:
        state: state of the filter, shape `(n_twins, N_STATE)`.
        records: intake and alert rules, `RECORD_DTYPE`, shape `(n_twins,)`.
        lives: accumulators of life, `LIFE_DTYPE`, shape `(n_twins,)`, or `(0,)` in a copy that rows are tried on: they
            are nearly as large as the rest and follow after the commit.
    """

    state: NDArray[np.float64]
    records: Rows
    lives: Rows

    @classmethod
    def blank(cls, parameters: FilterParameters) -> Self:
        """Twins that have seen nothing."""
        state = initial_state(parameters)
        return cls(state, empty_records(len(state)), empty_life(parameters.installed_us))

    def take(self, twins: NDArray[np.int32]) -> Self:
        """Copy of some twins without their lives, shape `(n_taken,)` in the other arrays."""
        return type(self)(self.state.take(twins, 0), self.records.take(twins), _NO_LIVES)

    def take_whole(self, twins: NDArray[np.int32]) -> Self:
        """Copy of some twins, shape `(n_taken,)` in each array."""
        return type(self)(self.state.take(twins, 0), self.records.take(twins), self.lives.take(twins))

    def put(self, twins: NDArray[np.int32], changed: Self) -> None:
        """Takes changed twins over; `changed` holds them in the order of `twins`. Lives stay unless both have them."""
        self.state[twins] = changed.state
        self.records.view(_WHOLE_RECORD)[twins] = changed.records.view(_WHOLE_RECORD)
        if len(self.lives) and len(changed.lives):
            self.put_lives(twins, changed.lives)

    def put_lives(self, twins: NDArray[np.int32], lives: Rows) -> None:
        """Takes changed lives over, in the order of `twins`."""
        self.lives.view(_WHOLE_LIFE)[twins] = lives.view(_WHOLE_LIFE)

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

    def life_bytes(self, twin: int) -> bytes:
        """One twin's accumulators of life as bytes."""
        return pack_life(self.lives[twin : twin + 1])

    def from_bytes(self, twin: int, data: bytes, life: bytes, parameters: FilterParameters) -> None:
        """Puts one twin back.

        Where its life was not kept, or in another layout, its age is what the filter says and nothing was observed.

        Args:
            twin: which.
            data: its state.
            life: its accumulators.
            parameters: of the twins that are here.

        Raises:
            ValueError: the bytes are not those of one twin of this layout.
        """
        if len(data) != TWIN_BYTES:
            raise ValueError(f"a twin has {TWIN_BYTES} bytes, not {len(data)}")
        self.state[twin] = np.frombuffer(data, np.float64, N_STATE)
        self.records[twin] = np.frombuffer(data, RECORD_DTYPE, 1, _STATE_BYTES)[0]
        kept = unpack_life(life)
        if kept is None:
            x, p = state_records(self.state)[twin], parameter_records(parameters.values)[parameters.model_index[twin]]
            age_s = float(x["life_fraction"] / p["life_per_s_20c"])
            kept = assumed_life(float(x["installed_us"]), float(x["sample_time_us"]), age_s)
        self.put_lives(np.array([twin], np.int32), kept)

    def state_hash(self, twin: int) -> str:
        """SHA-256 of all that is held of one twin."""
        return hashlib.sha256(self.to_bytes(twin) + self.lives[twin].tobytes()).hexdigest()
