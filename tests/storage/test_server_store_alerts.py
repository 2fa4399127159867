"""Laws of alerts: every change once, in order of commit, whatever is repeated and whoever writes at the same time."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batterytwin.alerts import AlertChange, AlertRule, AlertState, Severity
from batterytwin.errors import ConflictError, InvalidArgumentError, Reason, UnknownAlertError
from storage.access_records import AuditEntry
from storage.alert_query import AlertQuery
from storage.server_store import ServerStore
from tests.storage.server_stores import HOUR_US, MINUTE_US, NOW_US, small_inventory, transition

ALERT_ID = transition().alert_id
CLEARED = transition(alert_id=ALERT_ID, change=AlertChange.CLEARED, sample_time_us=NOW_US + MINUTE_US)
ESCALATED = transition(
    alert_id=ALERT_ID,
    change=AlertChange.ESCALATED,
    severity=Severity.CRITICAL,
    sample_time_us=NOW_US + 30_000_000,
    value=46.0,
    threshold=45.0,
)


async def _changes(store: ServerStore) -> Sequence[AlertChange]:
    return [change.change for change in await store.changes_since(0, 1_000)]


async def _raise(store: ServerStore) -> None:
    await store.register_inventory(small_inventory("BRK"))
    await store.apply_transitions([transition()])


async def test_a_rule_raises_escalates_and_clears_an_alert_once(server_store: ServerStore) -> None:
    await _raise(server_store)
    [alert] = await server_store.active_alerts()
    assert (alert.battery_id, alert.string_id, alert.location_id) == ("BRK-U1-S01-B01", "BRK-U1-S01", "BRK")
    assert (alert.state, alert.severity, alert.raise_time_us) == (AlertState.RAISED, Severity.WARNING, NOW_US)

    for _ in range(2):
        await server_store.apply_transitions([transition(), ESCALATED, CLEARED])
    alert = await server_store.get_alert(ALERT_ID)
    assert (alert.state, alert.severity, alert.value) == (AlertState.CLEARED, Severity.CRITICAL, 46.0)
    assert (alert.raise_time_us, alert.clear_time_us) == (NOW_US, CLEARED.sample_time_us)
    assert await _changes(server_store) == [AlertChange.RAISED, AlertChange.ESCALATED, AlertChange.CLEARED]
    assert await server_store.active_alerts() == []


async def test_what_stood_is_copied_with_the_rank_that_it_had_then(server_store: ServerStore) -> None:
    await _raise(server_store)
    await server_store.apply_transitions([ESCALATED])
    for at_us, done_by_us, severity in (
        (NOW_US, NOW_US, Severity.WARNING),
        (NOW_US, NOW_US + 29_999_999, Severity.WARNING),
        (ESCALATED.sample_time_us, ESCALATED.sample_time_us, Severity.CRITICAL),
        (NOW_US, None, Severity.CRITICAL),
    ):
        [copied] = await server_store.standing_alerts(["BRK"], ["BRK-U1-S01"], at_us, done_by_us)
        assert copied["severity"] == severity


async def test_an_alert_without_a_battery_keeps_the_names_it_came_with(server_store: ServerStore) -> None:
    silent = transition(None, location_id="BRK", string_id="", rule=AlertRule.NO_DATA, alert_id="BRK/NO_DATA/1")
    await server_store.apply_transitions([silent])
    alert = await server_store.get_alert("BRK/NO_DATA/1")
    assert (alert.battery_id, alert.string_id, alert.location_id) == ("", "", "BRK")


async def test_acknowledging_again_changes_nothing(server_store: ServerStore) -> None:
    await _raise(server_store)
    first = await server_store.acknowledge_alert(ALERT_ID, "nok", "fan ordered", NOW_US + 1)
    assert (first.state, first.acknowledged_by, first.acknowledge_note) == (
        AlertState.ACKNOWLEDGED,
        "nok",
        "fan ordered",
    )
    assert await server_store.acknowledge_alert(ALERT_ID, "lek", "me too", NOW_US + 2) == first
    assert await _changes(server_store) == [AlertChange.RAISED, AlertChange.ACKNOWLEDGED]


async def test_a_cleared_and_acknowledged_alert_is_resolved_in_either_order(server_store: ServerStore) -> None:
    await _raise(server_store)
    await server_store.apply_transitions([CLEARED])
    assert (await server_store.acknowledge_alert(ALERT_ID, "nok", "", NOW_US)).state is AlertState.RESOLVED
    again = transition(sample_time_us=NOW_US + HOUR_US)
    await server_store.apply_transitions([again])
    await server_store.acknowledge_alert(again.alert_id, "nok", "", NOW_US)
    await server_store.apply_transitions(
        [transition(alert_id=again.alert_id, change=AlertChange.CLEARED, sample_time_us=NOW_US + 2 * HOUR_US)]
    )
    assert (await server_store.get_alert(again.alert_id)).state is AlertState.RESOLVED


async def test_resolving_closes_once_and_leaves_nothing_to_acknowledge(server_store: ServerStore) -> None:
    await _raise(server_store)
    first = await server_store.resolve_alert(ALERT_ID, "nok", "replaced", NOW_US + 1)
    assert (first.state, first.resolved_by, first.resolve_note) == (AlertState.RESOLVED, "nok", "replaced")
    assert await server_store.resolve_alert(ALERT_ID, "lek", "", NOW_US + 2) == first
    with pytest.raises(ConflictError) as refused:
        await server_store.acknowledge_alert(ALERT_ID, "lek", "", NOW_US + 3)
    assert refused.value.reason is Reason.ALERT_STATE_FORBIDS
    assert await _changes(server_store) == [AlertChange.RAISED, AlertChange.RESOLVED]
    assert await server_store.active_alerts() == []


async def test_an_alert_closed_while_its_condition_lasts_stands_again(server_store: ServerStore) -> None:
    await _raise(server_store)
    await server_store.acknowledge_alert(ALERT_ID, "nok", "", NOW_US + 1)
    await server_store.resolve_alert(ALERT_ID, "nok", "", NOW_US + 2)
    assert await server_store.reopen_alerts(NOW_US, NOW_US + HOUR_US) == []
    assert await server_store.reopen_alerts(NOW_US + 3, NOW_US + HOUR_US) == [ALERT_ID]
    assert await server_store.reopen_alerts(NOW_US + 3, NOW_US + HOUR_US) == []
    [alert] = await server_store.active_alerts()
    assert (alert.state, alert.resolved_by, alert.acknowledged_by) == (AlertState.RAISED, "", "")
    assert (await _changes(server_store))[-1] is AlertChange.REOPENED

    await server_store.resolve_alert(ALERT_ID, "nok", "", NOW_US + 2 * HOUR_US)
    await server_store.apply_transitions([CLEARED])
    assert await server_store.reopen_alerts(NOW_US + 9 * HOUR_US, NOW_US + 9 * HOUR_US) == []


async def test_a_warning_that_was_closed_stands_again_at_once_when_it_becomes_critical(
    server_store: ServerStore,
) -> None:
    await _raise(server_store)
    await server_store.resolve_alert(ALERT_ID, "nok", "a warm afternoon", NOW_US + 1)
    for _ in range(2):
        await server_store.apply_transitions([ESCALATED])
    [alert] = await server_store.active_alerts()
    assert (alert.state, alert.severity, alert.resolved_by) == (AlertState.RAISED, Severity.CRITICAL, "")
    assert await _changes(server_store) == [AlertChange.RAISED, AlertChange.RESOLVED, AlertChange.ESCALATED]


async def test_unknown_alerts_are_told_apart(server_store: ServerStore) -> None:
    for attempt in (
        server_store.get_alert("nothing"),
        server_store.acknowledge_alert("nothing", "nok", "", NOW_US),
        server_store.resolve_alert("nothing", "nok", "", NOW_US),
    ):
        with pytest.raises(UnknownAlertError) as unknown:
            await attempt
        assert unknown.value.value == "nothing"


async def test_numbers_of_changes_rise_in_order_of_commit_under_concurrent_writers(server_store: ServerStore) -> None:
    transitions = [transition(key, sample_time_us=NOW_US + key) for key in range(1, 41)]
    seen: list[int] = []

    async def follow() -> None:
        while len(seen) < len(transitions):
            seen.extend(change.seq for change in await server_store.changes_since(seen[-1] if seen else 0, 7))
            await asyncio.sleep(0)

    async with asyncio.timeout(60):
        await asyncio.gather(follow(), *(server_store.apply_transitions([made]) for made in transitions))
    assert seen == sorted(set(seen))
    assert [change.seq for change in await server_store.changes_since(0, 1_000)] == seen
    assert await server_store.last_change_seq() == seen[-1]


async def test_of_simultaneous_acknowledgements_exactly_one_counts(server_store: ServerStore) -> None:
    await _raise(server_store)
    people = [f"person{n}" for n in range(8)]
    alerts = await asyncio.gather(
        *(server_store.acknowledge_alert(ALERT_ID, name, name, NOW_US + n) for n, name in enumerate(people))
    )
    assert len({alert.acknowledged_by for alert in alerts}) == 1
    assert (await _changes(server_store)).count(AlertChange.ACKNOWLEDGED) == 1


async def test_filters_select_exactly_what_they_say(server_store: ServerStore) -> None:
    keys = await server_store.register_inventory(small_inventory("BRK", "CNX"))
    made = [
        transition(key, sample_time_us=NOW_US + n * MINUTE_US, severity=Severity(1 + n % 3))
        for n, key in enumerate(keys.values())
    ]
    await server_store.apply_transitions(made)
    await server_store.acknowledge_alert(made[3].alert_id, "nok", "", NOW_US)
    everything = (await server_store.list_alerts(AlertQuery())).alerts
    assert [alert.alert_id for alert in everything] == [t.alert_id for t in reversed(made)]

    async def selected(**filters: object) -> set[str]:
        page = await server_store.list_alerts(AlertQuery(**filters))  # type: ignore[arg-type]  # checked by the class
        return {alert.alert_id for alert in page.alerts}

    assert await selected(location_ids=["CNX"]) == {a.alert_id for a in everything if a.location_id == "CNX"}
    assert await selected(location_ids=[]) == set()
    assert await selected(battery_id=everything[0].battery_id) == {everything[0].alert_id}
    assert await selected(states=[AlertState.ACKNOWLEDGED]) == {made[3].alert_id}
    assert await selected(min_severity=Severity.CRITICAL) == {a.alert_id for a in everything if a.severity == 3}
    assert await selected(start_us=NOW_US + MINUTE_US, end_us=NOW_US + 3 * MINUTE_US) == {
        made[1].alert_id,
        made[2].alert_id,
    }


@pytest.mark.parametrize("page_size", [1, 2, 5, 100])
async def test_pages_hold_everything_once_even_while_alerts_are_raised(
    server_store: ServerStore, page_size: int
) -> None:
    made = [transition(key, sample_time_us=NOW_US + key // 3) for key in range(1, 12)]  # ties in time
    await server_store.apply_transitions(made)
    listed: list[str] = []
    token = ""
    while True:
        page = await server_store.list_alerts(AlertQuery(page_size=page_size, page_token=token))
        listed += [alert.alert_id for alert in page.alerts]
        await server_store.apply_transitions([transition(99, sample_time_us=NOW_US + HOUR_US + len(listed))])
        token = page.next_page_token
        if not token:
            break
    assert sorted(listed) == sorted(t.alert_id for t in made)


async def test_an_act_and_its_audit_entry_are_stored_together_and_once(server_store: ServerStore) -> None:
    await _raise(server_store)
    acknowledged = AuditEntry(NOW_US, "nok", "alert.acknowledge", ALERT_ID, "seen", "10.0.0.1", "r1")
    resolved = replace(acknowledged, action="alert.resolve", reason="done")
    for _ in range(2):
        await server_store.acknowledge_alert(ALERT_ID, "nok", "seen", NOW_US, audit=acknowledged)
        await server_store.resolve_alert(ALERT_ID, "nok", "done", NOW_US, audit=resolved)
    assert await server_store.audit_trail(10) == [resolved, acknowledged]
    unstorable = replace(acknowledged, target="\x00")
    again = transition(sample_time_us=NOW_US + 1)
    await server_store.apply_transitions([again])
    with pytest.raises(InvalidArgumentError):
        await server_store.resolve_alert(again.alert_id, "nok", "", NOW_US, audit=unstorable)
    assert (await server_store.get_alert(again.alert_id)).state is AlertState.RAISED


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(text=st.one_of(st.text(max_size=80), st.sampled_from(["'; DROP TABLE alert; --", "%s %(at)s", "\x00", "\\'"])))
async def test_any_text_is_stored_as_it_is_or_refused(server_store: ServerStore, text: str) -> None:
    alert_id = f"1/TEST/{text}"
    try:
        await server_store.apply_transitions([transition(alert_id=alert_id, message=text)])
        alert = await server_store.resolve_alert(alert_id, text, text, NOW_US)
        found = await server_store.list_alerts(AlertQuery(battery_id=text))
    except InvalidArgumentError:
        assert "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text)
        return
    assert (alert.alert_id, alert.message, alert.resolved_by, alert.resolve_note) == (alert_id, text, text, text)
    assert found.alerts == () or text == ""


@given(token=st.text(min_size=1, max_size=60))
async def test_a_foreign_page_token_is_refused(token: str) -> None:
    store = ServerStore.__new__(ServerStore)  # a token is judged before the database is asked
    with pytest.raises(InvalidArgumentError) as refused:
        await store.list_alerts(AlertQuery(page_token=token))
    assert refused.value.reason is Reason.INVALID_PAGE_TOKEN
