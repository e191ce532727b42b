"""Derives the error bounds of cpp/src/numeric/kernels/exponential*.inl (Theorems 8-10 and 12 of docs/soundness.md).

`python exponential_bounds.py` prints them in units of u = 2^-53. The functions repeat the operations of the code.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import factorial

from cells import Computed, U, arb, cells, half_unit, mul_add, number, octaves, span

COEFFICIENTS = [
    float.fromhex(c)
    for c in (
        "0x1.555555555555bp-3",
        "0x1.555555555555ap-5",
        "0x1.111111110ed9cp-7",
        "0x1.6c16c16c141fep-10",
        "0x1.a01a01b320097p-13",
        "0x1.a01a01b1c9edap-16",
        "0x1.71ddf0dd2542ap-19",
        "0x1.27e4c32c5f682p-22",
        "0x1.af6ad8130a6a3p-26",
        "0x1.1f991f53d3776p-29",
    )
]
LN2_HIGH = float.fromhex("0x1.62e42fefa2p-1")
LN2_LOW = float.fromhex("0x1.9ef35793c7673p-41")
LN2_HEAD = float.fromhex("0x1.62e42ep-1")
LN2_REST = float.fromhex("0x1.efa39ef35793cp-25")
LN2 = float.fromhex("0x1.62e42fefa39efp-1")
INVERSE_LN2 = float.fromhex("0x1.71547652b82fep+0")

REDUCED = Fraction(3466, 10000)  # |high + low| (Theorem 8)
REDUCTION = arb(2) ** -76  # |r - (high + low)| for exp2, and
EXP_REDUCTION = arb(2) ** -80  # for the others
LOW = U / 4  # |low|
DIVISION = arb(2) ** -56 * (1 + arb(2) ** -20)  # relative error of `divide` (Theorem 12)


def signed_cells(count: int) -> Iterator[arb]:
    """[-REDUCED, REDUCED]"""
    yield from cells(-REDUCED, REDUCED, count)


TERMS = 22
DIFFERENCE = [number(Fraction(-1, factorial(k + 3))) for k in range(TERMS)]
for _k, _c in enumerate(COEFFICIENTS):
    DIFFERENCE[_k] += number(_c)
CUT = number(REDUCED**TERMS / factorial(TERMS + 3) / (1 - REDUCED))


def series_difference(r: arb) -> arb:
    """|P(r) - (e^r - 1 - r - r^2/2)/r^3| over the cell, by Taylor at its middle."""
    middle, radius = r.mid(), r.rad()
    shifted = list(DIFFERENCE)
    for i in range(TERMS):
        for k in range(TERMS - 2, i - 1, -1):
            shifted[k] += middle * shifted[k + 1]
    bound = sum((c.abs_upper() * radius**k for k, c in enumerate(shifted)), CUT)
    return bound.abs_upper()


def square_of(r: arb) -> arb:
    return r * r  # r**2 is NaN for a ball around zero


def around_zero(size: arb) -> Computed:
    """Some float of at most that size."""
    return Computed.exact(size * arb(0, 1))


def second_order_exactly(r: arb) -> arb:
    """S(r) = (e^r - 1 - r)/r^2 = 1/2 + r/6 + ..., an enclosure over the cell."""
    s = arb(0)
    for k in range(30, -1, -1):
        s = s * r + arb(1) / factorial(k + 2)
    return s + arb(0, 2**-100)


def second_order(r: Computed, square: Computed) -> Computed:
    """Against S(r)."""
    c = [Computed.exact(x) for x in COEFFICIENTS]
    odd, even = c[8], c[9]
    for i in (6, 4, 2, 0):
        odd = mul_add(odd, square, c[i])
        even = mul_add(even, square, c[i + 1])
    p = mul_add(even, r, odd)
    p = p.instead_of(p.value, series_difference(r.value))
    s = mul_add(r, p, Computed.exact(0.5))
    return s.instead_of(second_order_exactly(r.value), arb(0))


def quadratic_part(r: arb) -> Computed:
    """square * second_order against e^r - 1 - r, the product rounded (it isn't when it is fused)."""
    high = Computed.exact(r)
    square = high * high
    square = square.instead_of(square_of(r), arb(0))
    return square * second_order(high, square)


def quadratic_relative(r: arb) -> arb:
    """The error of the same over r^2, for any cell, by relative errors."""
    second = second_order(Computed.exact(r), Computed(square_of(r), U * square_of(r).abs_upper()))
    size = second.value.abs_upper()
    return ((size + second.error) * (1 + U) ** 2 - size).abs_upper()


def exponential_tail(r: arb, low: arb) -> tuple[Computed, arb]:
    """tail and what it misses of e^(high + low) - head, |low| <= `low`."""
    product = quadratic_part(r)
    rest = around_zero(U)
    head = Computed.exact(1 + r + U * arb(0, 1))
    tail = product + mul_add(around_zero(low), head, rest)
    # e^(high + low) = e^high + low e^high + e^high (e^low - 1 - low); the code takes low * head for low e^high
    missed = low * (product.size + U) + low**2 + REDUCTION * r.exp().abs_upper()
    return tail, (tail.error + missed).abs_upper()


def most(values: Iterator[arb]) -> arb:
    worst = arb(0)
    for v in values:
        assert v.is_finite()
        worst = worst.max(v.abs_upper())
    return worst.abs_upper()


def exp_absolute() -> arb:
    return most(exponential_tail(r, LOW)[1] for r in signed_cells(128))


def exp_short_error(r: arb) -> arb:
    """Without `low`: e^high (e^low - 1) is missed as well."""
    return exponential_tail(r, arb(0))[1] + r.exp() * (LOW + LOW**2)


def exp_short_absolute() -> arb:
    return most(exp_short_error(r) for r in signed_cells(128))


def tail_rounding() -> arb:
    """Of tail + outward bound (below 2 u)."""
    return most(half_unit((exponential_tail(r, LOW)[0].size + 2 * U).abs_upper()) for r in signed_cells(128))


def exp_outward() -> arb:
    return exp_short_absolute() + tail_rounding() + U


def exp2_outward() -> arb:
    return exp_absolute() + tail_rounding() + U


def exp2_reduction() -> arb:
    """|f ln 2 - (high + low)| for |f| <= 1/2; first has 26 bits, so f - first is below 2^-26 |f|."""
    ln2 = arb.const_log2()
    f = Computed.exact(arb(0, 0.5))
    cut = Computed.exact(arb(0, 2.0**-27))
    product = (cut * Computed(ln2, (ln2 - LN2).abs_upper())).instead_of(arb(0, 2.0**-27), arb(0))
    rest_constant = Computed(ln2 - LN2_HEAD, (ln2 - LN2_HEAD - LN2_REST).abs_upper())
    return mul_add(f, rest_constant, product).error


def expm1_quadratic() -> arb:
    """Error of tail - E or tail + E over r^2, apart from what `linear` covers.

    Relative errors: the part itself, one rounding of its sum with the small terms, one of the sum with E; and
    low (e^r - 1 - r) with |low| <= u/4. E is computed with at most three roundings.
    """
    worst = arb(0)
    for r in (*signed_cells(64), *octaves(Fraction(1, 64), 1, 1)):
        error = quadratic_relative(r)
        size = second_order_exactly(r).abs_upper() + error
        worst = worst.max((error + 2 * U * (size + 4 * U) + LOW * size) * (1 + 4 * U))
    return worst.abs_upper()


def expm1_linear() -> arb:
    """Over |head| >= 0.153, n != 0: reduction, low^2, and roundings of terms up to 4 u max(1, |head|)."""
    return (EXP_REDUCTION * arb("1.42") + LOW**2 + 64 * U**2) / arb("0.153") + 64 * U**2


def tanh_relative_at(n: int, r: arb) -> arb:
    """Relative error of the end before the step outward, the last sum included; z = 2^n e^r."""
    power = arb(2) ** n
    z = power * r.exp()
    part = quadratic_part(r)
    if n == 0:
        low, missed = arb(0), arb(0)
        difference = r.abs_lower()
    else:
        low = LOW
        missed = LOW * (part.size + U) + LOW**2 + REDUCTION * arb("1.42")
        difference = arb(0)
    # tail, then the sum with `rest` (below u), exactly scaled
    tail = part + mul_add(around_zero(low), around_zero(arb("0.35")), around_zero(low)) if n else part
    error = power * (tail.error + missed)
    if n:
        error += half_unit((power * tail.size + U).abs_upper()) + U**2
    if n < -53:
        error += U / 2  # one + power
    top, bottom = 1 - z, 1 + z
    # t = N/(2 - N): dt = 2 dN/(2 - N)^2
    shift = 2 * error / (bottom - error) ** 2
    value = (top / bottom).abs_lower()
    if n == 0:
        value = (-r / 2).tanh().abs_lower()
        assert difference > 0
    # a sum above 1 is cut to 1, which is an upper bound anyway
    rounding = (half_unit(((top / bottom).abs_upper() * (1 + 4 * U)).abs_upper().min(arb(1))) / value).min(U)
    return (shift / value + DIVISION + rounding).abs_upper() * (1 + 8 * U)


def tanh_relative() -> arb:
    worst = arb(0)
    # n = 0: arguments -2|x| in [-0.3466, 0]; below 2^-20 the error is r^2 e/|r| (1 + r)
    for r in octaves(REDUCED, 18, 24):
        worst = worst.max(tanh_relative_at(0, -r))
    tiny = arb(2) ** -18
    worst = worst.max(quadratic_relative(span(-(2.0**-18), 0)) * tiny * (1 + tiny) + DIVISION + U)
    for n in (-1, -2, -3, -4, -6, -10, -30, -53, -54, -80):
        for r in signed_cells(96):
            if (r + n * arb.const_log2()).upper() <= -0.34:  # n is nearest to x / ln 2
                worst = worst.max(tanh_relative_at(n, r))
    return worst.abs_upper()


def sigmoid_parts(n: int, r: arb) -> tuple[arb, arb]:
    """Relative error for x < 0 and absolute error for x >= 0, the last sum included; z = 2^n m, m = e^r."""
    power = arb(2) ** n
    m = r.exp()
    error = exponential_tail(r, LOW)[1]
    # m/(1 + p m) and 1/(1 + p m) are monotone in m: derivatives 1/(1 + z)^2 and -p/(1 + z)^2
    bottom = (1 + power * (m - error)).lower()
    small = 8 * U**2
    quotient = m / (1 + power * m)
    least, greatest = quotient.lower(), quotient.upper()
    left = (error / bottom**2 + small + half_unit((greatest + 4 * U).abs_upper())) / least + DIVISION
    right = power * error / bottom**2 + small + DIVISION + half_unit(arb(1))
    return (left * (1 + 8 * U)).abs_upper(), right.abs_upper()


def sigmoid_bounds() -> tuple[arb, arb]:
    left, right = arb(0), arb(0)
    for n in (0, -1, -2, -3, -4, -5, -8, -20, -60, -200):
        for r in signed_cells(96):
            if n == 0 and r.lower() > 0:
                continue
            a, b = sigmoid_parts(n, r)
            left, right = left.max(a), right.max(b)
    return left.abs_upper(), right.abs_upper()


def ulp(size: arb) -> arb:
    """ulp(y) for |y| = size, exact."""
    digits, exponent = (int(part) for part in size.man_exp())
    return 2 * U * arb(2) ** (exponent + digits.bit_length() - 1)


def accuracies(constants: dict[str, float]) -> dict[str, arb]:
    """The most by which an end lies outside the exact one in ulp: constant + error + rounding of the last sum.

    Near r = 0 a value just below 1 may get an upper end above 1, whose last place is twice as large.
    """
    worst = {name: arb(0) for name in ("exp", "exp2", "expm1", "tanh", "sigmoid")}

    def meet(name: str, value: arb, distance: arb) -> None:
        least = (value.abs_lower()).abs_lower()
        worst[name] = worst[name].max(((distance + half_unit(value.abs_upper())) / ulp(least)).abs_upper())

    tails = tail_rounding()
    for r in (*cells(-REDUCED, Fraction(-1, 2**12), 96), *cells(Fraction(1, 2**12), REDUCED, 96)):
        full, short = exponential_tail(r, LOW)[1], exp_short_error(r)
        meet("exp", r.exp(), constants["exp_outward"] + short + tails)
        meet("exp2", r.exp(), constants["exp2_outward"] + full + tails)
    for n in (-3, -2, -1, 0, 1, 2, 3, 30):
        for cell in octaves(REDUCED, 12, 64) if n == 0 else cells(Fraction(0), REDUCED, 160):
            for r in (cell, -cell):
                e = r.exp() - arb(2) ** -n
                added = constants["expm1_quadratic"] * square_of(r).abs_upper()
                error = exponential_tail(r, LOW)[1].min(added) if n else added
                meet("expm1", e, added + error + ulp(e.abs_upper()))  # and a step
    tiny = exponential_tail(span(-(2.0**-12), 2.0**-12), LOW / 2**12)[1]
    for name in ("exp", "exp2"):
        # low is below 2^-53 |high|
        worst[name] = worst[name].max((constants[name + "_outward"] + 2 * tiny + U) / U)
    for n in (0, -1, -2, -3, -4, -5, -6, -8, -30, -60):
        for r in cells(-REDUCED, REDUCED, 160) if n else octaves(REDUCED, 12, 96):
            r = r if n else -r
            if n and (r + n * arb.const_log2()).upper() > -0.34:
                continue
            z = arb(2) ** n * r.exp()
            value = (1 - z) / (1 + z)
            relative = constants["tanh_relative"] + tanh_relative_at(n, r)
            meet("tanh", value, relative * value.abs_upper() - half_unit(value.abs_upper().min(arb(1))))
    for n in (0, -1, -2, -3, -4, -5, -8, -20, -60, -200):
        for r in signed_cells(160):
            if n == 0 and r.lower() > 0:
                continue
            z = arb(2) ** n * r.exp()
            left, right = sigmoid_parts(n, r)
            for value, distance in (
                (
                    r.exp() / (1 + z),
                    (constants["sigmoid_relative_left"] + left) * (r.exp() / (1 + z)).abs_upper(),
                ),
                (1 / (1 + z), constants["sigmoid_absolute_right"] + right),
            ):
                meet("sigmoid", value, distance - half_unit(value.abs_upper().min(arb(1))))
    return worst


def bounds() -> dict[str, arb]:
    left, right = sigmoid_bounds()
    return {
        "exp_absolute": exp_absolute(),
        "exp_short_absolute": exp_short_absolute(),
        "exp_outward": exp_outward(),
        "exp2_outward": exp2_outward(),
        "expm1_quadratic": expm1_quadratic(),
        "expm1_linear": expm1_linear(),
        "tanh_relative": tanh_relative(),
        "sigmoid_relative_left": left,
        "sigmoid_absolute_right": right,
    }


if __name__ == "__main__":
    for name, bound in bounds().items():
        print(f"{name:24} {float((bound / U).upper()):.6g} u")
    print(f"{'exp2 reduction':24} {float((exp2_reduction() / REDUCTION).upper()):.3g} of what is granted")
