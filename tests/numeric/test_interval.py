"""Interval operations: containment of exact results, the best possible ends, conventions at infinity."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from gonogo._core import numeric
from hypothesis import example, given
from hypothesis import strategies as st

COUNT = 25_000
INF = np.inf
MAX = np.finfo(np.float64).max
GRID = 1074
EMPTY = (INF, -INF)

finite = st.floats(allow_nan=False, allow_infinity=False)
boxes = st.tuples(finite, finite).map(lambda ends: (min(ends), max(ends)))


def one(operation: str, a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    low, high = numeric.binary(operation, *(np.array([x]) for x in (*a, *b)))
    return float(low[0]), float(high[0])


def corner_products(a: tuple[float, float], b: tuple[float, float], exact: Any) -> tuple[Any, Any]:
    """Extremes of x * y * 2^2148 over a box with finite or infinite ends; 0 * inf = 0."""
    values: list[Any] = []
    for x in a:
        for y in b:
            if x == 0 or y == 0:
                values.append(0)
            elif abs(x) == INF or abs(y) == INF:
                values.append(INF if (x > 0) == (y > 0) else -INF)
            else:
                values.append(exact.of(x) * exact.of(y))
    return min(values), max(values)


def best_down(value: Any, bound: float, unit: int, exact: Any) -> bool:
    """`bound` is the greatest double <= value / unit * 2^-1074."""
    if value in (-INF, INF) or bound == -INF:
        return bool(bound == -INF and (value == -INF or value < exact.of(-MAX) * unit))
    if exact.of(bound) * unit > value:
        return False
    above = math.nextafter(bound, INF)
    return above == INF or exact.of(above) * unit > value


def best_up(value: Any, bound: float, unit: int, exact: Any) -> bool:
    return best_down(-value, -bound, unit, exact)


@pytest.mark.soundness
def test_products_of_boxes_are_best(operands: Any, exact: Any) -> None:
    al, ah = operands.boxes(COUNT)
    bl, bh = operands.boxes(COUNT)
    low, high = numeric.binary("mul", al, ah, bl, bh)
    for i in range(COUNT):
        a, b = (float(al[i]), float(ah[i])), (float(bl[i]), float(bh[i]))
        least, most = corner_products(a, b, exact)
        assert best_down(least, float(low[i]), 1 << GRID, exact), (a, b, low[i])
        assert best_up(most, float(high[i]), 1 << GRID, exact), (a, b, high[i])


@pytest.mark.soundness
def test_squares_and_absolute_values(operands: Any, exact: Any) -> None:
    lo, hi = operands.boxes(COUNT)
    low, high = numeric.unary("sqr", lo, hi)
    abs_low, abs_high = numeric.unary("abs", lo, hi)
    zero = (lo <= 0) & (hi >= 0)
    np.testing.assert_array_equal(abs_low, np.where(zero, 0.0, np.minimum(np.abs(lo), np.abs(hi))))
    np.testing.assert_array_equal(abs_high, np.maximum(np.abs(lo), np.abs(hi)))
    for m, s in ((abs_low, low), (abs_high, high)):
        best = best_down if s is low else best_up
        for x, y in zip(m.tolist(), s.tolist(), strict=True):
            assert best(x if x == INF else exact.of(x) ** 2, y, 1 << GRID, exact), (x, y)


@pytest.mark.soundness
def test_quotients_contain_inner_points(operands: Any, exact: Any) -> None:
    al, ah = operands.boxes(COUNT)
    bl, bh = operands.boxes(COUNT)
    low, high = numeric.binary("div", al, ah, bl, bh)
    r = operands.random
    checked = 0
    with np.errstate(all="ignore"):
        inner_a = np.clip(al + (ah - al) * r.random(COUNT), al, ah)
        inner_b = np.clip(bl + (bh - bl) * r.random(COUNT), bl, bh)
    for xs in (al, inner_a, ah):
        for ys in (bl, inner_b, bh):
            for x, y, lo, hi in zip(xs.tolist(), ys.tolist(), low.tolist(), high.tolist(), strict=True):
                if not np.isfinite(x) or not np.isfinite(y) or y == 0:
                    continue
                # lo <= x / y <= hi, cross-multiplied
                p, q = (exact.of(x), exact.of(y)) if y > 0 else (-exact.of(x), -exact.of(y))
                assert lo == -INF or exact.of(lo) * q <= p << GRID, (x, y, lo)
                assert hi == INF or p << GRID <= exact.of(hi) * q, (x, y, hi)
                checked += 1
    assert checked > 6 * COUNT


@pytest.mark.soundness
@pytest.mark.parametrize("operation", ["add", "sub"])
def test_sums_of_boxes_are_best(operation: str, operands: Any, exact: Any) -> None:
    al, ah = operands.boxes(COUNT)
    bl, bh = operands.boxes(COUNT)
    low, high = numeric.binary(operation, al, ah, bl, bh)
    if operation == "sub":
        bl, bh = -bh, -bl
    for xs, ys, zs, best, unbounded in ((al, bl, low, best_down, -INF), (ah, bh, high, best_up, INF)):
        for x, y, z in zip(xs.tolist(), ys.tolist(), zs.tolist(), strict=True):
            if unbounded in (x, y):
                assert z == unbounded
            else:
                assert best(exact.of(x) + exact.of(y), z, 1, exact), (x, y, z)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((1, 2), (-1, 1), (-INF, INF)),
        ((1, 2), (0, 0), EMPTY),
        ((0, 0), (0, 0), EMPTY),
        ((0, 0), (-1, 1), (0, 0)),
        (EMPTY, (1, 2), EMPTY),
        ((1, 2), EMPTY, EMPTY),
        ((1, 2), (0, 4), (0.25, INF)),
        ((-2, -1), (0, 4), (-INF, -0.25)),
        ((1, 2), (-4, 0), (-INF, -0.25)),
        ((-2, -1), (-4, 0), (0.25, INF)),
        ((-1, 2), (0, 4), (-INF, INF)),
        ((0, 2), (0, 4), (0, INF)),
        ((0, 0), (0, 4), (0, 0)),
        ((1, 2), (4, INF), (0, 0.5)),
        ((1, INF), (4, INF), (0, INF)),
        ((-INF, 3), (1, 2), (-INF, 3)),
        ((-INF, INF), (1, 2), (-INF, INF)),
    ],
)
def test_quotients_at_zero_and_infinity(a: Any, b: Any, expected: Any) -> None:
    assert one("div", tuple(map(float, a)), tuple(map(float, b))) == expected


def test_selection_is_exact(operands: Any) -> None:
    al, ah = operands.boxes(COUNT)
    bl, bh = operands.boxes(COUNT)
    for name, lo, hi in (
        ("min", np.minimum(al, bl), np.minimum(ah, bh)),
        ("max", np.maximum(al, bl), np.maximum(ah, bh)),
        ("hull", np.minimum(al, bl), np.maximum(ah, bh)),
    ):
        low, high = numeric.binary(name, al, ah, bl, bh)
        np.testing.assert_array_equal(low, lo)
        np.testing.assert_array_equal(high, hi)


def test_intersection_of_disjoint_enclosures_proves_a_defect() -> None:
    assert one("intersect", (0.0, 2.0), (1.0, 3.0)) == (1.0, 2.0)
    assert one("intersect", (0.0, 1.0), (1.0, 3.0)) == (1.0, 1.0)
    with pytest.raises(RuntimeError, match="disjoint"):
        one("intersect", (0.0, 1.0), (2.0, 3.0))


@pytest.mark.parametrize(("lo", "hi"), [(1.0, 0.0), (np.nan, 1.0), (0.0, np.nan), (INF, INF), (-INF, -INF)])
def test_what_is_no_interval_is_refused(lo: float, hi: float) -> None:
    with pytest.raises(ValueError, match="not an interval"):
        numeric.unary("neg", np.array([lo]), np.array([hi]))


@given(boxes, boxes, st.data())
def test_a_smaller_box_gives_a_smaller_result(a: Any, b: Any, data: Any) -> None:
    """Inclusion isotonicity."""
    inner = [sorted((data.draw(st.floats(*x)), data.draw(st.floats(*x)))) for x in (a, b)]
    for operation in ("add", "sub", "mul", "div"):
        low, high = one(operation, a, b)
        inner_low, inner_high = one(operation, *(tuple(x) for x in inner))
        assert low <= inner_low
        assert inner_high <= high
    for name in ("abs", "sqr"):
        (low,), (high,) = numeric.unary(name, np.array([a[0]]), np.array([a[1]]))
        (inner_low,), (inner_high,) = numeric.unary(name, *(np.array([x]) for x in inner[0]))
        assert low <= inner_low
        assert inner_high <= high


@pytest.mark.soundness
@given(finite, finite)
@example(0.1, 0.2)
def test_points_contain_the_exact_result(x: float, y: float) -> None:
    for operation, value in (
        ("add", Fraction(x) + Fraction(y)),
        ("sub", Fraction(x) - Fraction(y)),
        ("mul", Fraction(x) * Fraction(y)),
        ("div", Fraction(x) / Fraction(y) if y else None),
    ):
        low, high = one(operation, (x, x), (y, y))
        if value is None:
            assert (low, high) == EMPTY
            continue
        assert low == -INF or Fraction(low) <= value
        assert high == INF or value <= Fraction(high)
