"""The two clocks of a drill: its own, and that of the people who sit before it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from clients.types import DrillReport


class DrillTimes:
    """Turns one clock of a drill into the other.

    People's changes are noted by both clocks, so the way between them is a line from change to change.

    Args:
        report: the drill with the changes that people made.
    """

    def __init__(self, report: DrillReport) -> None:
        drill = report.drill
        marks = [(change.change_time, change.branch_time) for change in report.changes]
        marks += [(drill.start_time, drill.begin_time)]
        if drill.stop_time is not None:
            marks += [(drill.stop_time, drill.now_time)]
        known = sorted((real, branch) for real, branch in marks if branch is not None)
        self._marks: Sequence[tuple[datetime, datetime]] = known
        self._speed = drill.achieved_speed or drill.speed

    def branch(self, real: datetime) -> datetime | None:
        """The drill's time at a time of the people; None = it had none."""
        return _between(self._marks, real, self._speed)

    def real(self, branch: datetime) -> datetime | None:
        """The people's time at a time of the drill; None = it had none."""
        turned = [(second, first) for first, second in self._marks]
        return _between(turned, branch, 1.0 / self._speed if self._speed > 0.0 else 1.0)


def _between(marks: Sequence[tuple[datetime, datetime]], at: datetime, slope: float) -> datetime | None:
    if not marks:
        return None
    earlier = [mark for mark in marks if mark[0] <= at]
    later = [mark for mark in marks if mark[0] > at]
    if not earlier:
        return marks[0][1]
    begin, image = earlier[-1]
    if later:
        end, end_image = later[0]
        share = (at - begin) / (end - begin)
        return image + share * (end_image - image)
    return image + timedelta(seconds=slope * (at - begin).total_seconds())
