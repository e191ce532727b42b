"""log, log1p, log2 and softplus where their code changes its path, and the constants of Theorems 11 and 24."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from gonogo._core import numeric
from logarithm_bounds import ATANH, BOUNDS, EXP_ABSOLUTE, LEAST, RECIPROCAL, softplus_accuracy
from support.elementary import Floats, Values, around, values
from support.kernel_source import coefficients, number
from support.kernels import SETS, enclosures

NAMES = ("log", "log1p", "log2", "softplus")
SOURCE = "logarithm.inl"


def breakpoints(name: str) -> Floats:
    """Where n changes, around f = 0, where arguments become subnormal or lose their last bits in 1 + x."""
    factors = np.ldexp(float(LEAST), np.arange(-1073, 1024))
    powers = np.ldexp(1.0, np.arange(-1073, 1024))
    small = np.ldexp(1.0, np.arange(-1074, 0))
    if name == "softplus":
        halves = np.log(2 * float(LEAST) - 1) * np.array([1.0, -1.0])
        return np.concatenate([around(halves, 40), around([-700, 2.0**1000, 36.0, 700, -1e-300, 1e-300], 12)])
    if name == "log1p":
        x = np.concatenate([around(factors[1060:] - 1, 8), around(powers[1060:], 3), around(-small, 3)])
        return x[(x > -1) & np.isfinite(x)]
    x = np.concatenate([around(factors, 4), around(powers, 2), around([2.0**-1022], 30)])
    return x[x > 0]


@lru_cache
def breakpoint_values(name: str) -> tuple[Floats, Values]:
    x = breakpoints(name)
    return x, values(name, x)


@pytest.mark.soundness
@pytest.mark.parametrize("which", SETS)
@pytest.mark.parametrize("name", NAMES)
def test_breakpoints_are_enclosed(name: str, which: str) -> None:
    x, value = breakpoint_values(name)
    low, high = enclosures(name, which, x, x)
    outside = ~((low <= value.below) & (value.above <= high))
    assert not outside.any(), (x[outside][:5], low[outside][:5], high[outside][:5])
    down, up = value.excess(low, high)
    assert max(down.max(), up.max()) <= numeric.accuracy_ulp(name)


@pytest.mark.parametrize("which", SETS)
def test_powers_of_two_have_exact_binary_logarithms(which: str) -> None:
    n = np.arange(-1074, 1024)
    low, high = enclosures("log2", which, np.ldexp(1.0, n), np.ldexp(1.0, n))
    assert (low == n).all()
    assert (high == n).all()


@pytest.mark.soundness
@pytest.mark.parametrize("which", SETS)
def test_softplus_of_large_numbers(which: str) -> None:
    most = np.finfo(np.float64).max
    x = np.array([2.0**1000, 1.5e305, most])
    low, high = enclosures("softplus", which, x, x)
    assert (low <= x).all()
    assert (x < high).all()
    assert high[2] == np.inf
    low, high = enclosures("softplus", which, [-np.inf, -np.inf], [-most, -746.0])
    assert (low == 0).all()
    assert (high == 5e-324).all()


def test_the_derivation_uses_the_coefficients_of_the_code() -> None:
    assert coefficients(SOURCE, "atanh_coefficients") == ATANH
    assert coefficients(SOURCE, "reciprocal_coefficients") == RECIPROCAL
    assert number(SOURCE, "smallest_factor") == LEAST
    assert number("exponential_core.inl", "exp_absolute") <= EXP_ABSOLUTE


@pytest.mark.parametrize("name", BOUNDS)
def test_error_constants_cover_the_derivation(name: str) -> None:
    bound = numeric.elementary_constants()[name] * 2**53
    assert BOUNDS[name]() <= bound
    if name.endswith("_relative"):  # one step, of two units where the value lies just below a power of two
        assert 2.5 + bound <= numeric.accuracy_ulp(name.removesuffix("_relative"))
    else:
        assert softplus_accuracy(bound / 2**53) <= numeric.accuracy_ulp("softplus")
