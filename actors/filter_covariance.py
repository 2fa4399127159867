"""Operations on the estimate (SOC, V1, V2) and its covariance that keep it symmetric and positive."""

from typing import Final

from actors.compiled import compiled
from actors.filter_layout import TwinState

_ROUNDING_V2: Final = 1e-10


@compiled
def propagate(x: TwinState, f0: float, f1: float, f2: float) -> None:
    """P <- F P F' with F = diag(f0, f1, f2)."""
    x.p00 *= f0 * f0
    x.p01 *= f0 * f1
    x.p02 *= f0 * f2
    x.p11 *= f1 * f1
    x.p12 *= f1 * f2
    x.p22 *= f2 * f2


@compiled
def add_common_noise(x: TwinState, b: tuple[float, float, float], variance: float) -> None:
    """P <- P + b b' variance: one error, such as the current's, that enters all three."""
    b0, b1, b2 = b
    x.p00 += b0 * b0 * variance
    x.p01 += b0 * b1 * variance
    x.p02 += b0 * b2 * variance
    x.p11 += b1 * b1 * variance
    x.p12 += b1 * b2 * variance
    x.p22 += b2 * b2 * variance


@compiled
def update(x: TwinState, h0: float, gain: tuple[float, float, float], innovation: float, noise_var: float) -> None:
    """Applies a scalar measurement with H = (h0, 1, 1) and any gain, optimal or not.

    Joseph form P <- (I - K H) P (I - K H)' + K R K', of which only the upper triangle is formed, so P stays symmetric;
    it stays positive for every gain.
    """
    k0, k1, k2 = gain
    p00, p01, p02 = x.p00, x.p01, x.p02
    p11, p12, p22 = x.p11, x.p12, x.p22
    a00, a01, a02 = 1.0 - k0 * h0, -k0, -k0
    a10, a11, a12 = -k1 * h0, 1.0 - k1, -k1
    a20, a21, a22 = -k2 * h0, -k2, 1.0 - k2
    m00 = a00 * p00 + a01 * p01 + a02 * p02
    m01 = a00 * p01 + a01 * p11 + a02 * p12
    m02 = a00 * p02 + a01 * p12 + a02 * p22
    m10 = a10 * p00 + a11 * p01 + a12 * p02
    m11 = a10 * p01 + a11 * p11 + a12 * p12
    m12 = a10 * p02 + a11 * p12 + a12 * p22
    m20 = a20 * p00 + a21 * p01 + a22 * p02
    m21 = a20 * p01 + a21 * p11 + a22 * p12
    m22 = a20 * p02 + a21 * p12 + a22 * p22
    x.p00 = m00 * a00 + m01 * a01 + m02 * a02 + k0 * k0 * noise_var
    x.p01 = m00 * a10 + m01 * a11 + m02 * a12 + k0 * k1 * noise_var
    x.p02 = m00 * a20 + m01 * a21 + m02 * a22 + k0 * k2 * noise_var
    x.p11 = m10 * a10 + m11 * a11 + m12 * a12 + k1 * k1 * noise_var
    x.p12 = m10 * a20 + m11 * a21 + m12 * a22 + k1 * k2 * noise_var
    x.p22 = m20 * a20 + m21 * a21 + m22 * a22 + k2 * k2 * noise_var
    x.soc += k0 * innovation
    x.v1 += k1 * innovation
    x.v2 += k2 * innovation


@compiled
def add_ambiguity(x: TwinState, h0: float, variance: float) -> None:
    """P <- P + d d' variance along d = (1, 0, -h0), in which SOC and V2 move and the voltage does not."""
    x.p00 += variance
    x.p02 -= h0 * variance
    x.p22 += h0 * h0 * variance


@compiled
def hold_soc_in_range(x: TwinState) -> None:
    """Brings a SOC outside 0...1 back to the bound and moves V1 and V2 along their correlation with it.

    Clipping alone would leave the correlated part of the error in V1 and V2, which then wind up. The variance of SOC
    stays as it is; what V1 and V2 shared with it has been used and goes.
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
    x.p11 = max(x.p11 - k1 * x.p01, 0.0) + _ROUNDING_V2
    x.p12 -= k1 * x.p02
    x.p22 = max(x.p22 - k2 * x.p02, 0.0) + _ROUNDING_V2
    x.p01 = 0.0
    x.p02 = 0.0


@compiled
def reset_polarisation(x: TwinState, v1_v: float, v2_v: float, sigma1_v: float, sigma2_v: float) -> None:
    """Sets V1 and V2 anew, independent of SOC and of each other."""
    x.v1, x.v2 = v1_v, v2_v
    x.p01 = x.p02 = x.p12 = 0.0
    x.p11, x.p22 = sigma1_v * sigma1_v, sigma2_v * sigma2_v


@compiled
def set_soc(x: TwinState, soc: float, variance: float) -> None:
    """Sets SOC and its variance by outside knowledge, independent of V1 and V2."""
    x.soc, x.p00 = soc, variance
    x.p01 = x.p02 = 0.0
