"""gonogo.IntervalArray: shapes, broadcasting, numpy's functions, matrix products."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from gonogo import Interval, IntervalArray, interval
from gonogo.errors import IntervalError, UndecidedError

INF = math.inf


def boxes(seed: int, *shape: int) -> IntervalArray:
    r = np.random.default_rng(seed)
    ends = np.sort(r.normal(size=(2, *shape)), axis=0)
    return IntervalArray(ends[0], ends[1])


def same(a: Any, b: Any) -> bool:
    return a.shape == b.shape and bool(np.all(a.equal(b)))


def test_constructors() -> None:
    x = IntervalArray([[1, 2], [3, 4]])
    assert x.shape == (2, 2)
    assert x.lower.dtype == np.float64
    assert same(x, IntervalArray(np.array([[1, 2], [3, 4]], dtype=np.int8)))
    assert same(x, IntervalArray(x))
    assert same(x, IntervalArray(x.lower, x.upper))
    assert IntervalArray(Interval(1, 2)).shape == ()
    mixed = IntervalArray(["[1, 2]", Interval(3), 4, Fraction(1, 2), "0.5"])
    assert same(mixed, IntervalArray([1, 3, 4, 0.5, 0.5], [2, 3, 4, 0.5, 0.5]))
    assert IntervalArray(0.0, np.ones(3)).shape == (3,)
    assert IntervalArray(np.zeros((2, 1)), np.ones(3)).shape == (2, 3)
    assert IntervalArray(np.zeros((0, 3))).shape == (0, 3)
    assert IntervalArray(np.asfortranarray(np.arange(6.0).reshape(2, 3)))[1, 0].equal(3)
    assert IntervalArray([INF], [-INF])[0].is_empty()
    around = IntervalArray.from_mid_rad(np.array([1.0, 2.0]), 0.5)
    assert same(around, IntervalArray([0.5, 1.5], [1.5, 2.5]))
    for wrong in (([1.0], [0.0]), ([math.nan],), ([INF],), ([1.0, 2.0], [3.0, math.nan])):
        with pytest.raises(IntervalError, match="element"):
            IntervalArray(*(np.array(w) for w in wrong))
    for bad in (np.array([True]), np.array([1j]), [True], None, [None], "abc"):
        with pytest.raises((TypeError, IntervalError)):
            IntervalArray(bad)
    with pytest.raises(ValueError, match="shape|broadcast"):
        IntervalArray(np.zeros(2), np.zeros(3))


@pytest.mark.soundness
def test_elements_that_are_no_floats_are_rounded_outward() -> None:
    big = 2**62 + 1
    for x, exact in (
        (IntervalArray(np.array([big])), Fraction(big)),
        (IntervalArray([big]), Fraction(big)),
        (IntervalArray([Fraction(1, 3)]), Fraction(1, 3)),
        (IntervalArray(np.array([Fraction(1, 3)], dtype=object)), Fraction(1, 3)),
        (IntervalArray([big, 0.5]), Fraction(big)),
        (IntervalArray([big, 0.5], [big, 0.5]), Fraction(big)),
        (IntervalArray(["0.1"]), Fraction(1, 10)),
        (IntervalArray(np.array(["0.1"])), Fraction(1, 10)),
        (IntervalArray([[Fraction(1, 3)]], [[Fraction(1, 3)]])[0], Fraction(1, 3)),
        (IntervalArray.from_mid_rad(np.array([0.1]), 0.2), Fraction(0.1) + Fraction(0.2)),
    ):
        assert Fraction(x.lower[0]) < exact
        assert exact <= Fraction(x.upper[0])
    wide = np.array([np.longdouble(1) / 3])
    if np.finfo(np.longdouble).nmant > 52:
        x = IntervalArray(wide)
        assert Fraction(x.lower[0]) < Fraction(*wide[0].as_integer_ratio()) < Fraction(x.upper[0])


@pytest.mark.parametrize(
    "shapes",
    [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((2, 1), (1, 3)),
        ((), (4,)),
        ((1,), (2, 2)),
        ((1, 1), (3,)),
        ((0,), (1,)),
        ((), ()),
    ],
)
def test_broadcasting_follows_numpy(shapes: Any) -> None:
    x, y = boxes(1, *shapes[0]), boxes(2, *shapes[1])
    shape = np.broadcast_shapes(*shapes)
    wide = [IntervalArray(np.broadcast_to(a.lower, shape), np.broadcast_to(a.upper, shape)) for a in (x, y)]
    for operation in (
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: a * b,
        lambda a, b: a / b,
        interval.min,
        interval.hull,
        lambda a, b: interval.fma(a, b, a),
        lambda a, b: interval.fma(b, a, 2),
    ):
        found = operation(x, y)
        assert found.shape == shape
        assert same(found, operation(*wide))
    assert x.less(y).shape == shape
    assert x.overlap(y).shape == shape
    with pytest.raises(ValueError, match="broadcast"):
        boxes(1, 3) + boxes(2, 4)


def test_every_element_is_what_a_single_interval_gives() -> None:
    x, y = boxes(3, 200), boxes(4, 200)
    for k in range(200):
        a, b = x[k], y[k]
        for operation in (
            lambda p, q: p + q,
            lambda p, q: p - q,
            lambda p, q: p * q,
            lambda p, q: p / q,
            lambda p, q: p**3 + q**-2,
            lambda p, q: abs(p) - q.sqr(),
            lambda p, q: p & q,
            lambda p, q: p | q,
        ):
            one = operation(a, b)
            many = operation(x[k : k + 1], y[k : k + 1])[0]
            assert one.equal(many)


def test_indexing_and_shapes() -> None:
    x = boxes(5, 3, 4)
    assert isinstance(x[0, 0], Interval)
    assert x[0].shape == (4,)
    assert x[:, 1:3].shape == (3, 2)
    assert x[..., None].shape == (3, 4, 1)
    assert x[x.lower > 0].ndim == 1
    assert x[[0, 2]].shape == (2, 4)
    assert same(x.T.T, x)
    assert same(x.reshape(4, 3).reshape((3, 4)), x)
    assert same(x.transpose(1, 0), x.T)
    assert x.ravel().shape == (12,)
    assert (len(x), x.size, x.ndim) == (3, 12, 2)
    assert [row.shape for row in x] == [(4,)] * 3
    assert same(x.T + 1, (x + 1).T)
    with pytest.raises(IndexError):
        x[5]
    with pytest.raises(TypeError):
        np.asarray(x)


@pytest.mark.soundness
def test_text_reads_back() -> None:
    x = boxes(6, 2, 3)
    back = eval(repr(x), {"IntervalArray": IntervalArray})
    assert back.shape == x.shape
    assert x.subset(back).all()
    assert "[" in str(x)
    assert "shape (50, 50)" in repr(boxes(7, 50, 50))
    assert eval(repr(IntervalArray(np.zeros((0, 2)))), {"IntervalArray": IntervalArray}).size == 0


def test_numpy_functions() -> None:
    x = boxes(8, 5) + 3
    for ufunc, function in (
        (np.exp, interval.exp),
        (np.log, interval.log),
        (np.sqrt, interval.sqrt),
        (np.tanh, interval.tanh),
        (np.square, interval.sqr),
        (np.reciprocal, interval.recip),
        (np.abs, interval.abs),
        (np.rint, interval.round_ties_to_even),
    ):
        assert same(ufunc(x), function(x))
        assert ufunc(Interval(2, 3)).equal(function(Interval(2, 3)))
    numbers = np.arange(1.0, 6.0)
    assert same(numbers + x, x + numbers)
    assert same(numbers - x, -(x - numbers))
    assert same(numbers * Interval(1, 2), IntervalArray(numbers, 2 * numbers))
    assert same(Interval(1, 2) * numbers, numbers * Interval(1, 2))
    assert same(np.add(numbers, x), x + numbers)
    assert same(np.power(x, 2), x**2)
    assert same(np.maximum(numbers, x), interval.max(x, numbers))
    assert (np.less(numbers, x + 100)).all()
    assert isinstance(x + Interval(1), IntervalArray)
    assert isinstance(Interval(1) + x, IntervalArray)
    assert isinstance(Interval(1).hull(x), IntervalArray)
    out = np.zeros(5)
    for unsupported in (
        lambda: np.arctan(x),
        lambda: np.add.reduce(x),
        lambda: np.exp(x, out=out),
        lambda: np.power(x, np.arange(5)),
        lambda: np.power(2.0, x),
    ):
        with pytest.raises(TypeError):
            unsupported()


def test_comparisons_answer_only_what_is_certain() -> None:
    x = IntervalArray([1.0, 5.0], [2.0, 6.0])
    assert (x < np.array([7.0, 8.0])).all()
    assert (x == x).all()
    assert (x == IntervalArray([1.0, 7.0], [2.0, 8.0])).tolist() == [True, False]
    assert (x != 9.0).all()
    for undecided in (lambda: x < 1.5, lambda: x == IntervalArray([1.5, 5.0], [2.0, 6.0]), lambda: x >= 1.5):
        with pytest.raises(UndecidedError, match=r"\[0\]"):
            undecided()
    with pytest.raises(TypeError):
        bool(x)
    with pytest.raises(TypeError):
        hash(x)
    assert x.contains(1.5).tolist() == [True, False]


@pytest.mark.soundness
def test_matrix_products_contain_the_exact_ones() -> None:
    x = boxes(9, 6, 4)
    w = np.random.default_rng(10).normal(size=(4, 3))
    product = x @ w
    assert product.shape == (6, 3)
    tight = 0
    for i in range(6):
        for j in range(3):
            pairs = [(Fraction(w[k, j]), Fraction(x.lower[i, k]), Fraction(x.upper[i, k])) for k in range(4)]
            low = sum((min(a * b, a * c) for a, b, c in pairs), Fraction(0))
            high = sum((max(a * b, a * c) for a, b, c in pairs), Fraction(0))
            assert Fraction(product.lower[i, j]) <= low
            assert high <= Fraction(product.upper[i, j])
            tight += product.wid[i, j] < float(high - low) * (1 + 1e-12)
    assert tight == 18


def test_matrix_products_of_all_shapes() -> None:
    x, w = boxes(11, 5, 2, 4), np.random.default_rng(12).normal(size=(4, 3))
    assert (x @ w).shape == (5, 2, 3)
    assert same((x @ w)[0], x[0] @ w)
    assert (x[0, 0] @ w).shape == (3,)
    assert isinstance(x[0, 0] @ w[:, 0], Interval)
    assert (x[0] @ w[:, 0]).shape == (2,)
    assert (w.T @ x[0].T).shape == (3, 2)
    assert (w.T @ x[0, 0]).shape == (3,)
    assert isinstance(w[:, 0] @ x[0, 0], Interval)
    assert (np.matmul(x[0], w)).shape == (2, 3)
    assert (x[0] @ np.ones((4, 1), dtype=np.int32)).shape == (2, 1)
    for wrong in (lambda: x @ w.T, lambda: w @ x[0], lambda: x @ np.ones((1, 4, 3))):
        with pytest.raises(ValueError, match="shape"):
            wrong()
    for wrong in (lambda: x @ x, lambda: x @ 2.0, lambda: x[0] @ np.ones((4, 3), dtype=bool)):
        with pytest.raises(TypeError):
            wrong()


@pytest.mark.soundness
def test_sums() -> None:
    x = boxes(13, 4, 5, 6)
    for axis in (0, 1, 2, -1):
        assert x.sum(axis=axis).shape == x.lower.sum(axis=axis).shape
    total = x.sum()
    assert total.lower == math.fsum(x.lower.ravel()) or Fraction(total.lower) <= sum(
        map(Fraction, x.lower.ravel())
    )
    assert isinstance(x[0, 0].sum(axis=0), Interval)
    assert IntervalArray(np.zeros((0, 2))).sum(axis=0).equal(0).all()
    assert IntervalArray([1.0, INF], [1.0, -INF]).sum().is_empty()
    assert IntervalArray([1.0, -INF], [1.0, 3.0]).sum().equal(Interval(-INF, 4))
