"""How a gateway stands with its server, for people and for logs."""

from dataclasses import dataclass
from typing import Final

OLDEST_HEALTHY_S: Final = 60.0
"""Age of the oldest unacknowledged batch above which a gateway is not healthy, s."""

REJECTED_LATELY_S: Final = 600.0
"""For so long after the server has refused a row a gateway is not healthy, s."""


@dataclass(frozen=True, slots=True)
class GatewayHealth:
    """One look at a gateway.

    Attributes:
        connected: whether the server has answered on the present connection.
        buffered_batches: batches that are not acknowledged.
        buffered_rows: rows of single batteries in them.
        buffered_bytes: their size.
        oldest_age_s: how long the oldest has waited, s; 0 = there is none.
        reconnects: connections that had to be made again, so far.
        resent_batches: batches that went again, so far.
        dropped_batches: batches given up, so far.
        rejected_rows: rows that the server has refused, so far.
        rejected_age_s: how long ago it refused one last, s; infinite = never.
        last_error: why the last connection ended; empty = none has.
    """

    connected: bool
    buffered_batches: int
    buffered_rows: int
    buffered_bytes: int
    oldest_age_s: float
    reconnects: int
    resent_batches: int
    dropped_batches: int
    rejected_rows: int
    rejected_age_s: float
    last_error: str

    @property
    def is_healthy(self) -> bool:
        """Whether it is connected, nothing waits for long and no row was refused lately."""
        return self.connected and self.oldest_age_s < OLDEST_HEALTHY_S and self.rejected_age_s > REJECTED_LATELY_S

    def __str__(self) -> str:
        state = "connected" if self.connected else f"not connected ({self.last_error or 'no answer yet'})"
        return (
            f"{state}; {self.buffered_batches} batches ({self.buffered_rows} rows, {self.buffered_bytes} bytes) wait, "
            f"the oldest for {self.oldest_age_s:.0f} s; {self.reconnects} reconnects, {self.resent_batches} resent, "
            f"{self.dropped_batches} dropped, {self.rejected_rows} rows refused"
        )
