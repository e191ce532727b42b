"""The oracle of the elementary functions: arb's enclosures, sharp enough to tell the closest floats; where a value is a
float, or too near to one for that, mpmath at 160 bits and more, rounded both ways."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from flint import arb, ctx
from mpmath import libmp

Floats = npt.NDArray[np.float64]
Mpf = tuple[int, int, int, int]

BITS = 160
ONE, TWO = libmp.fone, libmp.ftwo


def magnitude(x: Mpf) -> int:
    """|x| < 2^magnitude(x)."""
    return int(x[2] + x[3])


def exp(x: Mpf, rounding: str) -> Mpf:
    return libmp.mpf_exp(x, BITS, rounding)


def expm1(x: Mpf, rounding: str) -> Mpf:
    if magnitude(x) < -BITS:  # x + x^2/2, up to x^3
        return libmp.mpf_add(x, libmp.mpf_shift(libmp.mpf_mul(x, x), -1), BITS, rounding)
    # cancellation costs at most the exponent of x; for large x the difference needs all bits of the greater
    bits = BITS + abs(magnitude(x))
    return libmp.mpf_sub(libmp.mpf_exp(x, bits, rounding), ONE, BITS, rounding)


def exp2(x: Mpf, rounding: str) -> Mpf:
    if x[2] >= 0:  # an integer
        return libmp.mpf_shift(ONE, libmp.to_int(x))
    product = libmp.mpf_mul(x, libmp.mpf_ln2(BITS + 20), BITS + 20, rounding)
    return libmp.mpf_exp(product, BITS, rounding)


def log(x: Mpf, rounding: str) -> Mpf:
    return libmp.mpf_log(x, BITS, rounding)


def log1p(x: Mpf, rounding: str) -> Mpf:
    return libmp.mpf_log(libmp.mpf_add(ONE, x), BITS + 2 * max(0, -magnitude(x)), rounding)


def log2(x: Mpf, rounding: str) -> Mpf:
    if x[1] == 1:  # a power of two
        return libmp.from_int(x[2])
    return libmp.mpf_div(libmp.mpf_log(x, BITS + 20, rounding), libmp.mpf_ln2(BITS + 20), BITS, rounding)


def sin(x: Mpf, rounding: str) -> Mpf:
    return libmp.mpf_sin(x, BITS, rounding)


def cos(x: Mpf, rounding: str) -> Mpf:
    return libmp.mpf_cos(x, BITS, rounding)


def tanh(x: Mpf, rounding: str) -> Mpf:
    return libmp.mpf_tanh(x, BITS, rounding)


def erf(x: Mpf, rounding: str) -> Mpf:
    opposite = {"f": "c", "c": "f"}[rounding]
    if x[0]:
        return libmp.mpf_neg(erf(libmp.mpf_neg(x), opposite))
    if magnitude(x) > 2:  # mpmath rounds erf(x) the wrong way where it is near 1
        return libmp.mpf_sub(ONE, libmp.mpf_erfc(x, BITS, opposite), BITS, rounding)
    return libmp.mpf_erf(x, BITS, rounding)


def sigmoid(x: Mpf, rounding: str) -> Mpf:
    opposite = {"f": "c", "c": "f"}[rounding]
    if magnitude(x) > 8 and not x[0]:  # 1 - e^-x, or nearer to one
        return libmp.mpf_sub(ONE, libmp.mpf_exp(libmp.mpf_neg(x), BITS, opposite), BITS, rounding)
    bottom = libmp.mpf_add(ONE, libmp.mpf_exp(libmp.mpf_neg(x), BITS + 300, opposite), BITS + 300, opposite)
    return libmp.mpf_div(ONE, bottom, BITS, rounding)


def softplus(x: Mpf, rounding: str) -> Mpf:
    if magnitude(x) > 10:  # max(x, 0) + e^-|x|, up to e^-2|x|
        rest = libmp.mpf_exp(libmp.mpf_neg(libmp.mpf_abs(x)), BITS, rounding)
        return rest if x[0] else libmp.mpf_add(x, rest, BITS, rounding)
    bits = BITS + 2048
    return libmp.mpf_log(libmp.mpf_add(ONE, libmp.mpf_exp(x, bits, rounding)), BITS, rounding)


FUNCTIONS: dict[str, Callable[[Mpf, str], Mpf]] = {
    f.__name__: f for f in (exp, expm1, exp2, log, log1p, log2, sin, cos, tanh, erf, sigmoid, softplus)
}


@dataclass(frozen=True)
class Values:
    """f(x): the closest floats below and above, ulp(f(x)) and (f(x) - below) / ulp, element by element."""

    below: Floats
    above: Floats
    ulp: Floats
    fraction: Floats

    def excess(self, low: Floats, high: Floats) -> tuple[Floats, Floats]:
        """How many ulp the ends lie outside; negative where they don't enclose. Infinite ends count zero."""
        with np.errstate(all="ignore"):
            down = (self.below - low) / self.ulp + self.fraction
            up = (high - self.below) / self.ulp - self.fraction
        return np.where(np.isinf(low), 0.0, down), np.where(np.isinf(high), 0.0, up)


