"""On-delay, off-delay and escalation of one rule of one twin, in sample time."""

# ruff: noqa: PLR0917 -- kernels take no keywords

from typing import Any, Final

import numba
import numpy as np

from actors.compiled import compiled
from actors.twin_record import RULE_COUNT
from batterytwin.alerts import AlertChange

HOLD: Final = -1
"""A finding's level where the row says nothing about the rule."""
SUPPRESSED: Final = -2
"""A finding's level while the rule does not apply: nothing starts, and what stands stays."""

EVENT_DTYPE: Final = np.dtype(
    [
        ("raised_us", "<i8"),
        ("value", "<f8"),
        ("threshold", "<f8"),
        ("row", "<i4"),
        ("rule", "i1"),
        ("change", "i1"),
        ("level", "i1"),
        ("quantity", "i1"),
    ]
)
"""A change of an alert: `row` that completed it, `rule` counted from 0, `level` 1 or 2, `quantity` as measured."""

EVENTS = numba.from_dtype(EVENT_DTYPE)[::1]

_RAISED: Final = int(AlertChange.RAISED)
_ESCALATED: Final = int(AlertChange.ESCALATED)
_CLEARED: Final = int(AlertChange.CLEARED)
_MOST_ROWS: Final = 100


@compiled
def forget_pending(record: Any, rule: int) -> None:
    """Stops the delays of a rule; an alert that stands stays."""
    record.warning_since_us[rule] = np.nan
    record.critical_since_us[rule] = np.nan
    record.clear_since_us[rule] = np.nan
    record.warning_rows[rule] = 0
    record.critical_rows[rule] = 0


@compiled
def forget_all_pending(record: Any) -> None:
    """Stops the delays of all rules, after a gap in which nobody knows what was."""
    for rule in range(RULE_COUNT):
        forget_pending(record, rule)


@compiled
def _run(since_us: Any, rows: Any, rule: int, now_us: float, holds: bool) -> None:
    if not holds:
        since_us[rule] = np.nan
        rows[rule] = 0
        return
    if np.isnan(since_us[rule]):
        since_us[rule] = now_us
    rows[rule] = min(rows[rule] + 1, _MOST_ROWS)


@compiled
def _reached(record: Any, timing: Any, rule: int, now_us: float) -> int:
    if (
        now_us - record.critical_since_us[rule] >= timing.critical_on_delay_us
        and record.critical_rows[rule] >= timing.rows
    ):
        return 2
    if now_us - record.warning_since_us[rule] >= timing.on_delay_us and record.warning_rows[rule] >= timing.rows:
        return 1
    return 0


@compiled
def _clears(record: Any, timing: Any, rule: int, now_us: float, gone: bool) -> bool:
    if not gone:
        record.clear_since_us[rule] = np.nan
        return False
    if np.isnan(record.clear_since_us[rule]):
        record.clear_since_us[rule] = now_us
    if now_us - record.clear_since_us[rule] < timing.off_delay_us:
        return False
    record.level[rule] = 0
    record.clear_since_us[rule] = np.nan
    return True


@compiled
def advance(record: Any, timing: Any, rule: int, now_us: float, level: int, gone: bool) -> int:
    """Moves one rule of one twin by one row.

    Args:
        record: record of the twin; changed.
        timing: delays of the rule, `TIMING_DTYPE`.
        rule: rule, counted from 0.
        now_us: sample time of the row.
        level: condition met by the row: 0 none, 1 warning, 2 critical; or `HOLD`, `SUPPRESSED`.
        gone: the value is back beyond the dead band.

    Returns:
        `AlertChange`, or 0.
    """
    if level == HOLD:
        return 0
    if level == SUPPRESSED:
        forget_pending(record, rule)
        return 0
    _run(record.warning_since_us, record.warning_rows, rule, now_us, level >= 1)
    _run(record.critical_since_us, record.critical_rows, rule, now_us, level == 2)
    active = record.level[rule]
    reached = _reached(record, timing, rule, now_us)
    if reached > active:
        record.level[rule] = reached
        record.clear_since_us[rule] = np.nan
        if active > 0:
            return _ESCALATED
        record.raised_us[rule] = now_us
        return _RAISED
    return _CLEARED if _clears(record, timing, rule, now_us, active > 0 and gone) else 0


@compiled
def report(record: Any, timings: Any, rule: int, row: int, now_us: float, finding: Any, events: Any, count: int) -> int:
    """Moves a rule by its finding on one row and writes down what changed.

    Args:
        record: record of the twin; changed.
        timings: delays of all rules.
        rule: rule, counted from 0.
        row: position of the row.
        now_us: its sample time.
        finding: `(level, gone, quantity, value, warning limit, critical limit)`.
        events: `EVENT_DTYPE`, shape `(>= count + 1,)`; the next one is filled.
        count: events so far.

    Returns:
        Events so far.
    """
    level, gone, quantity, value, warning_limit, critical_limit = finding
    before = record.level[rule]
    change = advance(record, timings[rule], rule, now_us, level, gone)
    if change == 0:
        return count
    event = events[count]
    event.row = row
    event.rule = rule
    event.change = change
    event.level = max(before, record.level[rule])
    event.quantity = quantity
    event.raised_us = np.int64(record.raised_us[rule])
    event.value = value
    event.threshold = critical_limit if event.level == 2 and change != _CLEARED else warning_limit
    return count + 1
