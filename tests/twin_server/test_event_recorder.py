"""What the recorder makes good when a call is cut off between its steps."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from batterytwin.errors import UnavailableError
from batterytwin.events import EventKind, Replacement, TwinInput
from batterytwin.inventory import BatteryUnit
from storage.access_records import AuditEntry
from storage.event_records import EventRecord
from tests.fixtures.small_fleet import small_inventory, specs_of
from twin_server.event_recorder import EventRecorder
from twin_server.routing import FleetMap

INVENTORY = small_inventory()
SPECS = specs_of(INVENTORY)
BLOCK = SPECS[3]
EXCHANGED = EventRecord(
    "exchange", "request", EventKind.REPLACEMENT, "AAA", BLOCK.string_id, BLOCK.battery_key, BLOCK.battery_id,
    1_000, None, "", None, "malee", 2_000, replacement=Replacement("NEW-1", "OLD-1"),
)  # fmt: skip


@dataclass
class Recorder:
    """A recorder over a store and twins that remember, whose steps can be made to fail once.

    Attributes:
        fails_at: step that fails, before it does anything; "answer" = that of the twins is lost behind it.
        stored: whether the event is.
        forgotten: whose blocks were forgotten to the end, by ordinal, and number of the one that came.
    """

    fails_at: str
    stored: bool = False
    forgotten: list[tuple[int, int]] = field(default_factory=list)
    applied: set[str] = field(default_factory=set)
    heard: list[EventRecord] = field(default_factory=list)

    def step(self, name: str) -> None:
        if name == self.fails_at:
            self.fails_at = ""
            raise UnavailableError("cut off")

    async def record_event(self, event: EventRecord, audit: AuditEntry | None = None) -> EventRecord:  # noqa: ARG002
        self.step("store")
        self.stored = True
        return event

    async def event_of_request(self, request_id: str) -> EventRecord | None:
        return EXCHANGED if self.stored and request_id == EXCHANGED.request_id else None

    async def events_without_input(self) -> list[EventRecord]:
        return [] if self.applied else [EXCHANGED]

    async def newest_units(self) -> dict[int, BatteryUnit]:
        self.step("units")
        return {BLOCK.battery_key: BatteryUnit(2, "NEW-1", 1_000)} if self.applied else {}

    async def submit_inputs(self, inputs: Sequence[TwinInput]) -> list[bool]:
        self.step("apply")
        fresh = [given.source_id not in self.applied for given in inputs]
        self.applied |= {given.source_id for given in inputs}
        self.step("answer")
        return fresh

    async def forget_block(self, ordinal: int, unit_seq: int) -> None:
        self.step("forget")
        self.forgotten.append((ordinal, unit_seq))


@pytest.mark.parametrize("fails_at", ["store", "apply", "answer", "units", "forget"])
async def test_a_repeated_call_does_what_the_one_that_was_cut_off_did_not(fails_at: str) -> None:
    world = Recorder(fails_at)
    fleet_map = FleetMap(INVENTORY, [SPECS])
    recorder = EventRecorder(world, fleet_map, world.submit_inputs, world.forget_block, world.heard.append)
    with pytest.raises(UnavailableError):
        await recorder.record(EXCHANGED, None)
    if await recorder.recorded(EXCHANGED.request_id) is None:
        assert fails_at == "store", "what is stored is known by its request"
        await recorder.record(EXCHANGED, None)
    assert fleet_map.unit_of(3).serial == "NEW-1", "who asks for the battery is told of the new block"
    assert world.applied == {"exchange"}
    assert world.forgotten == [(3, 2)]
    assert world.heard == [EXCHANGED], "who predicts lives is told once it is applied"


async def test_what_was_stored_and_not_applied_is_caught_up() -> None:
    world = Recorder("")
    fleet_map = FleetMap(INVENTORY, [SPECS])
    await EventRecorder(world, fleet_map, world.submit_inputs, world.forget_block, world.heard.append).catch_up()
    assert fleet_map.unit_of(3).serial == "NEW-1"
    assert world.applied == {"exchange"}
