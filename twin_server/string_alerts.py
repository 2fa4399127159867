"""Faults of strings as alerts: raised and cleared once each, one for every place and rule."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import structlog

from actors.alert_words import beyond
from actors.string_limits import LIMITS
from actors.string_state import STRING_VOLTAGE_CRITICAL, STRING_VOLTAGE_WARNING
from batterytwin.alerts import AlertChange, AlertRule, AlertTransition, Severity
from batterytwin.diagnosis import RULE_OF, Diagnosis, DiagnosisEvidence, FaultClass, measurable
from batterytwin.errors import StoreUnavailableError
from twin_server.alert_hub import AlertHub
from twin_server.routing import FleetMap
from twin_server.swept_alerts import TransitionStore

_CRITICAL: Final = frozenset(
    {
        AlertRule.SHORTED_CELL,
        AlertRule.OPEN_CELL,
        AlertRule.REVERSAL,
        AlertRule.LOOSE_CONNECTION,
        AlertRule.THERMAL_RUNAWAY,
    }
)
_STRING_RULES: Final = sorted({*RULE_OF.values(), AlertRule.STRING_VOLTAGE})

_log = structlog.get_logger(__name__)


class StringConditions(Protocol):
    """What is remembered of strings; see `StringWatch`."""

    def condition(self, number: int, condition: int) -> bool:
        """Whether a condition of the whole string stands."""

    def value(self, number: int, name: str) -> float:
        """A remembered value of the whole string."""

    def voltage_off(self, number: int) -> float:
        """Voltage over the string against its compensated set point in its newest frame, fraction."""


@dataclass(frozen=True, slots=True)
class _Alarm:
    """An alert that should stand."""

    rule: AlertRule
    battery_key: int | None
    string_id: str
    location_id: str
    severity: Severity
    value: float
    threshold: float
    unit: str
    message: str


@dataclass(frozen=True, slots=True)
class _Raised:
    """An alert that stands."""

    alert_id: str
    severity: Severity
    raised_us: int


class StringAlerts:
    """Compares the faults that stand with the alerts that stand, and stores the difference.

    A fault of a block is an alert of that battery, one of the string an alert of the string, and a warm room one alert
    of the location, however many strings feel it.

    Attributes:
        is_behind: the last changes could not be stored; following the same strings again makes up for it.
    """

    def __init__(self, store: TransitionStore, hub: AlertHub, fleet_map: FleetMap) -> None:
        self._store = store
        self._hub = hub
        self._map = fleet_map
        self.is_behind = False
        self._raised: dict[str, dict[AlertRule, _Raised]] = {}  # by what the alert is about

    async def load(self) -> None:
        """Takes over the alerts of these rules that stand, those too that a person has closed.

        Raises:
            StoreUnavailableError: the database is away.
        """
        for alert in await self._store.uncleared_alerts(_STRING_RULES):
            source = alert.battery_id or alert.string_id or alert.location_id
            self._raised.setdefault(source, {})[alert.rule] = _Raised(
                alert.alert_id, alert.severity, alert.raise_time_us
            )

    async def follow(self, diagnoses: Mapping[int, tuple[Diagnosis, ...]], conditions: StringConditions) -> list[int]:
        """Raises and clears alerts of strings that have just been analysed.

        Args:
            diagnoses: faults that stand on each of these strings.
            conditions: what else is remembered of them.

        Returns:
            Strings of which something has changed.
        """
        changes: dict[tuple[str, AlertRule], AlertTransition] = {}
        touched = []
        for number, found in diagnoses.items():
            own = self._changes(number, found, conditions)
            if own:
                touched.append(number)
            for change in own:  # several strings may say the same of their location at once: the first one speaks
                changes.setdefault(_place(change), change)
        transitions = list(changes.values())
        self.is_behind = False
        if not transitions:
            return []
        try:
            await self._store.apply_transitions(transitions)
        except StoreUnavailableError as error:
            _log.warning("alerts of strings cannot be stored, trying again", reason=error.message)
            self.is_behind = True
            return []
        for transition in transitions:
            source, rule = _place(transition)
            of_source = self._raised.setdefault(source, {})
            before = of_source.pop(rule, None)
            if transition.change != AlertChange.CLEARED:
                raised_us = transition.sample_time_us if before is None else before.raised_us
                of_source[rule] = _Raised(transition.alert_id, transition.severity, raised_us)
        self._hub.poke()
        return touched

    def _changes(
        self, number: int, found: tuple[Diagnosis, ...], conditions: StringConditions
    ) -> list[AlertTransition]:
        now_us = round(conditions.value(number, "last_us"))
        wanted = self._wanted(number, found, conditions)
        changes = []
        for (source, rule), alarm in wanted.items():
            raised = self._raised.get(source, {}).get(rule)
            if raised is None:
                alert_id = f"{source}/{rule.name}/{now_us}"
                changes.append(_transition(alarm, alert_id, AlertChange.RAISED, now_us))
            elif alarm.severity > raised.severity:
                changes.append(_transition(alarm, raised.alert_id, AlertChange.ESCALATED, now_us))
        learned = conditions.value(number, "learned_s") >= LIMITS.learn_s
        for source, battery_key, since_us in self._sources(number):
            for rule, raised in self._raised.get(source, {}).items():
                # without baselines nothing can be said to be over but what went with its block
                over = (learned or raised.raised_us < since_us) and (source, rule) not in wanted
                if over and not self._elsewhere(number, rule, conditions):
                    alarm = self._over(number, source, rule, battery_key, raised.severity)
                    changes.append(_transition(alarm, raised.alert_id, AlertChange.CLEARED, now_us))
        return changes

    def _wanted(
        self, number: int, found: tuple[Diagnosis, ...], conditions: StringConditions
    ) -> dict[tuple[str, AlertRule], _Alarm]:
        string_id, ordinals = self._map.strings[number]
        location_id = self._location(number)
        wanted: dict[tuple[str, AlertRule], _Alarm] = {}
        for diagnosis in found:
            rule = RULE_OF[diagnosis.fault]
            evidence = diagnosis.evidence[0] if diagnosis.evidence else None
            value, expected, unit = (evidence.value, evidence.expected, evidence.unit) if evidence else (0.0, 0.0, "")
            severity = Severity.CRITICAL if rule in _CRITICAL else Severity.WARNING
            identity = self._map.identities[ordinals.start + diagnosis.positions[0]] if diagnosis.positions else None
            source = identity.battery.battery_id if identity else string_id
            if diagnosis.fault == FaultClass.ROOM_COOLING:
                source = location_id
            wanted.setdefault(
                (source, rule),
                _Alarm(
                    rule=rule,
                    battery_key=identity.battery_key if identity else None,
                    string_id="" if identity or source == location_id else string_id,
                    location_id="" if identity else location_id,
                    severity=severity,
                    value=value,
                    threshold=expected,
                    unit=unit,
                    message=_message(diagnosis, source),
                ),
            )
        voltage = self._string_voltage(number, conditions)
        if voltage is not None:
            wanted[string_id, AlertRule.STRING_VOLTAGE] = voltage
        return wanted

    def _string_voltage(self, number: int, conditions: StringConditions) -> _Alarm | None:
        if not conditions.condition(number, STRING_VOLTAGE_WARNING):
            return None
        critical = conditions.condition(number, STRING_VOLTAGE_CRITICAL)
        string_id, _ = self._map.strings[number]
        off_percent = 100.0 * conditions.voltage_off(number)
        limit = 100.0 * (LIMITS.string_critical if critical else LIMITS.string_warning)
        side = "above" if off_percent > 0.0 else "below"
        return _Alarm(
            rule=AlertRule.STRING_VOLTAGE,
            battery_key=None,
            string_id=string_id,
            location_id=self._location(number),
            severity=Severity.CRITICAL if critical else Severity.WARNING,
            value=off_percent,
            threshold=limit if off_percent > 0.0 else -limit,
            unit="%",
            message=(
                f"String voltage is {beyond(abs(off_percent), limit, 1)} % {side} the temperature-compensated "
                f"set point (limit {limit:.0f} %) for 10 min"
            ),
        )

    def _sources(self, number: int) -> list[tuple[str, int | None, int]]:
        """What alerts of a string may be about: name, key of a battery, and since when its block is there, us."""
        string_id, ordinals = self._map.strings[number]
        keys, since_us = self._map.battery_keys[ordinals].tolist(), self._map.unit_since_us[ordinals].tolist()
        blocks = zip(self._map.battery_ids[ordinals], keys, since_us, strict=True)
        return [*blocks, (string_id, None, 0), (self._location(number), None, 0)]

    def _elsewhere(self, number: int, rule: AlertRule, conditions: StringConditions) -> bool:
        """Whether another string of the location still feels what is the location's fault."""
        if rule != AlertRule.ROOM_COOLING:
            return False
        of = self._map.string_location
        others = np.flatnonzero(of == of[number]).tolist()
        return any(conditions.condition(other, FaultClass.ROOM_COOLING) for other in others if other != number)

    def _over(  # what an alarm is of
        self, number: int, source: str, rule: AlertRule, battery_key: int | None, severity: Severity
    ) -> _Alarm:
        string_id, location_id = self._map.strings[number][0], self._location(number)
        return _Alarm(
            rule=rule,
            battery_key=battery_key,
            string_id=string_id if source == string_id else "",
            location_id="" if battery_key is not None else location_id,
            severity=severity,
            value=0.0,
            threshold=0.0,
            unit="",
            message="The measurements of the string show this fault no longer.",
        )

    def _location(self, number: int) -> str:
        return self._map.locations[int(self._map.string_location[number])][0].location_id


