"""How good predictions of remaining life are, against lives that they had not seen."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.life import Floats, Ints

_PAIRED: Final = 2_500
_WITHIN: Final = 0.20


def accuracy(life_days: Floats, told_days: Floats) -> dict[str, float]:
    """R2, mean absolute error over mean life, and bias of the median over mean life, of rows whose life is known."""
    known = np.isfinite(life_days) & np.isfinite(told_days)
    life, told = life_days[known], told_days[known]
    error = told - life
    return {
        "r2": float(1.0 - np.mean(error**2) / np.var(life)),
        "mae_of_mean": float(np.abs(error).mean() / life.mean()),
        "bias_of_mean": float(np.median(error) / life.mean()),
        "mean_days": float(life.mean()),
        "rows": float(len(life)),
    }


def skill(life_days: Floats, told_days: Floats, other_days: Floats) -> float:
    """1 - error / error of another prediction, mean absolute, of rows whose life is known."""
    known = np.isfinite(life_days) & np.isfinite(told_days) & np.isfinite(other_days)
    own = np.abs(told_days - life_days)[known].mean()
    return float(1.0 - own / np.abs(other_days - life_days)[known].mean())


def coverage(life_days: Floats, low_days: Floats, high_days: Floats) -> float:
    """Share of the known lives inside their intervals."""
    known = np.isfinite(life_days) & np.isfinite(low_days)
    return float(np.mean((life_days >= low_days)[known] & (life_days <= high_days)[known]))


def concordance(lower_days: Floats, ended: NDArray[np.bool_], told_days: Floats, *, seed: int) -> float:
    """Share of comparable pairs in the right order (Harrell), of a sample of rows; NaN = there is no such pair.

    Args:
        lower_days: life, or where no end was seen how long it was followed.
        ended: whether the end was seen.
        told_days: predictions.
        seed: chooses the sample.
    """
    rows = np.random.default_rng(seed).permutation(len(lower_days))[:_PAIRED]
    life, end, told = lower_days[rows], ended[rows], told_days[rows]
    comparable = end[:, None] & (life[:, None] < life[None, :])
    right = (told[:, None] < told[None, :]) + 0.5 * (told[:, None] == told[None, :])
    return float(right[comparable].mean()) if comparable.any() else float("nan")


def alpha_lambda(age_days: Floats, life_days: Floats, told_days: Floats) -> float:
    """Share of predictions from half life on that are within a fifth of the life that was left."""
    late = np.isfinite(life_days) & (age_days >= life_days)
    return float(np.mean(np.abs(told_days - life_days)[late] <= _WITHIN * life_days[late]))


def prognostic_horizon(battery: Ints, age_days: Floats, life_days: Floats, told_days: Floats) -> float:
    """Median over batteries of how long before the end predictions stay within a tenth of the whole life, days.

    Args:
        battery: of each row, rows in time order within a battery.
        age_days: age then.
        life_days: life left; rows of batteries whose end was seen, all of them.
        told_days: predictions.
    """
    horizons = []
    for number in np.unique(battery):
        mine = battery == number
        life = life_days[mine]
        wrong = np.abs(told_days[mine] - life) > 0.5 * _WITHIN * (age_days[mine] + life)
        after = np.flatnonzero(wrong)
        first = 0 if len(after) == 0 else int(after[-1]) + 1
        horizons.append(float(life[first]) if first < len(life) else 0.0)
    return float(np.median(horizons)) if horizons else float("nan")


def lead_times(
    battery: Ints, life_days: Floats, low_days: Floats, *, lead_days: float, limits_days: Floats
) -> list[tuple[float, float, float]]:
    """What announcing an end costs: a battery is announced in the month when its lower bound falls below a limit.

    Args:
        battery: of each row, rows in time order within a battery, of batteries whose end was seen.
        life_days: life left.
        low_days: lower bound that is told.
        lead_days: how long before its end a battery must be announced.
        limits_days: limits to try.

    Returns:
        Of each limit: itself, share of the batteries announced in time, share announced more than a year early.
    """
    numbers = np.unique(battery)
    rows = [np.flatnonzero(battery == number) for number in numbers]
    curve = []
    for limit in limits_days:
        in_time, early = 0, 0
        for mine in rows:
            told = mine[low_days[mine] <= limit]
            left = life_days[told[0]] if len(told) else 0.0
            in_time += left >= lead_days
            early += left > 365.0
        curve.append((float(limit), in_time / len(rows), early / len(rows)))
    return curve
