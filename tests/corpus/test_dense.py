"""The ways to evaluate a chain of dense layers agree: exact, enclosed in float64, and as a graph."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from gonogo import _core
from support.dense import Dense, ExactNet, Rationals, dense_graph, difference, enclose, rationals, single


def chain(r: np.random.Generator, sizes: tuple[int, ...], kind: type = np.float32) -> list[Dense]:
    last = len(sizes) - 2
    return [
        Dense(
            (r.standard_normal((b, a)) * 2.0 ** r.integers(-9, 9)).astype(kind),
            r.standard_normal(b).astype(kind),
            i < last,
        )
        for i, (a, b) in enumerate(itertools.pairwise(sizes))
    ]


def by_hand(layers: list[Dense], x: list[Fraction]) -> list[Fraction]:
    for layer in layers:
        rows = [[Fraction(float(v)) for v in row] for row in layer.weights]
        y = [
            sum((w * v for w, v in zip(row, x, strict=True)), Fraction(float(b)))
            for row, b in zip(rows, layer.bias, strict=True)
        ]
        x = [max(v, Fraction(0)) for v in y] if layer.relu else y
    return x


@pytest.mark.parametrize("seed", range(20))
def test_all_evaluations_agree(seed: int) -> None:
    r = np.random.default_rng(seed)
    layers = chain(r, tuple(int(n) for n in r.integers(1, 7, 4)))
    x = r.standard_normal((5, layers[0].weights.shape[1]))
    exact, (lo, hi) = ExactNet.of(layers)(rationals(x)), enclose(layers, x)
    graph = dense_graph("chain", layers)
    for i, point in enumerate(x):
        truth = by_hand(layers, [Fraction(float(v)) for v in point])
        bound = _core.bound(graph, [point[None]], [point[None]], "real")[0]
        for j, value in enumerate(truth):
            assert exact.fraction((i, j)) == value
            assert Fraction(lo[i, j]) <= value <= Fraction(hi[i, j])
            assert Fraction(bound.lower.ravel()[j]) <= value <= Fraction(bound.upper.ravel()[j])
    assert np.max(hi - lo) <= 1e-10 * (1 + np.max(np.abs(hi)))


def test_enclosures_allow_for_rounded_decimals() -> None:
    decimals = [["0.1", "-0.7"], ["1e-3", "12.34567890123456789"]]
    layer = Dense(np.array(decimals, np.float64), np.array([0.3, 0.9]), False)
    exact = ExactNet([(rationals(decimals), rationals(["0.3", "0.9"]), False)])(rationals([[1, 2]]))
    lo, hi = enclose([layer], np.array([[1.0, 2.0]]))
    for j in range(2):
        assert Fraction(lo[0, j]) < exact.fraction((0, j)) < Fraction(hi[0, j])


def test_rationals() -> None:
    x = rationals([["0.1", "-2"], ["1e-2", "3.5"]])
    assert x.denominator == 100
    assert x.numbers.tolist() == [[10, -200], [1, 350]]
    assert x.relu().numbers.tolist() == [[10, 0], [1, 350]]
    half = rationals(np.array([0.5, -0.25]))
    assert (half + rationals(["0.1", "0.1"])).fraction(0) == Fraction(3, 5)
    assert (half - half).numbers.tolist() == [0, 0]
    assert rationals([2**70 + 1]).fraction(0) == 2**70 + 1
    assert half.floats().tolist() == [0.5, -0.25]
    with pytest.raises(ValueError, match="no multiple"):
        Rationals(half.numbers, 4).over(6)


def test_differences_are_outward() -> None:
    lo, hi = difference((np.array([1.0]), np.array([2.0])), (np.array([1e-30]), np.array([1e-30])))
    assert Fraction(lo[0]) < 1 - Fraction(1e-30)
    assert Fraction(hi[0]) > 2 - Fraction(1e-30)


def test_constants_must_be_float32_numbers() -> None:
    assert single(np.array([0.5])).dtype == np.float32
    with pytest.raises(ValueError, match="round them first"):
        single(np.array([0.1]))
