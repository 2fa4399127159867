"""How a gateway stands with its server, for people and for logs."""

from dataclasses import dataclass
from typing import Final

OLDEST_HEALTHY_S: Final = 60.0
"""Age of the oldest unacknowledged batch above which a gateway is not healthy, s."""


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
    last_error: str

    @property
    def is_healthy(self) -> bool:
        """Whether it is connected and nothing waits for long."""
        return self.connected and self.oldest_age_s < OLDEST_HEALTHY_S

    def __str__(self) -> str:
        state = "connected" if self.connected else f"not connected ({self.last_error or 'no answer yet'})"
        return (
            f"{state}; {self.buffered_batches} batches ({self.buffered_rows} rows, {self.buffered_bytes} bytes) wait, "
            f"the oldest for {self.oldest_age_s:.0f} s; {self.reconnects} reconnects, {self.resent_batches} resent, "
            f"{self.dropped_batches} dropped"
        )
