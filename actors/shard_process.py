"""A shard as it lives in a process of its own: plain Python, bytes in, bytes out; knows no Ray."""

import logging
import pickle
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actors.fleet import ShardResult, TwinSpec
from actors.heap import HeapTrimmer
from actors.life_inputs import N_LIFE_INPUTS
from actors.limits import AlertLimits, PlausibilityLimits
from actors.shard import TwinShard
from actors.shard_line import LineServer
from batterytwin.errors import ShardUnavailableError, TwinError
from batterytwin.events import TwinInput
from batterytwin.telemetry import READING_DTYPE
from storage.shard_store import ShardStore

_ROWS_OF_A_LIFE: Final = N_LIFE_INPUTS * 8 // READING_DTYPE.itemsize
"""What is known of a life takes as much memory as so many rows."""

_log = logging.getLogger(__name__)


class ShardProcess:
    """One shard that restores itself when asked, and answers in bytes, which travel without being looked into.

    Args:
        line_path: where it listens for rows.
        specs: twins, in the order of their positions.
        store_factory: makes the shard's store.
        snapshot_interval_s: time after which a commit carries snapshots.
        alerts: limits of the alert rules.
        plausibility: limits of plausibility.
    """

    def __init__(  # noqa: PLR0917 # Ray passes them on by position
        self,
        line_path: Path,
        specs: Sequence[TwinSpec],
        store_factory: Callable[[], ShardStore],
        snapshot_interval_s: float,
        alerts: AlertLimits | None,
        plausibility: PlausibilityLimits | None,
    ) -> None:
        self._specs = specs
        self._store_factory = store_factory
        self._snapshot_interval_s = snapshot_interval_s
        self._alerts = alerts
        self._plausibility = plausibility
        self._shard: TwinShard | None = None
        self._heap = HeapTrimmer()
        self._turn = threading.Lock()  # rows come over the line, everything else from Ray
        self._line = LineServer(line_path, self.apply)

    def restore(self) -> bytes:
        """Restores the twins unless that is done; answers with their present, as `LIVE_DTYPE` bytes."""
        return self._answer(self._restore)

    def apply(self, rows: bytes, receive_time_us: int) -> bytes:
        """Applies `READING_DTYPE` bytes; answers with the fields of a `ShardResult`."""
        self._heap.note(len(rows) // READING_DTYPE.itemsize)
        return self._answer(
            lambda: _fields(self._restored_shard().apply(np.frombuffer(rows, READING_DTYPE), receive_time_us))
        )

    def apply_inputs(self, inputs: Sequence[TwinInput]) -> bytes:
        """Applies inputs; answers with the fields of a `ShardResult`."""
        return self._answer(lambda: _fields(self._restored_shard().apply_inputs(inputs)))

    def life_inputs(self, twins: NDArray[np.int32] | None = None) -> bytes:
        """Answers with what is known of the lives of some twins, or of all, as float64 bytes."""
        self._heap.note(_ROWS_OF_A_LIFE * len(self._specs if twins is None else twins))
        return self._answer(lambda: self._restored_shard().life_inputs(twins).tobytes())

    def state_hashes(self) -> bytes:
        """Answers with the SHA-256 of each twin by battery key."""
        return self._answer(lambda: self._restored_shard().state_hashes())

    def finish(self) -> bytes:
        """Stores a snapshot of every twin and lets the store go."""
        return self._answer(self._finish)

    def ping(self) -> bool:
        """Whether the twins are here, and still this shard's. It is asked every few seconds."""
        self._heap.look()
        shard = self._shard
        return shard is not None and shard.is_owner

    def _restore(self) -> bytes:
        if self._shard is None:
            store = self._store_factory()
            shard = TwinShard(self._specs, store, self._snapshot_interval_s, self._alerts, self._plausibility)
            try:
                shard.restore()
            except TwinError:
                store.close()
                raise
            self._shard = shard
        return self._shard.live().tobytes()

    def _restored_shard(self) -> TwinShard:
        if self._shard is None:
            raise ShardUnavailableError("The twins are not restored yet; try again.", retry_after_s=1.0)
        return self._shard

    def _finish(self) -> None:
        shard, self._shard = self._shard, None
        if shard is not None:
            try:
                shard.snapshot_now()
            finally:
                shard.close()

    def _answer(self, work: Callable[[], object]) -> bytes:
        with self._turn:
            try:
                return pickle.dumps(work(), pickle.HIGHEST_PROTOCOL)
            except TwinError as error:
                return pickle.dumps(error.with_traceback(None), pickle.HIGHEST_PROTOCOL)
            except Exception:  # noqa: BLE001 # whoever asked must hear of it, and the next one be served
                _log.exception("a shard failed")
                return pickle.dumps(TwinError("A shard failed; its log says why."), pickle.HIGHEST_PROTOCOL)


def _fields(result: ShardResult) -> tuple[Any, ...]:
    return result.outcome.tobytes(), result.twins.tobytes(), result.live.tobytes(), result.alerts
