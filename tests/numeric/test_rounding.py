"""Directed arithmetic against exact integers: bounds, and the best possible ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gonogo._core import numeric

COUNT = 100_000
INF = np.inf
MAX = np.finfo(np.float64).max
GRID = 1074


def neighbours_of(down: Any) -> Any:
    with np.errstate(over="ignore"):
        return np.nextafter(down, INF)


def check(operation: str, operands: Any, exact: Any) -> None:
    a, b = operands.pairs(COUNT)
    if operation == "div":
        keep = b != 0  # one in 200 is
        a, b = np.ascontiguousarray(a[keep]), np.ascontiguousarray(b[keep])
    down, up = numeric.directed(operation, a, b)
    assert not np.isnan(down).any()
    assert not np.isnan(up).any()
    step = neighbours_of(down)
    # Exact results are compared as integers: value * 2^1074 for +, -; * 2^2148 for *; cross-multiplied for /.
    A, B = exact.all(a), exact.all(b)
    for i, (x, y, d, u, s) in enumerate(zip(A, B, down.tolist(), up.tolist(), step.tolist(), strict=True)):
        where = f"{operation}({a[i]!r}, {b[i]!r}) in [{d!r}, {u!r}]"
        if operation == "add":
            value, unit = x + y, 1
        elif operation == "sub":
            value, unit = x - y, 1
        elif operation == "mul":
            value, unit = x * y, 1 << GRID
        else:
            value, unit = (x << GRID, y) if y > 0 else (-x << GRID, -y)
        if d == -INF:
            assert value < exact.of(-MAX) * unit, where
        else:
            low = exact.of(d) * unit
            assert low <= value, where
            if low == value:
                assert u == d, where  # an exact result stays one
                continue
        assert u == s, where  # neighbours: nothing better exists
        if u < INF:
            assert value <= exact.of(u) * unit, where


@pytest.mark.soundness
@pytest.mark.parametrize("operation", ["add", "sub", "mul", "div"])
def test_directed_results_are_the_best_bounds(operation: str, operands: Any, exact: Any) -> None:
    check(operation, operands, exact)


@pytest.mark.soundness
def test_square_roots_are_the_best_bounds(operands: Any, exact: Any) -> None:
    x = np.abs(operands.anywhere(COUNT))
    squares = np.round(np.abs(operands.near_one(2000, 20)) * 2**20) ** 2
    x = np.ascontiguousarray(np.concatenate([x, squares]))
    down, up = numeric.unary("sqrt", x, x)
    inexact = 0
    for v, d, u in zip(exact.all(x), exact.all(down), exact.all(up), strict=True):
        # d/2^1074 <= sqrt(v/2^1074) <= u/2^1074
        assert d * d <= v << GRID <= u * u
        inexact += d != u
    assert inexact > COUNT // 2
    tight = (up == down) | (up == neighbours_of(down))
    assert tight.all()


@pytest.mark.soundness
def test_steps_reach_the_neighbours(operands: Any) -> None:
    x = np.concatenate([operands.anywhere(COUNT), [0.0, -0.0, 5e-324, -5e-324, MAX, -MAX, 2.0**-1022]])
    down, up = numeric.neighbours(x)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(down, np.nextafter(x, -INF))
        np.testing.assert_array_equal(up, np.nextafter(x, INF))


@pytest.mark.parametrize(
    ("operation", "a", "b", "down", "up"),
    [
        ("mul", 0.0, INF, 0.0, 0.0),
        ("mul", -INF, 0.0, 0.0, 0.0),
        ("div", 3.0, INF, 0.0, 0.0),
        ("div", -3.0, INF, 0.0, 0.0),
        ("add", INF, -INF, -INF, INF),
        ("sub", INF, INF, -INF, INF),
        ("div", INF, INF, -INF, INF),
        ("div", 1.0, 0.0, -INF, INF),
        ("div", 0.0, 0.0, -INF, INF),
        ("add", -0.0, 0.0, 0.0, 0.0),
        ("sub", 1.0, 1.0, 0.0, 0.0),
    ],
)
def test_conventions_at_infinity_and_zero(operation: str, a: float, b: float, down: float, up: float) -> None:
    d, u = numeric.directed(operation, np.array([a]), np.array([b]))
    assert (d[0], u[0]) == (down, up)


@pytest.mark.soundness
def test_overflow_and_underflow_stay_outward() -> None:
    a = np.array([MAX, -MAX, MAX, 1e-200, -1e-200, 5e-324])
    b = np.array([MAX, -MAX, 2.0, 1e-200, 1e-200, 0.5])
    d, u = numeric.directed("mul", a, b)
    np.testing.assert_array_equal(d, [MAX, MAX, MAX, 0.0, -5e-324, 0.0])
    np.testing.assert_array_equal(u, [INF, INF, INF, 5e-324, 0.0, 5e-324])
    d, u = numeric.directed("add", np.array([MAX, -MAX]), np.array([1e292, -1e292]))
    np.testing.assert_array_equal(d, [MAX, -INF])
    np.testing.assert_array_equal(u, [INF, -MAX])
