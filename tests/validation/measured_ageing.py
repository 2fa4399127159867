"""The method of remaining life on real blocks: health of one from its first stages, all else from the other blocks.

The product's way of thinking, small: blocks of a kind share the wear of a schedule (here: stages of storage in the cold
with a few cycles each) and differ in how fast they follow it, which has a log-normal prior and is learnt from evidence.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from batterytwin.life import Floats, Ints
from tests.validation.section import Context

_SEEN: Final = 6
"""Stages that are shown of the judged block, the new one among them."""
_LAST: Final = 10
_ALIKE: Final = 5.0
"""Deviations of a block from its kind last: the five worn stages that are seen say as much as one alone."""
_STUDENT_95: Final = {4: 2.132, 5: 2.015, 6: 1.943, 13: 1.771}
"""95 % quantile of Student's t by degrees of freedom."""


def measure(context: Context) -> Mapping[str, float]:
    """Errors and coverage, and a straight line through the stages seen beside them."""
    soh = stages(context.data / "uct-agm-soh" / "capacity_by_stage.csv")
    errors, line, covered, last_covered, widths = [], [], [], [], []
    for block in range(len(soh)):
        others = np.delete(np.arange(len(soh)), block)
        for stage in range(_SEEN, _LAST + 1):
            told, reach = foretold(soh, block, others, stage)
            error = abs(told - soh[block, stage])
            covered.append(error <= reach)
            widths.append(2.0 * reach)
            if stage == _LAST:
                errors.append(error)
                last_covered.append(error <= reach)
        straight = np.polyval(np.polyfit(np.arange(_SEEN), soh[block, :_SEEN], 1), _LAST)
        line.append(abs(straight - soh[block, _LAST]))
    return {
        "real_ageing.soh_mae": float(np.mean(errors)),
        "real_ageing.straight_line_mae": float(np.mean(line)),
        "real_ageing.interval_90_percent": 100.0 * float(np.mean(covered)),
        "real_ageing.interval_90_last_stage_percent": 100.0 * float(np.mean(last_covered)),
        "real_ageing.interval_width": float(np.mean(widths)),
        "real_ageing.blocks": float(len(soh)),
    }


def stages(path: Path) -> Floats:
    """Capacity of each block over its own new capacity after each stage, `(n_blocks, n_stages)`."""
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    blocks, names = (sorted({row[name] for row in rows}) for name in ("battery", "stage"))
    soh = np.full((len(blocks), len(names)), np.nan)
    for row in rows:
        soh[blocks.index(row["battery"]), names.index(row["stage"])] = float(row["soh_vs_s00"])
    return soh


def foretold(soh: Floats, block: int, others: Ints, stage: int) -> tuple[float, float]:
    """Health of a block at a later stage and the reach of its 90 % interval, with what the others tell.

    The reach is that of the same errors among the others, each foretold from those that are left.
    """
    told = _median(soh, block, others, stage)
    errors = [_median(soh, one, others[others != one], stage) - soh[one, stage] for one in others]
    student = _STUDENT_95.get(len(errors), 1.943)
    return told, float(student * np.sqrt(np.mean(np.square(errors))))


def _median(soh: Floats, block: int, others: Ints, stage: int) -> float:
    fade = 1.0 - soh
    usual = fade[others].mean(axis=0)
    speeds = np.array([(fade[one] * usual).sum() / (usual**2).sum() for one in others])
    spread = float(np.log(speeds).std(ddof=1))
    left = (fade[others] - speeds[:, None] * usual)[:, 1:]
    sigma = float(left.std() * np.sqrt(left.shape[1] / (left.shape[1] - 1)))
    ln_speed = np.linspace(-4.0 * spread, 4.0 * spread, 401)
    miss = (fade[block, 1:_SEEN] - np.exp(ln_speed)[:, None] * usual[1:_SEEN]) / sigma
    belief = np.exp(-0.5 * (ln_speed / spread) ** 2 - 0.5 * (miss**2).sum(axis=1) / _ALIKE)
    below = np.cumsum(belief) / belief.sum()
    return float(1.0 - np.exp(np.interp(0.5, below, ln_speed)) * usual[stage])
