"""What can be chosen about a simulation."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from batterytwin.errors import InvalidArgumentError
from clients.channel import Tls
from simulator.faults import FaultEvent

DEFAULT_SEED: Final = 7


@dataclass(frozen=True, slots=True)
class SimulationOptions:
    """A simulated fleet and the server that it reports to.

    Attributes:
        target: address of the server, `host:port`.
        fleet_file: inventory; None = the fleet that comes with the product.
        seed: chooses blocks, weather, mains and noise.
        speed: simulated seconds a second, > 0.
        start: sample time at which live readings begin, with time zone; None = now.
        backfill_days: history before `start`, hourly, days, >= 0.
        fine_string: string whose history is as fine as live readings; empty = none.
        fine_days: how far back that goes, days, within `backfill_days`.
        tls: encryption of the connection; None = none.
        faults: what goes wrong.
        buffer_dir: folder for the gateways' disk buffers, `<location>.buffer` each; None = they keep what is not
            acknowledged in memory.

    Raises:
        InvalidArgumentError: a value is out of range.
    """

    target: str
    fleet_file: Path | None = None
    seed: int = DEFAULT_SEED
    speed: float = 1.0
    start: datetime | None = None
    backfill_days: float = 0.0
    fine_string: str = ""
    fine_days: float = 7.0
    tls: Tls | None = None
    faults: tuple[FaultEvent, ...] = ()
    buffer_dir: Path | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.speed <= 100_000.0:
            raise InvalidArgumentError("Speed must be above 0, up to 100,000.", field="speed", value=self.speed)
        if self.seed < 0:
            raise InvalidArgumentError("The seed must not be negative.", field="seed", value=self.seed)
        if self.start is not None and self.start.tzinfo is None:
            raise InvalidArgumentError("The start needs a time zone, such as Z.", field="start", value=self.start)
        for name in ("backfill_days", "fine_days"):
            if not 0.0 <= getattr(self, name) <= 3_650.0:
                raise InvalidArgumentError("Give 0 to 3,650 days.", field=name, value=getattr(self, name))
