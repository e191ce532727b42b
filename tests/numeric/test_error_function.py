"""erf where its code changes its path, its table, and the constants of Theorem 20."""

from __future__ import annotations

import importlib.util
from fractions import Fraction
from functools import lru_cache
from math import factorial
from pathlib import Path

import numpy as np
import pytest
from error_function_bounds import BOUNDS, CENTRAL, FIRST, LAST, accuracy, taylor_coefficients
from gonogo._core import numeric
from support.elementary import Floats, Values, around, values
from support.kernel_source import KERNELS, coefficients, number
from support.kernels import SETS, enclosures

ROOT = Path(__file__).parents[2]


@lru_cache
def breakpoints() -> tuple[Floats, Values]:
    rows = np.arange(2 * FIRST, 2 * LAST + 8) / 128  # the rows and where the nearest row changes
    tiny = np.ldexp(1.0, np.arange(-1073, -990))
    x = np.concatenate([around(rows, 6), around([0.25, 6.0], 60), around(tiny, 3), 5e-324 * np.arange(1, 40)])
    x = np.concatenate([x, -x])
    return x, values("erf", x)


@pytest.mark.soundness
@pytest.mark.parametrize("which", SETS)
def test_breakpoints_are_enclosed(which: str) -> None:
    x, value = breakpoints()
    low, high = enclosures("erf", which, x, x)
    outside = ~((low <= value.below) & (value.above <= high))
    assert not outside.any(), (x[outside][:5], low[outside][:5], high[outside][:5])
    down, up = value.excess(low, high)
    assert max(down.max(), up.max()) <= numeric.accuracy_ulp("erf")


@pytest.mark.parametrize("which", SETS)
def test_far_ends_are_near_one(which: str) -> None:
    x = np.array([6.0, 6.5, 1e10, 1e300, np.finfo(np.float64).max])
    low, high = enclosures("erf", which, x, x)
    assert (high == 1).all()
    assert (low >= 1 - 2.0**-52).all()
    assert np.array_equal(enclosures("erf", which, -x, -x), [-high, -low])


def test_the_table_is_what_its_script_writes() -> None:
    script = ROOT / "scripts/elementary/make_error_function_table.py"
    spec = importlib.util.spec_from_file_location("make_error_function_table", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (KERNELS / "error_function_table.cpp").read_text(encoding="utf-8") == module.text()
    assert (module.FIRST, module.LAST) == (FIRST, LAST)


def hermite(n: int, x: Fraction) -> Fraction:
    """H_0 = 1, H_1 = 2 x, H_{n+1} = 2 x H_n - 2 n H_{n-1}."""
    before, now = Fraction(0), Fraction(1)
    for k in range(n):
        before, now = now, 2 * x * now - 2 * k * before
    return now


def test_taylor_coefficients() -> None:
    """Polynomials of degree at most 6 in r that agree at 8 places are the same."""
    for r in map(Fraction, range(8)):
        for k, c in taylor_coefficients(r).items():
            assert factorial(k) * c == (-1) ** (k - 1) * hermite(k - 1, r)


def test_the_derivation_uses_the_coefficients_of_the_code() -> None:
    assert coefficients("error_function.inl", "central_coefficients") == CENTRAL
    assert number("error_function_table.hpp", "error_function_table_start") == FIRST
    assert number("error_function_table.hpp", "error_function_table_end") == LAST


def test_error_constants_cover_the_derivation() -> None:
    constants = numeric.elementary_constants()
    for name, derive in BOUNDS.items():
        assert derive() <= constants[name] * 2**53, name
        assert constants[name] <= 4 * 2.0**-53, name  # FACTOR_LIMIT
    assert accuracy(constants["central_outward"], constants["table_outward"]) <= numeric.accuracy_ulp("erf")
