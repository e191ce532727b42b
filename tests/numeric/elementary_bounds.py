"""Derives the error constants of cpp/src/numeric/elementary.cpp in exact rational arithmetic.

A small model of rounding: a quantity is known by bounds on its exact value and on the error of the computed
one; every operation adds at most u = 2^-53 times the greatest computed magnitude. The kernels below repeat
the operation sequence of the C++ code. `python elementary_bounds.py` prints the table of docs/soundness.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import factorial

U = Fraction(1, 2**53)

# Ranges that Theorems 8 and 11 prove for the reduced arguments.
REDUCED = Fraction(3466, 10000)  # |high + low| of exp
LOW = U / 4  # |low|: half a unit in the last place of |high| < 1/2
REDUCTION = Fraction(1, 2**81)  # |r - (high + low)|
SHIFT_LOW, SHIFT_HIGH = Fraction(-29290, 100000), Fraction(41422, 100000)  # s = m - 1


@dataclass(frozen=True)
class Rounded:
    """|exact| <= size, |computed - exact| <= error."""

    size: Fraction
    error: Fraction

    def __mul__(self, other: Rounded) -> Rounded:
        size = self.size * other.size
        spread = self.size * other.error + other.size * self.error + self.error * other.error
        return Rounded(size, spread + U * (size + spread))

    def __add__(self, other: Rounded) -> Rounded:
        size, spread = self.size + other.size, self.error + other.error
        return Rounded(size, spread + U * (size + spread))


def coefficient(value: Fraction) -> Rounded:
    """A constant rounded to nearest."""
    return Rounded(value, U * value)


def exponential_rest() -> Rounded:
    """p of the C++ code against e^r - 1 - r: rounding, and what the series cut after r^14/14! leaves out."""
    argument = Rounded(REDUCED, Fraction(0))
    q = coefficient(Fraction(1, factorial(14)))
    for n in range(13, 2, -1):
        q = q * argument + coefficient(Fraction(1, factorial(n)))
    square = argument * argument
    half = Rounded(square.size / 2, square.error / 2)
    cubic = (square * argument) * q
    spread = half.error + cubic.error
    size = exponential_minus(REDUCED)  # of the sum: |e^r - 1 - r| is greatest at +R
    # sum_{n>=15} R^n/n! <= R^15/15! * 1/(1 - R/16)
    cut = REDUCED**15 / factorial(15) / (1 - REDUCED / 16)
    return Rounded(size, spread + U * (size + spread) + cut)


def exponential_minus(r: Fraction) -> Fraction:
    """An upper bound on e^r - 1 - r for 0 <= r < 1, by its series."""
    return sum((r**n / factorial(n) for n in range(2, 30)), Fraction(0)) + r**30 / factorial(30) * 2


def exp_absolute() -> Fraction:
    """|e^r - (head + tail)|."""
    p = exponential_rest()
    # rest = 1 + high - head is exact, at most half a unit of a number below 2
    rest, low = Rounded(U, Fraction(0)), Rounded(LOW, Fraction(0))
    head = Rounded(1 + REDUCED, U)  # of 1 + high
    tail = p + (rest + low * head)
    # With d = r - high: e^r = e^high + d (1 + high) + d (e^high - 1 - high) + e^high (e^d - 1 - d), and the
    # last factor is below d^2. The tail takes `low` for d in the second term.
    d = LOW + REDUCTION
    return tail.error + REDUCTION * head.size + d * p.size + 2 * d * d


def expm1_relative() -> Fraction:
    """|p - (e^x - 1 - x)| / (e^x - 1 - x) for n = 0.

    It grows with |x|: the exact value is at least x^2 (1/2 - |x|/6), and every error term below is x^2 times
    a polynomial in |x| with coefficients >= 0. So the end of the range decides.
    """
    return exponential_rest().error / (REDUCED**2 * (Fraction(1, 2) - REDUCED / 6))


def log_tail_relative() -> Fraction:
    """|c - (s - log m)| / (s - log m), where c = RN(f * RN(s - RN(z * q)))."""
    most = Fraction(0)
    for s in (SHIFT_LOW, SHIFT_HIGH):  # both ends; each bound below grows with |s| on its side
        size = abs(s)
        f_exact = size / (2 + s)
        f_error = f_exact * ((1 + U) / (1 - U) - 1)  # RN(2 + s) in the denominator, then the quotient
        f = Rounded(f_exact, f_error)
        z = f * f
        q = coefficient(Fraction(2, 21))
        for n in range(19, 1, -2):
            q = q * z + coefficient(Fraction(2, n))
        t = z * q
        # sum_{n>=11} 2 f^(2n)/(2n+1) <= 2 f^22/23 / (1 - f^2)
        cut = 2 * f_exact**22 / 23 / (1 - f_exact**2)
        t_exact = sum((2 * f_exact ** (2 * n) / (2 * n + 1) for n in range(1, 11)), Fraction(0)) + cut
        # s - t; its exact size is at least |s| for s < 0 and s - t for s > 0
        least = size if s < 0 else size - t_exact
        relative = (t.error + cut) / least
        relative = (1 + U) * (1 + relative) - 1
        relative = (1 + f_error / f_exact) * (1 + relative) * (1 + U) - 1
        most = max(most, relative)
    return most


def log_low_absolute() -> Fraction:
    """Error of RN(rest + RN(n * ln2_low)) as a value of (head + rest - s) ... + n ln 2, |n| <= 1075."""
    n = 1075
    product = n * Fraction(1, 2**40)  # |ln2_low| < 2^-40
    rest = Fraction(1, 2**43)  # half a unit in the last place of |head| < 2^10
    return n * Fraction(1, 2**94) + U * product + U * (rest + product * (1 + U))


BOUNDS = {
    "exp_absolute": exp_absolute,
    "expm1_relative": expm1_relative,
    "log_tail_relative": log_tail_relative,
    "log_low_absolute": log_low_absolute,
}


if __name__ == "__main__":
    for name, derive in BOUNDS.items():
        print(f"{name:20} {float(derive() / U):.6g} u")
