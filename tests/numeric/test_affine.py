"""The affine kernel against exact rational hulls: every corner of every box, every admitted weight."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gonogo._core import numeric

INF = np.inf
GRID = 1074


def exact_hull(
    exact: Any, w: Any, lo: Any, hi: Any, bias_lo: Any, bias_hi: Any, rho: int
) -> list[tuple[int, int]]:
    """Ends of sum_k v_k x_k + b over all corners and all |v_k - w_k| <= |w_k| / rho (rho = 0: v = w).

    In units of 2^-2148 / max(rho, 1). The sum is linear in every x_k and v_k, and they vary independently:
    its extremes are sums of the extremes.
    """
    unit = max(rho, 1)
    low, high = exact.all(lo), exact.all(hi)
    hull = []
    for o in range(w.shape[1]):
        least = exact.of(float(bias_lo[o])) * unit << GRID
        most = exact.of(float(bias_hi[o])) * unit << GRID
        for k, v in enumerate(exact.all(w[:, o])):
            spread = abs(v) if rho else 0
            corners = [a * x for a in (v * unit - spread, v * unit + spread) for x in (low[k], high[k])]
            least += min(corners)
            most += max(corners)
        hull.append((least, most))
    return hull


def data(kind: str, terms: int, outputs: int, r: np.random.Generator) -> tuple[Any, Any]:
    """Weights [terms, outputs] and midpoints [terms] that are hard for a sum."""
    w = r.normal(size=(terms, outputs))
    x = r.normal(size=terms)
    if kind == "cancelling":  # pairs that cancel but for the last bits
        half = terms // 2
        w[half : 2 * half] = -w[:half]
        x[half : 2 * half] = x[:half] * (1 + r.integers(-2, 3, half) * 2.0**-52)
    elif kind == "scaled":  # 600 binary orders of magnitude
        w = np.ldexp(w, r.integers(-300, 300, w.shape))
        x = np.ldexp(x, r.integers(-300, 300, terms))
    elif kind == "subnormal":  # products around and below the smallest number
        w = np.ldexp(w, r.integers(-550, -530, w.shape))
        x = np.ldexp(x, r.integers(-550, -530, terms))
    elif kind == "tiny":  # operands that are subnormal themselves
        w = np.ldexp(w, r.integers(-1073, -1000, w.shape))
        x = np.ldexp(x, r.integers(-60, 40, terms))
    elif kind == "steep":  # large weights on subnormal inputs: a radius that underflows would be lost
        w = np.ldexp(w, r.integers(900, 980, w.shape))
        x = np.ldexp(x, r.integers(-1074, -1000, terms))
    return np.ascontiguousarray(w), np.ascontiguousarray(x)


KINDS = ["normal", "cancelling", "scaled", "subnormal", "tiny", "steep"]


def check(kind: str, exact: Any, r: Any, widths: list[float], rho: int, depthwise: bool) -> int:
    """How many outputs were checked."""
    checked = 0
    for terms, outputs in [(1, 3), (2, 5), (3, 1), (4, 8), (7, 13), (16, 4), (33, 9), (120, 6), (700, 2)]:
        for width in widths:
            w, x = data(kind, terms, outputs, r)
            if depthwise:
                x = x[:, None] * (1 + r.integers(0, 5, (terms, outputs)) * 2.0**-52)
            radius = np.abs(x) * width
            lo, hi = np.ascontiguousarray(x - radius), np.ascontiguousarray(x + radius)
            # Every other bias is zero: one of the size of the terms would hide what a small sum loses.
            bias_lo = r.normal(size=outputs) * np.abs(w).max() * np.abs(x).max() * r.integers(0, 2, outputs)
            bias_hi = bias_lo + np.abs(bias_lo) * width
            low, high = numeric.affine(w, lo, hi, bias_lo, bias_hi, 1 / rho if rho else 0.0, depthwise)
            for o in range(outputs):
                column = slice(o, o + 1)
                inputs = (lo[:, o], hi[:, o]) if depthwise else (lo, hi)
                ((least, most),) = exact_hull(
                    exact, w[:, column], *inputs, bias_lo[column], bias_hi[column], rho
                )
                unit = max(rho, 1) << GRID
                assert exact.of(float(low[o])) * unit <= least, (kind, terms, width, o)
                assert most <= exact.of(float(high[o])) * unit, (kind, terms, width, o)
                checked += 1
    return checked


@pytest.mark.soundness
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("depthwise", [False, True], ids=["dense", "depthwise"])
def test_bounds_hold_at_every_corner(kind: str, depthwise: bool, operands: Any, exact: Any) -> None:
    checked = sum(
        check(kind, exact, operands.random, [0.0, 2.0**-52, 2.0**-40, 0.01], 0, depthwise) for _ in range(4)
    )
    assert checked > 800


@pytest.mark.soundness
@pytest.mark.parametrize("rho", [2**53, 2**24, 128, 1], ids=["2^-53", "2^-24", "2^-7", "1"])
def test_weight_uncertainty_is_covered(rho: int, operands: Any, exact: Any) -> None:
    for kind in KINDS:
        assert check(kind, exact, operands.random, [0.0, 2.0**-30, 0.1], rho, False) > 150


@pytest.mark.soundness
def test_small_boxes_corner_by_corner(operands: Any, exact: Any) -> None:
    """The same claim without the shortcut of summing extremes: all 2^n corners, as plain products."""
    r = operands.random
    for _ in range(150):
        terms = int(r.integers(1, 7))
        w, x = data(str(r.choice(KINDS)), terms, 3, r)
        lo, hi = x, np.nextafter(x, INF)
        bias = np.zeros(3)
        low, high = numeric.affine(w, lo, hi, bias, bias)
        low_x, high_x = exact.all(lo), exact.all(hi)
        for o in range(3):
            column = exact.all(w[:, o])
            for corner in range(1 << terms):
                chosen = ((high_x if corner >> k & 1 else low_x)[k] for k in range(terms))
                y = sum(v * c for v, c in zip(column, chosen, strict=True))
                assert exact.of(float(low[o])) << GRID <= y <= exact.of(float(high[o])) << GRID


@pytest.mark.soundness
def test_long_sums(exact: Any) -> None:
    r = np.random.default_rng(7)
    terms = 100_000
    w = r.normal(size=(terms, 1))
    x = r.normal(size=terms)
    w[1::2] = -w[::2]
    x[1::2] = x[::2]  # the exact sum is the bias
    bias = np.array([1e-20])
    low, high = numeric.affine(w, x, x, bias, bias)
    assert (low <= bias).all()
    assert (bias <= high).all()
    assert (low < high).all()
    # K u sum |w x| with room for the other terms: nothing near the size of the terms is lost.
    assert (high - low).max() <= 2.5 * terms * 2.0**-53 * (np.abs(w) * np.abs(x)[:, None]).sum(axis=0).max()
    # and where the sum doesn't vanish
    w[::2] *= 1 + 2.0**-30
    low, high = numeric.affine(w, x, x, bias, bias)
    hull = exact_hull(exact, w, x, x, bias, bias, 0)
    for (least, most), lo, hi in zip(hull, low.tolist(), high.tolist(), strict=True):
        assert exact.of(lo) << GRID <= least
        assert most <= exact.of(hi) << GRID


def test_bounds_are_close_to_the_exact_hull(operands: Any, exact: Any) -> None:
    """At relative width 1e-6 and 1000 terms the excess is below one part in a thousand."""
    w, x = data("normal", 1000, 4, operands.random)
    lo, hi = x - np.abs(x) * 1e-6, x + np.abs(x) * 1e-6
    bias = np.ones(4)
    low, high = numeric.affine(w, lo, hi, bias, bias)
    for o, (least, most) in enumerate(exact_hull(exact, w, lo, hi, bias, bias, 0)):
        width = exact.of(float(high[o])) - exact.of(float(low[o])) << GRID
        assert width * 1000 <= (most - least) * 1001


def test_what_overflows_is_unbounded() -> None:
    huge = np.array([[1e300], [-1e300]])
    x = np.array([1e300, 1e300])
    zero = np.zeros(1)
    low, high = numeric.affine(huge, x, x, zero, zero)
    assert (low[0], high[0]) == (-INF, INF)
    # an unbounded input, even under a zero weight, gives no finite claim
    w, lo, hi = np.array([[0.0], [1.0]]), np.array([0.0, 1.0]), np.array([INF, 1.0])
    low, high = numeric.affine(w, lo, hi, zero, zero)
    assert (low[0], high[0]) == (-INF, INF)


def test_sums_are_the_same_for_every_width_of_output(operands: Any) -> None:
    """Chunks and vector tails don't change a result."""
    w, x = data("normal", 37, 1100, operands.random)
    lo, hi = x - 0.1, x + 0.1
    bias = np.zeros(1100)
    low, high = numeric.affine(w, lo, hi, bias, bias)
    for o in (0, 1, 511, 512, 513, 1023, 1024, 1099):
        one = np.ascontiguousarray(w[:, o : o + 1])
        a, b = numeric.affine(one, lo, hi, bias[:1], bias[:1])
        assert (a[0], b[0]) == (low[o], high[o])


def test_no_terms_gives_the_bias() -> None:
    none, bias = np.zeros(0), (np.array([1.0, -2.0]), np.array([1.0, 3.0]))
    low, high = numeric.affine(np.zeros((0, 2)), none, none, *bias)
    assert (low <= [1.0, -2.0]).all()
    assert (high >= [1.0, 3.0]).all()
    assert (high - low <= [1e-14, 5 + 1e-14]).all()


@pytest.mark.parametrize("rho", [-1e-9, 1.5, float("nan")])
def test_impossible_uncertainty_is_refused(rho: float) -> None:
    with pytest.raises(ValueError, match="relative uncertainty"):
        numeric.affine(np.zeros((1, 1)), np.zeros(1), np.zeros(1), np.zeros(1), np.zeros(1), rho)
