"""Makes the alerts of twins agree with a past that was computed anew.

The rules say nothing while they go through the past once more. Afterwards an alert may stand that did not, or not stand
that did: these changes alone are told, with the names and times that they have in the new past.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.alert_messages import SEVERITIES, alert_name, to_transitions
from actors.fleet import TwinSpec
from actors.limits import AlertLimits
from actors.twin_step import Step
from batterytwin.alerts import AlertChange, AlertRule, AlertTransition, Severity
from batterytwin.telemetry import Rows

_WITHDRAWN: Final = "Readings that came late show that it did not hold"
_REPLACED: Final = "The block that it was about has been replaced"


@dataclass(frozen=True, slots=True)
class StandingAlert:
    """An alert that stands in the record of a twin.

    Attributes:
        spec: its battery.
        rule: its rule.
        level: 1 or 2.
        raised_us: sample time that raised it, us.
        watermark_us: newest row of the twin, us.
    """

    spec: TwinSpec
    rule: AlertRule
    level: int
    raised_us: int
    watermark_us: int


class Standing:
    """Reads the alerts of one shard's twins.

    Args:
        specs: twins, in the order of their positions.
        limits: limits of the alert rules.
    """

    def __init__(self, specs: Sequence[TwinSpec], limits: AlertLimits) -> None:
        self._specs = specs
        self._limits = limits

    def of(self, records: Rows, twins: NDArray[np.int32]) -> dict[str, StandingAlert]:
        """Alerts that stand, by name.

        Args:
            records: `RECORD_DTYPE`, shape `(n_twins,)`.
            twins: positions of these twins in the shard, shape `(n_twins,)`.
        """
        found = {}
        for slot, rule in np.argwhere(records["level"] > 0).tolist():
            spec, record = self._specs[twins[slot]], records[slot]
            raised_us = int(record["raised_us"][rule])
            name = alert_name(spec, AlertRule(rule + 1), raised_us)
            found[name] = StandingAlert(
                spec, AlertRule(rule + 1), int(record["level"][rule]), raised_us, int(record["watermark_us"])
            )
        return found

    def transitions(self, step: Step) -> tuple[AlertTransition, ...]:
        """Changes of alerts that a step made."""
        return to_transitions(step.events, step.stored, step.twins, self._specs, self._limits)


def reconcile(
    before: Mapping[str, StandingAlert],
    after: Mapping[str, StandingAlert],
    changes: Sequence[AlertTransition],
    replaced_us: Mapping[int, int],
) -> list[AlertTransition]:
    """Changes that lead from the alerts that stood to those that stand, oldest first.

    Args:
        before: alerts that have been told.
        after: alerts that stand in the new past.
        changes: everything the rules said in the new past.
        replaced_us: when blocks were replaced last, by battery key.
    """
    told = []
    for change in changes:
        was, is_now = before.get(change.alert_id), after.get(change.alert_id)
        if change.change == AlertChange.CLEARED:
            wanted = was is not None and is_now is None
        else:
            wanted = is_now is not None and (was is None or _severity(was) < change.severity)
        if not wanted:
            continue
        if was is not None and change.change == AlertChange.RAISED:
            told.append(replace(change, change=AlertChange.ESCALATED))  # it stands, by a lower rank
            continue
        told.append(change)
        if change.change == AlertChange.RAISED:
            # an earlier revision may have withdrawn it; where none has, this changes nothing
            told.append(replace(change, change=AlertChange.REOPENED))
    cleared = {change.alert_id for change in told if change.change == AlertChange.CLEARED}
    told += [
        _over(name, alert, replaced_us.get(alert.spec.battery_key, 0))
        for name, alert in before.items()
        if name not in after and name not in cleared
    ]
    return sorted(told, key=lambda change: change.sample_time_us)


def _severity(alert: StandingAlert) -> Severity:
    return SEVERITIES[alert.rule][alert.level - 1]


def _over(name: str, alert: StandingAlert, replaced_us: int) -> AlertTransition:
    replaced = alert.raised_us <= replaced_us
    return AlertTransition(
        alert_id=name,
        battery_key=alert.spec.battery_key,
        string_id=alert.spec.string_id,
        location_id="",
        rule=alert.rule,
        severity=_severity(alert),
        change=AlertChange.CLEARED,
        sample_time_us=replaced_us if replaced else alert.watermark_us,
        value=0.0,
        threshold=0.0,
        unit="",
        message=_REPLACED if replaced else _WITHDRAWN,
    )
