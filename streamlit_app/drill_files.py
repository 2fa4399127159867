"""The report of a drill as files to take away: a page to print, and a table."""

import html
from collections.abc import Mapping
from datetime import UTC, datetime
from string import Template
from typing import Final

import pandas as pd

from clients.types import DrillReport, ScenarioLibrary
from streamlit_app.drill_story import kind_text, median_reaction, reaction_text, reactions, story
from streamlit_app.drill_words import STATE_TEXT, figure, part_text, passed_text, places_text, speed_text, told_text
from streamlit_app.wording import local_time, word

_PAGE: Final = Template("""\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>$title</title><style>
body { font: 15px/1.5 "Source Sans", system-ui, sans-serif; color: #17202e; max-width: 1000px; margin: 32px auto;
  padding: 0 20px; }
.sim { background: #f2a900; color: #2b1d00; font-weight: 700; padding: 8px 14px; border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; margin: 8px 0 24px; }
th, td { text-align: left; vertical-align: top; padding: 5px 10px 5px 0; border-bottom: 1px solid #d8dee7; }
th { color: #5b6678; font-weight: 600; } h1 { font-size: 25px; margin: 18px 0 4px; } h2 { font-size: 18px; }
td:first-child { white-space: nowrap; } tr { break-inside: avoid; }
</style></head><body>
<p class="sim">SIMULATION: nothing of this happened in the live fleet</p>
<h1>$title</h1>
<table>$facts</table>
<h2>What was played</h2><ul>$parts</ul>
<h2>Extremes</h2><ul>$extremes</ul>
<h2>What happened</h2>
<table><tr><th>In the drill</th><th>By the clock</th><th>What</th><th>Where</th><th>Who</th><th></th><th>After</th></tr>
$story</table>
<p>$left_out Times are Bangkok's. “After” is the time from the alert to the person, by the clock of the people.</p>
</body></html>
""")


def report_name(report: DrillReport, ending: str) -> str:
    """Name of a file: drill and day."""
    return f"drill_{report.drill.drill_id}_{report.drill.start_time:%Y%m%d}.{ending}"


def facts(report: DrillReport, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """What a drill was, in words and values."""
    drill = report.drill
    middle = median_reaction(report)
    stopped = local_time(drill.stop_time) + (f", by {drill.stopped_by}" if drill.stopped_by else "")
    return [
        ("State", word(STATE_TEXT, drill.state) + (f": {drill.reason}" if drill.reason else "")),
        ("Places", places_text(drill.location_ids, names)),
        ("Batteries", f"{drill.battery_count:,}"),
        ("Copied as of", local_time(drill.begin_time)),
        ("Played", f"{passed_text(drill)} of its time, speed {speed_text(drill.speed)}"),
        ("Started", f"{local_time(drill.start_time)}, by {drill.started_by}"),
        ("Stopped", stopped if drill.stop_time else "not yet"),
        ("Readings", f"{drill.reading_count:,}"),
        ("Alerts", f"{report.alert_count:,}"),
        ("Acknowledged", f"{len(reactions(report)):,}" + (f", median after {reaction_text(middle)}" if middle else "")),
        ("Seed", figure(float(drill.seed))),
    ]


def report_html(report: DrillReport, names: Mapping[str, str], library: ScenarioLibrary | None) -> bytes:
    """A page of its own, without anything from elsewhere."""
    left_out = report.alert_count - len(report.alerts)
    rows = (
        (
            local_time(line.branch_time), local_time(line.real_time), kind_text(line), line.where, line.who,
            told_text(line.words),
            reaction_text(line.reaction) if line.reaction is not None else "",
        )
        for line in story(report)
    )  # fmt: skip
    page = _PAGE.substitute(
        title=html.escape(report.drill.title),
        facts="".join(_row(fact) for fact in facts(report, names)),
        parts=_items([part_text(part, library, names) for part in report.drill.parts]),
        extremes=_items([told_text(line) for line in report.extremes]),
        story="\n".join(_row(row) for row in rows),
        left_out=f"{left_out:,} alerts are left out." if left_out > 0 else "",
    )
    return page.encode()


def report_csv(report: DrillReport) -> bytes:
    """A line for everything that happened, times in UTC."""
    rows = [
        {
            "drill_time_utc": _utc(line.branch_time),
            "real_time_utc": _utc(line.real_time),
            "kind": line.kind.name,
            "where": line.where,
            "who": line.who,
            "words": line.words,
            "severity": line.severity or "",
            "reaction_s": "" if line.reaction is None else round(line.reaction.total_seconds(), 1),
        }
        for line in story(report)
    ]
    columns = ["drill_time_utc", "real_time_utc", "kind", "where", "who", "words", "severity", "reaction_s"]
    return pd.DataFrame(rows, columns=columns).to_csv(index=False).encode()


def _row(values: tuple[str, ...]) -> str:
    return "<tr>" + "".join(f"<td>{html.escape(value)}</td>" for value in values) + "</tr>"


def _items(lines: "list[str] | tuple[str, ...]") -> str:
    return "".join(f"<li>{html.escape(line)}</li>" for line in lines) or "<li>none</li>"


def _utc(instant: datetime | None) -> str:
    return "" if instant is None else instant.astimezone(UTC).isoformat(timespec="seconds")
