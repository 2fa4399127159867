"""Figures the server should reach on two cores."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """One figure and its limit: at most, or at least where `higher_is_better`."""

    name: str
    limit: float
    higher_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Measurement:
    """A target and what was measured."""

    target: Target
    value: float

    @property
    def met(self) -> bool:
        """Whether the figure keeps its limit."""
        return self.value >= self.target.limit if self.target.higher_is_better else self.value <= self.target.limit

    def as_row(self) -> tuple[str, str, str, str]:
        """Cells of the printed table."""
        sign = ">=" if self.target.higher_is_better else "<="
        return self.target.name, f"{self.value:,.4g}", f"{sign} {self.target.limit:,g}", "yes" if self.met else "NO"


TARGETS = (
    Target("first_live_s", 15.0),
    Target("ready_s", 40.0),
    Target("mission_cpu_percent", 5.0),
    Target("ack_p99_ms", 25.0),
    Target("memory_gb", 2.5),
    Target("durable_readings_per_s", 250_000.0, higher_is_better=True),
    Target("stop_s", 10.0),
)
