"""What the server asks of the database; shards have a store of their own (`shard_store.py`)."""

from storage.alert_copies import AlertCopies
from storage.alert_tables import AlertTables
from storage.audit_table import AuditTable
from storage.drill_table import DrillTable
from storage.event_tables import EventTables
from storage.filter_version_table import FilterVersionTable
from storage.gateway_token_tables import GatewayTokenTables
from storage.history_export import HistoryExport
from storage.history_marks import HistoryMarks
from storage.history_reads import HistoryReads
from storage.inventory_tables import InventoryTables
from storage.job_table import JobTable
from storage.life_case_table import LifeCaseTable
from storage.life_model_table import LifeModelTable
from storage.model_trace_table import ModelTraceTable
from storage.newest_rows import NewestRows
from storage.noted_history_table import NotedHistoryTable
from storage.prediction_table import PredictionTable
from storage.projection_table import ProjectionTable
from storage.session_tables import SessionTables
from storage.snapshot_table import SnapshotTable
from storage.string_load_reads import StringLoadReads
from storage.string_reading_table import StringReadingTable
from storage.string_state_table import StringStateTable
from storage.unit_tables import UnitTables
from storage.user_tables import UserTables


class ServerStore(
    InventoryTables,
    AlertTables,
    AlertCopies,
    EventTables,
    HistoryReads,
    HistoryExport,
    HistoryMarks,
    NewestRows,
    UserTables,
    SessionTables,
    GatewayTokenTables,
    AuditTable,
    StringStateTable,
    StringReadingTable,
    StringLoadReads,
    NotedHistoryTable,
    SnapshotTable,
    JobTable,
    FilterVersionTable,
    ModelTraceTable,
    UnitTables,
    PredictionTable,
    LifeModelTable,
    LifeCaseTable,
    DrillTable,
    ProjectionTable,
):
    """Everything that the server keeps, from inventory and alerts to drills and the audit trail, behind one pool.

    Open one with `await ServerStore.connect(url)` on a migrated database, and `close()` it.
    """
