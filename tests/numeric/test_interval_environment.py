"""Intervals under a caller's rounding mode, FTZ and DAZ: bit for bit the same results, and the state as it was."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from gonogo import Interval, IntervalArray, interval
from gonogo._core import interval as core
from gonogo._core import numeric

STATES = list(itertools.product(["nearest", "down", "up", "zero"], [False, True], [False, True]))[1:]
UNARY = ("neg", "abs", "sqr", "sqrt", "recip", "sign", "ceil", "floor", "trunc", "round_ties_to_even")
ELEMENTARY = (
    "exp",
    "expm1",
    "exp2",
    "log",
    "log1p",
    "log2",
    "sin",
    "cos",
    "tanh",
    "erf",
    "sigmoid",
    "softplus",
)
BINARY = ("add", "sub", "mul", "div", "min", "max", "hull", "intersection", "cancel_minus", "cancel_plus")
RELATIONS = ("equal", "subset", "less", "strict_less", "precedes", "strict_precedes", "interior", "disjoint")


def calls(operands: Any) -> dict[str, Callable[[], Any]]:
    """Operands with subnormals, overflow, empty and unbounded intervals."""
    a, b, c = (operands.boxes(1500) for _ in range(3))
    for lo, hi in (a, b):
        lo[:5], hi[:5] = np.inf, -np.inf
        lo[5:50] = np.minimum(5e-324 * np.arange(45), hi[5:50])
    x, y, z = (IntervalArray(*ends) for ends in (a, b, c))
    table: dict[str, Callable[[], Any]] = {}
    for name in (*UNARY, *ELEMENTARY):
        table[name] = lambda name=name: x._unary(name)
    for name in BINARY:
        table[name] = lambda name=name: x._binary(name, y)
    for name in RELATIONS:
        table[name] = lambda name=name: getattr(x, name)(y)
    for name in ("mid", "rad", "wid", "mag", "mig"):
        table[name] = lambda name=name: getattr(x, name)
    for n in (-3, 2, 7):
        table[f"pown {n}"] = lambda n=n: x**n
    table["fma"] = lambda: x.fma(y, z)
    table["sum"] = lambda: z.reshape(50, 30).sum(axis=0)
    table["overlap"] = lambda: core.overlap_array(x.lower, x.upper, y.lower, y.upper)
    table["empty"] = x.is_empty
    table["made"] = lambda: IntervalArray(x.lower, x.upper)
    table["reductions"] = lambda: [f(a[0][50:]) for f in (interval.sum_nearest, interval.sum_square_nearest)]
    table["dot"] = lambda: interval.dot_nearest(a[0][50:200], b[1][50:200])
    tiny = Interval(5e-324)
    table["one by one"] = lambda: [
        str(v)
        for v in (
            tiny * 0.5,
            tiny + tiny,
            tiny - 1,
            1 / tiny,
            tiny**2,
            tiny.sqrt(),
            tiny | 0,
            abs(-tiny),
            Interval("0.1"),
        )
    ]
    table["asked one by one"] = lambda: [
        tiny == 0,
        tiny > 0,
        5e-324 in tiny,
        0 in tiny,
        Fraction(1, 10**330) in Interval(0),
        Fraction(1, 10**330) in tiny | 0,
        tiny.is_singleton(),
        *tiny.mid_rad(),
    ]
    table["texts"] = lambda: [
        core.parse(t) for t in ("[1e-320, 1/3]", "3.3?5e-310", "[-0x1p-1073]", "10?3e380")
    ]
    return table


def plain(result: Any) -> Any:
    """Bit patterns: DAZ in the caller must not blur the comparison."""
    if isinstance(result, IntervalArray):
        return result.lower.tobytes(), result.upper.tobytes()
    return result.tobytes() if isinstance(result, np.ndarray) else np.array(result).tobytes()


@pytest.mark.parametrize("state", STATES, ids=lambda s: f"{s[0]}{'-ftz' * s[1]}{'-daz' * s[2]}")
def test_results_and_state_survive_any_environment(state: tuple[str, bool, bool], operands: Any) -> None:
    for name, call in calls(operands).items():
        expected = plain(call())
        former = numeric.set_environment(*state)
        try:
            result = call()
            found = numeric.environment()
        finally:
            numeric.set_environment(*former)
        assert found == state, name
        assert plain(result) == expected, name


def test_results_do_not_depend_on_the_number_of_threads(operands: Any) -> None:
    a, b = (IntervalArray(*(np.resize(e, 70_000) for e in operands.boxes(1000))) for _ in range(2))
    former = numeric.thread_count()
    results = []
    try:
        for count in (1, 2, 4):
            numeric.set_thread_count(count)
            results.append([plain(v) for v in (a + b, a * b, a / b, a.exp(), a**3, a.mid, a.subset(b))])
    finally:
        numeric.set_thread_count(former)
    assert results[0] == results[1] == results[2]
