"""Elementary functions against mpmath at 200 bits and more; their error constants against the derivation."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from gonogo._core import numeric
from mpmath import libmp

COUNT = 100_000
INF = np.inf
MAX = np.finfo(np.float64).max
BITS = 200

Mpf = tuple[int, int, int, int]
ONE = libmp.fone


def exp(x: Mpf) -> Mpf:
    return libmp.mpf_exp(x, BITS)


def expm1(x: Mpf) -> Mpf:
    # cancellation costs at most the exponent of x
    return libmp.mpf_sub(libmp.mpf_exp(x, BITS + max(0, -(x[2] + x[3]))), ONE, BITS)


def log(x: Mpf) -> Mpf:
    return libmp.mpf_log(x, BITS)


def tanh(x: Mpf) -> Mpf:
    return libmp.mpf_tanh(x, BITS)


def sigmoid(x: Mpf) -> Mpf:
    return libmp.mpf_div(ONE, libmp.mpf_add(ONE, libmp.mpf_exp(libmp.mpf_neg(x), BITS), BITS), BITS)


FUNCTIONS: dict[str, Callable[[Mpf], Mpf]] = {
    "exp": exp,
    "expm1": expm1,
    "log": log,
    "tanh": tanh,
    "sigmoid": sigmoid,
}
# Greatest width of an enclosure, in units in the last place of the value.
WIDEST = {"exp": 3, "expm1": 5, "log": 4, "tanh": 7, "sigmoid": 7}


def arguments(name: str, operands: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    r = operands.random
    if name == "log":
        near_one = 1 + np.ldexp(operands.near_one(20_000, 3), r.integers(-55, -3, 20_000))
        powers = np.ldexp(1.0, np.arange(-1074, 1024))
        steps = [np.nextafter(powers, 0), np.nextafter(powers, INF), powers * np.sqrt(2.0), powers * 0.75]
        values = np.concatenate([np.abs(operands.anywhere(COUNT)), near_one, powers, *steps])
        return np.ascontiguousarray(values[(values > 0) & np.isfinite(values)])
    half_steps = np.arange(-2150, 2052) * (np.log(2.0) / 2)  # where the reduction changes its integer
    edges = np.array([0.34, 1.0, 11.0, 20.0, 22.0, 36.7, 40.0, 709.78271289338397, 744.44, 745.1332191019412])
    edges = np.concatenate([edges, -edges, [2.0**-100, -(2.0**-100)]])
    around = np.concatenate([e * (1 + np.arange(-20, 21) * 2.0**-52) for e in edges])
    values = np.concatenate(
        [
            r.uniform(-750, 720, COUNT // 2),
            r.uniform(-3, 3, COUNT // 4),
            operands.near_one(COUNT // 4, 30),
            np.ldexp(operands.near_one(5000, 2), r.integers(-1074, -30, 5000)),
            half_steps,
            np.nextafter(half_steps, INF),
            around,
            [5e-324, -5e-324, 2.0**-1022, -(2.0**-1022)],
        ]
    )
    return np.ascontiguousarray(values[values != 0])


@pytest.mark.soundness
@pytest.mark.parametrize("name", FUNCTIONS)
def test_points_are_enclosed_closely(name: str, operands: Any) -> None:
    f = FUNCTIONS[name]
    x = arguments(name, operands)
    assert x.size >= COUNT
    low, high = numeric.unary(name, x, x)
    assert not (np.isnan(low) | np.isnan(high)).any()
    for v, lo, hi in zip(x.tolist(), low.tolist(), high.tolist(), strict=True):
        y = f(libmp.from_float(v))
        if lo != -INF:
            assert libmp.mpf_le(libmp.from_float(lo), y), (name, v, lo)
        if hi != INF:
            assert libmp.mpf_le(y, libmp.from_float(hi)), (name, v, hi)
    size = np.minimum(np.abs(low), np.abs(high))
    bounded = (high < INF) & (size >= 2.0**-1000)
    width = (high - low)[bounded] / np.spacing(size[bounded])
    assert width.max() <= WIDEST[name]


@pytest.mark.soundness
@pytest.mark.parametrize("name", FUNCTIONS)
def test_boxes_enclose_their_ends_and_inner_points(name: str, operands: Any) -> None:
    f = FUNCTIONS[name]
    x = np.sort(arguments(name, operands)[::25])
    lo, hi = x[:-40].copy(), x[40:].copy()
    low, high = numeric.unary(name, lo, hi)
    inner = lo / 2 + hi / 2
    for points in (lo, inner, hi):
        for v, a, b in zip(points.tolist(), low.tolist(), high.tolist(), strict=True):
            y = f(libmp.from_float(v))
            assert a == -INF or libmp.mpf_le(libmp.from_float(a), y), (name, v, a)
            assert b == INF or libmp.mpf_le(y, libmp.from_float(b)), (name, v, b)
    # A box of a point is what the negative control can't enclose.
    low, high = numeric.unary(name, x, x)
    assert (low < high).mean() > 0.9


@pytest.mark.parametrize(
    ("name", "x", "low", "high"),
    [
        ("exp", 0.0, 1.0, 1.0),
        ("expm1", 0.0, 0.0, 0.0),
        ("log", 1.0, 0.0, 0.0),
        ("tanh", 0.0, 0.0, 0.0),
        ("sigmoid", 0.0, 0.5, 0.5),
    ],
)
def test_values_that_binary64_holds_are_exact(name: str, x: float, low: float, high: float) -> None:
    lo, hi = numeric.unary(name, np.array([x]), np.array([x]))
    assert (lo[0], hi[0]) == (low, high)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("exp", 0.0, INF), ("expm1", -1.0, INF), ("log", -INF, INF), ("tanh", -1.0, 1.0), ("sigmoid", 0.0, 1.0)],
)
def test_the_whole_line_maps_to_the_range(name: str, low: float, high: float) -> None:
    lo, hi = numeric.unary(name, np.array([-INF]), np.array([INF]))
    assert (lo[0], hi[0]) == (low, high)


def test_far_ends() -> None:
    x = np.array([-MAX, MAX, -1e5, 1e5])
    lo, hi = numeric.unary("exp", x, x)
    assert (lo.tolist(), hi.tolist()) == ([0, MAX, 0, MAX], [5e-324, INF, 5e-324, INF])
    lo, hi = numeric.unary("tanh", x, x)
    assert (lo.tolist(), hi.tolist()) == ([-1, 1 - 2**-53] * 2, [-1 + 2**-53, 1] * 2)
    lo, hi = numeric.unary("sigmoid", x, x)
    assert (lo.tolist(), hi.tolist()) == ([0, 1 - 2**-52] * 2, [5e-324, 1] * 2)


def test_functions_stay_in_their_range(operands: Any) -> None:
    x = operands.anywhere(COUNT)
    ranges = {"exp": (0.0, INF), "expm1": (-1.0, INF), "tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}
    for name, (bottom, top) in ranges.items():
        lo, hi = numeric.unary(name, x, x)
        assert (lo >= bottom).all()
        assert (hi <= top).all()
        assert (lo <= hi).all()


@pytest.mark.parametrize("name", ["log", "sqrt"])
def test_no_real_value_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match="below zero"):
        numeric.unary(name, np.array([-2.0]), np.array([-1.0]))


def derivation() -> Any:
    path = Path(__file__).with_name("elementary_bounds.py")
    spec = importlib.util.spec_from_file_location("elementary_bounds", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_error_constants_cover_the_derivation() -> None:
    constants = numeric.elementary_constants()
    module = derivation()
    for name, derive in module.BOUNDS.items():
        assert derive() <= Fraction(constants[name]), name


def test_reduction_constants() -> None:
    constants = numeric.elementary_constants()
    with mpmath.workprec(400):
        ln2 = mpmath.log(2)
        high = Fraction(constants["ln2_high"])
        assert high.denominator <= 2**40  # so that n * ln2_high has at most 51 bits
        assert abs(ln2 - mpmath.mpf(constants["ln2_high"])) < mpmath.mpf(2) ** -40
        rest = ln2 - mpmath.mpf(constants["ln2_high"]) - mpmath.mpf(constants["ln2_low"])
        assert abs(rest) <= mpmath.mpf(2) ** -94
        assert abs(1 / ln2 - mpmath.mpf(constants["inverse_ln2"])) <= mpmath.mpf(2) ** -53
        # |r| <= ln 2 / 2 and the error of x * inverse_ln2 for |x| <= 746
        assert ln2 / 2 + mpmath.mpf(2) ** -40 < mpmath.mpf(3466) / 10000
        # sqrt(1/2) - 1 and sqrt(2) - 1, with the rounding of the threshold
        assert mpmath.sqrt(mpmath.mpf(1) / 2) - 1 - mpmath.mpf(2) ** -52 > mpmath.mpf("-0.2929")
        assert mpmath.sqrt(2) - 1 + mpmath.mpf(2) ** -51 < mpmath.mpf("0.41422")
