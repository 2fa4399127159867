"""Entries of the audit trail about the call being served."""

import time
from typing import Final

from storage.access_records import AuditEntry
from twin_server.principal import current_call

_MOST_CHARS: Final = 200


def audit_entry(action: str, target: str, reason: str = "", *, actor: str = "") -> AuditEntry:
    """Entry about something that the current caller has done.

    Args:
        action: what was done, for example "alert.acknowledge".
        target: to what, for example an alert id.
        reason: why, in the words of the caller.
        actor: who, where it is not (yet) the caller of the current call.
    """
    call = current_call.get()
    return AuditEntry(
        at_us=time.time_ns() // 1_000,
        actor=actor or (call.principal.name if call else ""),
        action=action,
        target=_storable(target),
        reason=reason,
        peer=call.peer if call else "",
        request_id=call.request_id if call else "",
    )


def _storable(text: str) -> str:
    """What somebody typed as a name, without what the database or a terminal would stumble over."""
    return "".join(c if c.isprintable() else "?" for c in text[:_MOST_CHARS])
