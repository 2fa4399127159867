"""The two clocks of a drill: its own, by which it notes everything, and that of the people who sit before it."""

from datetime import datetime, timedelta

from clients.types import DrillReport


class DrillTimes:
    """Turns the time of a drill into that of the people.

    What people changed is noted by both clocks, so the way between them is a line from change to change.

    Args:
        report: the drill with the changes that people made.
    """

    def __init__(self, report: DrillReport) -> None:
        drill = report.drill
        marks = [(change.branch_time, change.change_time) for change in report.changes]
        marks += [(drill.begin_time, drill.start_time)]
        if drill.stop_time is not None:
            marks += [(drill.now_time, drill.stop_time)]
        self._marks = sorted((branch, real) for branch, real in marks if branch is not None)
        self._speed = drill.achieved_speed or drill.speed or 1.0

    def real(self, branch: datetime) -> datetime | None:
        """The people's time at a time of the drill; None = the drill had none."""
        if not self._marks:
            return None
        earlier = [mark for mark in self._marks if mark[0] <= branch]
        later = [mark for mark in self._marks if mark[0] > branch]
        if not earlier:
            return self._marks[0][1]
        begin, real = earlier[-1]
        if not later:
            return real + timedelta(seconds=(branch - begin).total_seconds() / self._speed)
        end, real_end = later[0]
        return real + (branch - begin) / (end - begin) * (real_end - real)
