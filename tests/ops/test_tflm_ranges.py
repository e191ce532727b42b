"""Ranges of the TFLite profiles: they contain every point, and are the exact hull where that is claimed."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from gonogo.errors import QuantizationError, UnsupportedOperatorError
from support.tflite_writer import Array, Tensor, single_operator
from support.tflm_cases import BUILDERS
from support.tflm_kernels import Case, box, drawn, tiny

PROFILES = ["tflm", "litert", "litert_ref", "xnnpack"]
UNDETERMINED = ("sigmoid", "tanh", "softmax")  # by the last bits of a C library, at few points


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("op", BUILDERS)
def test_a_range_contains_its_points(op: str, profile: str) -> None:
    rng = np.random.default_rng([11, sorted(BUILDERS).index(op)])
    for _ in range(30):
        try:
            case = Case(BUILDERS[op](rng), profile)
        except QuantizationError:  # a ratio of scales that XNNPACK refuses
            assert profile == "xnnpack"
            continue
        for _ in range(3):
            boxes = [box(rng, shape) for shape in case.shapes]
            lo, hi = case.range([b[0] for b in boxes], [b[1] for b in boxes])
            least, greatest = case.kernel.clamp
            assert least <= lo.min() <= hi.max() <= greatest
            for _ in range(6):
                with contextlib.suppress(UnsupportedOperatorError):  # a point that isn't determined
                    y = case.point([drawn(rng, *b) for b in boxes])
                    assert ((lo <= y) & (y <= hi)).all()
        x = case.random(rng)
        lo, hi = case.range(x, x)
        if np.array_equal(lo, hi):
            assert np.array_equal(lo, case.point(x))
        else:
            assert (hi - lo).max() == 1
            assert (op, profile) == ("mean", "litert") or op in UNDETERMINED
            assert profile != "tflm"


def every_point(lo: list[int], hi: list[int]) -> Iterator[Array]:
    for point in itertools.product(*(range(a, b + 1) for a, b in zip(lo, hi, strict=True))):
        yield np.array(point)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("op", ["dense", "mean", "average_pool2d", "softmax"])
def test_small_boxes_exhaustively(op: str, profile: str) -> None:
    """All points of boxes with up to 12 integers a side. Ranges of the monotone operators are the exact hulls."""
    rng = np.random.default_rng(4)
    slack = 0
    for _ in range(12):
        case = tiny(op, rng, profile)
        for _ in range(4):
            width = int(rng.integers(0, 12))
            lo = rng.integers(-128, 128 - width, 3)
            hi = lo + rng.integers(0, width + 1, 3)
            shape = case.shapes[0]
            outputs = []
            for p in every_point(list(lo), list(hi)):
                with contextlib.suppress(UnsupportedOperatorError):
                    outputs.append(case.point([p.reshape(shape)]))
            low, high = case.range([lo.reshape(shape)], [hi.reshape(shape)])
            least, greatest = np.min(outputs, axis=0), np.max(outputs, axis=0)
            assert (low <= least).all()
            assert (high >= greatest).all()
            slack = max(slack, int((least - low).max()), int((high - greatest).max()))
    assert slack <= (1 if op == "softmax" or (op, profile) == ("mean", "litert") else 0)


def test_long_dot_products_against_numpy() -> None:
    """Exact extremes of 20,001 products, beyond what one int32 piece of the kernel holds."""
    rng = np.random.default_rng(5)
    n = 20_001
    w = rng.integers(-127, 128, (5, n))
    w[0], w[1] = 127, -127
    b = rng.integers(-1000, 1000, 5)
    x = Tensor([1, n], scale=0.5, zero_point=-128)
    operands = [x, Tensor([5, n], scale=1.0, values=w), Tensor([5], "int32", scale=0.5, values=b)]
    y = Tensor([1, 5], scale=0.5)  # the requantisation multiplies by one
    case = Case(single_operator("FULLY_CONNECTED", operands, y, "FullyConnectedOptions"))
    for lo, hi in [(np.full((1, n), -128), np.full((1, n), 127)), box(rng, [1, n])]:
        low, high = case.range([lo], [hi], unclamped=True)
        rising, falling = np.maximum(w, 0), np.minimum(w, 0)
        assert np.array_equal(low[0], rising @ (lo[0] + 128) + falling @ (hi[0] + 128) + b)
        assert np.array_equal(high[0], rising @ (hi[0] + 128) + falling @ (lo[0] + 128) + b)


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


@pytest.mark.parametrize("profile", PROFILES)
def test_ranges_before_the_clamp(profile: str) -> None:
    """Clamping the unclamped range gives the range; both contain the points."""
    rng = np.random.default_rng(12)
    for op in ("dense", "conv2d", "depthwise_conv2d", "add", "sub", "mul"):
        for _ in range(8):
            case = Case(BUILDERS[op](rng), profile)
            boxes = [box(rng, shape) for shape in case.shapes]
            ends = [b[0] for b in boxes], [b[1] for b in boxes]
            free, bound = case.range(*ends, unclamped=True), case.range(*ends)
            for a, b in zip(free, bound, strict=True):
                assert np.array_equal(np.clip(a, *case.kernel.clamp), b)