def neighbours(v: Mpf) -> tuple[float, float, float, float]:
    """below, above, ulp, fraction of a number."""
    sign, digits, exponent, length = (int(part) for part in v)
    if not digits:
        return 0.0, 0.0, 5e-324, 0.0
    place = max(exponent + length - 53, -1074)
    if place > 971:
        below, above, ulp, fraction = np.finfo(np.float64).max, math.inf, 2.0**971, 0.0
    elif exponent + length < -1200:
        below, above, ulp, fraction = 0.0, 5e-324, 5e-324, 0.0
    else:
        drop = max(place - exponent, 0)
        whole = digits >> drop if drop else digits << (exponent - place)
        rest = digits & ((1 << drop) - 1)
        ulp = math.ldexp(1.0, place)
        below, fraction = math.ldexp(whole, place), rest / (1 << drop)
        above = (
            (math.ldexp(whole + 1, place) if place < 971 or whole + 1 < 1 << 53 else math.inf)
            if rest
            else below
        )
    if sign:
        return -above, -below, ulp, 1.0 - fraction if above != below else 0.0
    return below, above, ulp, fraction


BALLS: dict[str, Callable[[Any], Any]] = {
    "exp": lambda x: x.exp(),
    "expm1": lambda x: x.expm1(),
    "exp2": lambda x: (x * arb.const_log2()).exp(),
    "log": lambda x: x.log(),
    "log1p": lambda x: x.log1p(),
    "log2": lambda x: x.log() / arb.const_log2(),
    "sin": lambda x: x.sin(),
    "cos": lambda x: x.cos(),
    "tanh": lambda x: x.tanh(),
    "erf": lambda x: x.erf(),
    "sigmoid": lambda x: 1 / (1 + (-x).exp()),
    "softplus": lambda x: x.exp().log1p(),
}


def exactly(x: Any) -> Mpf:
    digits, exponent = (int(part) for part in x.man_exp())
    return int(digits < 0), abs(digits), exponent, digits.bit_length()


def by_balls(name: str, x: float) -> tuple[float, float, float, float] | None:
    """None when the precision doesn't tell."""
    before = ctx.prec
    try:
        for ctx.prec in (140, 1400):
            y = BALLS[name](arb(x))
            if y.is_finite() and abs(x) < 1e9:
                low, high = neighbours(exactly(y.lower())), neighbours(exactly(y.upper()))
                if low[:3] == high[:3] and low[0] < low[1]:
                    return low
    finally:
        ctx.prec = before
    return None


def values(name: str, x: Floats) -> Values:
    f = FUNCTIONS[name]
    rows = []
    for argument in x.tolist():
        row = by_balls(name, argument)
        if row is None:
            v = libmp.from_float(argument)
            below, above, ulp, fraction = neighbours(f(v, "f"))
            if below == above:
                _, above, _, _ = neighbours(f(v, "c"))
            row = below, above, ulp, fraction
        rows.append(row)
    return Values(*(np.array(column) for column in zip(*rows, strict=True)))


def around(points: Any, steps: int = 12) -> Floats:
    """The points and so many floats on either side of each."""
    points = np.asarray(points, np.float64)
    bits = points.view(np.int64)[:, None] + np.arange(-steps, steps + 1)
    return bits.ravel().view(np.float64)
