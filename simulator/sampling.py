"""When monitors look at strings: spread over the sample period, more often while strings carry their load."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.maintenance import Discharges
from simulator.parameters import Ints
from simulator.visits import Visits

_US = 1_000_000
_AFTER_OUTAGE_US = 5 * _US  # the step back to charge belongs to the outage's samples


@dataclass(frozen=True, slots=True)
class SamplingPlan:
    """How often the strings of one site are visited, whole microseconds.

    Attributes:
        period_us: usual time between visits, one for each string of the site.
        outage_period_us: the same while a string carries its load: an outage or a test.
        recharge_period_us: the same after that, for `recharge_us`.
        recharge_us: how long strings are watched as recharging; 0 = as usual.
    """

    period_us: tuple[int, ...]
    outage_period_us: int
    recharge_period_us: int = _US
    recharge_us: int = 0


def live_plan(sample_period_s: float, n_strings: int) -> SamplingPlan:
    """How gateways sample: at their period, and every second in an outage."""
    return SamplingPlan((round(sample_period_s * _US),) * n_strings, outage_period_us=_US)


def history_plan(period_s: Sequence[float]) -> SamplingPlan:
    """How history is filled: at a period of each string, every 10 s in an outage, every 10 min for 8 h after it."""
    return SamplingPlan(tuple(round(period * _US) for period in period_s), 10 * _US, 600 * _US, 8 * 3_600 * _US)


def string_offsets_us(strings_per_site: Sequence[int], sample_period_s: float) -> Ints:
    """Instant of each string in the sample period, microseconds, `(n_strings,)` in fleet order.

    Evenly over the period for the fleet and for every site, so that load is smooth everywhere. All blocks of a string
    are sampled with their string's current at that instant.
    """
    share = np.concatenate([np.arange(n) / n for n in strings_per_site])
    rank = np.empty(len(share), dtype=np.int64)
    rank[np.argsort(share, kind="stable")] = np.arange(len(share))
    return rank * round(sample_period_s * _US) // max(len(share), 1)


class SiteSampler:
    """Plans the visits to the strings of one site.

    Args:
        first_string: number of its first string in the fleet.
        offsets_us: instants of its strings in the sample period, microseconds, `(n_strings_of_site,)`.
    """

    def __init__(self, first_string: int, offsets_us: Ints) -> None:
        self._first_string = first_string
        self._offsets_us = [int(offset) for offset in offsets_us]

    def visits(self, plan: SamplingPlan, discharges: Discharges, after_us: int, until_us: int) -> Visits:
        """Visits in a time span, in time order.

        Args:
            plan: how often.
            discharges: when strings carry their load; must cover the span.
            after_us: begin, itself left out, microseconds since 1970 UTC.
            until_us: end, itself included.
        """
        strings, times = [], []
        for k, (offset_us, period_us) in enumerate(zip(self._offsets_us, plan.period_us, strict=True)):
            spans = [(after_us, until_us, period_us), *self._event_spans(plan, discharges, k, after_us, until_us)]
            mine = np.unique(np.concatenate([_ticks(offset_us, *span) for span in spans]))
            times.append(mine)
            strings.append(np.full(len(mine), self._first_string + k))
        string, time_us = np.concatenate(strings), np.concatenate(times)
        order = np.argsort(time_us, kind="stable")
        return Visits(string[order], time_us[order])

    def _event_spans(
        self, plan: SamplingPlan, discharges: Discharges, k: int, after_us: int, until_us: int
    ) -> list[tuple[int, int, int]]:
        starts_s, ends_s = discharges.start_s[self._first_string + k], discharges.end_s[self._first_string + k]
        tail_us = _AFTER_OUTAGE_US + plan.outage_period_us
        near = (starts_s * _US <= until_us) & (ends_s * _US >= after_us - tail_us - plan.recharge_us - _US)
        spans = []
        for start_s, end_s in zip(starts_s[near], ends_s[near], strict=True):
            begin_us, end_us = round(start_s * _US), round(end_s * _US) + tail_us
            spans.append((begin_us, end_us, plan.outage_period_us))
            spans.append((end_us, end_us + plan.recharge_us, plan.recharge_period_us))
        cut = [(max(begin, after_us), min(end, until_us), period) for begin, end, period in spans]
        return [span for span in cut if span[0] < span[1]]


def _ticks(offset_us: int, after_us: int, until_us: int, period_us: int) -> Ints:
    """Times n * period + offset in (after, until]."""
    first = (after_us - offset_us) // period_us + 1
    last = (until_us - offset_us) // period_us
    return np.arange(first, last + 1, dtype=np.int64) * period_us + offset_us
