"""From what is found of the lives of a site, and the alerts that stand there, to the alerts that should stand."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.alerts import AlertChange, AlertRule, AlertTransition, Severity
from batterytwin.telemetry import Rows
from ml.replacement_advice import SHORT_LIFE_DAYS
from storage.alert_records import AlertRecord
from twin_server.life_alert_rules import LifeFindings, Truths
from twin_server.life_alert_words import fell_words, short_words, site_words

MOST_SINGLE: Final = 10
"""More batteries of a site than this are one alert of the site: as many alerts as a person can take in at once."""

_FEW: Final = MOST_SINGLE // 2
"""An alert of a site falls apart into those of its batteries where no more than this are left."""


@dataclass(frozen=True, slots=True)
class SiteLives:
    """Lives of one site; arrays of its batteries in fleet order, `(n,)`.

    Attributes:
        location_id: the site.
        now_us: present time there, us since 1970 UTC.
        battery_ids: slots.
        battery_keys: their database keys.
        since_us: when the blocks in them came into service, us since 1970 UTC.
        rows: what is told of these blocks; `as_of` 0 = nothing yet.
        findings: what was found of them.
        is_near: their replacement is due within two quarters.
        alerts: what stands at the site of the rules of lives and of SOH_LOW.
    """

    location_id: str
    now_us: int
    battery_ids: Sequence[str]
    battery_keys: NDArray[np.int32]
    since_us: NDArray[np.int64]
    rows: Rows
    findings: LifeFindings
    is_near: Truths
    alerts: Sequence[AlertRecord]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What should stand of one rule.

    Attributes:
        now: batteries of which the condition is true.
        may: those of which it may be: nothing is known, or it is not over yet.
        severity: rank of each.
        order: places, those first that press most.
        tell: value, limit, unit and message of the alert of one battery; None = only sites have alerts.
    """

    rule: AlertRule
    now: Truths
    may: Truths
    severity: NDArray[np.int64]
    order: NDArray[np.int64]
    tell: Callable[[int], tuple[float, float, str, str]] | None


def changes_of(site: SiteLives) -> list[AlertTransition]:
    """Changes of alerts of a site, in order."""
    found, nobody = site.findings, np.zeros(len(site.rows), np.bool_)
    health = nobody.copy()
    places = _places(site, AlertRule.SOH_LOW)
    health[[place for place, alert in places.items() if alert.severity == Severity.CRITICAL]] = True
    standing = {rule: nobody.copy() for rule in (AlertRule.LIFE_SHORT, AlertRule.LIFE_FELL)}
    for rule, truths in standing.items():
        truths[[place for place, one in _places(site, rule).items() if one.raise_time_us >= site.since_us[place]]] = (
            True
        )
    short = found.short.at(standing[AlertRule.LIFE_SHORT]) & ~health
    fell = found.fell.at(standing[AlertRule.LIFE_FELL]) & ~health & ~short
    falls = np.nan_to_num(found.fall_days, nan=-np.inf)
    warning = np.full(len(site.rows), int(Severity.WARNING))
    wanted = (
        _Wanted(
            rule=AlertRule.LIFE_SHORT,
            now=short,
            may=~found.short.is_over & ~health,
            severity=np.where(found.critical, int(Severity.CRITICAL), warning),
            order=np.argsort(found.left_days, kind="stable"),
            tell=lambda place: (
                float(found.left_days[place]),
                SHORT_LIFE_DAYS,
                "d",
                short_words(site.rows[place], found, place),
            ),
        ),
        _Wanted(
            rule=AlertRule.LIFE_FELL,
            now=fell,
            may=~found.fell.is_over & ~health & ~short,
            severity=warning,
            order=np.argsort(-falls, kind="stable"),
            tell=lambda place: (
                float(found.fall_days[place]),
                float(found.fall_limit_days[place]),
                "d",
                fell_words(found, place),
            ),
        ),
        _Wanted(
            rule=AlertRule.LIFE_REVIEW,
            now=found.unsure.holds & site.is_near,
            may=~found.unsure.is_over & site.is_near,
            severity=warning,
            order=np.argsort(found.left_days, kind="stable"),
            tell=None,
        ),
    )
    return [change for one in wanted for change in _changes(site, one)]


