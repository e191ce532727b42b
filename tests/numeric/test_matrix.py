"""Interval matrix products against exact integer hulls: every corner of every box, every admitted weight."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from gonogo._core import numeric

INF = np.inf
SETS = numeric.available_instruction_sets()
TYPES = [np.float32, np.float64]
# Everything finite is a multiple of 2^-GRID.
GRID = {np.float32: 149, np.float64: 1074}
KINDS = ["normal", "cancelling", "scaled", "subnormal", "tiny", "steep", "huge"]
# (m, k, n): below, at and above the sizes of tiles, blocks and vectors
SHAPES = [(1, 1, 1), (3, 1, 2), (5, 7, 3), (13, 33, 17), (7, 150, 35), (19, 97, 1), (4, 700, 2), (2, 410, 1)]


@pytest.fixture(params=SETS)
def instruction_set(request: pytest.FixtureRequest) -> Iterator[str]:
    before = numeric.instruction_set()
    numeric.use_instruction_set(request.param)
    yield request.param
    numeric.use_instruction_set(before)


@pytest.fixture(params=TYPES, ids=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> Any:
    return request.param


def integers(values: Any, grid: int) -> Any:
    """Finite numbers in units of 2^-grid, without rounding."""
    fraction, exponent = np.frexp(values.astype(np.float64))
    whole = np.ldexp(fraction, 53).astype(np.int64).astype(object)
    shift = exponent.astype(object) - 53 + grid
    flat = [w << s if s >= 0 else w >> -s for w, s in zip(whole.ravel(), shift.ravel(), strict=True)]
    return np.array(flat, dtype=object).reshape(values.shape)


def exact_hull(a: Any, lo: Any, hi: Any, grid: int, rho: int = 0) -> tuple[Any, Any]:
    """Ends of sum_k v x over x in [lo, hi] and |v - w| <= |w| / rho (0: v = w), in units of 2^-2grid / max(rho, 1).

    Linear in every x and v, which vary independently: the extremes are sums of the extremes.
    """
    w, x, y = (integers(v, grid) for v in (a, lo, hi))
    factor, spread = max(rho, 1), abs(w) if rho else 0 * w

    def ends(positive: Any) -> tuple[Any, Any]:
        """Where the weights (or their negatives) are positive; no uncertainty changes a sign."""
        small, large = (np.where(positive > 0, positive * factor + s, 0) for s in (-spread, spread))
        least = small @ np.maximum(x, 0) + large @ np.minimum(x, 0)
        return least, large @ np.maximum(y, 0) + small @ np.minimum(y, 0)

    (least, most), (minus_least, minus_most) = ends(w), ends(-w)
    return least - minus_most, most - minus_least


def check(bounds: Any, hull: Any, grid: int, rho: int = 0, may_overflow: bool = False) -> None:
    low, high = bounds
    assert low.shape == high.shape == hull[0].shape
    assert (low <= high).all()
    bounded = np.isfinite(low) & np.isfinite(high)
    assert may_overflow or bounded.all()
    assert bounded.mean() > 0.2
    unit = max(rho, 1) << grid
    for value, end, sign in ((low, hull[0], 1), (high, hull[1], -1)):
        inside = np.isfinite(value)
        assert (sign * (integers(value[inside], grid) * unit - end[inside]) <= 0).all()
        # only in the direction that claims nothing, or the greatest number on the other side
        assert (value[~inside] == -sign * INF).all()


def data(kind: str, m: int, k: int, n: int, dtype: Any, r: np.random.Generator) -> tuple[Any, Any]:
    single = dtype is np.float32
    w, x = r.normal(size=(m, k)), r.normal(size=(k, n))
    w[r.random((m, k)) < 0.05] = 0.0

    def scale(v: Any, low: int, high: int) -> Any:
        return np.ldexp(v, r.integers(low, high, v.shape))

    if kind == "cancelling":  # pairs that cancel but for the last bits
        half = k // 2
        w[:, half : 2 * half] = -w[:, :half]
        w, x = w.astype(dtype).astype(float), x.astype(dtype).astype(float)
        x[half : 2 * half] = x[:half] * (1 + r.integers(-2, 3, (half, n)) * float(np.finfo(dtype).eps))
    elif kind == "scaled":  # many binary orders of magnitude
        reach = 50 if single else 300
        w, x = scale(w, -reach, reach), scale(x, -reach, reach)
    elif kind == "subnormal":  # products around and below the smallest number
        low, high = (-85, -65) if single else (-550, -530)
        w, x = scale(w, low, high), scale(x, low, high)
    elif kind == "tiny":  # operands that are subnormal themselves
        w, x = scale(w, *((-150, -120) if single else (-1075, -1000))), scale(x, -60, 40)
    elif kind == "steep":  # large weights on subnormal inputs: a radius that underflows would be lost
        w = scale(w, *((100, 120) if single else (900, 980)))
        x = scale(x, *((-150, -125) if single else (-1074, -1000)))
    elif kind == "huge":  # sums that just do or just don't overflow
        w, x = scale(w, 55, 59), scale(x, 64, 66)
        if not single:
            w, x = np.ldexp(w, 446), np.ldexp(x, 446)
        w *= r.random((m, 1)) ** 6
    return np.ascontiguousarray(w.astype(dtype)), np.ascontiguousarray(x.astype(dtype))


def box(x: Any, width: float) -> tuple[Any, Any]:
    """x -+ |x| width, rounded somehow; a quarter are points."""
    radius = (np.abs(x) * x.dtype.type(width)).astype(x.dtype)
    radius[::4] = 0
    return np.ascontiguousarray(x - radius), np.ascontiguousarray(x + radius)


@pytest.mark.soundness
@pytest.mark.parametrize("kind", KINDS)
def test_bounds_hold_at_every_corner(kind: str, dtype: Any, instruction_set: str, operands: Any) -> None:
    r, grid = operands.random, GRID[dtype]
    for (m, k, n), width in itertools.product(SHAPES, [0.0, 1e-4]):
        a, x = data(kind, m, k, n, dtype, r)
        lo, hi = box(x, width)
        check(numeric.matmul(a, lo, hi), exact_hull(a, lo, hi, grid), grid, may_overflow=kind == "huge")


@pytest.mark.soundness
@pytest.mark.parametrize("rho", [2**22, 128, 1])
def test_weight_uncertainty_is_covered(rho: int, dtype: Any, instruction_set: str, operands: Any) -> None:
    for kind, (m, k, n) in itertools.product(KINDS[:-1], [(3, 5, 4), (4, 130, 2), (3, 40, 1)]):
        a, x = data(kind, m, k, n, dtype, operands.random)
        lo, hi = box(x, 1e-6)
        check(numeric.matmul(a, lo, hi, 1 / rho), exact_hull(a, lo, hi, GRID[dtype], rho), GRID[dtype], rho)


@pytest.mark.soundness
def test_roundings_that_all_go_one_way(dtype: Any, instruction_set: str) -> None:
    """One term of size 1 and then terms that every addition to it loses: the error comes close to its bound."""
    u = np.finfo(dtype).eps / 2
    for k, n in itertools.product((24, 96, 200), (1, 2, 40)):
        x = np.full((k, n), u * (1 - 2.0**-10), dtype)
        x[24:] /= 24.5 if dtype is np.float32 else 1  # whole chains that the next stage loses
        x[0] = 1
        for sign in (1, -1):
            a = np.full((2, k), sign, dtype)
            check(numeric.matmul(a, x, x), exact_hull(a, x, x, GRID[dtype]), GRID[dtype])
        # The sum of the radii too; around zero nothing else widens the result.
        a = np.ones((2, k), dtype)
        check(numeric.matmul(a, -x, x), exact_hull(a, -x, x, GRID[dtype]), GRID[dtype])


@pytest.mark.soundness
@pytest.mark.parametrize("n", [1, 2])
def test_long_sums(n: int, dtype: Any, instruction_set: str, operands: Any) -> None:
    k, r = 100_000, operands.random
    a, x = data("normal", 1, k, n, dtype, r)
    a[:, 1::2], x[1::2] = -a[:, ::2], x[::2] * (1 + r.integers(-1, 2, (k // 2, n)) * np.finfo(dtype).eps)
    bounds = numeric.matmul(a, x, x)
    check(bounds, exact_hull(a, x, x, GRID[dtype]), GRID[dtype])
    # Blocks: far less than k u per term.
    size = np.abs(a).astype(float) @ np.abs(x).astype(float)
    assert ((bounds[1].astype(float) - bounds[0]) <= size * (k / 40) * np.finfo(dtype).eps).all()


def test_every_remainder(dtype: Any, instruction_set: str) -> None:
    """Small integers, so that the oracle is numpy's int64 product; a term left out or counted twice would show."""
    r = np.random.default_rng(3)
    for i in range(120):
        m, n, k = 1 + i % 40, 1 + (7 * i) % 83, 1 + (11 * i) % 40
        if i % 5 == 0:
            m, k = 90 + i % 30, 90 + i
        if i % 6 == 0:
            n = 1
        a = r.integers(-100, 100, (m, k))
        lo = r.integers(-100, 100, (k, n))
        hi = lo + r.integers(0, 3, (k, n))
        least = np.maximum(a, 0) @ lo + np.minimum(a, 0) @ hi
        most = np.maximum(a, 0) @ hi + np.minimum(a, 0) @ lo
        low, high = numeric.matmul(*(v.astype(dtype) for v in (a, lo, hi)))
        # A product meets at most min(k, 96) roundings before binary64 takes over, in either sum.
        slack = (min(k, 96) + 14) * np.finfo(dtype).eps * (np.abs(a) @ (np.abs(lo) + 3)) + 1e-30
        assert (low <= least).all(), (m, k, n)
        assert (most <= high).all(), (m, k, n)
        assert (low >= least - slack).all(), (m, k, n)
        assert (high <= most + slack).all(), (m, k, n)


