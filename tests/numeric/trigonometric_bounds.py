"""Derives the error bounds of cpp/src/numeric/kernels/trigonometric.inl (Theorem 22 of docs/soundness.md).

`python trigonometric_bounds.py` prints them in units of u = 2^-53. The functions repeat the operation sequence of the
code.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import factorial

from cells import (
    SIGN,
    Computed,
    arb,
    cells,
    greatest,
    half_unit,
    horner,
    mul_add,
    number,
    octaves,
    sup_norm,
)

SINE = [
    float.fromhex(c)
    for c in (
        "-0x1.5555555555555p-3",
        "0x1.111111111101ep-7",
        "-0x1.a01a019fe884cp-13",
        "0x1.71de3a1032ce5p-19",
        "-0x1.ae63f7f5d45c6p-26",
        "0x1.60e5c369cd47bp-33",
        "-0x1.8d4c2cd3cf2a1p-41",
    )
]
COSINE = [
    float.fromhex(c)
    for c in (
        "0x1.5555555555555p-5",
        "-0x1.6c16c16c168ccp-10",
        "0x1.a01a019f38b6dp-16",
        "-0x1.27e4fa037cc15p-22",
        "0x1.1eeb586537317p-29",
        "-0x1.9073e56374aa9p-37",
    )
]
REDUCED = Fraction(7854, 10000)  # Theorem 21: |r|
REDUCTION = arb(2) ** -66  # and the relative error of high + low
OCTAVES = 110  # for |x| < 2^-110 the theorem argues directly


def difference(coefficients: list[float], odd: int) -> arb:
    """|P(z) - (-1/3! + z/5! - ...)| for odd = 1, |P(z) - (1/4! - z/6! + ...)| for odd = 0."""
    terms, top = 14, REDUCED**2
    errors = [number(Fraction(-((-1) ** (k + odd)), factorial(2 * k + 4 - odd))) for k in range(terms)]
    for k, c in enumerate(coefficients):
        errors[k] += number(c)
    return (sup_norm(errors, top, 64) + number(top**terms / factorial(2 * terms))).abs_upper()


SINE_DIFFERENCE = difference(SINE, 1)  # (sin(h) / h - 1) / z = -1/3! + z/5! - ...
COSINE_DIFFERENCE = difference(COSINE, 0)  # (cos(h) - 1 + z/2) / z^2 = 1/4! - z/6! + ...


def arguments() -> Iterator[arb]:
    """Cells of high; both kernels are odd or even in it."""
    yield from cells(REDUCED / 2, REDUCED, 192)
    yield from octaves(REDUCED / 2, OCTAVES, 4)


def common(h: arb) -> tuple[Computed, Computed, Computed, Computed]:
    """high, low, z and `one`, of which 1 - h^2/2 is the ideal value with the rest of the square left out."""
    high = Computed.exact(h)
    low = Computed.exact(half_unit(h.abs_upper()) * SIGN)
    bits_cut = h.abs_upper() ** 2 / 2**25  # of (high^2 - leading(high)^2) / 2
    one = Computed.exact(1) - Computed.exact(h**2 / 2 + bits_cut * SIGN)
    return high, low, high * high, one


def sine_relative() -> float:
    def errors() -> Iterator[arb]:
        for h in arguments():
            high, low, z, one = common(h)
            p = horner(z, SINE)
            p = p.instead_of(p.value + SINE_DIFFERENCE * SIGN, SINE_DIFFERENCE)
            tail = mul_add(high * z, p, low * one)
            # low * one for low cos(high), and the terms from low^2 on
            small = low.size * (one.value - h.cos()).abs_upper() + low.size**2
            yield (tail.error + small) / h.abs_lower() / (h.sin() / h).abs_lower() + 2 * REDUCTION

    return greatest(errors())


def cosine_relative() -> float:
    def errors() -> Iterator[arb]:
        for h in arguments():
            high, low, z, one = common(h)
            p = horner(z, COSINE)
            p = p.instead_of(p.value + COSINE_DIFFERENCE * SIGN, COSINE_DIFFERENCE)
            # one + one_rest = 1 - square exactly
            one_rest = Computed.exact(half_unit(one.size) * SIGN)
            cut = Computed.exact(h.abs_upper() / 2**25 / 2 * SIGN) * (high + high)
            tail = mul_add(z * z, p, one_rest - mul_add(high, low, cut))
            # high low for sin(high) low, and the terms from low^2 on
            small = low.size * (h.abs_upper() ** 3 / 6 + low.size)
            yield (tail.error + small) / h.cos().abs_lower() + 2 * REDUCTION

    return greatest(errors())


BOUNDS = {"sine_relative": sine_relative, "cosine_relative": cosine_relative}

if __name__ == "__main__":
    for name, derive in BOUNDS.items():
        print(f"{name:16} {derive():.4f} u")
