"""Operations on the estimate (SOC, V1, V2, R0, capacity, error of the table) and its covariance.

Everything is written out for the upper triangle: that is what makes P symmetric, and six states fast.
"""

from typing import Final, NamedTuple

from actors.compiled import compiled
from actors.filter_layout import TwinState

_ROUNDING_V2: Final = 1e-10


class Slopes(NamedTuple):
    """How a voltage moves with the states; with V1 and V2 it moves by 1."""

    by_soc: float
    by_r0: float
    by_capacity: float
    by_table: float
    """1, or 0 where the voltage says nothing of open circuit."""


class Direction(NamedTuple):
    """Covariance of the states with a voltage: a Kalman gain before it is divided by the variance."""

    soc: float
    v1: float
    v2: float
    r0: float
    capacity: float
    table: float


@compiled
def scale_states(x: TwinState, f0: float, f1: float, f2: float) -> None:
    """P <- F P F' with F = diag(f0, f1, f2, 1, 1, 1)."""
    x.p00 *= f0 * f0
    x.p01 *= f0 * f1
    x.p02 *= f0 * f2
    x.p03 *= f0
    x.p04 *= f0
    x.p05 *= f0
    x.p11 *= f1 * f1
    x.p12 *= f1 * f2
    x.p13 *= f1
    x.p14 *= f1
    x.p15 *= f1
    x.p22 *= f2 * f2
    x.p23 *= f2
    x.p24 *= f2
    x.p25 *= f2


@compiled
def scale_table_error(x: TwinState, kept: float) -> None:
    """The error of the table and its covariance, P <- F P F' with F = 1 but for `kept`."""
    x.table_error_v *= kept
    x.p05 *= kept
    x.p15 *= kept
    x.p25 *= kept
    x.p35 *= kept
    x.p45 *= kept
    x.p55 *= kept * kept


@compiled
def lean_soc_on_capacity(x: TwinState, f04: float) -> None:
    """P <- F P F' with F = 1 but for d(SOC)/d(capacity) = f04: a count of charge is wrong as the capacity is."""
    x.p00 += f04 * (2.0 * x.p04 + f04 * x.p44)
    x.p01 += f04 * x.p14
    x.p02 += f04 * x.p24
    x.p03 += f04 * x.p34
    x.p04 += f04 * x.p44
    x.p05 += f04 * x.p45


@compiled
def add_common_noise(x: TwinState, b: tuple[float, float, float], variance: float) -> None:
    """P <- P + b b' variance: one error, such as the current's, that enters SOC, V1 and V2."""
    b0, b1, b2 = b
    x.p00 += b0 * b0 * variance
    x.p01 += b0 * b1 * variance
    x.p02 += b0 * b2 * variance
    x.p11 += b1 * b1 * variance
    x.p12 += b1 * b2 * variance
    x.p22 += b2 * b2 * variance


@compiled
def measured_direction(x: TwinState, h: Slopes) -> Direction:
    """Covariance of the states with a voltage of these slopes."""
    h0, h3, h4, h5 = h.by_soc, h.by_r0, h.by_capacity, h.by_table
    return Direction(
        x.p00 * h0 + x.p01 + x.p02 + x.p03 * h3 + x.p04 * h4 + x.p05 * h5,
        x.p01 * h0 + x.p11 + x.p12 + x.p13 * h3 + x.p14 * h4 + x.p15 * h5,
        x.p02 * h0 + x.p12 + x.p22 + x.p23 * h3 + x.p24 * h4 + x.p25 * h5,
        x.p03 * h0 + x.p13 + x.p23 + x.p33 * h3 + x.p34 * h4 + x.p35 * h5,
        x.p04 * h0 + x.p14 + x.p24 + x.p34 * h3 + x.p44 * h4 + x.p45 * h5,
        x.p05 * h0 + x.p15 + x.p25 + x.p35 * h3 + x.p45 * h4 + x.p55 * h5,
    )


@compiled
def kalman_gain(d: Direction, total: float) -> Direction:
    """Optimal gain for a voltage of covariance d with the states and variance `total` of its innovation."""
    per_total = 1.0 / total
    return Direction(
        d.soc * per_total,
        d.v1 * per_total,
        d.v2 * per_total,
        d.r0 * per_total,
        d.capacity * per_total,
        d.table * per_total,
    )


@compiled
def along(h: Slopes, d: Direction) -> float:
    """H d: change of a voltage when the states move by d; of `measured_direction`, its variance."""
    return h.by_soc * d.soc + d.v1 + d.v2 + h.by_r0 * d.r0 + h.by_capacity * d.capacity + h.by_table * d.table