@pytest.mark.parametrize(("dtype", "limit"), [(np.float32, 1.02), (np.float64, 1.002)])
@pytest.mark.parametrize("n", [1, 33])
def test_bounds_are_close_to_the_exact_hull(
    dtype: Any, limit: float, n: int, instruction_set: str, operands: Any
) -> None:
    r, k = operands.random, 1024
    a = (r.normal(size=(6, k)) / np.sqrt(k)).astype(dtype)
    x = r.normal(size=(k, n)).astype(dtype)
    radius = np.abs(x) * dtype(1e-4)
    lo, hi = x - radius, x + radius
    low, high = numeric.matmul(a, lo, hi)
    least, most = exact_hull(a, lo, hi, GRID[dtype])
    width = (integers(high, GRID[dtype]) - integers(low, GRID[dtype])) << GRID[dtype]
    assert (width * 1000 <= (most - least) * round(limit * 1000)).all()


def results(a: Any, lo: Any, hi: Any) -> bytes:
    return b"".join(v.tobytes() for v in numeric.matmul(a, lo, hi))


def test_the_number_of_threads_changes_nothing(dtype: Any, instruction_set: str, operands: Any) -> None:
    before = numeric.thread_count()
    try:
        for m, k, n in [(230, 210, 150), (300, 500, 1), (5, 130, 700)]:
            a, x = data("normal", m, k, n, dtype, operands.random)
            lo, hi = box(x, 1e-3)
            found = set()
            for count in (1, 2, 3, 4):
                numeric.set_thread_count(count)
                found.add(results(a, lo, hi))
            assert len(found) == 1
    finally:
        numeric.set_thread_count(before)


