"""Finds outages of the mains in what strings carried, minute by minute, however the minutes are handed in.

The same words as in `outage_watch`: the mains of a system have failed when every string of it that is heard carries
load, and are back when one of them does not.

A minute says the same whenever it is looked at: what it says of a system depends on that minute and the few before it.
So outages can be found from any minute on at which no mains had failed (`find_clear`), and history may come in pieces.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from storage.string_load_reads import StringLoad
from twin_server.outage_watch import LEAST_SHARE

MEMORY_US: Final = 300_000_000
"""A string counts for so long after it was heard."""
SILENCE_US: Final = 86_400_000_000
"""A system that is silent for longer than this has no state any more: nobody knows whether one outage went on."""


@dataclass(frozen=True, slots=True)
class Outage:
    """An outage of some systems of a location, us since 1970 UTC."""

    start_us: int
    end_us: int
    systems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What a minute says of a system; `at_us` is the begin of the outage if it has failed, and its end if not."""

    minute_us: int
    system: str
    failed: bool
    at_us: int


class OutageFinder:
    """Takes the minutes of a location in order of time, in as many parts as its caller likes.

    Args:
        system_of: system of each string of the location.
        from_us: minute at which no mains had failed; earlier minutes say only when strings were heard.
    """

    def __init__(self, system_of: Mapping[str, str], from_us: int) -> None:
        self._judge = _Judge(system_of)
        self._from_us = from_us
        self._since_us: dict[str, int] = {}
        self._judged_us: dict[str, int] = {}
        self._ended: list[tuple[int, int, str]] = []

    def take(self, loads: Sequence[StringLoad], until_us: int) -> None:
        """Takes the next minutes.

        Args:
            loads: in order of time.
            until_us: end of the time that they stand for, exclusive.
        """
        for verdict in self._judge.verdicts(loads):
            if verdict.minute_us >= self._from_us:
                self._follow(verdict)
        for system in list(self._since_us):
            self._forget_if_silent(system, until_us)

    def _follow(self, verdict: _Verdict) -> None:
        system = verdict.system
        self._forget_if_silent(system, verdict.minute_us)
        self._judged_us[system] = verdict.minute_us
        if verdict.failed:
            self._since_us.setdefault(system, verdict.at_us)
        elif system in self._since_us:
            self._ended.append((self._since_us.pop(system), verdict.at_us, system))

    def _forget_if_silent(self, system: str, now_us: int) -> None:
        if now_us - self._judged_us.get(system, now_us) > SILENCE_US:
            self._since_us.pop(system, None)

    @property
    def lasts(self) -> bool:
        """Whether the mains of a system have failed at the end of what was taken."""
        return bool(self._since_us)

    def ended(self) -> list[Outage]:
        """Outages that have ended since this was asked last, oldest first; ask when none lasts."""
        found, self._ended = sorted(self._ended), []
        joined: list[Outage] = []
        for start_us, end_us, system in found:
            if joined and start_us < joined[-1].end_us:
                last = joined.pop()
                systems = tuple(sorted({*last.systems, system}))
                joined.append(Outage(last.start_us, max(last.end_us, end_us), systems))
            else:
                joined.append(Outage(start_us, end_us, (system,)))
        return joined


def find_outages(loads: Sequence[StringLoad], system_of: Mapping[str, str]) -> list[Outage]:
    """Outages of one location, oldest first. One that has not ended within the loads is left to whoever sees its end.

    Args:
        loads: strings of the location by the minute, in order of time.
        system_of: system of each string.
    """
    if not loads:
        return []
    finder = OutageFinder(system_of, loads[0].minute_us)
    finder.take(loads, loads[-1].minute_us)
    return finder.ended()


def find_clear(
    loads: Sequence[StringLoad], system_of: Mapping[str, str], from_us: int, *, whole_day: bool
) -> int | None:
    """First minute at which it is known that no mains had failed; None = there is none.

    Args:
        loads: strings of the location by the minute, in order of time.
        system_of: system of each string.
        from_us: earlier minutes say only when strings were heard.
        whole_day: the loads are those of a whole day: a system of which they say nothing has no state (`SILENCE_US`).
    """
    verdicts = [v for v in _Judge(system_of).verdicts(loads) if v.minute_us >= from_us]
    needed = {v.system for v in verdicts} if whole_day else set(system_of.values())
    if not needed:
        return from_us
    clear: set[str] = set()
    for minute_us, of_minute in groupby(verdicts, _minute_us):
        for verdict in of_minute:
            (clear.discard if verdict.failed else clear.add)(verdict.system)
        if clear >= needed:
            return minute_us
    return None


def _minute_us(of_minute: StringLoad | _Verdict) -> int:
    return of_minute.minute_us


class _Judge:
    """Says of every minute which systems have failed, and nothing where less than half of the strings are heard."""

    def __init__(self, system_of: Mapping[str, str]) -> None:
        self._system_of = system_of
        self._string_count = Counter(system_of.values())
        self._last: dict[str, dict[str, StringLoad]] = defaultdict(dict)  # system -> string -> its newest minute

    def verdicts(self, loads: Sequence[StringLoad]) -> Iterator[_Verdict]:
        for minute_us, of_minute in groupby(loads, _minute_us):
            heard: dict[str, list[StringLoad]] = defaultdict(list)
            for load in of_minute:
                heard[self._system_of[load.string_id]].append(load)
            for system in sorted(heard):
                verdict = self._verdict(minute_us, system, heard[system])
                if verdict is not None:
                    yield verdict

    def _verdict(self, minute_us: int, system: str, heard: Sequence[StringLoad]) -> _Verdict | None:
        last = self._last[system]
        last |= {load.string_id: load for load in heard}
        fresh = [load for load in last.values() if minute_us - load.minute_us <= MEMORY_US]
        if 2 * len(fresh) < self._string_count[system]:
            return None
        if all(load.loaded > LEAST_SHARE * load.heard for load in fresh):
            return _Verdict(minute_us, system, True, min(load.first_loaded_us or load.first_us for load in fresh))
        return _Verdict(minute_us, system, False, min(load.first_us for load in heard))
