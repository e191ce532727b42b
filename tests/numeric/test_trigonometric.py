"""sin and cos: hard reductions, extremes inside an interval, and the constants of Theorems 21-23."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx
from gonogo._core import numeric
from support.elementary import Floats, Values, around, values
from support.kernel_source import KERNELS, coefficients, number
from support.kernels import SETS, enclosures
from trigonometric_bounds import BOUNDS, COSINE, REDUCED, SINE

NAMES = ("sin", "cos")
# The binary64 number next to a multiple of pi/2: 2^-61 away (Muller, Elementary Functions, 11.3).
HARDEST = 6381956970095103 * 2.0**797


def nearest_multiples(quarters: Any) -> Floats:
    """The floats nearest to n pi/2."""
    with ctx.workprec(1300):
        half_pi = arb.pi() / 2
        return np.array([float((half_pi * int(n)).mid()) for n in quarters])


@lru_cache
def hard_points(name: str) -> tuple[Floats, Values]:
    r = np.random.default_rng(3)
    quarters = [*range(1, 400), *r.integers(400, 2**20, 2000).tolist(), *(2**k + 1 for k in range(9, 900, 7))]
    x = np.concatenate(
        [
            around(nearest_multiples(quarters), 3),
            around(nearest_multiples(range(1, 64, 2)) / 2, 12),  # where n changes
            around([number("trigonometric.inl", "fast_limit"), HARDEST, 1e22, 2.0**-30, 2.0**-27], 20),
            np.ldexp(r.uniform(1, 2, 3000), r.integers(20, 1023, 3000)),
            np.ldexp(r.uniform(1, 2, 2000), r.integers(-1074, 0, 2000)),
        ]
    )
    x = x * r.choice([-1.0, 1.0], x.size)
    return x, values(name, x)


@pytest.mark.soundness
@pytest.mark.parametrize("which", SETS)
@pytest.mark.parametrize("name", NAMES)
def test_hard_reductions_keep_the_accuracy(name: str, which: str) -> None:
    x, value = hard_points(name)
    low, high = enclosures(name, which, x, x)
    outside = ~((low <= value.below) & (value.above <= high))
    assert not outside.any(), (x[outside][:5], low[outside][:5], high[outside][:5])
    down, up = value.excess(low, high)
    assert max(down.max(), up.max()) <= numeric.accuracy_ulp(name)


def extremes(name: str, x: float) -> int:
    """How many places in (-inf, x], counted from a fixed one, have |f| = 1; f = 1 at the even ones."""
    with ctx.workprec(160 + max(0, int(np.frexp(x)[1]))):
        half_turns = arb(x) / arb.pi() - (arb("0.5") if name == "sin" else 0)
        whole = half_turns.floor().unique_fmpz() if x else 0 if name == "cos" else -1
        assert whole is not None
        return int(whole)


def intervals(operands: Any) -> tuple[Floats, Floats]:
    """About a half turn to three turns wide, near and far, with ends next to extremes, and tiny or huge ones."""
    r = operands.random
    lo = r.uniform(-20, 20, 6000)
    lo = np.where(r.integers(0, 4, lo.size) == 0, np.ldexp(lo, r.integers(0, 60, lo.size)), lo)
    lo = np.where(r.integers(0, 8, lo.size) == 0, 0.0, lo)
    width = r.choice([0.0, 1e-300, 1e-3, 0.1, 1.5, 1.6, 3.0, 3.3, 4.7, 5.0, 6.2, 6.27, 6.29, 8.0], lo.size)
    hi = lo + width * r.uniform(0.99, 1.01, lo.size)
    edges = around(nearest_multiples(range(1, 300)), 1)
    pick = r.integers(0, edges.size, (2, 3000))
    a, b = np.minimum(edges[pick[0]], edges[pick[1]]), np.maximum(edges[pick[0]], edges[pick[1]])
    b = np.where(r.integers(0, 2, a.size) == 0, a + r.integers(0, 5, a.size) * (np.pi / 2), b)
    b = np.where(r.integers(0, 4, a.size) == 0, np.nextafter(a, np.inf), b)
    return np.concatenate([lo, a, -b]), np.concatenate([hi, b, -a])


@pytest.mark.parametrize("which", SETS)
@pytest.mark.parametrize("name", NAMES)
def test_extremes_inside_are_met_and_no_others(name: str, which: str, operands: Any) -> None:
    """Each end is 1 or -1 exactly when the extreme lies inside, and else that of the better of the two ends."""
    lo, hi = intervals(operands)
    low, high = enclosures(name, which, lo, hi)
    at_lo, at_hi = enclosures(name, which, lo, lo), enclosures(name, which, hi, hi)
    for i, (a, b) in enumerate(zip(lo.tolist(), hi.tolist(), strict=True)):
        first, last = extremes(name, a), extremes(name, b)
        top = last - first >= 2 or any(k % 2 == 0 for k in range(first + 1, last + 1))
        bottom = last - first >= 2 or any(k % 2 == 1 for k in range(first + 1, last + 1))
        if b - a > 6.28:
            top = bottom = True
        assert high[i] == (1.0 if top else max(at_lo[1][i], at_hi[1][i])), (a.hex(), b.hex())
        assert low[i] == (-1.0 if bottom else min(at_lo[0][i], at_hi[0][i])), (a.hex(), b.hex())


@pytest.mark.soundness
@pytest.mark.parametrize("name", NAMES)
def test_boxes_enclose_their_points(name: str, operands: Any) -> None:
    lo, hi = (ends[::6].copy() for ends in intervals(operands))
    part = operands.random.uniform(0, 1, lo.size)
    points = [lo, hi, np.clip(lo + part * (hi - lo), lo, hi)]
    at = [values(name, x) for x in points]
    for which in SETS:
        low, high = enclosures(name, which, lo, hi)
        for x, value in zip(points, at, strict=True):
            outside = ~((low <= value.below) & (value.above <= high))
            assert not outside.any(), (which, lo[outside][:3], hi[outside][:3], x[outside][:3])


@pytest.mark.parametrize("which", SETS)
def test_unbounded_intervals(which: str) -> None:
    most = np.finfo(np.float64).max
    lo = np.array([-np.inf, -np.inf, 3.0, -most, 0.0, most])
    hi = np.array([np.inf, 0.0, np.inf, most, most, np.inf])
    for name in NAMES:
        low, high = enclosures(name, which, lo, hi)
        assert (low == -1).all()
        assert (high == 1).all()


def words(name: str) -> list[int]:
    text = (KERNELS / "trigonometric_reduction.cpp").read_text(encoding="utf-8")
    found = re.search(rf"constexpr Word {name}\[\d+\] = \{{([^}}]*)\}}", text)
    assert found is not None
    return [int(word, 16) for word in found[1].split(",")]


def test_constants_of_the_reduction() -> None:
    c = numeric.elementary_constants()
    with ctx.workprec(2000):
        half_pi = arb.pi() / 2
        parts = [arb(c[f"half_pi_{k}"]) for k in (1, 2, 3)]
        assert (half_pi - sum(parts, arb(0))).abs_upper() < arb(2) ** -122
        for part in parts[:2]:  # 33 bits: n times it is exact
            digits, _ = part.man_exp()
            assert int(digits).bit_length() <= 33
        assert parts[0] * 2**32 == (parts[0] * 2**32).floor()
        limit = arb(c["fast_limit"])
        assert limit / half_pi * (1 + arb(2) ** -52) + 1 < 2**20
        assert abs(arb(c["two_over_pi"]) - 1 / half_pi) < arb(2) ** -54
        assert half_pi / 2 + arb(2) ** -30 < arb(REDUCED.numerator) / REDUCED.denominator
        # rest of pi/2, RN(n part_3), its sum with the error of the sum before; over 2^-30
        error = arb(2) ** 20 * arb(2) ** -122 + 2 * arb(2) ** -53 * (arb(2) ** 20 * parts[2] + arb(2) ** -54)
        assert error < arb(2) ** -66 * arb(number("trigonometric.inl", "near_multiple"))
        whole = int((1 / half_pi * arb(2) ** 1280).floor().unique_fmpz())
        assert words("two_over_pi") == [whole >> 64 * (19 - i) & (2**64 - 1) for i in range(20)]
        whole = int((half_pi * arb(2) ** 127).floor().unique_fmpz())
        assert words("half_pi") == [whole >> 64, whole & (2**64 - 1)]


def test_the_derivation_uses_the_coefficients_of_the_code() -> None:
    assert coefficients("trigonometric.inl", "sine_coefficients") == SINE
    assert coefficients("trigonometric.inl", "cosine_coefficients") == COSINE


@pytest.mark.parametrize("name", BOUNDS)
def test_error_constants_cover_the_derivation(name: str) -> None:
    bound = numeric.elementary_constants()[name] * 2**53
    assert BOUNDS[name]() <= bound
    assert 2.5 + bound <= numeric.accuracy_ulp({"sine_relative": "sin", "cosine_relative": "cos"}[name])