@compiled
def update(x: TwinState, d: Direction, gain: Direction, innovation: float, total: float) -> None:
    """Applies a voltage with any gain, optimal or not.

    Joseph's form P <- (I - K H) P (I - K H)' + K R K' is, with d = P H' and s = H d + R, P - K d' - (d - K s) K', of
    which only the upper triangle is formed: P stays symmetric, and positive for every gain.

    Args:
        x: state of the twin.
        d: covariance of the states with the voltage.
        gain: K.
        innovation: V.
        total: s, variance of the innovation, V**2.
    """
    d0, d1, d2, d3, d4, d5 = d
    k0, k1, k2, k3, k4, k5 = gain
    a0, a1, a2 = d0 - k0 * total, d1 - k1 * total, d2 - k2 * total
    a3, a4, a5 = d3 - k3 * total, d4 - k4 * total, d5 - k5 * total
    x.p00 -= k0 * d0 + a0 * k0
    x.p01 -= k0 * d1 + a0 * k1
    x.p02 -= k0 * d2 + a0 * k2
    x.p03 -= k0 * d3 + a0 * k3
    x.p04 -= k0 * d4 + a0 * k4
    x.p05 -= k0 * d5 + a0 * k5
    x.p11 -= k1 * d1 + a1 * k1
    x.p12 -= k1 * d2 + a1 * k2
    x.p13 -= k1 * d3 + a1 * k3
    x.p14 -= k1 * d4 + a1 * k4
    x.p15 -= k1 * d5 + a1 * k5
    x.p22 -= k2 * d2 + a2 * k2
    x.p23 -= k2 * d3 + a2 * k3
    x.p24 -= k2 * d4 + a2 * k4
    x.p25 -= k2 * d5 + a2 * k5
    x.p33 -= k3 * d3 + a3 * k3
    x.p34 -= k3 * d4 + a3 * k4
    x.p35 -= k3 * d5 + a3 * k5
    x.p44 -= k4 * d4 + a4 * k4
    x.p45 -= k4 * d5 + a4 * k5
    x.p55 -= k5 * d5 + a5 * k5
    x.soc += k0 * innovation
    x.v1 += k1 * innovation
    x.v2 += k2 * innovation
    x.r0_ohm += k3 * innovation
    x.soh_capacity += k4 * innovation
    x.table_error_v += k5 * innovation


@compiled
def measure_capacity(x: TwinState, measured: float, noise_var: float) -> None:
    """Kalman update by a direct measurement of the capacity; what is correlated with it moves along."""
    total = x.p44 + noise_var
    d = Direction(x.p04, x.p14, x.p24, x.p34, x.p44, x.p45)
    update(x, d, kalman_gain(d, total), measured - x.soh_capacity, total)


@compiled
def hold_soc_in_range(x: TwinState, largest_soh: float) -> None:
    """Brings a SOC outside 0...1 back to the bound and moves V1 and V2 along their correlation with it.

    Clipping alone would leave the correlated part of the error in V1 and V2, which then wind up. The variance of SOC
    stays as it is; what V1 and V2 shared with it has been used and goes.

    Args:
        x: state of the twin.
        largest_soh: to which a SOC below 0 may lift the capacity: a block that gives more than its capacity has more.
            A bound says the same at every reading, so it lifts nothing where nothing was given.
    """
    bound = min(max(x.soc, 0.0), 1.0)
    excess = bound - x.soc
    if excess == 0.0:
        return
    x.soc = bound
    p00 = x.p00
    if p00 <= 0.0:
        return
    if excess > 0.0 and x.soh_capacity < largest_soh:
        x.soh_capacity = min(x.soh_capacity + max(x.p04 / p00, 0.0) * excess, largest_soh)
    k1, k2 = x.p01 / p00, x.p02 / p00
    x.v1 += k1 * excess
    x.v2 += k2 * excess
    # the errors of V1 and V2 without their part along SOC's
    x.p11 = max(x.p11 - k1 * x.p01, 0.0) + _ROUNDING_V2
    x.p12 -= k1 * x.p02
    x.p22 = max(x.p22 - k2 * x.p02, 0.0) + _ROUNDING_V2
    x.p13 -= k1 * x.p03
    x.p14 -= k1 * x.p04
    x.p15 -= k1 * x.p05
    x.p23 -= k2 * x.p03
    x.p24 -= k2 * x.p04
    x.p25 -= k2 * x.p05
    x.p01 = 0.0
    x.p02 = 0.0


@compiled
def reset_polarisation(x: TwinState, v1_v: float, v2_v: float, sigma1_v: float, sigma2_v: float) -> None:
    """Sets V1 and V2 anew, independent of everything."""
    x.v1, x.v2 = v1_v, v2_v
    x.p01 = x.p02 = x.p12 = x.p13 = x.p14 = x.p15 = x.p23 = x.p24 = x.p25 = 0.0
    x.p11, x.p22 = sigma1_v * sigma1_v, sigma2_v * sigma2_v


@compiled
def set_soc(x: TwinState, soc: float, variance: float) -> None:
    """Sets SOC and its variance by outside knowledge, independent of everything."""
    x.soc, x.p00 = soc, variance
    x.p01 = x.p02 = x.p03 = x.p04 = x.p05 = 0.0
