"""What a simulation says of itself while it runs."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final

from batterytwin.errors import TwinError

Report = Callable[[dict[str, Any]], None]
"""Takes one event: `{"event": "backfill", "done": 0.42}`, `{"event": "live", "sample_time": "..."}`,
`{"event": "error", "location": "BRK", "reason": "...", "message": "..."}`."""

_STEP: Final = 0.02


class Progress:
    """Joins the progress of the sites into events of the whole fleet.

    Args:
        report: takes the events.
        location_ids: the sites.
    """

    def __init__(self, report: Report, location_ids: Iterable[str]) -> None:
        self._report = report
        self._filled = dict.fromkeys(location_ids, 0.0)
        self._reported = 0.0
        self._live = False
        self._newest_us = 0

    def filled(self, location_id: str, share: float, sample_time_us: int) -> None:
        """A site has sent a share (0...1) of its history, up to a sample time; 1 = all of it, acknowledged."""
        self._filled[location_id] = share
        self.sent(sample_time_us)
        self._report_filled()

    def failed(self, location_id: str, error: TwinError) -> None:
        """A site has been refused for good and takes no further part."""
        event = {"event": "error", "location": location_id, "reason": str(error.reason), "message": error.message}
        self._report(event)
        del self._filled[location_id]
        self._report_filled()

    def sent(self, sample_time_us: int) -> None:
        """A site has sent readings up to a sample time."""
        self._newest_us = max(self._newest_us, sample_time_us)

    def report_live(self) -> None:
        """Says how far live readings have come, once history is complete at every site that takes part."""
        if self._live:
            moment = datetime.fromtimestamp(self._newest_us * 1e-6, UTC)
            self._report({"event": "live", "sample_time": moment.isoformat(timespec="milliseconds")})

    def _report_filled(self) -> None:
        if self._live or not self._filled:
            return
        done = sum(self._filled.values()) / len(self._filled)
        self._live = done >= 1.0
        if self._live or done - self._reported >= _STEP:
            self._reported = done
            self._report({"event": "backfill", "done": round(done, 3)})
        self.report_live()
