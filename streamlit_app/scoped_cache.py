"""A short memory of answers, so that many tabs ask the server once; it never crosses users, sites or drills."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar, cast

from batterytwin.errors import DeadlineTooShortError, OverloadedError, TwinError, UnavailableError
from clients.types import Session

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

AWAY: Final = (UnavailableError, DeadlineTooShortError, OverloadedError)
"""Errors that say the server is away for now: the last known answer may be shown, marked as such."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose answer it is, and of which world: a user with the rights of the moment, and a drill or the live fleet.

    Part of every key, so that answers stay apart.
    """

    username: str
    role: int
    location_ids: tuple[str, ...]
    drill_id: str = ""

    @classmethod
    def of(cls, session: Session, drill_id: str = "") -> "Scope":
        """The scope of a session, in a drill or (empty) in the live fleet."""
        return cls(session.username, int(session.role), tuple(sorted(session.location_ids)), drill_id)


@dataclass(frozen=True, slots=True)
class Answer(Generic[T_co]):
    """An answer of the server, perhaps an old one.

    Attributes:
        value: what the server said.
        received_at: when, seconds since 1970 UTC.
        problem: why there is no newer one; None = this is the newest.
    """

    value: T_co
    received_at: float
    problem: TwinError | None = None


class ScopedCache:
    """Answers by scope and question, at most `capacity`: the one unused for longest gives way.

    Threads that ask the same thing at once share one call.

    Args:
        max_age_s: answers younger than this are not asked for again.
        capacity: most answers held.
        clock: seconds since 1970 UTC.
    """

    def __init__(self, max_age_s: float, *, capacity: int = 256, clock: Callable[[], float] = time.time) -> None:
        self._max_age_s = max_age_s
        self._capacity = capacity
        self._clock = clock
        self._lock = threading.Lock()
        self._slots: OrderedDict[tuple[Scope, Hashable], _Slot] = OrderedDict()

    def get(self, scope: Scope, question: Hashable, ask: Callable[[], T]) -> Answer[T]:
        """The answer to a question: a young one from memory, else from `ask()`, else the last known one with a problem.

        Raises:
            TwinError: there is no answer yet, or the server refuses to answer (then the old one is forgotten).
        """
        slot = self._slot(scope, question)
        with slot.lock:
            known = cast("Answer[T] | None", slot.answer)
            if known is not None and self._is_young(known.received_at):
                return known
            if known is not None and slot.failure is not None and self._is_young(slot.failed_at):
                return Answer(known.value, known.received_at, slot.failure)
            try:
                slot.answer = Answer(ask(), self._clock())
                slot.failure = None
            except AWAY as error:
                if known is None:
                    raise
                slot.failure, slot.failed_at = error, self._clock()
                return Answer(known.value, known.received_at, error)
            except TwinError:
                slot.answer = None
                raise
            return slot.answer

    def forget(self, scope: Scope) -> None:
        """Drops every answer of a scope, as after an action that changes them."""
        with self._lock:
            for key in [key for key in self._slots if key[0] == scope]:
                del self._slots[key]

    def _is_young(self, since: float) -> bool:
        # what comes from the future was kept before the clock was set back, and would stay for as long as that
        return 0.0 <= self._clock() - since < self._max_age_s

    def _slot(self, scope: Scope, question: Hashable) -> "_Slot":
        with self._lock:
            slot = self._slots.setdefault((scope, question), _Slot())
            self._slots.move_to_end((scope, question))
            while len(self._slots) > self._capacity:
                self._slots.popitem(last=False)
            return slot


class _Slot:
    """One remembered answer and the lock of whoever renews it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.answer: object | None = None
        self.failure: TwinError | None = None
        self.failed_at = 0.0
