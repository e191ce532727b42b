"""Every operator by itself, in the numbers that the strategies draw: huge, subnormal, of very different sizes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from gonogo import _core
from gonogo.testing import Case, cases, evaluate, operators
from gonogo.testing.oracle import exact
from hypothesis import given
from hypothesis import strategies as st


def box_around(
    case: Case, rng: np.random.Generator, size: float
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    lo, hi = [], []
    for i in case.variables():
        x = np.asarray(case.inputs[i], np.float64)
        reach = size * (1 + np.abs(x))
        lo.append(np.ascontiguousarray(x - reach * rng.random(x.shape)))
        hi.append(np.ascontiguousarray(x + reach * rng.random(x.shape)))
    return lo, hi


def values(case: Case, point: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    inputs: list[Any] = [None if x is None else exact(x) for x in case.inputs]
    for i, x in zip(case.variables(), point, strict=True):
        inputs[i] = exact(x)
    return evaluate(case.op, inputs, case.attributes)


def missed(lo: np.ndarray, hi: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> list[str]:
    """Elements of which the true value, between `lower` and `upper`, is outside."""
    assert lo.shape == lower.shape
    assert np.all(lo <= hi)
    return [
        f"{i}: {float(lower[i])!r} outside [{lo[i]!r}, {hi[i]!r}]"
        for i in np.ndindex(*lower.shape)
        if (lo[i] != -np.inf and upper[i] < Fraction(float(lo[i])))
        or (hi[i] != np.inf and lower[i] > Fraction(float(hi[i])))
    ]


def corner(rng: np.random.Generator, lo: list[np.ndarray], hi: list[np.ndarray]) -> list[np.ndarray]:
    return [np.where(rng.random(a.shape) < 0.5, a, b) for a, b in zip(lo, hi, strict=True)]


def other_constants(case: Case, rng: np.random.Generator) -> Case:
    def changed(i: int, x: Any) -> Any:
        if i not in case.constants or x is None:
            return x
        y = np.asarray(x * (1 + 2.0**-7 * rng.standard_normal(x.shape)), np.float32)
        return np.abs(y) if case.op == "batch_norm" and i == 4 else y

    inputs = [changed(i, x) for i, x in enumerate(case.inputs)]
    return Case(case.op, inputs, case.attributes, case.constants)


@pytest.mark.parametrize("op", operators())
@given(data=st.data())
def test_bounds(op: str, data: st.DataObject) -> None:
    case = data.draw(cases(op))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    lo, hi = box_around(case, rng, data.draw(st.sampled_from([0.0, 1e-9, 1.0])))
    graph = case.graph()
    linear = _core.bound(graph, lo, hi, "real", None, "linear")[0]
    interval = _core.bound(graph, lo, hi, "real", None, "interval")[0]
    assert np.all(linear.lower >= interval.lower)
    assert np.all(linear.upper <= interval.upper)
    for point in (lo, corner(rng, lo, hi), hi):
        assert missed(linear.lower, linear.upper, *values(case, point)) == []


@pytest.mark.parametrize("op", operators())
@given(data=st.data())
def test_differences(op: str, data: st.DataObject) -> None:
    case = data.draw(cases(op))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    other = other_constants(case, rng)
    lo, hi = box_around(case, rng, data.draw(st.sampled_from([0.0, 1e-9, 1.0])))
    pair = case.graph(), other.graph()

    def ask(method: str) -> Any:
        return _core.error(*pair, lo, hi, "real", None, 1, 1, False, method).tensors[0]

    linear, interval = ask("linear"), ask("interval")
    assert np.all(linear.lower >= interval.lower)
    assert np.all(linear.upper <= interval.upper)
    for point in (lo, corner(rng, lo, hi), hi):
        r_lower, r_upper = values(case, point)
        v_lower, v_upper = values(other, point)
        least, most = (np.asarray(d, dtype=object) for d in (v_lower - r_upper, v_upper - r_lower))
        assert missed(linear.lower, linear.upper, least, most) == []
