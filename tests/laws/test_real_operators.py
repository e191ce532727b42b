"""For every operator with a real rule: the enclosure holds the exact value, at points and over boxes."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from gonogo import _core
from gonogo.testing import Case, cases, evaluate, operators
from gonogo.testing.oracle import exact
from hypothesis import given
from hypothesis import strategies as st

# These only move, compare or copy numbers; their results need no rounding, so they have no teeth to test.
WITHOUT_ROUNDING = {"relu", "relu6", "clip", "max_pool2d", "identity"}
WITHOUT_ROUNDING |= {"reshape", "transpose", "concat", "pad", "strided_slice"}
# Real semantics ignores quantisation: the joint tests cover these two.
ELSEWHERE = {"quantize", "dequantize"}

parameters = [
    pytest.param(op, marks=[] if op in WITHOUT_ROUNDING else [pytest.mark.soundness]) for op in operators()
]


def test_every_operator_has_cases() -> None:
    assert {row["name"] for row in _core.operators() if row["real"]} == set(operators()) | ELSEWHERE


def outside(case: Case, lo: np.ndarray, hi: np.ndarray) -> list[str]:
    """Elements whose enclosure misses the exact value."""
    lower, upper = evaluate(case.op, [None if x is None else exact(x) for x in case.inputs], case.attributes)
    assert lo.shape == hi.shape == lower.shape
    missed = []
    for index in np.ndindex(*lower.shape):
        below = lo[index] != -np.inf and upper[index] < Fraction(float(lo[index]))
        above = hi[index] != np.inf and lower[index] > Fraction(float(hi[index]))
        if below or above:
            missed.append(f"{index}: {float(lower[index])!r} outside [{lo[index]!r}, {hi[index]!r}]")
    return missed


@pytest.mark.parametrize("op", parameters)
@given(data=st.data())
def test_the_exact_value_is_enclosed(op: str, data: st.DataObject) -> None:
    case = data.draw(cases(op))
    graph = case.graph()
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    # Points with all 53 bits: products of float32 numbers would be exact, and show no rounding.
    for i in case.variables():
        wide = np.asarray(case.inputs[i], dtype=np.float64)
        case.inputs[i] = np.ascontiguousarray(wide * (1 + 2.0**-26 * rng.standard_normal(wide.shape)))
    x = [case.inputs[i] for i in case.variables()]
    lo, hi = _core.evaluate_real(graph, x, x)["y"]
    assert outside(case, lo, hi) == []
    # A box that holds the point, of any width in any direction.
    below, above = data.draw(st.sampled_from([(0.0, 1e-3), (0.5, 0.0), (1.0, 1.0), (1e6, 1e-9)]))
    wide_lo = [v - below * rng.random(v.shape) * (1 + np.abs(v)) for v in x]
    wide_hi = [v + above * rng.random(v.shape) * (1 + np.abs(v)) for v in x]
    lo, hi = _core.evaluate_real(graph, wide_lo, wide_hi)["y"]
    assert outside(case, lo, hi) == []
