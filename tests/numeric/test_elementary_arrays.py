"""Array kernels of the elementary functions: the same at every place, with any threads, in any environment."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from gonogo._core import numeric
from support.elementary import FUNCTIONS, Floats

SETS = numeric.available_instruction_sets()


@pytest.fixture(autouse=True)
def _settings() -> Iterator[None]:
    before = numeric.instruction_set(), numeric.thread_count()
    yield
    numeric.use_instruction_set(before[0])
    numeric.set_thread_count(before[1])


def boxes(operands: Any, count: int) -> tuple[Floats, Floats]:
    """Usual ones, and everywhere some that leave the usual path: huge, tiny, unbounded, empty, no interval."""
    r = operands.random
    lo = r.uniform(-5, 5, count)
    hi = lo + r.exponential(1, count)
    kind = r.integers(0, 12, count)
    a, b = operands.boxes(count)
    lo, hi = np.where(kind == 0, a, lo), np.where(kind == 0, b, hi)
    wide = r.uniform(-1500, 1500, count)
    lo, hi = np.where(kind == 1, wide, lo), np.where(kind == 1, wide + 1, hi)
    for k, (x, y) in enumerate([(np.inf, -np.inf), (np.nan, 1.0), (2.0, 1.0), (0.0, 0.0), (1e-310, 2e-310)]):
        chosen = r.integers(0, 60, count) == k
        lo, hi = np.where(chosen, x, lo), np.where(chosen, y, hi)
    return lo, hi


def same(a: tuple[Floats, Floats], b: tuple[Floats, Floats]) -> bool:
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("which", SETS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_element_does_not_depend_on_its_place(name: str, which: str, operands: Any) -> None:
    numeric.use_instruction_set(which)
    lo, hi = boxes(operands, 3000)
    whole = numeric.elementary(name, lo, hi)
    for shift in range(1, 9):
        part = numeric.elementary(name, lo[shift:].copy(), hi[shift:].copy())
        assert same(part, (whole[0][shift:], whole[1][shift:]))
    for size in range(1, 18):
        part = numeric.elementary(name, lo[:size].copy(), hi[:size].copy())
        assert same(part, (whole[0][:size], whole[1][:size]))
    mixed = operands.random.permutation(lo.size)
    assert same(numeric.elementary(name, lo[mixed], hi[mixed]), (whole[0][mixed], whole[1][mixed]))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_baseline_arrays_give_what_scalars_give(name: str, operands: Any) -> None:
    numeric.use_instruction_set(SETS[0])
    lo, hi = boxes(operands, 3000)
    assert same(numeric.elementary(name, lo, hi), numeric.elementary(name, lo, hi, scalar=True))


@pytest.mark.parametrize("which", SETS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_threads_do_not_matter(name: str, which: str, operands: Any) -> None:
    numeric.use_instruction_set(which)
    lo, hi = boxes(operands, 40_000)
    results = []
    for threads in (1, 2, 3, 4):
        numeric.set_thread_count(threads)
        results.append(numeric.elementary(name, lo, hi))
    assert all(same(results[0], result) for result in results[1:])


@pytest.mark.parametrize("which", SETS)
def test_the_environment_does_not_matter(which: str, operands: Any) -> None:
    numeric.use_instruction_set(which)
    lo, hi = boxes(operands, 20_000)
    expected = {name: numeric.elementary(name, lo, hi) for name in FUNCTIONS}
    for mode, flush, denormals in itertools.product(
        ("nearest", "down", "up", "zero"), (False, True), (False, True)
    ):
        before = numeric.set_environment(mode, flush, denormals)
        try:
            results = {name: numeric.elementary(name, lo, hi) for name in FUNCTIONS}
        finally:
            numeric.set_environment(*before)
        for name in FUNCTIONS:
            assert same(expected[name], results[name]), (name, mode, flush, denormals)


def test_shapes_and_errors() -> None:
    x = np.linspace(0, 1, 24).reshape(2, 3, 4)
    lo, hi = numeric.elementary("exp", x, x)
    assert lo.shape == hi.shape == (2, 3, 4)
    assert numeric.elementary("exp", np.zeros(0), np.zeros(0))[0].size == 0
    a, b = x.copy(), x.copy()
    written = numeric.elementary("exp", a, b, out_lo=a, out_hi=b)
    assert same((a, b), (lo, hi))
    assert written[0] is a
    b.flags.writeable = False
    with pytest.raises(ValueError, match="argument 'out_hi'.*writeable"):
        numeric.elementary("exp", x, x, out_lo=a, out_hi=b)
    with pytest.raises(ValueError, match="argument 'out_lo'.*expected shape"):
        numeric.elementary("exp", x, x, out_lo=a[0].copy())
    with pytest.raises(ValueError, match="no elementary function 'gamma'; there are exp, expm1"):
        numeric.elementary("gamma", x, x)
    with pytest.raises(ValueError, match="argument 'hi'"):
        numeric.elementary("exp", x, x[0])
    with pytest.raises(TypeError, match="float64"):
        numeric.elementary("exp", x.astype(np.float32), x)
    with pytest.raises(ValueError, match="instruction set"):
        numeric.use_instruction_set("abacus")
    with pytest.raises(ValueError, match="thread count"):
        numeric.set_thread_count(0)