def _changes(site: SiteLives, wanted: _Wanted) -> Iterator[AlertTransition]:
    standing = _places(site, wanted.rule)
    of_site = next((alert for alert in site.alerts if alert.rule == wanted.rule and not alert.battery_id), None)
    most, few = (0, 0) if wanted.tell is None else (MOST_SINGLE, _FEW)
    count = int(np.count_nonzero(wanted.now))
    as_one = count > most if of_site is None else int(np.count_nonzero(wanted.may)) > few
    if as_one:
        yield from _of_site(site, wanted, of_site, count, most)
    elif of_site is not None:
        yield _cleared(site, of_site, None)
    for place, alert in standing.items():
        if as_one or not wanted.now[place] or not _is_present(site, place, alert):
            yield _cleared(site, alert, int(site.battery_keys[place]))
    if wanted.tell is None or as_one:
        return
    for place in wanted.order[wanted.now[wanted.order]].tolist():
        before, severity = standing.get(place), Severity(int(wanted.severity[place]))
        if before is not None and _is_present(site, place, before):
            if severity <= before.severity:
                continue
            change, alert_id = AlertChange.ESCALATED, before.alert_id
        else:
            change, alert_id = AlertChange.RAISED, f"{site.battery_ids[place]}/{wanted.rule.name}/{site.now_us}"
        value, threshold, unit, message = wanted.tell(place)
        yield AlertTransition(
            alert_id=alert_id,
            battery_key=int(site.battery_keys[place]),
            string_id="",
            location_id="",
            rule=wanted.rule,
            severity=severity,
            change=change,
            sample_time_us=site.now_us,
            value=value,
            threshold=threshold,
            unit=unit,
            message=message,
        )


def _of_site(
    site: SiteLives, wanted: _Wanted, before: AlertRecord | None, count: int, most: int
) -> Iterator[AlertTransition]:
    """One alert for many batteries; told anew where they have become twice as many."""
    if not count:
        return
    severity = Severity(int(wanted.severity[wanted.now].max()))
    change, alert_id = AlertChange.RAISED, f"{site.location_id}/{wanted.rule.name}/{site.now_us}"
    if before is not None:
        if count >= 2.0 * before.value:
            yield _cleared(site, before, None)
        elif severity > before.severity:
            change, alert_id = AlertChange.ESCALATED, before.alert_id
        else:
            return
    names = [site.battery_ids[place] for place in wanted.order[wanted.now[wanted.order]].tolist()]
    yield AlertTransition(
        alert_id=alert_id,
        battery_key=None,
        string_id="",
        location_id=site.location_id,
        rule=wanted.rule,
        severity=severity,
        change=change,
        sample_time_us=site.now_us,
        value=float(count),
        threshold=float(most),
        unit="batteries",
        message=site_words(wanted.rule, names, len(site.rows)),
    )


def _places(site: SiteLives, rule: AlertRule) -> dict[int, AlertRecord]:
    """Alerts of batteries that stand, by the places of these."""
    place_of = {battery_id: place for place, battery_id in enumerate(site.battery_ids)}
    return {
        place_of[alert.battery_id]: alert
        for alert in site.alerts
        if alert.rule == rule and alert.battery_id in place_of
    }


def _is_present(site: SiteLives, place: int, alert: AlertRecord) -> bool:
    """Whether an alert is about the block that stands there now."""
    return alert.raise_time_us >= int(site.since_us[place])


def _cleared(site: SiteLives, alert: AlertRecord, battery_key: int | None) -> AlertTransition:
    return AlertTransition(
        alert_id=alert.alert_id,
        battery_key=battery_key,
        string_id=alert.string_id,
        location_id=alert.location_id,
        rule=alert.rule,
        severity=alert.severity,
        change=AlertChange.CLEARED,
        sample_time_us=site.now_us,
        value=alert.value,
        threshold=alert.threshold,
        unit=alert.unit,
        message=alert.message,
    )
