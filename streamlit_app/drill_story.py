"""What happened in a drill, in order: what people changed, what was raised, and how fast somebody reacted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from clients.types import Alert, DrillReport
from streamlit_app.alert_list import source
from streamlit_app.drill_times import DrillTimes
from streamlit_app.wording import RULE_TEXT, SEVERITY_TEXT, duration, word


class Kind(Enum):
    """Kinds of lines of a story."""

    CHANGE = "Change"
    ALERT = "Alert"
    CLEARED = "Cleared"
    ACKNOWLEDGED = "Acknowledged"
    RESOLVED = "Resolved"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened.

    Attributes:
        branch_time: when, by the drill's clock; None = it had none yet.
        real_time: when, by the clock of the people; None = not known.
        kind: what kind of thing.
        who: who did it; empty = nobody.
        where: battery, string or site; empty = none.
        words: what, for people.
        severity: rank of the alert; 0 = it is none.
        reaction: how long the alert had waited by the clock of the people; None = it is no reaction.
    """

    branch_time: datetime | None
    real_time: datetime | None
    kind: Kind
    who: str
    where: str
    words: str
    severity: int = 0
    reaction: timedelta | None = None


def kind_text(line: Line) -> str:
    """What kind of line it is, for people; an alert by its rank."""
    return word(SEVERITY_TEXT, line.severity) if line.kind is Kind.ALERT else line.kind.value


def story(report: DrillReport) -> list[Line]:
    """Everything in order of the drill's time."""
    times = DrillTimes(report)
    lines = [
        Line(change.branch_time, change.change_time, Kind.CHANGE, change.changed_by, "", change.words)
        for change in report.changes
    ]
    for alert in report.alerts:
        lines += _alert_lines(alert, times)
    first = report.drill.begin_time or report.drill.start_time
    return sorted(lines, key=lambda line: line.branch_time or first)


def reaction(alert: Alert, times: DrillTimes) -> timedelta | None:
    """Time from an alert to the person who acknowledged it, by the clock of the people; None = nobody did."""
    if alert.acknowledge_time is None:
        return None
    raised, seen = times.real(alert.raise_time), times.real(alert.acknowledge_time)
    return None if raised is None or seen is None else max(seen - raised, timedelta())


def reactions(report: DrillReport) -> list[timedelta]:
    """Times of reaction of all alerts that were acknowledged, the shortest first."""
    times = DrillTimes(report)
    return sorted(found for alert in report.alerts if (found := reaction(alert, times)) is not None)


def median_reaction(report: DrillReport) -> timedelta | None:
    """The reaction in the middle; None = nobody acknowledged anything."""
    found = reactions(report)
    return found[len(found) // 2] if found else None


def reaction_text(length: timedelta | None) -> str:
    """A reaction for people; a dash where there was none."""
    return duration(None if length is None else length.total_seconds())


def count_by_rule(alerts: Sequence[Alert]) -> list[tuple[str, int]]:
    """Kinds of alerts with their number, the most frequent first."""
    counts: dict[str, int] = {}
    for alert in alerts:
        name = word(RULE_TEXT, alert.rule)
        counts[name] = counts.get(name, 0) + 1
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def _alert_lines(alert: Alert, times: DrillTimes) -> list[Line]:
    where, rule = source(alert), word(RULE_TEXT, alert.rule)
    lines = [
        Line(
            alert.raise_time, times.real(alert.raise_time), Kind.ALERT, "", where, f"{rule}: {alert.message}",
            int(alert.severity),
        )
    ]  # fmt: skip
    if alert.clear_time is not None:
        lines.append(Line(alert.clear_time, times.real(alert.clear_time), Kind.CLEARED, "", where, f"{rule} is over"))
    if alert.acknowledge_time is not None:
        after = reaction(alert, times)
        note = f": {alert.acknowledge_note}" if alert.acknowledge_note else ""
        lines.append(
            Line(
                alert.acknowledge_time, times.real(alert.acknowledge_time), Kind.ACKNOWLEDGED, alert.acknowledged_by,
                where, f"{rule}{note}", reaction=after,
            )
        )  # fmt: skip
    if alert.resolve_time is not None and alert.resolved_by:
        note = f": {alert.resolve_note}" if alert.resolve_note else ""
        lines.append(
            Line(
                alert.resolve_time, times.real(alert.resolve_time), Kind.RESOLVED, alert.resolved_by, where,
                f"{rule}{note}",
            )
        )  # fmt: skip
    return lines