def test_hostile_environments_change_nothing(dtype: Any, instruction_set: str, operands: Any) -> None:
    for kind, n in itertools.product(["normal", "subnormal", "steep"], [1, 20]):
        a, x = data(kind, 120, 100, n, dtype, operands.random)
        lo, hi = box(x, 1e-3)
        expected = results(a, lo, hi)
        for rounding, ftz, daz in itertools.product(
            ["nearest", "down", "up", "zero"], [False, True], [False, True]
        ):
            former = numeric.set_environment(rounding, ftz, daz)
            try:
                found = results(a, lo, hi)
                assert numeric.environment() == (rounding, ftz, daz)
            finally:
                numeric.set_environment(*former)
            assert found == expected, (kind, n, rounding, ftz, daz)


@pytest.mark.parametrize("n", [1, 5])
def test_what_is_not_finite_is_unbounded_where_it_matters(n: int, dtype: Any, instruction_set: str) -> None:
    m, k = 9, 50
    for bad_lo, bad_hi in [
        (-INF, 1),
        (1, INF),
        (-INF, INF),
        (np.nan, 1),
        (1, np.nan),
        (INF, INF),
        (INF, -INF),
        (2, 1),
    ]:
        for weight in (0, 1, -1):
            a = np.ones((m, k), dtype)
            a[:, 31] = weight
            lo, hi = np.ones((k, n), dtype), np.full((k, n), 2, dtype)
            lo[31, 0], hi[31, 0] = bad_lo, bad_hi
            low, high = numeric.matmul(a, lo, hi)
            assert (low[:, 0] == -INF).all()
            assert (high[:, 0] == INF).all()
            assert np.isfinite(low[:, 1:]).all()
            assert np.isfinite(high[:, 1:]).all()
    for bad in (INF, -INF, np.nan):
        for x in (0, 1):
            a = np.ones((m, k), dtype)
            a[4, 30] = bad
            low, high = numeric.matmul(a, np.full((k, n), x, dtype), np.full((k, n), x, dtype))
            others = np.arange(m) != 4
            assert (low[4] == -INF).all()
            assert (high[4] == INF).all()
            assert np.isfinite(low[others]).all()
            assert np.isfinite(high[others]).all()


