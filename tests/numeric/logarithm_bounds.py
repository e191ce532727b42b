"""Derives the error bounds of cpp/src/numeric/kernels/logarithm.inl (Theorem 11 of docs/soundness.md).

`python logarithm_bounds.py` prints them in units of u = 2^-53. The functions repeat the operation sequence of the code.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from cells import (
    SIGN,
    Computed,
    U,
    arb,
    cells,
    greatest,
    half_unit,
    horner,
    mul_add,
    number,
    octaves,
    span,
    sup_norm,
    units,
)

LOG_TWO_HIGH = float.fromhex("0x1.62e42fefa2p-1")
LOG_TWO_LOW = float.fromhex("0x1.9ef35793c7673p-41")
LOG2_E_HIGH = float.fromhex("0x1.715476p0")
LOG2_E_LOW = float.fromhex("0x1.4ae0bf85ddf44p-26")
ATANH = [
    float.fromhex(c)
    for c in (
        "0x1.5555555555555p-1",
        "0x1.9999999999d98p-2",
        "0x1.24924924248e3p-2",
        "0x1.c71c726e47d69p-3",
        "0x1.745cd45df2a9p-3",
        "0x1.3b22c23f52d9ep-3",
        "0x1.0f26f2c75a74fp-3",
        "0x1.11786057c4b68p-3",
    )
]
RECIPROCAL = [float.fromhex(c) for c in ("0x1.ffep-1", "-0x1.17ap0", "0x1.09ep0")]
LEAST = Fraction(float.fromhex("0x1.62p-1"))
FACTOR_LIMIT = 4 * U  # on the outward factor
EXP_ABSOLUTE = float.fromhex("0x1.4p-55")  # Theorem 9
# The range of f; log1p takes x for f, which may lie beyond the ends by a rounding of 1 + x.
LOW, HIGH = LEAST - 1 - Fraction(1, 2**52), 2 * LEAST - 1 + Fraction(1, 2**52)
TINY = 60  # for |f| < 2^-60 the theorem argues directly


def atanh_difference() -> arb:
    """|P(z) - (2 atanh(s)/s - 2)/z| for z = s^2, whose series is the sum of 2 z^k/(2k + 3)."""
    top = max((f / (2 + f)) ** 2 for f in (LOW, HIGH))
    terms = 24
    difference = [number(Fraction(-2, 2 * k + 3)) for k in range(terms)]
    for k, c in enumerate(ATANH):
        difference[k] += number(c)
    rest = number(top**terms / (1 - top))
    return (sup_norm(difference, top, 64) + rest).abs_upper()


ATANH_DIFFERENCE = atanh_difference()


def log_parts(f: Computed) -> tuple[arb, Computed]:
    """high and low; low against the ideal log(1 + f) - high."""
    size = f.value.abs_upper()
    s = f / (Computed.exact(2) + f)
    z = s * s
    p = horner(z, ATANH)
    p = p.instead_of(p.value + ATANH_DIFFERENCE * SIGN, ATANH_DIFFERENCE)
    low_bits = size / 2**25  # f - leading(f)
    square_high = Computed.exact(f.value**2 / 2 + low_bits * size * SIGN)
    square_low = Computed.exact(low_bits / 2 * SIGN) * (f + f)
    square = (square_high + square_low).instead_of(f.value**2 / 2, arb(0))
    high = f.value - square_high.value
    rest = Computed.exact(U * high.abs_upper() * SIGN)
    return high, mul_add(s, mul_add(z, p, square), rest - square_low)


def with_log_two(n: arb, high: arb, low: Computed, result: arb) -> arb:
    """Relative error of the last sum before it is rounded."""
    ln2 = arb.const_log2()
    rest = Computed.exact(U * (n.abs_upper() * LOG_TWO_HIGH + high.abs_upper()) * SIGN)
    if n == 0:
        rest = Computed.exact(0)
    n_low = Computed(n * (ln2 - LOG_TWO_HIGH), (n * (ln2 - LOG_TWO_HIGH - LOG_TWO_LOW)).abs_upper())
    return (rest + (n_low.rounded() + low)).error / result.abs_lower()


def powers() -> Iterator[arb]:
    """n, in groups; 2^54 times a subnormal number is normal."""
    yield from (arb(n) for n in (-3, -2, -1, 1, 2, 3))
    yield from (span(4, 1100), span(-1100, -4))


def arguments(low: Fraction, high: Fraction) -> Iterator[arb]:
    """Cells of f: fine ones at the ends, where the errors are greatest, and geometric ones towards zero."""
    yield from cells(high / 2, high, 48)
    yield from cells(low, low / 2, 48)
    for f in octaves(high / 2, TINY, 6):
        yield f
        yield -f


def log_relative() -> float:
    def errors() -> Iterator[arb]:
        for f in arguments(LOW, HIGH):
            high, low = log_parts(Computed.exact(f))
            yield with_log_two(arb(0), high, low, (1 + f).log())
            for n in powers():
                yield with_log_two(n, high, low, n * arb.const_log2() + (1 + f).log())

    return greatest(errors())


def log1p_relative() -> float:
    """With d: |d| <= u for f >= 0 and u/2 for f < 0 (but for the rounding of the least f)."""

    def errors() -> Iterator[arb]:
        for f in arguments(LOW, HIGH):
            high, low = log_parts(Computed.exact(f))
            yield with_log_two(arb(0), high, low, (1 + f).log())
            d = Computed.exact((U if f.upper() > 0 else U / 2) * SIGN)
            reciprocal = horner(Computed.exact(f), RECIPROCAL)
            reciprocal = reciprocal.instead_of(1 / (1 + f), (reciprocal.value - 1 / (1 + f)).abs_upper())
            both = mul_add(d, reciprocal, low)
            # d^2, and d left out for large x
            both = Computed(both.value, both.error + 4 * U**2 + arb(2) ** -1000)
            for n in powers():
                yield with_log_two(n, high, both, n * arb.const_log2() + (1 + f).log())

    return greatest(errors())


def log2_relative() -> float:
    inverse = 1 / arb.const_log2()
    c_high = Computed.exact(LOG2_E_HIGH)
    c_low = Computed(inverse - LOG2_E_HIGH, (inverse - LOG2_E_HIGH - LOG2_E_LOW).abs_upper())

    def errors() -> Iterator[arb]:
        for f in arguments(LOW, HIGH):
            high, low = log_parts(Computed.exact(f))
            after_first = Computed.exact(high.abs_upper() / 2**25 * SIGN)
            second = after_first + low
            small = mul_add(Computed.exact(high) + low, c_low, second * c_high)
            for n in (arb(0), *powers()):
                product = high.abs_upper() * LOG2_E_HIGH
                rest = Computed.exact(0 if n == 0 else U * (n.abs_upper() + product) * SIGN)
                result = n + (1 + f).log() * inverse
                yield (rest + small).error / result.abs_lower()

    return greatest(errors())


def softplus() -> Iterator[tuple[arb, arb, arb]]:
    """All errors in a cell of t = e^-|x|, the first part of the last sum, the value. x = 0 stands for the negative x.

    The first part y is max(x, 0) + log(1 + t) rounded, less the small rest; the outward factor multiplies it.
    """
    # relative, of t + t_rest
    exponential = number(Fraction(EXP_ABSOLUTE)) / number(Fraction(7, 10)) + arb(2) ** -64

    def parts() -> Iterator[tuple[arb, arb, arb, arb]]:
        """t, n, f, |d|"""
        for f in arguments(Fraction(-1, 2**10), HIGH):
            if f.lower() > 0:
                yield f, arb(0), f, half_unit(f.abs_upper())
        for f in cells(LOW, Fraction(0), 160):
            yield 1 + 2 * f, arb(1), f, U

    for t, n, f, size in parts():
        high, low = log_parts(Computed.exact(f))
        reciprocal = horner(Computed.exact(f), RECIPROCAL)
        reciprocal = reciprocal.instead_of(1 / (1 + f), (reciprocal.value - 1 / (1 + f)).abs_upper())
        d = Computed(size * SIGN, (U * size + 2 * size**2).abs_upper())
        low = mul_add(d, reciprocal, low)
        n_low = Computed(n * LOG_TWO_LOW, (n * (arb.const_log2() - LOG_TWO_HIGH - LOG_TWO_LOW)).abs_upper())
        head = n * LOG_TWO_HIGH + high
        log_rest = Computed.exact(n * half_unit(head.abs_upper()) * SIGN)
        tail = log_rest + (n_low + low)
        inherited = (t * exponential / (1 + t)).abs_upper()
        for whole in (arb(0), (-t.log()).max(arb(0))):
            first = whole + head
            rest = Computed.exact(0 if whole == 0 else half_unit(first.abs_upper()) * SIGN)
            value = whole + t.log1p()
            small = mul_add(Computed.exact(first), Computed.exact(FACTOR_LIMIT * SIGN), rest + tail)
            last = half_unit((first.abs_upper() * (1 + FACTOR_LIMIT) + small.size).abs_upper())
            yield (small.error + inherited + last).abs_upper(), first, value


def softplus_outward() -> float:
    return greatest(error / (first.abs_lower() * (1 - U)) for error, first, value in softplus())


def softplus_accuracy(factor: float) -> float:
    return max(units(error + first.abs_upper() * factor, value) for error, first, value in softplus())


BOUNDS = {
    "log_relative": log_relative,
    "log2_relative": log2_relative,
    "log1p_relative": log1p_relative,
    "softplus_outward": softplus_outward,
}

if __name__ == "__main__":
    print(f"P: {float(ATANH_DIFFERENCE / U):.4g} u")
    for name, derive in BOUNDS.items():
        print(f"{name:16} {derive():.4f} u")
    print(softplus_accuracy(1.75 * 2**-53), "ulp")
