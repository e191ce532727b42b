"""Elementary functions against mpmath at 160 bits and more, for the scalar kernels and every instruction set here."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from gonogo._core import numeric
from support.elementary import FUNCTIONS, Floats, Values, around, values
from support.kernels import SETS, enclosures

COUNT = 100_000
INF = np.inf
MAX = np.finfo(np.float64).max

# A range of uniform arguments, and points where the code changes its path or the result its nature.
LN2 = np.log(2.0)
RANGES = {
    "exp": (-750, 715),
    "expm1": (-40, 712),
    "exp2": (-1080, 1030),
    "log": (0.25, 4),
    "log1p": (-1, 4),
    "log2": (0.25, 4),
    "sin": (-100, 100),
    "cos": (-100, 100),
    "tanh": (-22, 22),
    "erf": (-6.2, 6.2),
    "sigmoid": (-750, 45),
    "softplus": (-750, 60),
}
HALF_STEPS = (np.arange(-2150, 2052) + 0.5) * LN2  # where the reduction changes its integer
BREAKS: dict[str, Any] = {
    "exp": [
        *HALF_STEPS,
        -746,
        -745.1332191019412,
        -744.44,
        -708.3964185322641,
        -708,
        709,
        709.782712893384,
        710,
    ],
    "expm1": [*HALF_STEPS, -40, -37, -36.73680056967711, -36, 709, 709.782712893384, 710, 2.0**-53, 2.0**-27],
    "exp2": [*(np.arange(-1080, 1030) + 0.5), *np.arange(-1080, 1030), -1074.5],
    "log": [*2.0 ** np.arange(-1073, 1024), 0.70710678, 1.41421356, 0.6914, 1.3828, 1],
    "log1p": [*2.0 ** np.arange(-60, 1000), *-(2.0 ** np.arange(-60, 0)), -0.2929, 0.4142, -1 + 2.0**-53],
    "log2": [*2.0 ** np.arange(-1073, 1024), 0.70710678, 1.41421356, 0.6914, 1.3828, 1],
    "sin": [
        *(np.arange(-400, 400) * (np.pi / 4)),
        2.0**20,
        1e5,
        1e15,
        2.0**-27,
        *(2.0 ** np.arange(10, 1000, 9)),
    ],
    "cos": [
        *(np.arange(-400, 400) * (np.pi / 4)),
        2.0**20,
        1e5,
        1e15,
        2.0**-27,
        *(2.0 ** np.arange(10, 1000, 9)),
    ],
    "tanh": [*(HALF_STEPS[2030:2270] / 2), 18.37, 19.06, 22, 350, 2.0**-900, 2.0**-28],
    "erf": [*(np.arange(-64, 64) / 8), 5.9, 5.92, 6, 2.0**-28, 0.84375, 1.25, 2.857],
    "sigmoid": [*HALF_STEPS, -708, -746, -745.2, 36.7, 37.4, 708],
    "softplus": [*HALF_STEPS[:2200], -708, -746, -745.2, 36.7, 37.4, 708, 745],
}
POSITIVE = {"log", "log2"}


def arguments(name: str) -> Floats:
    """At least COUNT of them."""
    r = np.random.default_rng(sum(name.encode()))

    def sized(count: int, low: int, high: int) -> Floats:
        return np.ldexp(r.uniform(1, 2, count), r.integers(low, high, count)) * r.choice([-1.0, 1.0], count)

    breaks = np.array(BREAKS[name], np.float64)
    x = np.concatenate(
        [
            around(breaks, 3 if breaks.size > 400 else 12),
            around([5e-324, 2.0**-1022, 1e-300, 2.0**-53, 0.5, 1.0, MAX * 0.99], 4),
            r.uniform(*RANGES[name], 45_000),
            r.uniform(-3, 3, 15_000),
            sized(15_000, -60, 11),
            sized(2_000, -1074, 1024),
        ]
    )
    more = r.uniform(*RANGES[name], max(0, COUNT - x.size + 40_000))
    x = np.concatenate([x, -x[: x.size // 4], more])
    x = np.abs(x) if name in POSITIVE else x[x > -1] if name == "log1p" else x
    return np.ascontiguousarray(x[(x != 0) & np.isfinite(x)][:110_000])


@lru_cache
def points(name: str) -> tuple[Floats, Values]:
    """The arguments and the function's values there."""
    x = arguments(name)
    return x, values(name, x)


def all_enclosed(which: str, x: Floats, value: Values, low: Floats, high: Floats) -> None:
    outside = ~((low <= value.below) & (value.above <= high))
    assert not outside.any(), (which, x[outside][:5], low[outside][:5], high[outside][:5])


# One test per function: its oracle is what costs time.
@pytest.mark.soundness
@pytest.mark.parametrize("name", FUNCTIONS)
def test_enclosures_and_their_accuracy(name: str) -> None:
    # A few first: where they fail, as in the negative control, the others' values needn't be found.
    few = np.ascontiguousarray(arguments(name)[::40])
    all_enclosed(SETS[0], few, values(name, few), *enclosures(name, SETS[0], few, few))
    x, value = points(name)
    assert x.size >= COUNT
    for which in SETS:
        low, high = enclosures(name, which, x, x)
        all_enclosed(which, x, value, low, high)
        boxes_enclose_their_points(name, which)
        # The stated accuracy is kept, and not idle.
        down, up = value.excess(low, high)
        stated, worst = numeric.accuracy_ulp(name), max(down.max(), up.max())
        assert stated / 2 < worst <= stated, (which, x[down.argmax()], down.max(), x[up.argmax()], up.max())
        # An end is infinite only where the value is beyond the largest float, or about as near to it as that.
        far = np.abs(value.below) > MAX * (1 - 2.0**-50)
        assert not (np.isinf(low) & ~far).any()
        assert not (np.isinf(high) & ~far).any()


