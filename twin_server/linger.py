"""How long a trickle of readings waits for company before a shard is called."""

from typing import Final

LONGEST_S: Final = 0.25
"""Longest wait, s. Sites sample once a minute, and an alert may take 5 s."""

ENOUGH_ROWS: Final = 8
"""So many rows wait for nobody: a batch or a busy moment goes out at once."""

_PROBE_S: Final = 0.05
_SHORTEST_S: Final = 0.01
_LONE_CALLS_BEFORE_PROBE: Final = 32
_GAPS_OF_PATIENCE: Final = 8.0  # fewer take a chance pair in a trickle for senders that come together
_LEAST_PATIENCE_S: Final = 0.001


class Linger:
    """Learns whether waiting gains company, so that only senders who do not wait for their answer are waited for.

    A call to a shard and its commit cost about the same for one row as for eight. Single readings that arrive on their
    own (a fleet at its normal pace) are worth joining; a sender that sends its next reading only after the answer to
    the last would merely be slowed down. So the wait grows while it gains company and shrinks while it does not, and
    it ends some gaps after the newest arrival: a few such senders come together, and then nobody else does.
    """

    def __init__(self) -> None:
        self._delay_s = 0.0
        self._patience_s = LONGEST_S
        self._lone_calls = 0

    def delay_s(self, waiting_rows: int) -> float:
        """How long to wait before the next call, s, with so many rows waiting now."""
        return 0.0 if waiting_rows >= ENOUGH_ROWS else self._delay_s

    @property
    def patience_s(self) -> float:
        """How long to wait after the newest arrival, s: where all have come who come at all, nobody waits longer."""
        return self._patience_s

    def learn(self, request_count: int, took_s: float) -> None:
        """Takes note of a small call.

        Args:
            request_count: requests that it joined.
            took_s: time from the arrival of the first to that of the last of them, s.
        """
        if request_count > 1:
            self._lone_calls = 0
            self._delay_s = min(LONGEST_S, max(2.0 * self._delay_s, _PROBE_S))
            self._patience_s = max(_LEAST_PATIENCE_S, _GAPS_OF_PATIENCE * took_s / (request_count - 1))
            return
        self._patience_s = min(LONGEST_S, 2.0 * self._patience_s)  # company may have come a little later
        if self._delay_s > _SHORTEST_S:
            self._delay_s /= 2.0
        else:
            self._delay_s = 0.0
            self._lone_calls += 1
            if self._lone_calls >= _LONE_CALLS_BEFORE_PROBE:
                self._lone_calls = 0
                self._delay_s = _PROBE_S