_WORDS: Final = {
    FaultClass.SHORTED_CELL: "Shorted cell",
    FaultClass.OPEN_CELL: "Open cell or strap",
    FaultClass.REVERSAL: "Cell reversed under load",
    FaultClass.LOOSE_CONNECTION: "Loose connection",
    FaultClass.DRY_OUT: "Dry-out",
    FaultClass.THERMAL_RUNAWAY: "Onset of thermal runaway",
    FaultClass.IMBALANCE: "Imbalance",
    FaultClass.WEAK_BLOCK: "Weak block",
    FaultClass.VOLTAGE_SENSOR: "Voltage sensor is off",
    FaultClass.TEMPERATURE_SENSOR: "Temperature sensor is off",
    FaultClass.CURRENT_SIGN: "Current comes with the wrong sign",
    FaultClass.CURRENT_OFFSET: "Current sensor has an offset",
    FaultClass.STUCK_SENSOR: "Sensor repeats one value",
    FaultClass.NOISY_SENSOR: "Sensor jumps",
    FaultClass.CHARGER_VOLTAGE: "Charger is off its compensated set point",
    FaultClass.ROOM_COOLING: "Room is warming: cooling",
}


def _place(transition: AlertTransition) -> tuple[str, AlertRule]:
    """What an alert is about, and its rule."""
    return transition.alert_id.split("/", 1)[0], AlertRule(transition.rule)


def _message(diagnosis: Diagnosis, source: str) -> str:
    evidence = "; ".join(map(_told, diagnosis.evidence[:3]))
    return f"{_WORDS[diagnosis.fault]} ({diagnosis.source.name.lower()}) at {source}. {evidence}"


def _told(item: DiagnosisEvidence) -> str:
    seen = f"{item.observation}: {measurable(item.value, item.unit):.4g} {item.unit}".rstrip()
    expected = measurable(item.expected, item.unit)
    return seen if math.isnan(expected) else f"{seen} (expected {expected:.4g})"


def _transition(alarm: _Alarm, alert_id: str, change: AlertChange, sample_time_us: int) -> AlertTransition:
    return AlertTransition(
        alert_id=alert_id,
        battery_key=alarm.battery_key,
        string_id=alarm.string_id,
        location_id=alarm.location_id,
        rule=alarm.rule,
        severity=alarm.severity,
        change=change,
        sample_time_us=sample_time_us,
        value=alarm.value,
        threshold=alarm.threshold,
        unit=alarm.unit,
        message=alarm.message,
    )
