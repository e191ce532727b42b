"""Rounding errors over small cells of the argument, with arb's interval arithmetic.

A `Computed` quantity has an ideal value, known to lie in `value` for every argument of the cell, and the computed
number differs from it by at most `error`. Each operation adds half a unit in the last place of the greatest magnitude
that it may round. `mul_add` is charged for two roundings, which also covers one. Underflow isn't charged: the theorems
deal with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import arb, ctx

ctx.prec = 128
U = arb(2) ** -53
SIGN = arb(0, 1)  # [-1, 1]


def span(low: float | Fraction | arb, high: float | Fraction | arb) -> arb:
    """The interval [low, high]."""
    return number(low).union(number(high))


def number(x: float | Fraction | arb) -> arb:
    """Exactly, when x has a binary64 value."""
    return arb(x.numerator) / arb(x.denominator) if isinstance(x, Fraction) else arb(x)


def greatest(values: Iterator[arb]) -> float:
    """An upper bound on all of them, in units of u."""
    return max(finite((v / U).abs_upper()) for v in values)


def finite(bound: arb) -> float:
    """Not below the bound; an error when arb couldn't bound it, as max() would overlook a NaN."""
    assert bound.is_finite(), bound
    return float(bound) * (1 + 2**-50)


def half_unit(size: arb) -> arb:
    """The greatest rounding error of numbers up to `size` (exact, >= 0): u 2^e for 2^e < size <= 2^(e + 1)."""
    if size == 0:
        return arb(0)
    digits, exponent = (int(part) for part in size.man_exp())
    return U * arb(2) ** (exponent + (digits - 1).bit_length() - 1)


def units(distance: arb, value: arb) -> float:
    """An upper bound on distance / ulp(value), ulp(y) = 2^(floor(log2 |y|) - 52)."""
    return finite((distance.abs_upper() / (2 * half_unit(value.abs_lower()))).abs_upper())


@dataclass(frozen=True)
class Computed:
    value: arb
    error: arb

    @staticmethod
    def exact(value: float | Fraction | arb) -> Computed:
        return Computed(number(value), arb(0))

    @staticmethod
    def constant(value: float | Fraction | arb) -> Computed:
        """A real number rounded to nearest."""
        return Computed(number(value), half_unit(number(value).abs_upper()))

    @property
    def size(self) -> arb:
        """Of the computed number."""
        return (self.value.abs_upper() + self.error).abs_upper()

    def rounded(self) -> Computed:
        return Computed(self.value, (self.error + half_unit(self.size)).abs_upper())

    def __neg__(self) -> Computed:
        return Computed(-self.value, self.error)

    def plus(self, other: Computed) -> Computed:
        """A sum that is known to be exact."""
        return Computed(self.value + other.value, (self.error + other.error).abs_upper())

    def times(self, other: Computed) -> Computed:
        """A product that is known to be exact."""
        error = self.value.abs_upper() * other.error + other.size * self.error
        return Computed(self.value * other.value, error.abs_upper())

    def __add__(self, other: Computed) -> Computed:
        return self.plus(other).rounded()

    def __sub__(self, other: Computed) -> Computed:
        return self.plus(-other).rounded()

    def __mul__(self, other: Computed) -> Computed:
        return self.times(other).rounded()

    def __truediv__(self, other: Computed) -> Computed:
        least = (other.value.abs_lower() - other.error).abs_lower()
        error = (self.error + (self.value / other.value).abs_upper() * other.error) / least
        return Computed(self.value / other.value, error.abs_upper()).rounded()

    def instead_of(self, ideal: arb, difference: arb) -> Computed:
        """The same number, seen as an approximation of `ideal`, where |self.value - ideal| <= difference."""
        return Computed(ideal, (self.error + difference).abs_upper())


def mul_add(a: Computed, b: Computed, c: Computed) -> Computed:
    return a * b + c


def horner(x: Computed, coefficients: Sequence[float]) -> Computed:
    """The kernels' `polynomial`; the ideal value is that of the polynomial with these very coefficients."""
    result = Computed.exact(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        result = mul_add(result, x, Computed.exact(c))
    return result


def cells(low: Fraction, high: Fraction, count: int) -> Iterator[arb]:
    for k in range(count):
        yield span(low + (high - low) * k / count, low + (high - low) * (k + 1) / count)


def octaves(high: Fraction, steps: int, count: int) -> Iterator[arb]:
    """[high 2^-steps, high] in `count` cells for each factor of two."""
    for k in range(steps):
        yield from cells(high / 2 ** (k + 1), high / 2**k, count)


def sup_norm(coefficients: Sequence[arb], high: Fraction, count: int) -> arb:
    """A bound on |sum c_k x^k| for x in [0, high]."""
    worst = arb(0)
    for x in cells(Fraction(0), high, count):
        middle, radius = x.mid(), x.rad()
        # Taylor at the middle keeps the dependency on x small
        shifted = list(coefficients)
        for i in range(len(shifted)):
            for k in range(len(shifted) - 2, i - 1, -1):
                shifted[k] += middle * shifted[k + 1]
        bound = sum((c.abs_upper() * radius**k for k, c in enumerate(shifted)), arb(0))
        worst = worst.max(bound.abs_upper())
    return worst
