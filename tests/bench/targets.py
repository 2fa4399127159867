"""Figures the server should reach on two cores, and what became of them in a run."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """One figure and its limit: at most, or at least where `higher_is_better`; measured by a section of the bench."""

    section: str
    name: str
    limit: float
    higher_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Measurement:
    """A target and what was measured; None = could not be measured, and `reason` says why."""

    target: Target
    value: float | None
    reason: str = ""

    @property
    def met(self) -> bool:
        """Whether the figure keeps its limit; what was not measured does not."""
        if self.value is None:
            return False
        return self.value >= self.target.limit if self.target.higher_is_better else self.value <= self.target.limit

    def as_row(self) -> tuple[str, str, str, str]:
        """Cells of the printed table."""
        sign = ">=" if self.target.higher_is_better else "<="
        value = self.reason if self.value is None else f"{self.value:,.4g}"
        return self.target.name, value, f"{sign} {self.target.limit:,g}", "yes" if self.met else "NO"


TARGETS = (
    Target("start", "first_live_s", 15.0),
    Target("start", "ready_s", 40.0),
    Target("start", "memory_gb", 2.5),
    Target("start", "stop_s", 10.0),
    Target("mission", "mission_cpu_percent", 5.0),
    Target("latency", "ack_p50_ms", 5.0),
    Target("latency", "ack_p99_ms", 25.0),
    Target("latency", "ack_half_peak_p99_ms", 100.0),
    Target("ingest", "durable_over_bare_copy", 0.75, higher_is_better=True),
    Target("ingest", "durable_readings_per_s", 1_000_000.0, higher_is_better=True),
    Target("ingest", "durable_readings_per_s_one_stream", 500_000.0, higher_is_better=True),
    Target("calls", "single_reading_calls_over_echo", 0.6, higher_is_better=True),
    Target("reads", "get_twin_over_echo", 0.7, higher_is_better=True),
    Target("reads", "get_twin_p99_ms", 10.0),
    Target("reads", "fleet_snapshot_p99_ms", 10.0),
    Target("scaling", "fall_percent_at_19440", 15.0),
    Target("scaling", "fall_percent_at_194400", 15.0),
    Target("scaling", "kb_a_twin_at_19440", 10.0),
    Target("scaling", "kb_a_twin_at_194400", 10.0),
    Target("history", "history_30d_raw_p95_ms", 100.0),
    Target("history", "history_1y_hourly_p95_ms", 50.0),
    Target("history", "archive_bytes_per_reading", 4.0),
    Target("history", "archive_gb_per_fleet_year", 4.1),
    Target("recovery", "shard_killed_s", 5.0),
    Target("recovery", "others_p99_while_a_shard_is_away", 2.0),
    Target("recovery", "cold_start_s", 30.0),
    Target("recovery", "restore_backup_s", 600.0),
    Target("drills", "drill_start_s", 5.0),
    Target("drills", "drill_stop_s", 5.0),
    Target("drills", "drill_viewers_lag_s", 2.0),
    Target("drills", "ack_p99_beside_five_drills", 1.5),
    Target("what_if", "fleet_year_by_minute_s", 60.0),
    Target("what_if", "ten_years_100_members_s", 60.0),
)
