"""Every type that the clients take and give, in one place to import from."""

from batterytwin.access import Role
from batterytwin.alerts import ACTIVE_STATES, AlertChange, AlertRule, AlertState, Severity
from batterytwin.diagnosis import DiagnosisEvidence, FaultClass, FaultSource
from batterytwin.events import (
    CapacityTest,
    CurrentSensor,
    EventKind,
    HealthEvidenceKind,
    Replacement,
    ReplacementReason,
)
from batterytwin.inventory import LocationClock, SystemKind
from batterytwin.life import Confidence, LifeCase, LifeFactor, LifeSource
from batterytwin.life_models import ModelComparison, ModelDrift, ModelGate, ModelState
from batterytwin.life_plan import (
    CoolingValue,
    ForecastPeriod,
    LocationForecast,
    MaintenancePlan,
    PlannedString,
    PlannedVisit,
    ReplacementAdvice,
    ReplacementForecast,
    ReplacementPrices,
    ReplacementUrgency,
)
from batterytwin.quarters import Quarter
from batterytwin.readings import ReadingBatch, ReadingColumns, StringReadingColumns
from batterytwin.telemetry import Quality, Regime, StringMode
from clients.alerts import Alert, AlertEvent, AlertPage
from clients.channel import Tls
from clients.events import Event, EventPage
from clients.exports import ExportChunk, ExportedFile, ExportFormat
from clients.fleet import (
    BatteryString,
    FleetHealth,
    GridSpec,
    HealthSummary,
    Location,
    RegisteredGrid,
    ServerStatus,
    System,
)
from clients.gateway_counters import GatewayCounters
from clients.history import History, Metric, Series
from clients.ingest import IngestResult, RejectedRow
from clients.life import (
    FleetLife,
    LifeColumns,
    LifeFactorShare,
    LifeOrder,
    LifePage,
    LifeQuantiles,
    PastPrediction,
    RemainingLife,
    SimilarCase,
)
from clients.models import LifeModel, ModelPage
from clients.past import PastTwin, TwinSource
from clients.session import Session
from clients.strings import Autonomy, StringBlock, StringDiagnosis, StringTwin
from clients.twins import Estimate, FleetSnapshot, HealthEvidence, Twin, TwinColumns, TwinOrder, TwinPage, TwinUpdate

__all__ = [
    "ACTIVE_STATES",
    "Alert",
    "AlertChange",
    "AlertEvent",
    "AlertPage",
    "AlertRule",
    "AlertState",
    "Autonomy",
    "BatteryString",
    "CapacityTest",
    "Confidence",
    "CoolingValue",
    "CurrentSensor",
    "DiagnosisEvidence",
    "Estimate",
    "Event",
    "EventKind",
    "EventPage",
    "ExportChunk",
    "ExportFormat",
    "ExportedFile",
    "FaultClass",
    "FaultSource",
    "FleetHealth",
    "FleetLife",
    "FleetSnapshot",
    "ForecastPeriod",
    "GatewayCounters",
    "GridSpec",
    "HealthEvidence",
    "HealthEvidenceKind",
    "HealthSummary",
    "History",
    "IngestResult",
    "LifeCase",
    "LifeColumns",
    "LifeFactor",
    "LifeFactorShare",
    "LifeModel",
    "LifeOrder",
    "LifePage",
    "LifeQuantiles",
    "LifeSource",
    "Location",
    "LocationClock",
    "LocationForecast",
    "MaintenancePlan",
    "Metric",
    "ModelComparison",
    "ModelDrift",
    "ModelGate",
    "ModelPage",
    "ModelState",
    "PastPrediction",
    "PastTwin",
    "PlannedString",
    "PlannedVisit",
    "Quality",
    "Quarter",
    "ReadingBatch",
    "ReadingColumns",
    "Regime",
    "RegisteredGrid",
    "RejectedRow",
    "RemainingLife",
    "Replacement",
    "ReplacementAdvice",
    "ReplacementForecast",
    "ReplacementPrices",
    "ReplacementReason",
    "ReplacementUrgency",
    "Role",
    "Series",
    "ServerStatus",
    "Session",
    "Severity",
    "SimilarCase",
    "StringBlock",
    "StringDiagnosis",
    "StringMode",
    "StringReadingColumns",
    "StringTwin",
    "System",
    "SystemKind",
    "Tls",
    "Twin",
    "TwinColumns",
    "TwinOrder",
    "TwinPage",
    "TwinSource",
    "TwinUpdate",
]
