"""The plan of the coming quarters: visits by site, strings in them, what they cost and why."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Final

from batterytwin.life_plan import (
    MaintenancePlan,
    PlannedString,
    PlannedVisit,
    ReplacementPrices,
    ReplacementUrgency,
)
from batterytwin.quarters import FIRST_HOUR, LAST_HOUR, Quarter, site_day
from ml.string_choice import PlanBattery, StringChoice, choose, due_by_quarter
from ml.work_window import window_notes, work_window

_CREW: Final = 2
_HOURS_A_DAY: Final = LAST_HOUR - FIRST_HOUR - 1  # an hour's break


def make_plan(  # what a plan is made from
    batteries: Sequence[PlanBattery],
    *,
    now_us: int,
    quarter_count: int,
    risk: float,
    prices: ReplacementPrices,
    new_life_days: float,
) -> MaintenancePlan:
    """Groups what is due by quarter, site and string.

    Every battery whose advice lies within the quarters is exchanged once, never after its own quarter; with its whole
    string where that costs less.

    Args:
        batteries: in fleet order; the blocks of a string stand together, all of them.
        now_us: present time, microseconds since 1970 UTC.
        quarter_count: quarters, the present one included.
        risk: what the advice was made with.
        prices: prices.
        new_life_days: life of a new block at the sites, days.
    """
    today = site_day(now_us)
    last = Quarter.of(today).plus(quarter_count - 1)
    by_visit: dict[tuple[Quarter, int], list[PlannedString]] = {}
    sites: list[str] = []
    for number, (location_id, of_site) in enumerate(groupby(batteries, key=lambda battery: battery.location_id)):
        sites.append(location_id)
        strings = [list(blocks) for _, blocks in groupby(of_site, key=lambda battery: battery.string_id)]
        dues = [due_by_quarter(blocks, today, quarter_count) for blocks in strings]
        strings_due = {quarter: sum(quarter in due for due in dues) for due in dues for quarter in due}
        for blocks, due in zip(strings, dues, strict=True):
            choice = choose(blocks, due, today, strings_due, prices=prices, new_life_days=new_life_days)
            if choice is None:
                continue
            parts = {choice.first: blocks} if choice.whole else due
            for quarter, exchanged in parts.items():
                if quarter <= last:
                    planned = _string(blocks, exchanged, choice, prices)
                    by_visit.setdefault((quarter, number), []).append(planned)
    visits = tuple(
        _visit(sites[number], quarter, today, strings, prices)
        for (quarter, number), strings in sorted(by_visit.items())
    )
    planned_ids = {battery_id for visit in visits for string in visit.strings for battery_id in string.battery_ids}
    return MaintenancePlan(
        plan_time=datetime.fromtimestamp(now_us / 1e6, UTC),
        quarter_count=quarter_count,
        risk=risk,
        prices=prices,
        visits=visits,
        block_count=sum(visit.block_count for visit in visits),
        cost=sum(visit.cost for visit in visits),
        unknown_battery_ids=tuple(
            b.battery_id for b in batteries if b.advice is None and b.battery_id not in planned_ids
        ),
        review_battery_ids=tuple(b.battery_id for b in batteries if b.review and b.battery_id in planned_ids),
    )


def _string(
    blocks: Sequence[PlanBattery], exchanged: Sequence[PlanBattery], choice: StringChoice, prices: ReplacementPrices
) -> PlannedString:
    hours = len(exchanged) * (prices.string_block_hours if choice.whole else prices.single_block_hours)
    urgencies = [ReplacementUrgency(b.advice.urgency) for b in exchanged if b.advice is not None]
    urgent = [b.battery_id for b in exchanged if b.advice and b.advice.urgency == ReplacementUrgency.NOW]
    compared = f"{choice.whole_cost:,.0f} at once against {choice.single_cost:,.0f} {prices.currency} one by one"
    if choice.whole:
        reason = f"The whole string: {compared}, unused life and {choice.visits_saved} saved visits included."
    elif len(exchanged) == len(blocks):
        reason = "All of its blocks are due."
    else:
        reason = f"{len(exchanged)} of {len(blocks)} blocks are due; {compared}, unused life included."
    return PlannedString(
        string_id=blocks[0].string_id,
        whole_string=choice.whole,
        battery_ids=tuple(block.battery_id for block in exchanged),
        urgent_battery_ids=tuple(urgent),
        urgency=max(urgencies),
        labour_hours=hours,
        cost=len(exchanged) * prices.block + hours * prices.labour_hour,
        reason=reason,
    )


def _visit(
    location_id: str, quarter: Quarter, today: date, strings: Sequence[PlannedString], prices: ReplacementPrices
) -> PlannedVisit:
    presses = any(string.urgency == ReplacementUrgency.NOW for string in strings)
    begin, end = work_window(quarter, today, presses=presses)
    notes = window_notes(begin, end)
    if presses:
        urgent = sum(len(string.urgent_battery_ids) for string in strings)
        notes.insert(0, f"{urgent} blocks must not wait: come as early in the window as can be.")
    hours = sum(string.labour_hours for string in strings)
    return PlannedVisit(
        location_id=location_id,
        quarter=quarter,
        window_start=begin,
        window_end=end,
        strings=tuple(strings),
        block_count=sum(len(string.battery_ids) for string in strings),
        labour_hours=hours,
        working_days=max(math.ceil(hours / (_CREW * _HOURS_A_DAY)), 1),
        cost=prices.visit + sum(string.cost for string in strings),
        notes=tuple(notes),
    )
