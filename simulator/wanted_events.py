"""What somebody wants to happen to mains and rooms: plain values, for those too who only ask for it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outage:
    """A failure of the mains that somebody wants to happen.

    Attributes:
        location_id: where.
        start_s: begin, s since 1970 UTC.
        end_s: return of the mains; infinite = they stay away.
        load_factor: load on the batteries over the system's usual one.
    """

    location_id: str
    start_s: float
    end_s: float
    load_factor: float = 1.0


@dataclass(frozen=True, slots=True)
class RoomChange:
    """One change of one room. After its end the room returns to its usual temperature within hours.

    Attributes:
        location_id: whose room.
        start_s: begin, s since 1970 UTC.
        end_s: end; infinite = it stays.
        rise_k: by how much, K; < 0 makes it colder.
        rate_k_h: how fast, K/h, > 0; infinite = at once.
        hottest_c: what people do not let it exceed, degC; infinite = no matter.
    """

    location_id: str
    start_s: float
    end_s: float = float("inf")
    rise_k: float = 0.0
    rate_k_h: float = float("inf")
    hottest_c: float = float("inf")
