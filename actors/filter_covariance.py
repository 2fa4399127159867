"""Operations on the estimate (SOC, V1, V2, R0, capacity) and its covariance that keep it symmetric and positive.

Everything is written out for the upper triangle: that is what makes P symmetric, and five states fast. The error of the
open-circuit table is a sixth quantity that is allowed for but never estimated (Schmidt's filter): its covariance with
the five, p05...p45, keeps what all voltages are wrong by in common from being averaged away.
"""

from typing import Final

from actors.compiled import compiled
from actors.filter_layout import TwinState

_ROUNDING_V2: Final = 1e-10


@compiled
def scale_states(x: TwinState, f0: float, f1: float, f2: float) -> None:
    """P <- F P F' with F = diag(f0, f1, f2, 1, 1)."""
    x.p00 *= f0 * f0
    x.p01 *= f0 * f1
    x.p02 *= f0 * f2
    x.p03 *= f0
    x.p04 *= f0
    x.p11 *= f1 * f1
    x.p12 *= f1 * f2
    x.p13 *= f1
    x.p14 *= f1
    x.p22 *= f2 * f2
    x.p23 *= f2
    x.p24 *= f2
    x.p05 *= f0
    x.p15 *= f1
    x.p25 *= f2


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
def measured_direction(
    x: TwinState, h: tuple[float, float, float], table: float
) -> tuple[float, float, float, float, float]:
    """Covariance of the five with a voltage of slopes (h0, 1, 1, h3, h4) and `table` times the error of the table."""
    h0, h3, h4 = h
    return (
        x.p00 * h0 + x.p01 + x.p02 + x.p03 * h3 + x.p04 * h4 + x.p05 * table,
        x.p01 * h0 + x.p11 + x.p12 + x.p13 * h3 + x.p14 * h4 + x.p15 * table,
        x.p02 * h0 + x.p12 + x.p22 + x.p23 * h3 + x.p24 * h4 + x.p25 * table,
        x.p03 * h0 + x.p13 + x.p23 + x.p33 * h3 + x.p34 * h4 + x.p35 * table,
        x.p04 * h0 + x.p14 + x.p24 + x.p34 * h3 + x.p44 * h4 + x.p45 * table,
    )


@compiled
def shared_error(x: TwinState, h: tuple[float, float, float], table_var: float) -> float:
    """Covariance of the error of the table with a voltage, V**2; `table_var` is 0 where the table has no part in it."""
    h0, h3, h4 = h
    return h0 * x.p05 + x.p15 + x.p25 + h3 * x.p35 + h4 * x.p45 + table_var


@compiled
def update(  # noqa: PLR0917  # the terms of one formula
    x: TwinState,
    h: tuple[float, float, float],
    gain: tuple[float, float, float, float, float],
    innovation: float,
    noise_var: float,
    table: tuple[float, float],
) -> None:
    """Applies a voltage of slopes H = (h0, 1, 1, h3, h4) with any gain, optimal or not.

    Joseph form P <- (I - K H) P (I - K H)' + K R K' of the six, in which the error of the table has no gain. With
    d = cov(., voltage) and s = H d + R that is P - K d' - (d - K s) K', of which only the upper triangle is formed: P
    stays symmetric, and positive for every gain.

    Args:
        x: state of the twin.
        h: slopes of the voltage by SOC, R0 and capacity.
        gain: K.
        innovation: V.
        noise_var: R, V**2.
        table: part that the error of the open-circuit table has in the voltage (1, or 0 where V2 has taken it), and its
            variance, V**2.
    """
    h0, h3, h4 = h
    k0, k1, k2, k3, k4 = gain
    part, table_var = table
    d0, d1, d2, d3, d4 = measured_direction(x, h, part)
    shared = shared_error(x, h, part * table_var)
    total = h0 * d0 + d1 + d2 + h3 * d3 + h4 * d4 + part * shared + noise_var
    a0, a1, a2 = d0 - k0 * total, d1 - k1 * total, d2 - k2 * total
    a3, a4 = d3 - k3 * total, d4 - k4 * total
    x.p05 -= k0 * shared
    x.p15 -= k1 * shared
    x.p25 -= k2 * shared
    x.p35 -= k3 * shared
    x.p45 -= k4 * shared
    x.p00 -= k0 * d0 + a0 * k0
    x.p01 -= k0 * d1 + a0 * k1
    x.p02 -= k0 * d2 + a0 * k2
    x.p03 -= k0 * d3 + a0 * k3
    x.p04 -= k0 * d4 + a0 * k4
    x.p11 -= k1 * d1 + a1 * k1
    x.p12 -= k1 * d2 + a1 * k2
    x.p13 -= k1 * d3 + a1 * k3
    x.p14 -= k1 * d4 + a1 * k4
    x.p22 -= k2 * d2 + a2 * k2
    x.p23 -= k2 * d3 + a2 * k3
    x.p24 -= k2 * d4 + a2 * k4
    x.p33 -= k3 * d3 + a3 * k3
    x.p34 -= k3 * d4 + a3 * k4
    x.p44 -= k4 * d4 + a4 * k4
    x.soc += k0 * innovation
    x.v1 += k1 * innovation
    x.v2 += k2 * innovation
    x.r0_ohm += k3 * innovation
    x.soh_capacity += k4 * innovation