def boxes_enclose_their_points(name: str, which: str) -> None:
    x, value = points(name)
    order = np.argsort(x)[::7]
    x, below, above = x[order], value.below[order], value.above[order]
    last = np.arange(x.size)
    first = np.maximum(last - np.random.default_rng(1).integers(0, 9, x.size), 0)
    low, high = enclosures(name, which, x[first], x)
    for k in range(9):
        inner = np.minimum(first + k, last)
        outside = ~((low <= below[inner]) & (above[inner] <= high))
        assert not outside.any(), (which, x[first][outside][:5], x[outside][:5], x[inner][outside][:5])


@pytest.mark.parametrize("which", SETS)
@pytest.mark.parametrize(
    ("name", "x", "y"),
    [
        ("exp", 0.0, 1.0),
        ("exp", -0.0, 1.0),
        ("exp2", 0.0, 1.0),
        ("exp2", 10.0, 1024.0),
        ("exp2", -1074.0, 5e-324),
        ("exp2", -1030.0, 2.0**-1030),
        ("exp2", 1023.0, 2.0**1023),
        ("expm1", 0.0, 0.0),
        ("log", 1.0, 0.0),
        ("log1p", 0.0, 0.0),
        ("log2", 1.0, 0.0),
        ("sin", 0.0, 0.0),
        ("cos", 0.0, 1.0),
        ("tanh", 0.0, 0.0),
        ("erf", 0.0, 0.0),
        ("sigmoid", 0.0, 0.5),
    ],
)
def test_values_that_binary64_holds_are_exact(name: str, which: str, x: float, y: float) -> None:
    # beside others, and alone
    lo, hi = enclosures(name, which, [0.3] * 5 + [x] * 4, [0.7] * 5 + [x] * 4)
    assert (lo[5:] == y).all()
    assert (hi[5:] == y).all()
    lo, hi = enclosures(name, which, [x], [x])
    assert (lo[0], hi[0]) == (y, y)


@pytest.mark.parametrize("which", SETS)
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("exp", 0.0, INF),
        ("exp2", 0.0, INF),
        ("expm1", -1.0, INF),
        ("log", -INF, INF),
        ("log1p", -INF, INF),
        ("log2", -INF, INF),
        ("sin", -1.0, 1.0),
        ("cos", -1.0, 1.0),
        ("tanh", -1.0, 1.0),
        ("erf", -1.0, 1.0),
        ("sigmoid", 0.0, 1.0),
        ("softplus", 0.0, INF),
    ],
)
def test_the_range(name: str, which: str, low: float, high: float, operands: Any) -> None:
    lo, hi = enclosures(name, which, [-INF], [INF])
    assert (lo[0], hi[0]) == (low, high)
    x = operands.anywhere(10_000)
    lo, hi = enclosures(name, which, x, x)
    some = lo <= hi
    assert (lo[some] >= low).all()
    assert (hi[some] <= high).all()
    assert some.all() or name in ("log", "log1p", "log2")


@pytest.mark.parametrize("which", SETS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_empty_and_what_is_no_interval(name: str, which: str) -> None:
    a = [INF, np.nan, 0.5, 2.0, np.nan, 0.5]
    b = [-INF, 0.5, np.nan, 1.0, np.nan, 0.5]
    lo, hi = enclosures(name, which, a, b)
    assert (lo[0], hi[0]) == (INF, -INF)
    assert (lo[1:5] == -INF).all()
    assert (hi[1:5] == INF).all()
    alone = enclosures(name, which, [0.5], [0.5])
    assert (lo[5], hi[5]) == (alone[0][0], alone[1][0])


@pytest.mark.parametrize("which", SETS)
def test_arguments_outside_the_domain_do_not_count(which: str) -> None:
    for name in ("log", "log2"):
        lo, hi = enclosures(name, which, [-2.0, 0.0, -INF, -1.0, 0.0], [-1.0, 0.0, 0.0, 1.0, 1.0])
        assert lo.tolist() == [INF, INF, INF, -INF, -INF]
        assert hi.tolist() == [-INF, -INF, -INF, 0.0, 0.0]
    lo, hi = enclosures("log1p", which, [-2.0, -1.0, -INF, -2.0], [-1.5, -1.0, -1.0, 0.0])
    assert lo.tolist() == [INF, INF, INF, -INF]
    assert hi.tolist() == [-INF, -INF, -INF, 0.0]


def flat(x: float) -> Iterator[tuple[str, float, float]]:
    tiny, one = 5e-324, 1 - 2.0**-53
    yield from [("exp", 0.0, tiny), ("exp2", 0.0, tiny), ("sigmoid", 0.0, tiny), ("tanh", -1.0, -one)]
    yield from [("expm1", -1.0, -one), ("erf", -1.0, -one), ("softplus", 0.0, tiny)]


@pytest.mark.parametrize("which", SETS)
@pytest.mark.parametrize("x", [-MAX, -1e5])
def test_far_ends(which: str, x: float) -> None:
    for name, low, high in flat(x):
        lo, hi = enclosures(name, which, [x], [x])
        steps = 4 * 2.0**-53 if low == -1 else 4 * 5e-324
        assert low == lo[0]
        assert hi[0] <= high + steps, (name, hi[0])
        assert hi[0] >= high - steps
    for name in ("exp", "exp2", "expm1"):
        lo, hi = enclosures(name, which, [-x], [-x])
        assert (lo[0], hi[0]) == (MAX, INF)
