"""Derives the error bounds of cpp/src/numeric/kernels/error_function.inl (Theorem 20 of docs/soundness.md).

`python error_function_bounds.py` prints them in units of u = 2^-53. The functions repeat the operation sequence of the
code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import factorial

from cells import SIGN, Computed, U, arb, cells, greatest, half_unit, horner, mul_add, number, sup_norm, units

FIRST, LAST, GRID = 16, 384, 64  # rows j of the table, r = j / GRID
CENTRAL = [
    float.fromhex(c)
    for c in (
        "0x1.06eba8214db68p-3",
        "-0x1.812746b0378e5p-2",
        "0x1.ce2f21a00b072p-4",
        "-0x1.b82ce2c48d0c7p-6",
        "0x1.565b978c816b9p-8",
        "-0x1.c00772c9761c7p-11",
        "0x1.ebefa138651cdp-14",
    )
]
FACTOR_LIMIT = 4 * U  # on both outward factors
CENTRAL_TOP = Fraction(1, 16)


# c_3, c_4/r, c_5, c_6/r, c_7 as polynomials in r^2
TAYLOR = [
    [Fraction(-1, 3), Fraction(2, 3)],
    [Fraction(1, 2), Fraction(-1, 3)],
    [Fraction(1, 10), Fraction(-2, 5), Fraction(2, 15)],
    [Fraction(-1, 6), Fraction(2, 9), Fraction(-2, 45)],
    [Fraction(-1, 42), Fraction(1, 7), Fraction(-2, 21), Fraction(4, 315)],
]


def taylor_coefficients(r: Fraction) -> dict[int, Fraction]:
    """c_1 ... c_7 of the code: erf(r + d) = erf(r) + erf'(r) (c_1 d + c_2 d^2 + ...)."""
    result = {1: Fraction(1), 2: -r}
    for k, c in enumerate(TAYLOR, start=3):
        result[k] = sum((a * r ** (2 * i) for i, a in enumerate(c)), Fraction(0)) * (r if k % 2 == 0 else 1)
    return result


def central_difference() -> arb:
    """|1 + Q(z) - erf(x)/x| for z = x^2 <= 1/16, by the alternating series."""
    terms, scale = 20, 2 / arb.pi().sqrt()
    difference = [-scale * number(Fraction((-1) ** k, factorial(k) * (2 * k + 1))) for k in range(terms)]
    difference[0] += 1
    for k, c in enumerate(CENTRAL):
        difference[k] += number(c)
    return (sup_norm(difference, CENTRAL_TOP, 64) + scale * number(CENTRAL_TOP**terms)).abs_upper()


@dataclass(frozen=True)
class Bound:
    """In a cell: all errors over the number `base` that the outward factor multiplies; base; erf, or erf over base."""

    needed: arb
    base: arb
    value: arb

    def accuracy(self, factor: float) -> float:
        """How far the bound may lie from erf, in units in the last place."""
        return units(self.base.abs_upper() * (self.needed + factor), self.value)


def central() -> Iterator[Bound]:
    """|x| = a: RN(a + RN(a (q + factor))). Products are charged u times their size, which doesn't depend on a."""
    approximation = central_difference()
    for z in cells(Fraction(0), CENTRAL_TOP, 64):
        q = horner(Computed(z, U * z.abs_upper()), CENTRAL)
        size = q.size + FACTOR_LIMIT
        # the sum with the factor, the product, the last sum; the grid counts for less than 2^-70 of a >= 2^-1000
        error = q.error + approximation + U * size + U * size + U * (1 + size) + arb(2) ** -70
        yield Bound(error.abs_upper(), arb(1), 1 + q.value)


def rows() -> Iterator[tuple[Fraction, arb]]:
    half = Fraction(1, 2 * GRID)
    for j in range(FIRST, LAST + 1):
        low, high = (Fraction(0) if j == FIRST else -half), (Fraction(0) if j == LAST else half)
        for d in cells(low, high, 3):
            yield Fraction(j, GRID), d


def table() -> Iterator[Bound]:
    """value + tail, value the factor's number."""

    def polynomial(w: Computed, c: list[Fraction]) -> Computed:
        result = Computed.constant(c[-1])
        for term in reversed(c[:-1]):
            result = mul_add(result, w, Computed.constant(term))
        return result

    c3, c4, c5, c6, c7 = TAYLOR
    scale = 2 / arb.pi().sqrt()
    for r, cell in rows():
        center, d = Computed.exact(r), Computed.exact(cell)
        value = Computed.constant(number(r).erf())
        slope = Computed.constant(scale * (-(number(r) ** 2)).exp())
        w, d2 = center * center, d * d
        odd = d * mul_add(d2, mul_add(d2, polynomial(w, c7), polynomial(w, c5)), polynomial(w, c3))
        even = mul_add(d2, mul_add(d2, polynomial(w, c6), polynomial(w, c4)), Computed.exact(-1))
        first = slope * d
        tail = mul_add(first, d * mul_add(center, even, odd), first)
        moved = mul_add(Computed.exact(value.value), Computed.exact(FACTOR_LIMIT * SIGN), tail)
        # Taylor's remainder: erf^(8)(t) d^8 / 8! for a t between r and r + d
        t = number(r) + cell.abs_upper() * SIGN
        remainder = scale * (-(t**2)).exp() * t.hermite_h(7) * cell.abs_upper() ** 8 / factorial(8)
        last = half_unit((value.size + moved.size).abs_upper())
        error = value.error + moved.error + remainder.abs_upper() + last
        base = (value.value.abs_lower() - value.error).abs_lower()
        yield Bound((error / base).abs_upper(), value.value, (number(r) + cell).erf())


def needed(bounds: Iterator[Bound]) -> float:
    return greatest(bound.needed for bound in bounds)


BOUNDS = {"central_outward": lambda: needed(central()), "table_outward": lambda: needed(table())}


def accuracy(central_outward: float, table_outward: float) -> float:
    """Of the whole function in units in the last place."""
    table_units = max(bound.accuracy(table_outward) for bound in table())
    # for small x the cells hold whole binades: the distance over the least unit, u erf
    central_units = greatest((b.needed + central_outward) / b.value for b in central())
    # |x| < 2^-1000: half a unit for the last sum, half a grid step for the product, one step
    first = next(central())
    tiny_units = greatest(iter([(first.needed - U * first.value + central_outward) / first.value])) + 2
    return max(table_units, central_units, tiny_units)


if __name__ == "__main__":
    for name, derive in BOUNDS.items():
        print(f"{name:16} {derive():.4f} u")
    print(accuracy(1.6875 * 2**-53, 2.125 * 2**-53), "ulp")