@compiled
def measure_capacity(x: TwinState, measured: float, noise_var: float) -> None:
    """Kalman update by a direct measurement of the capacity; what is correlated with it moves along."""
    per_total = 1.0 / (x.p44 + noise_var)
    surprise = measured - x.soh_capacity
    c0, c1, c2, c3, c4 = x.p04, x.p14, x.p24, x.p34, x.p44
    x.soc += c0 * per_total * surprise
    x.v1 += c1 * per_total * surprise
    x.v2 += c2 * per_total * surprise
    x.r0_ohm += c3 * per_total * surprise
    x.soh_capacity += c4 * per_total * surprise
    x.p00 -= c0 * c0 * per_total
    x.p01 -= c0 * c1 * per_total
    x.p02 -= c0 * c2 * per_total
    x.p03 -= c0 * c3 * per_total
    x.p11 -= c1 * c1 * per_total
    x.p12 -= c1 * c2 * per_total
    x.p13 -= c1 * c3 * per_total
    x.p22 -= c2 * c2 * per_total
    x.p23 -= c2 * c3 * per_total
    x.p33 -= c3 * c3 * per_total
    e4 = x.p45 * per_total
    x.p05 -= c0 * e4
    x.p15 -= c1 * e4
    x.p25 -= c2 * e4
    x.p35 -= c3 * e4
    x.p45 -= c4 * e4
    kept = noise_var * per_total
    x.p04 *= kept
    x.p14 *= kept
    x.p24 *= kept
    x.p34 *= kept
    x.p44 *= kept


@compiled
def add_ambiguity(x: TwinState, h0: float, variance: float) -> None:
    """P <- P + d d' variance along d = (1, 0, -h0, 0, 0), in which SOC and V2 move and the voltage does not."""
    x.p00 += variance
    x.p02 -= h0 * variance
    x.p22 += h0 * h0 * variance


@compiled
def hold_soc_in_range(x: TwinState) -> None:
    """Brings a SOC outside 0...1 back to the bound and moves V1 and V2 along their correlation with it.

    Clipping alone would leave the correlated part of the error in V1 and V2, which then wind up. The variance of SOC
    stays as it is; what V1 and V2 shared with it has been used and goes. The parameters do not learn from a bound.
    """
    bound = min(max(x.soc, 0.0), 1.0)
    excess = bound - x.soc
    if excess == 0.0:
        return
    x.soc = bound
    p00 = x.p00
    if p00 <= 0.0:
        return
    k1, k2 = x.p01 / p00, x.p02 / p00
    x.v1 += k1 * excess
    x.v2 += k2 * excess
    # the errors of V1 and V2 without their part along SOC's
    x.p11 = max(x.p11 - k1 * x.p01, 0.0) + _ROUNDING_V2
    x.p12 -= k1 * x.p02
    x.p22 = max(x.p22 - k2 * x.p02, 0.0) + _ROUNDING_V2
    x.p13 -= k1 * x.p03
    x.p14 -= k1 * x.p04
    x.p23 -= k2 * x.p03
    x.p24 -= k2 * x.p04
    x.p15 -= k1 * x.p05
    x.p25 -= k2 * x.p05
    x.p01 = 0.0
    x.p02 = 0.0


@compiled
def reset_polarisation(x: TwinState, v1_v: float, v2_v: float, sigma1_v: float, sigma2_v: float) -> None:
    """Sets V1 and V2 anew, independent of everything."""
    x.v1, x.v2 = v1_v, v2_v
    x.p01 = x.p02 = x.p12 = x.p13 = x.p14 = x.p23 = x.p24 = x.p15 = x.p25 = 0.0
    x.p11, x.p22 = sigma1_v * sigma1_v, sigma2_v * sigma2_v


@compiled
def set_soc(x: TwinState, soc: float, variance: float) -> None:
    """Sets SOC and its variance by outside knowledge, independent of everything."""
    x.soc, x.p00 = soc, variance
    x.p01 = x.p02 = x.p03 = x.p04 = x.p05 = 0.0
