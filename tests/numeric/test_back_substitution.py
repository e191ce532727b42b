"""The kernels of backward bound propagation against exact rationals: no error beyond the bound of Theorem 39.

They round to nearest and bound nothing themselves, so none of this can fail when outward rounding is switched off:
no test here is marked `soundness`.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from gonogo._core import numeric

SETS = numeric.available_instruction_sets()
GRID = 1074  # finite numbers are multiples of 2^-1074, products of two of 2^-2148
KINDS = ["normal", "cancelling", "scaled", "subnormal", "tiny", "steep", "huge"]
# (m, k, n): below, at and above the sizes of tiles, panels and blocks of every instruction set
SHAPES = [(1, 1, 1), (3, 1, 26), (2, 5, 3), (13, 33, 17), (5, 150, 35), (9, 97, 1), (2, 260, 7), (3, 530, 2)]


@pytest.fixture(params=SETS)
def instruction_set(request: pytest.FixtureRequest) -> Iterator[str]:
    before = numeric.instruction_set()
    numeric.use_instruction_set(request.param)
    yield request.param
    numeric.use_instruction_set(before)


def whole(values: Any, grid: int = GRID) -> Any:
    """Finite numbers as Python integers, in units of 2^-grid."""
    flat = []
    for x in values.ravel().tolist():
        top, bottom = x.as_integer_ratio()
        flat.append((top << grid) // bottom)
    return np.array(flat, dtype=object).reshape(values.shape)


def check(computed: Any, exact: Any, size: Any, roundings: int, products: int) -> None:
    """|computed - exact| <= roundings u (1 + 2^-10) size + products 2^-1074, in integers."""
    assert np.isfinite(computed).all()
    error = abs(whole(computed, 2 * GRID) - exact)
    assert (error * 2**63 <= roundings * (2**10 + 1) * size + products * 2 ** (GRID + 63)).all()


def matrices(kind: str, m: int, k: int, n: int, r: np.random.Generator) -> tuple[Any, Any, Any]:
    """Both factors, and what the product is added to."""
    a, b, c = r.normal(size=(m, k)), r.normal(size=(k, n)), r.normal(size=(m, n))
    a[r.random((m, k)) < 0.2] = 0.0

    def scale(v: Any, low: int, high: int) -> Any:
        return np.ldexp(v, r.integers(low, high, v.shape))

    if kind == "cancelling":  # pairs that cancel but for the last bits, and c with their sum
        half = k // 2
        a[:, half : 2 * half] = -a[:, :half]
        b[half : 2 * half] = b[:half] * (1 + r.integers(-2, 3, (half, n)) * 2.0**-52)
        c = -(a @ b) + 2.0**-50 * c
    elif kind == "scaled":  # many binary orders of magnitude
        a, b, c = scale(a, -300, 300), scale(b, -300, 300), scale(c, -500, 500)
    elif kind == "subnormal":  # products around and below the smallest number
        a, b, c = scale(a, -550, -530), scale(b, -550, -530), scale(c, -1080, -1060)
    elif kind == "tiny":  # operands that are subnormal themselves
        a, b, c = scale(a, -1075, -1000), scale(b, -60, 40), scale(c, -1075, -1000)
    elif kind == "steep":
        a, b = scale(a, 900, 980), scale(b, -1074, -1000)
    elif kind == "huge":  # sums that just do not overflow
        a, b, c = scale(a, 500, 506), scale(b, 500, 505), scale(c, 1000, 1015)
    return a, b, c


def product(factor: Any, a: Any, c: Any, accumulate: bool, extra: int) -> Any:
    """Through rows that are longer than need be; what lies beyond is neither read nor written."""
    left = np.pad(a, [(0, 0), (0, extra)], constant_values=np.nan)
    out = np.pad(c if accumulate else np.full_like(c, np.nan), [(0, 0), (0, extra)], constant_values=7.0)
    factor.multiply(left, out, accumulate)
    assert (out[:, c.shape[1] :] == 7.0).all()
    return out[:, : c.shape[1]]


@pytest.mark.parametrize("kind", KINDS)
def test_products_are_as_near_as_the_theorem_says(kind: str, instruction_set: str, operands: Any) -> None:
    for (m, k, n), accumulate in itertools.product(SHAPES, [False, True]):
        a, b, c = matrices(kind, m, k, n, operands.random)
        x, y = whole(a), whole(b)
        old = whole(c, 2 * GRID) if accumulate else 0
        exact, size = x @ y + old, abs(x) @ abs(y) + abs(old)
        for factor, extra in (
            (numeric.RightFactor(b), 0),
            (numeric.RightFactor(b), 5),
            (numeric.RightFactor(np.ascontiguousarray(b.T), transposed=True), 1),
        ):
            check(product(factor, a, c, accumulate, extra), exact, size, k + accumulate, k)


def test_sums_of_magnitudes_are_bounded_by_what_is_computed(instruction_set: str, operands: Any) -> None:
    """The second statement: from a computed sum of terms >= 0 to the exact one."""
    for kind, (m, k, n) in itertools.product(KINDS, SHAPES):
        a, b, c = (np.abs(v) for v in matrices(kind, m, k, n, operands.random))
        computed = whole(product(numeric.RightFactor(b), a, c, False, 0), 2 * GRID)
        exact = whole(a) @ whole(b)
        assert (exact * 2**63 <= (computed + k * 2**GRID) * (2**63 + k * (2**10 + 1))).all()


def test_roundings_that_all_go_one_way(instruction_set: str) -> None:
    """Terms that an addition to a sum of size one loses, however they are grouped."""
    for k, n in itertools.product((1, 2, 96, 300), (1, 3, 40)):
        b = np.full((k, n), 2.0**-53 * (1 - 2.0**-10))
        c = np.ones((9, n))
        a = np.ones((9, k))
        exact = whole(a) @ whole(b) + whole(c, 2 * GRID)
        check(product(numeric.RightFactor(b), a, c, True, 0), exact, exact, k + 1, k)


def test_every_remainder(instruction_set: str) -> None:
    """Small integers, whose sums are exact: a term left out or counted twice would show."""
    r = np.random.default_rng(5)
    for n in range(1, 101):
        m, k = 1 + 3 * n % 22, 1 + 7 * n % 31
        if n % 10 == 0:
            m, k = 125 + n // 10, 250 + n // 5
        a, b, c = (r.integers(-100, 100, shape).astype(float) for shape in ((m, k), (k, n), (m, n)))
        factor = numeric.RightFactor(b)
        for accumulate, extra in itertools.product([False, True], [0, 3]):
            expected = a @ b + (c if accumulate else 0)
            assert (product(factor, a, c, accumulate, extra) == expected).all(), (m, k, n, accumulate)


def test_what_is_not_finite_stays_where_it_belongs(instruction_set: str) -> None:
    for bad, (m, k, n) in itertools.product([np.nan, np.inf, -np.inf], [(1, 1, 1), (7, 9, 14), (30, 50, 50)]):
        for row in range(m):
            a, b = np.zeros((m, k)), np.zeros((k, n))
            a[row, row % k] = bad
            found = product(numeric.RightFactor(b), a, np.zeros((m, n)), False, 0)
            assert (np.isnan(found) == (np.arange(m) == row)[:, None]).all()
        for column in range(n):
            a, b = np.zeros((m, k)), np.zeros((k, n))
            b[column % k, column] = bad
            found = product(numeric.RightFactor(b), a, np.zeros((m, n)), False, 0)
            assert (np.isnan(found) == (np.arange(n) == column)).all()


def rows(kind: str, n: int, r: np.random.Generator) -> tuple[Any, Any, Any, Any, Any]:
    """a, below, above, weight, and what select_scale adds to."""
    a, below, c = (v.ravel() for v in matrices(kind, 1, n, 1, r))
    above = below[::-1].copy()
    return a, below, above, np.maximum(np.abs(below), np.abs(above)), np.resize(c, n) * r.normal(size=n)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_as_near_as_the_theorem_says(kind: str, instruction_set: str, operands: Any) -> None:
    for n in [*range(70), 300, 1001]:
        a, below, above, weight, old = rows(kind, n, operands.random)
        terms = whole(a) * whole(np.where(a >= 0, below, above))
        masses = abs(whole(a)) * whole(weight)
        value, mass = numeric.select_dot(a, below, above, weight)
        check(np.array([value]), terms.sum(), abs(terms).sum(), n, n)
        check(np.array([mass]), masses.sum(), masses.sum(), n, n)
        computed = whole(np.array(mass), 2 * GRID).item() + n * 2**GRID
        assert masses.sum() * 2**63 <= computed * (2**63 + n * (2**10 + 1))
        # The magnitudes of the terms are bounded by the mass, so what a caller computes from it bounds the error.
        assert (abs(terms) <= masses).all()

        out = np.full(n, np.nan)
        numeric.select_scale(a, below, above, out)
        check(out, terms, abs(terms), 1, 1)
        in_place = a.copy()
        numeric.select_scale(in_place, below, above, in_place)
        assert in_place.tobytes() == out.tobytes()
        out = old.copy()
        numeric.select_scale(a, below, above, out, accumulate=True)
        check(out, terms + whole(old, 2 * GRID), abs(terms) + abs(whole(old, 2 * GRID)), 2, 1)


def test_one_factor_serves_several_threads(instruction_set: str, operands: Any) -> None:
    a, b, c = matrices("normal", 200, 70, 45, operands.random)
    factor = numeric.RightFactor(b)
    expected = product(factor, a, c, True, 0).tobytes()
    found = []

    def work() -> None:
        for _ in range(20):
            found.append(product(factor, a, c, True, 0).tobytes())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {expected}
    assert len(found) == 80


def test_hostile_environments_change_nothing(instruction_set: str, operands: Any) -> None:
    cases = [matrices(kind, 20, 40, 33, operands.random) for kind in ("normal", "subnormal", "tiny")]
    relations = [rows(kind, 77, operands.random) for kind in ("normal", "subnormal", "tiny")]

    def results() -> list[object]:
        found: list[object] = [product(numeric.RightFactor(b), a, c, True, 0).tobytes() for a, b, c in cases]
        for a, below, above, weight, old in relations:
            out = old.copy()
            numeric.select_scale(a, below, above, out, accumulate=True)
            found += [numeric.select_dot(a, below, above, weight), out.tobytes()]
        return found

    expected = results()
    for rounding, ftz, daz in itertools.product(
        ["nearest", "down", "up", "zero"], [False, True], [False, True]
    ):
        former = numeric.set_environment(rounding, ftz, daz)
        try:
            found = results()
            assert numeric.environment() == (rounding, ftz, daz)
        finally:
            numeric.set_environment(*former)
        assert found == expected, (rounding, ftz, daz)


def test_empty_sizes() -> None:
    for m, k, n in [(0, 3, 2), (3, 0, 2), (3, 2, 0), (0, 0, 0)]:
        out = np.ones((m, n))
        numeric.RightFactor(np.ones((k, n))).multiply(np.ones((m, k)), out, True)
        assert (out == 1 + k).all()
        numeric.RightFactor(np.ones((k, n))).multiply(np.ones((m, k)), out)
        assert (out == k).all()
    assert numeric.select_dot(*[np.zeros(0)] * 4) == (0.0, 0.0)


def test_what_does_not_fit_is_refused_by_name() -> None:
    factor = numeric.RightFactor(np.ones((3, 4)))
    read_only = np.zeros((2, 4))
    read_only.flags.writeable = False
    for error, match, a, c in [
        (TypeError, "'a': float32", np.ones((2, 3), np.float32), np.zeros((2, 4))),
        (ValueError, "'a'.*at least 3 columns", np.ones((2, 2)), np.zeros((2, 4))),
        (ValueError, "'c'.*at least 4 columns", np.ones((2, 3)), np.zeros((2, 3))),
        (ValueError, "'c'.*expected 2 rows", np.ones((2, 3)), np.zeros((3, 4))),
        (ValueError, "'c'.*read-only", np.ones((2, 3)), read_only),
    ]:
        with pytest.raises(error, match=match):
            factor.multiply(a, c)
    with pytest.raises(ValueError, match=r"'weight'.*expected shape \[3\]"):
        numeric.select_dot(np.ones(3), np.ones(3), np.ones(3), np.ones(4))
    with pytest.raises(ValueError, match="'out'.*shape of a"):
        numeric.select_scale(np.ones(3), np.ones(3), np.ones(3), np.ones(4))
