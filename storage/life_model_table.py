"""The registry of models of remaining life in the database: models, approvals, and the log of switches."""

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from batterytwin.life_models import ModelState
from storage.access_records import AuditEntry
from storage.audit_table import add_entry
from storage.instants import to_datetime, to_datetime_or_none, to_us, to_us_or_none
from storage.sql_files import read_sql
from storage.store_pool import Connection, StorePool

_INSERT: Final = read_sql("insert_life_model")
_MODELS: Final = read_sql("life_models")
_ARCHIVE: Final = read_sql("life_model_archive")
_APPROVE: Final = read_sql("approve_life_model")
_SWITCH: Final = read_sql("switch_life_model")


@dataclass(frozen=True, slots=True)
class NewLifeModel:
    """A model to be registered.

    Attributes:
        version: its name.
        inputs_layout: layout of inputs that it was trained on.
        trained_us: when, microseconds since 1970 UTC; None = not known.
        card: what its training said of it, JSON.
        archive: its folder as tar.xz.
    """

    version: str
    inputs_layout: str
    trained_us: int | None
    card: str
    archive: bytes


@dataclass(frozen=True, slots=True)
class LifeModelRecord:
    """A registered model without its archive. Times are microseconds since 1970 UTC; empty names = nobody."""

    model_key: int
    version: str
    state: ModelState
    inputs_layout: str
    trained_us: int | None
    card: str
    sha256: str
    byte_count: int
    imported_us: int
    imported_by: str
    approved_us: int | None
    approved_by: str
    approve_note: str
    activated_us: int | None
    activated_by: str


class LifeModelTable(StorePool):
    """Questions about tables `life_model`, `life_model_approval` and `life_model_switch`."""

    async def add_life_model(self, model: NewLifeModel, by: str, now_us: int, audit: AuditEntry | None = None) -> bool:
        """Registers a model; one of this version that is there stays. Returns whether it is new."""
        values = {
            "version": model.version,
            "inputs_layout": model.inputs_layout,
            "trained_at": to_datetime_or_none(model.trained_us),
            "card": model.card,
            "archive": model.archive,
            "sha256": hashlib.sha256(model.archive).digest(),
            "at": to_datetime(now_us),
            "by": by,
        }
        return await self._change(_INSERT, values, audit)

    async def life_models(self) -> list[LifeModelRecord]:
        """All models, newest first."""
        async with self._connection() as connection:
            return await _models(connection, None)

    async def life_model(self, version: str) -> LifeModelRecord | None:
        """One model; None = there is none."""
        async with self._connection() as connection:
            found = await _models(connection, version)
        return found[0] if found else None

    async def life_model_archive(self, version: str) -> tuple[bytes, bytes] | None:
        """Archive of a model and its SHA-256; None = there is none."""
        async with self._connection() as connection:
            row = await (await connection.execute(_ARCHIVE, {"version": version})).fetchone()
        return None if row is None else (bytes(row.archive), bytes(row.sha256))

    async def approve_life_model(
        self, model_key: int, by: str, note: str, now_us: int, audit: AuditEntry | None = None
    ) -> bool:
        """Notes who stands for a model; the first one stays. Returns whether something has changed."""
        values = {"model_key": model_key, "by": by, "note": note, "at": to_datetime(now_us)}
        return await self._change(_APPROVE, values, audit)

    async def switch_life_model(  # noqa: PLR0917 # what the log says of a switch
        self,
        role: int,
        model_key: int | None,
        by: str,
        note: str,
        now_us: int,
        request_id: str,
        audit: AuditEntry | None = None,
    ) -> bool:
        """Gives a model a role (`TOLD`, `SHADOW`); None = no model has it any more. Returns whether it is new."""
        values = {
            "role": role,
            "model_key": model_key,
            "by": by,
            "note": note,
            "at": to_datetime(now_us),
            "request_id": request_id,
        }
        return await self._change(_SWITCH, values, audit)

    async def _change(self, statement: bytes, values: dict[str, Any], audit: AuditEntry | None) -> bool:
        async with self._transaction() as connection:
            changed = (await connection.execute(statement, values)).rowcount > 0
            if changed and audit is not None:
                await add_entry(connection, audit)
        return changed


async def _models(connection: Connection, version: str | None) -> list[LifeModelRecord]:
    cursor = await connection.execute(_MODELS, {"version": version})
    return [
        LifeModelRecord(
            model_key=row.model_key,
            version=row.version,
            state=ModelState(row.state),
            inputs_layout=row.inputs_layout,
            trained_us=to_us_or_none(row.trained_at),
            card=row.card,
            sha256=bytes(row.sha256).hex(),
            byte_count=row.byte_count,
            imported_us=to_us(row.imported_at),
            imported_by=row.imported_by,
            approved_us=to_us_or_none(row.approved_at),
            approved_by=row.approved_by,
            approve_note=row.approve_note,
            activated_us=to_us_or_none(row.switched_at),
            activated_by=row.switched_by,
        )
        for row in await cursor.fetchall()
    ]