def test_overflow_is_unbounded(dtype: Any, instruction_set: str) -> None:
    most = np.finfo(dtype).max
    for n, (first, second) in itertools.product((1, 3), [(1, 1), (1, -1)]):
        a = np.array([[most, most]], dtype)
        x = np.array([[first * 2], [second * 2]], dtype).repeat(n, axis=1)
        low, high = numeric.matmul(a, x, x)
        assert (low == -INF).all()
        assert (high == INF).all()
    # A box as wide as the type, and a result that fits binary64 but not binary32.
    a, lo = np.ones((1, 1), dtype), np.full((1, 1), -most)
    low, high = numeric.matmul(a, lo, -lo)
    assert (low <= -most).all()
    assert (high >= most).all()
    a, lo = np.array([[1]], dtype), np.array([[most]], dtype)
    low, high = numeric.matmul(a, lo, lo)
    assert (low <= most).all()
    assert (high == INF).all() or (high == most).all()


def test_empty_sizes(dtype: Any) -> None:
    for m, k, n in [(0, 3, 2), (3, 0, 2), (3, 2, 0), (0, 0, 0)]:
        low, high = numeric.matmul(np.ones((m, k), dtype), np.ones((k, n), dtype), np.ones((k, n), dtype))
        assert low.shape == high.shape == (m, n)
        assert not low.any()
        assert not high.any()
    low, high = numeric.matmul(np.ones((3, 4), dtype), np.ones(4, dtype), np.ones(4, dtype))
    assert low.shape == high.shape == (3,)
    assert low.dtype == high.dtype == dtype


def test_what_does_not_fit_is_refused_by_name() -> None:
    a, x = np.ones((2, 3)), np.ones((3, 4))
    for error, match, arguments in [
        (TypeError, "'lo': float32", (a, x.astype(np.float32), x)),
        (TypeError, "'lo': float64", (a.astype(np.float32), x, x)),
        (TypeError, "'a': int64", (a.astype(np.int64), x, x)),
        (TypeError, "'a': list", ([[1.0]], x, x)),
        (ValueError, "'a'.*two dimensions", (a[0], x, x)),
        (ValueError, r"'lo'.*expected shape \[3\]", (a, x.T.copy(), x.T.copy())),
        (ValueError, "'hi'.*expected shape", (a, x, x[:, :2].copy())),
        (ValueError, "C-contiguous", (a, x.T.copy().T, x)),
        (ValueError, "relative uncertainty", (a, x, x, 1.5)),
        (ValueError, "relative uncertainty", (a, x, x, float("nan"))),
    ]:
        with pytest.raises(error, match=match):
            numeric.matmul(*arguments)
