"""Interval convolutions against exact integer arithmetic at every corner of every box, in both layouts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from gonogo._core import numeric

SETS = numeric.available_instruction_sets()
KINDS = ["normal", "cancelling", "scaled", "subnormal", "tiny"]
INF = np.inf


@pytest.fixture(autouse=True)
def former_settings() -> Iterator[None]:
    threads = numeric.thread_count()
    yield
    numeric.use_instruction_set(SETS[-1])
    numeric.set_thread_count(threads)


@dataclass
class Geometry:
    """A convolution: input [channels, h, w], weights [out, channels / groups, kh, kw]."""

    groups: int
    inputs: int  # per group
    outputs: int  # per group
    size: tuple[int, int]
    kernel: tuple[int, int] = (3, 3)
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilations: tuple[int, int] = (1, 1)

    @property
    def out(self) -> tuple[int, int]:
        h, w = (
            (n + before + after - (k - 1) * d - 1) // s + 1
            for n, before, after, k, d, s in zip(
                self.size,
                self.pads[:2],
                self.pads[2:],
                self.kernel,
                self.dilations,
                self.strides,
                strict=True,
            )
        )
        return h, w

    def run(self, w: Any, lo: Any, hi: Any, layout: str = "NCHW", **more: Any) -> tuple[Any, Any]:
        """Bounds as [batch, out, h, w], whatever the layout."""
        settings = {
            "strides": self.strides,
            "pads": list(self.pads),
            "dilations": self.dilations,
            "groups": self.groups,
            "layout": "NCHW" if layout == "NCHW" else "NHWC",
            **more,
        }
        if layout == "NCHW":
            low, high = numeric.conv2d(w, lo, hi, **settings)
            return low, high
        order = (1, 2, 3, 0) if layout == "1HWC" else (0, 2, 3, 1)
        operands = (w.transpose(order), lo.transpose(0, 2, 3, 1), hi.transpose(0, 2, 3, 1))
        low, high = numeric.conv2d(*(np.ascontiguousarray(a) for a in operands), **settings)
        return low.transpose(0, 3, 1, 2), high.transpose(0, 3, 1, 2)

    def windows(self, x: Any) -> Any:
        """[groups, pixels, inputs * kh * kw], zeros for what lies outside; straight from the definition."""
        (h, w), (kh, kw) = self.size, self.kernel
        rows = []
        for g in range(self.groups):
            for oh, ow in itertools.product(*map(range, self.out)):
                row = []
                for c, i, j in itertools.product(range(self.inputs), range(kh), range(kw)):
                    y = oh * self.strides[0] - self.pads[0] + i * self.dilations[0]
                    z = ow * self.strides[1] - self.pads[1] + j * self.dilations[1]
                    inside = 0 <= y < h and 0 <= z < w
                    row.append(x[g * self.inputs + c, y, z] if inside else 0 * x.flat[0])
                rows.append(row)
        return np.array(rows, dtype=x.dtype).reshape(self.groups, len(rows) // self.groups, -1)


GEOMETRIES = [
    Geometry(1, 3, 5, (5, 6), pads=(1, 1, 1, 1)),
    Geometry(1, 1, 33, (4, 3), kernel=(2, 2)),  # panels with a remainder, fewer pixels than a tile
    Geometry(1, 9, 17, (3, 3), kernel=(1, 1)),
    Geometry(1, 2, 4, (9, 8), strides=(2, 3), pads=(0, 2, 1, 0)),  # asymmetric
    Geometry(1, 2, 3, (9, 9), dilations=(2, 3), pads=(2, 3, 2, 3)),
    Geometry(2, 3, 2, (5, 4), pads=(1, 0, 1, 0)),  # groups
    Geometry(7, 1, 1, (6, 5), pads=(1, 1, 1, 1)),  # depthwise
    Geometry(5, 1, 2, (5, 5), strides=(2, 2), pads=(0, 0, 1, 1)),  # with a multiplier
    Geometry(2, 1, 19, (4, 4), kernel=(2, 1)),  # with a multiplier larger than a vector
    Geometry(
        1, 4, 2, (61, 59), strides=(30, 31), pads=(40, 3, 0, 50)
    ),  # windows far apart, copied one by one
    Geometry(3, 1, 1, (4, 4), strides=(60, 50), pads=(60, 60, 60, 60)),
    Geometry(1, 70, 2, (1, 1), kernel=(1, 1)),  # a dense layer
]


def operands(
    g: Geometry, kind: str, dtype: Any, width: float, r: np.random.Generator
) -> tuple[Any, Any, Any]:
    """Weights, lo and hi that are hard for a sum."""
    bottom = -149 if dtype is np.float32 else -1074
    half = bottom // 2
    w = r.normal(size=(g.groups * g.outputs, g.inputs, *g.kernel))
    x = r.normal(size=(1, g.groups * g.inputs, *g.size))
    if kind == "cancelling":  # the same products with both signs, but for the last bits
        w = np.copysign(1.0, w) * (
            1 + r.integers(-2, 3, w.shape) * 2.0 ** (-23 if dtype is np.float32 else -52)
        )
        x = np.full(x.shape, r.normal())
    elif kind == "scaled":
        w = np.ldexp(w, r.integers(half // 2, -half // 2, w.shape))
        x = np.ldexp(x, r.integers(half // 2, -half // 2, x.shape))
    elif kind == "subnormal":  # products around and below the smallest number
        w = np.ldexp(w, r.integers(half - 12, half + 8, w.shape))
        x = np.ldexp(x, r.integers(half - 12, half + 8, x.shape))
    elif kind == "tiny":  # operands that are subnormal themselves
        w = np.ldexp(w, r.integers(bottom, bottom + 60, w.shape))
        x = np.ldexp(x, r.integers(-20, 30, x.shape))
    w, x = w.astype(dtype), x.astype(dtype)
    radius = np.abs(x) * dtype(width)
    return w, x - radius, x + radius


def exact_hull(g: Geometry, exact: Any, w: Any, lo: Any, hi: Any, rho: int = 0) -> tuple[Any, Any]:
    """Least and greatest value of every output, [out, pixels], in units of 2^-2148 / max(rho, 1)."""
    unit = max(rho, 1)
    integers = np.vectorize(lambda v: exact.of(float(v)), otypes=[object])
    weights = integers(w).reshape(g.groups, g.outputs, -1)
    low, high = g.windows(integers(lo[0])), g.windows(integers(hi[0]))
    least, most = [], []
    for group in range(g.groups):
        for row in weights[group]:
            spreads = (-np.abs(row), np.abs(row)) if rho else (0,)
            ends = [(row * unit + s) * x for s in spreads for x in (low[group], high[group])]
            least.append(np.minimum.reduce(ends).sum(axis=1))
            most.append(np.maximum.reduce(ends).sum(axis=1))
    return np.array(least), np.array(most)


def contained(exact: Any, low: Any, high: Any, least: Any, most: Any, rho: int = 0) -> int:
    """How many outputs have finite bounds; all must hold."""
    unit = max(rho, 1) << 1074
    finite = 0
    rows = zip(low[0].ravel().tolist(), high[0].ravel().tolist(), least.ravel(), most.ravel(), strict=True)
    for a, b, c, d in rows:
        assert a == -INF or exact.of(a) * unit <= c
        assert b == INF or d <= exact.of(b) * unit
        finite += bool(np.isfinite(a) and np.isfinite(b))
    return finite


@pytest.mark.soundness
@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["f32", "f64"])
@pytest.mark.parametrize("kind", KINDS)
def test_bounds_hold_at_every_corner(kind: str, dtype: Any, instruction_set: str, exact: Any) -> None:
    r = np.random.default_rng([SETS.index(instruction_set), KINDS.index(kind)])
    numeric.use_instruction_set(instruction_set)
    for g, width in zip(GEOMETRIES, itertools.cycle([0.0, 2.0**-20, 0.0, 0.01]), strict=False):
        w, lo, hi = operands(g, kind, dtype, width, r)
        hull = exact_hull(g, exact, w, lo, hi)
        bounds = g.run(w, lo, hi)
        finite = contained(exact, *bounds, *hull)
        assert finite == bounds[0].size
        # The order of the terms is the same in every layout.
        layouts = ["NHWC", "1HWC"] if g.groups > 1 and g.inputs == 1 else ["NHWC"]
        for layout in layouts:
            other = g.run(w, lo, hi, layout)
            assert np.array_equal(bounds[0], other[0]), (g, layout)
            assert np.array_equal(bounds[1], other[1]), (g, layout)


@pytest.mark.soundness
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["f32", "f64"])
@pytest.mark.parametrize("rho", [2**53, 2**24, 128, 1], ids=["2^-53", "2^-24", "2^-7", "1"])
def test_weight_uncertainty_and_bias(rho: int, dtype: Any, exact: Any) -> None:
    r = np.random.default_rng(rho % 1000)
    for g, kind in zip(GEOMETRIES, itertools.cycle(KINDS), strict=False):
        w, lo, hi = operands(g, kind, dtype, 0.0, r)
        least, most = exact_hull(g, exact, w, lo, hi, rho)
        bias_lo = r.normal(size=len(w)) * float(np.abs(w).max()) * float(np.abs(lo).max())
        bias_hi = np.nextafter(bias_lo, INF)
        low, high = g.run(w, lo, hi, bias_lo=bias_lo, bias_hi=bias_hi, weight_relative_uncertainty=1 / rho)
        unit = max(rho, 1) << 1074
        added = [
            np.array([exact.of(b) * unit for b in ends.tolist()])[:, None] for ends in (bias_lo, bias_hi)
        ]
        assert contained(exact, low, high, least + added[0], most + added[1], rho) == low.size


@pytest.mark.soundness
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["f32", "f64"])
def test_long_sums(dtype: Any, exact: Any) -> None:
    """More terms than one register sum of radii takes (2304), in one run and in many."""
    r = np.random.default_rng(5)
    for g in (
        Geometry(1, 20_000, 1, (1, 1), kernel=(1, 1)),
        Geometry(1, 40, 2, (9, 8), kernel=(9, 7)),
        Geometry(2, 1, 1, (70, 70), kernel=(69, 70)),
    ):
        for kind in ("normal", "cancelling"):
            w, lo, hi = operands(g, kind, dtype, 0.0, r)
            hull = exact_hull(g, exact, w, lo, hi)
            for instruction_set in SETS:
                numeric.use_instruction_set(instruction_set)
                low, high = g.run(w, lo, hi)
                assert contained(exact, low, high, *hull) == low.size


@pytest.mark.parametrize(("dtype", "excess"), [(np.float32, 1.02), (np.float64, 1.002)], ids=["f32", "f64"])
def test_bounds_are_close_to_the_exact_hull(dtype: Any, excess: float, exact: Any) -> None:
    r = np.random.default_rng(1)
    g = Geometry(1, 256, 3, (3, 3), kernel=(2, 2))
    w, lo, hi = operands(g, "normal", dtype, 1e-4, r)
    least, most = exact_hull(g, exact, w, lo, hi)
    low, high = g.run(w, lo, hi)
    hull = np.vectorize(float)((most - least) // (1 << 1074 + 900)) * 2.0**-174
    width = high.astype(np.float64) - low
    assert (width.reshape(hull.shape) <= excess * hull).all()


def test_nothing_depends_on_threads() -> None:
    r = np.random.default_rng(2)
    for g in (
        Geometry(1, 20, 70, (40, 40), pads=(1, 1, 1, 1)),
        Geometry(96, 1, 1, (60, 60), pads=(1, 1, 1, 1)),
        Geometry(1, 3000, 500, (1, 1), kernel=(1, 1)),
        Geometry(1, 60, 40, (200, 30), strides=(90, 1), pads=(90, 0, 90, 0)),
    ):
        for dtype in (np.float32, np.float64):
            w, lo, hi = operands(g, "normal", dtype, 1e-3, r)
            results = []
            for threads in (1, 2, 3, 4):
                numeric.set_thread_count(threads)
                results.append(b"".join(a.tobytes() for a in g.run(w, lo, hi)))
            assert len(set(results)) == 1, g


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["f32", "f64"])
def test_nothing_depends_on_the_environment(dtype: Any) -> None:
    r = np.random.default_rng(3)
    for g, kind in itertools.product(GEOMETRIES[:8:3], ("subnormal", "tiny", "normal")):
        w, lo, hi = operands(g, kind, dtype, 2.0**-20, r)
        for instruction_set in SETS:
            numeric.use_instruction_set(instruction_set)
            expected = [a.tobytes() for a in g.run(w, lo, hi)]
            for state in itertools.product(["nearest", "down", "up", "zero"], [False, True], [False, True]):
                numeric.set_environment(*state)
                try:
                    result = g.run(w, lo, hi)
                finally:
                    numeric.set_environment("nearest", False, False)
                assert [a.tobytes() for a in result] == expected, (g, kind, state)


@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["f32", "f64"])
@pytest.mark.parametrize(
    ("lo", "hi"),
    [(-INF, INF), (-INF, 1.0), (np.nan, np.nan), (0.0, np.nan), (np.nan, 0.0), (INF, -INF), (1.0, -1.0)],
)
def test_what_has_no_bounds_is_entire(lo: float, hi: float, dtype: Any, instruction_set: str) -> None:
    numeric.use_instruction_set(instruction_set)
    for g in GEOMETRIES:
        w, a, b = operands(g, "normal", dtype, 0.01, np.random.default_rng(4))
        a[0, 0, 1 % g.size[0], 0], b[0, 0, 1 % g.size[0], 0] = lo, hi
        reads = np.isnan(
            g.windows(
                np.where(np.arange(a[0].size).reshape(a[0].shape) == g.size[1] % a[0, 0].size, np.nan, 0.0)
            )
        ).any(axis=2)
        low, high = g.run(w, a, b)
        entire = (low == -INF) & (high == INF)
        assert np.array_equal(
            entire.reshape(g.groups, g.outputs, -1), np.repeat(reads[:, None], g.outputs, axis=1)
        )
        assert np.isfinite(low[~entire]).all()


def test_what_overflows_is_entire() -> None:
    for dtype in (np.float32, np.float64):
        huge = np.full((1, 1, 1, 2), np.finfo(dtype).max, dtype)
        huge[0, 0, 0, 1] *= -1
        low, high = numeric.conv2d(huge, np.abs(huge), np.abs(huge))
        assert (low.item(), high.item()) == (-INF, INF)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"groups": 2}, "groups"),
        ({"strides": (0, 1)}, "strides"),
        ({"pads": [0, 0, 0]}, "pads"),
        ({"dilations": (9, 9)}, "fit"),
        ({"layout": "CHWN"}, "layout"),
        ({"bias_lo": np.zeros(2)}, "go together"),
        ({"weight_relative_uncertainty": 2.0}, "uncertainty"),
        ({"hi": np.zeros((1, 3, 4, 5))}, "shape"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], message: str) -> None:
    x = np.zeros((1, 3, 4, 4))
    with pytest.raises(ValueError, match=message):
        numeric.conv2d(**{"weights": np.zeros((2, 3, 3, 3)), "lo": x, "hi": x, **changes})
    with pytest.raises(TypeError, match="dtype"):
        numeric.conv2d(np.zeros((2, 3, 3, 3)), x.astype(np.float32), x)
