"""Ranges and envelopes of profile `tflm`: sound, attained where they should be, and checked in exact arithmetic."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from gonogo import _core
from gonogo.loaders.tflite import load_tflite
from support.tflite_writer import Array, Tensor, single_operator
from support.tflm_cases import BUILDERS
from support.tflm_runtime import random_input

mpmath.mp.dps = 50
Kernel = Any
Rng = np.random.Generator


class Case:
    """One random model: its kernel, its live operands, and what the tests do with them."""

    def __init__(self, data: bytes) -> None:
        self.graph = load_tflite(data, "case.tflite")
        self.kernel: Kernel = _core.IntegerKernel(self.graph, "tflm", 0)
        self.node = self.graph.nodes[0]
        self.live = [i for i, name in enumerate(self.node.inputs) if name in self.graph.inputs]
        self.shapes = [self.graph.tensor(self.node.inputs[i]).shape for i in self.live]
        self.output = self.graph.tensor(self.node.outputs[0]).quantization

    def operands(self, values: list[Array]) -> list[Array | None]:
        operands: list[Array | None] = [None] * len(self.node.inputs)
        for i, value in zip(self.live, values, strict=True):
            operands[i] = np.ascontiguousarray(value, dtype=np.int32)
        return operands

    def point(self, values: list[Array]) -> Array:
        result: Array = self.kernel.point(self.operands(values))
        return result

    def range(self, lo: list[Array], hi: list[Array], **options: bool) -> tuple[Array, Array]:
        result: tuple[Array, Array] = self.kernel.range(self.operands(lo), self.operands(hi), **options)
        return result

    def quantization(self, i: int) -> Any:
        return self.graph.tensor(self.node.inputs[i]).quantization

    def random(self, rng: Rng) -> list[Array]:
        return [random_input(rng, shape).astype(np.int32) for shape in self.shapes]


def box(rng: Rng, shape: list[int]) -> tuple[Array, Array]:
    """Narrow, mixed or full boxes."""
    a = rng.integers(-128, 128, shape)
    width = rng.integers(0, [3, 30, 256][rng.integers(3)], shape)
    if rng.random() < 0.3:
        width = np.where(rng.random(shape) < 0.8, 0, width)
    return np.maximum(a - width, -128), np.minimum(a + width, 127)


def drawn(rng: Rng, lo: Array, hi: Array) -> Array:
    """A corner of the box, or a point inside."""
    if rng.random() < 0.5:
        corner: Array = np.where(rng.random(lo.shape) < 0.5, lo, hi)
        return corner
    return rng.integers(lo, hi + 1)


@pytest.mark.parametrize("op", BUILDERS)
def test_a_range_contains_its_points(op: str) -> None:
    rng = np.random.default_rng([11, sorted(BUILDERS).index(op)])
    for _ in range(30):
        case = Case(BUILDERS[op](rng))
        for _ in range(3):
            boxes = [box(rng, shape) for shape in case.shapes]
            lo, hi = case.range([b[0] for b in boxes], [b[1] for b in boxes])
            least, greatest = case.kernel.clamp
            assert least <= lo.min() <= hi.max() <= greatest
            for _ in range(6):
                y = case.point([drawn(rng, *b) for b in boxes])
                assert ((lo <= y) & (y <= hi)).all()
        x = case.random(rng)
        y = case.point(x)
        lo, hi = case.range(x, x)
        assert np.array_equal(lo, y)
        assert np.array_equal(hi, y)


def every_point(lo: list[int], hi: list[int]) -> Iterator[Array]:
    for point in itertools.product(*(range(a, b + 1) for a, b in zip(lo, hi, strict=True))):
        yield np.array(point)


def tiny(op: str, rng: Rng) -> Case:
    """Three inputs at most, so that every point of a box can be visited."""
    x = Tensor([1, 3], scale=float(np.exp(rng.uniform(-5, -1))), zero_point=int(rng.integers(-128, 128)))
    s = float(np.asarray(x.scale))
    z = int(rng.integers(-128, 128))
    if op == "dense":
        w = Tensor([4, 3], scale=0.01, values=rng.integers(-127, 128, (4, 3)).astype(np.int8))
        b = Tensor([4], "int32", scale=0.01 * s, values=rng.integers(-9000, 9000, 4).astype(np.int32))
        y = Tensor([1, 4], scale=s * float(np.exp(rng.uniform(-3, 1))), zero_point=z)
        return Case(single_operator("FULLY_CONNECTED", [x, w, b], y, "FullyConnectedOptions"))
    if op == "softmax":
        y = Tensor([1, 3], scale=1 / 256, zero_point=-128)
        return Case(single_operator("SOFTMAX", [x], y, "SoftmaxOptions", Beta=1.0))
    image = Tensor([1, 1, 3, 1], scale=x.scale, zero_point=x.zero_point)
    if op == "mean":
        axes = Tensor([2], "int32", values=np.array([1, 2], np.int32))
        y = Tensor([1, 1], scale=s * float(np.exp(rng.uniform(-1, 1))), zero_point=z)
        return Case(single_operator("MEAN", [image, axes], y, "ReducerOptions", KeepDims=False))
    y = Tensor([1, 1, 1, 1], scale=x.scale, zero_point=x.zero_point)
    pool = {"FilterHeight": 1, "FilterWidth": 3, "StrideH": 1, "StrideW": 1, "Padding": 1}
    return Case(single_operator("AVERAGE_POOL_2D", [image], y, "Pool2DOptions", **pool))


@pytest.mark.parametrize("op", ["dense", "mean", "average_pool2d", "softmax"])
def test_small_boxes_exhaustively(op: str) -> None:
    """All points of boxes with up to 12 integers a side. Ranges of the monotone operators are the exact hulls."""
    rng = np.random.default_rng(4)
    slack = 0
    for _ in range(12):
        case = tiny(op, rng)
        for _ in range(4):
            width = int(rng.integers(0, 12))
            lo = rng.integers(-128, 128 - width, 3)
            hi = lo + rng.integers(0, width + 1, 3)
            shape = case.shapes[0]
            outputs = [case.point([p.reshape(shape)]) for p in every_point(list(lo), list(hi))]
            low, high = case.range([lo.reshape(shape)], [hi.reshape(shape)])
            least, greatest = np.min(outputs, axis=0), np.max(outputs, axis=0)
            assert (low <= least).all()
            assert (high >= greatest).all()
            slack = max(slack, int((least - low).max()), int((high - greatest).max()))
    assert slack <= (1 if op == "softmax" else 0)


def test_softmax_over_wide_boxes() -> None:
    """Every pair of integers of a two-class row, in boxes of all widths; and rows with a certain winner."""
    rng = np.random.default_rng(8)
    for scale in (0.003, 0.05, 0.7):
        y = Tensor([1, 2], scale=1 / 256, zero_point=-128)
        x = Tensor([1, 2], scale=scale)
        case = Case(single_operator("SOFTMAX", [x], y, "SoftmaxOptions", Beta=1.0))
        table = np.array([case.point([np.array([[d, 0]])])[0] for d in range(-128, 128)])
        for _ in range(60):
            ends = np.sort(rng.integers(-128, 128, (2, 2)), axis=0)
            lo, hi = case.range([ends[:1]], [ends[1:]])
            # y depends on the difference only, which the table holds for |d| <= 128
            for a, b in [(ends[0, 0], ends[1, 1]), (ends[1, 0], ends[0, 1]), (ends[1, 0], ends[1, 1])]:
                d = int(np.clip(a - b, -128, 127))
                if d == a - b:
                    assert (lo[0] <= table[d + 128]).all()
                    assert (table[d + 128] <= hi[0]).all()


# ---- envelopes: |y - f| <= absolute + relative |f|, in exact arithmetic ------------------------------


def exact(x: float) -> Fraction:
    return Fraction(float(x))


def inside(case: Case, stored: Array, reals: list[Fraction], unclamped: bool) -> float:
    """Asserts the envelope for every element; returns the largest distance met.

    `reals` are f in real units. Where `stored` is clamped, an end stands for anything beyond it.
    """
    absolute, relative = map(exact, case.kernel.envelope)
    least, greatest = case.kernel.clamp
    scale, zero = exact(case.output.scales[0]), int(case.output.zero_points[0])
    worst = Fraction(0)
    for q, real in zip(stored.reshape(-1).tolist(), reals, strict=True):
        f = real / scale
        distance = abs(q - zero - f)
        if not unclamped and ((q >= greatest and f > q - zero) or (q <= least and f < q - zero)):
            continue
        assert distance <= absolute + relative * abs(f), (q, float(f), case.kernel.envelope)
        worst = max(worst, distance)
    return float(worst)


def real_inputs(case: Case, i: int, x: Array) -> list[Fraction]:
    q = case.quantization(i)
    scale, zero = exact(q.scales[0]), int(q.zero_points[0])
    return [(v - zero) * scale for v in x.reshape(-1).tolist()]


def unclamped(case: Case, values: list[Array]) -> Array:
    lo, hi = case.range(values, values, unclamped=True)
    assert np.array_equal(lo, hi)
    return lo


def dense_model(rng: Rng) -> tuple[bytes, Array, Array]:
    w = rng.integers(-127, 128, (6, 9)).astype(np.int8)
    b = rng.integers(-(2**20), 2**20, 6).astype(np.int32)
    scales = np.exp(rng.uniform(-8, -3, 6)).astype(np.float32)
    x = Tensor([40, 9], scale=float(np.exp(rng.uniform(-6, -1))), zero_point=int(rng.integers(-128, 128)))
    s = np.float32(np.asarray(x.scale))
    y = Tensor([40, 6], scale=float(s * scales.max()) * float(np.exp(rng.uniform(0, 14))), zero_point=7)
    operands = [x, Tensor([6, 9], scale=scales, values=w), Tensor([6], "int32", scale=s * scales, values=b)]
    return single_operator("FULLY_CONNECTED", operands, y, "FullyConnectedOptions"), w, b


def test_envelope_of_linear_layers() -> None:
    rng = np.random.default_rng(2)
    for _ in range(30):
        data, w, b = dense_model(rng)
        case = Case(data)
        x = case.random(rng)
        weights = case.quantization(1).scales
        s_in, zero = exact(case.quantization(0).scales[0]), int(case.quantization(0).zero_points[0])
        acc = (x[0] - zero) @ w.T.astype(np.int64) + b
        units = [s_in * exact(s) for s in weights]
        reals = [a * units[i % 6] for i, a in enumerate(acc.reshape(-1).tolist())]
        inside(case, unclamped(case, x), reals, True)
        # The same with the bias at its declared scale, which is s_in s_w rounded to float32.
        drift = [exact(d) - u for d, u in zip(case.quantization(2).scales, units, strict=True)]
        reals = [r + drift[i % 6] * int(b[i % 6]) for i, r in enumerate(reals)]
        inside(case, unclamped(case, x), reals, True)
        assert case.kernel.envelope[0] <= 1.01
        assert case.kernel.envelope[1] < 1e-9


@pytest.mark.parametrize("op", ["add", "sub", "mul"])
def test_envelope_of_elementwise_operators(op: str) -> None:
    rng = np.random.default_rng(3)
    combine: Callable[[Fraction, Fraction], Fraction] = {
        "add": lambda a, b: a + b,
        "sub": lambda a, b: a - b,
        "mul": lambda a, b: a * b,
    }[op]
    done = 0
    while done < 20:
        case = Case(BUILDERS[op](rng))
        if len(case.live) < 2 or case.shapes[0] != case.shapes[1]:
            continue
        done += 1
        x = case.random(rng)
        pairs = zip(real_inputs(case, 0, x[0]), real_inputs(case, 1, x[1]), strict=True)
        inside(case, unclamped(case, x), [combine(a, b) for a, b in pairs], True)
        assert case.kernel.envelope[0] < 1.01


def rational(value: Any) -> Fraction:
    """An mpmath number, exactly."""
    sign, mantissa, exponent, _ = value._mpf_
    return (-1) ** sign * Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def real(value: Fraction) -> Any:
    return mpmath.mpf(value.numerator) / value.denominator


UNARY: dict[str, Callable[[Case, Fraction], Fraction]] = {
    "relu": lambda case, x: max(x, Fraction(0)),
    "relu6": lambda case, x: min(max(x, Fraction(0)), Fraction(6)),
    "leaky_relu": lambda case, x: x if x >= 0 else x * exact(case.node.attributes["alpha"]),
    "quantize": lambda case, x: x,
    "sigmoid": lambda case, x: rational(1 / (1 + mpmath.exp(-real(x)))),
    "tanh": lambda case, x: rational(mpmath.tanh(real(x))),
}


@pytest.mark.parametrize("op", UNARY)
def test_envelope_of_unary_operators(op: str) -> None:
    """All 256 inputs. Functions are taken after the activation, so the clamp of `relu` counts as part of f."""
    rng = np.random.default_rng(6)
    slackest = 0.0
    for _ in range(40):
        case = Case(BUILDERS[op](rng))
        x = np.resize(np.arange(-128, 128), case.shapes[0])
        reals = [UNARY[op](case, v) for v in real_inputs(case, 0, x)]
        worst = inside(case, case.point([x]), reals, False)
        slackest = max(slackest, case.kernel.envelope[0] - worst)
    # Enumerated, so attained: up to saturated outputs, whose true distance is not seen here.
    assert slackest < 1.1


def test_envelope_of_pools_and_means() -> None:
    rng = np.random.default_rng(7)
    for op in ("average_pool2d", "mean", "max_pool2d"):
        for _ in range(40):
            case = tiny("mean" if op == "mean" else "average_pool2d", rng)
            for _ in range(20):
                x = case.random(rng)
                values = real_inputs(case, 0, x[0])
                inside(case, case.point(x), [sum(values, Fraction(0)) / 3], False)
            assert case.kernel.envelope[0] <= 1.0


def test_envelope_of_softmax() -> None:
    rng = np.random.default_rng(8)
    for n in (2, 3, 10, 200):
        for scale in (0.0005, 0.02, 0.1, 0.2, 1.5):
            y = Tensor([8, n], scale=1 / 256, zero_point=-128)
            case = Case(
                single_operator("SOFTMAX", [Tensor([8, n], scale=scale)], y, "SoftmaxOptions", Beta=1.0)
            )
            absolute, relative = case.kernel.envelope
            assert relative == 0.0
            assert 0.5 < absolute < 0.56  # A has 19 fraction bits: n 2^-20 * 256 at worst
            x = rng.integers(-128, 128, (8, n))
            # Rows that stress the cut-off: one leader, the others far below or just above the cut.
            x[0] = -128
            x[0, 0] = 127
            x[1] = rng.integers(-3, 1, n)
            x[2] = np.where(np.arange(n) == 0, 127, 127 - min(255, int(15 / scale)))
            rows = np.array(real_inputs(case, 0, x)).reshape(8, n)
            reals = []
            for row in rows:
                powers = [mpmath.exp(real(v - max(row))) for v in row]
                total = mpmath.fsum(powers)
                reals += [rational(p / total) for p in powers]
            inside(case, case.point([x]), reals, False)


def test_ranges_before_the_clamp() -> None:
    """Clamping the unclamped range gives the range; both contain the points."""
    rng = np.random.default_rng(12)
    for op in ("dense", "conv2d", "depthwise_conv2d", "add", "sub", "mul"):
        for _ in range(8):
            case = Case(BUILDERS[op](rng))
            boxes = [box(rng, shape) for shape in case.shapes]
            ends = [b[0] for b in boxes], [b[1] for b in boxes]
            free, bound = case.range(*ends, unclamped=True), case.range(*ends)
            for a, b in zip(free, bound, strict=True):
                assert np.array_equal(np.clip(a, *case.kernel.clamp), b)
