"""Alerts in the database: listed, handled by people, reopened, and followed change by change."""

from collections.abc import Mapping, Sequence

from batterytwin.alerts import AlertRule, AlertTransition
from batterytwin.errors import ConflictError, Reason, UnknownAlertError
from storage.access_records import AuditEntry
from storage.alert_query import AlertPage, AlertQuery, page_token_after, parse_page_token
from storage.alert_records import AlertChangeRecord, AlertRecord, alert_of_row, change_of_row
from storage.alert_writes import write_of
from storage.audit_table import add_entry
from storage.instants import to_datetime, to_datetime_or_none
from storage.sql_files import read_sql
from storage.store_pool import Connection, StorePool

_LIST = read_sql("list_alerts")
_GET = read_sql("get_alert")
_ACTIVE = read_sql("active_alerts")
_UNCLEARED = read_sql("uncleared_alerts")
_ACKNOWLEDGE = read_sql("acknowledge_alert")
_RESOLVE = read_sql("resolve_alert")
_REOPEN = read_sql("reopen_alerts")
_CHANGES_SINCE = read_sql("alert_changes_since")
_LAST_CHANGE = read_sql("last_alert_change")
_TELL = read_sql("tell_alerts")
_LOCK = "SELECT lock_alerts()"


class AlertTables(StorePool):
    """Questions about tables `alert` and `alert_change`."""

    async def list_alerts(self, query: AlertQuery) -> AlertPage:
        """One page of alerts, newest first. Alerts raised meanwhile neither shift nor repeat what follows.

        Raises:
            InvalidArgumentError: the page token is not one of ours, or a time is out of range.
        """
        after_us, after_id = parse_page_token(query.page_token) if query.page_token else (None, "")
        parameters = {
            "location_ids": None if query.location_ids is None else list(query.location_ids),
            "battery_id": query.battery_id or None,
            "states": [int(state) for state in query.states] or None,
            "min_severity": int(query.min_severity),
            "start": to_datetime_or_none(query.start_us),
            "end": to_datetime_or_none(query.end_us),
            "after_raised_at": to_datetime_or_none(after_us),
            "after_alert_id": after_id,
            "limit": query.page_size + 1,  # one more tells whether another page follows
        }
        async with self._connection() as connection:
            cursor = await connection.execute(_LIST, parameters)
            alerts = tuple(alert_of_row(row) for row in await cursor.fetchall())
        page = alerts[: query.page_size]
        return AlertPage(page, page_token_after(page[-1]) if len(alerts) > len(page) else "")

    async def get_alert(self, alert_id: str) -> AlertRecord:
        """One alert.

        Raises:
            UnknownAlertError: no alert has this id.
        """
        async with self._connection() as connection:
            return await _get(connection, alert_id)

    async def active_alerts(self) -> list[AlertRecord]:
        """Alerts whose condition stands and which nobody has closed or shelved, oldest first."""
        async with self._connection() as connection:
            cursor = await connection.execute(_ACTIVE)
            return [alert_of_row(row) for row in await cursor.fetchall()]

    async def uncleared_alerts(self, rules: Sequence[AlertRule]) -> list[AlertRecord]:
        """Alerts of some rules whose condition stands, those too that a person has closed or shelved, oldest first."""
        async with self._connection() as connection:
            cursor = await connection.execute(_UNCLEARED, {"rules": [int(rule) for rule in rules]})
            return [alert_of_row(row) for row in await cursor.fetchall()]

    async def apply_transitions(self, transitions: Sequence[AlertTransition]) -> None:
        """Stores changes that rules of the server have made, all or none; what is stored already is skipped."""
        async with self._transaction() as connection:
            await connection.execute(_LOCK)
            for transition in transitions:
                await connection.execute(*write_of(transition))

    async def acknowledge_alert(
        self, alert_id: str, actor: str, note: str, now_us: int, *, audit: AuditEntry | None = None
    ) -> AlertRecord:
        """Notes that a person has seen an alert; the first note stays. Repeating it changes nothing.

        Args:
            alert_id: which alert.
            actor: who has seen it.
            note: what they say about it.
            now_us: server time, microseconds since 1970 UTC.
            audit: entry of the audit trail that is stored together with the change; none when nothing changes.

        Returns:
            The alert as it is now.

        Raises:
            UnknownAlertError: no alert has this id.
            ConflictError: the alert was closed without having been acknowledged.
        """
        async with self._transaction() as connection:
            await connection.execute(_LOCK)
            await _change(connection, _ACKNOWLEDGE, _by_person(alert_id, actor, note, now_us), audit)
            alert = await _get(connection, alert_id)
        if alert.acknowledge_time_us is None:
            raise ConflictError(
                f"{alert.resolved_by} has closed this alert; there is nothing left to acknowledge.",
                reason=Reason.ALERT_STATE_FORBIDS,
                field="alert_id",
                value=alert_id,
            )
        return alert

    async def resolve_alert(
        self, alert_id: str, actor: str, note: str, now_us: int, *, audit: AuditEntry | None = None
    ) -> AlertRecord:
        """Closes an alert; the first note stays. Repeating it changes nothing.

        Arguments, return value and `UnknownAlertError` as for `acknowledge_alert`.
        """
        async with self._transaction() as connection:
            await connection.execute(_LOCK)
            await _change(connection, _RESOLVE, _by_person(alert_id, actor, note, now_us), audit)
            return await _get(connection, alert_id)

    async def reopen_alerts(self, resolved_before_us: int, now_us: int) -> list[str]:
        """Lets alerts stand again that a person closed before a time although their condition lasts.

        Returns:
            Ids of the alerts reopened, sorted.
        """
        async with self._transaction() as connection:
            await connection.execute(_LOCK)
            cursor = await connection.execute(
                _REOPEN, {"resolved_before": to_datetime(resolved_before_us), "at": to_datetime(now_us)}
            )
            return [row.alert_id for row in await cursor.fetchall()]

    async def changes_since(self, seq: int, limit: int) -> list[AlertChangeRecord]:
        """Changes numbered above `seq`, at most `limit`, in order of commit: none before the last one is missing."""
        async with self._connection() as connection:
            cursor = await connection.execute(_CHANGES_SINCE, {"seq": seq, "limit": limit})
            return [change_of_row(row) for row in await cursor.fetchall()]

    async def tell_alerts(self, at_us: Mapping[str, int]) -> None:
        """Notes of alerts that stand once more that they have been raised, for those who follow the changes.

        Args:
            at_us: the present time at their locations, microseconds since 1970 UTC, by id.
        """
        async with self._transaction() as connection:
            await connection.execute(_LOCK)
            at = [to_datetime(us) for us in at_us.values()]
            await connection.execute(_TELL, {"alert_ids": list(at_us), "at": at})

    async def last_change_seq(self) -> int:
        """Number of the newest change; 0 when there is none."""
        async with self._connection() as connection:
            cursor = await connection.execute(_LAST_CHANGE)
            return int((await cursor.fetchall())[0].seq)


def _by_person(alert_id: str, actor: str, note: str, now_us: int) -> dict[str, object]:
    return {"alert_id": alert_id, "actor": actor, "note": note, "at": to_datetime(now_us)}


async def _change(
    connection: Connection, statement: bytes, parameters: dict[str, object], audit: AuditEntry | None
) -> None:
    cursor = await connection.execute(statement, parameters)
    if cursor.rowcount and audit is not None:
        await add_entry(connection, audit)


async def _get(connection: Connection, alert_id: str) -> AlertRecord:
    cursor = await connection.execute(_GET, {"alert_id": alert_id})
    row = await cursor.fetchone()
    if row is None:
        raise UnknownAlertError(f"There is no alert {alert_id[:200]}.", field="alert_id", value=alert_id)
    return alert_of_row(row)
