"""Ranges and envelopes of the `ort` kernels: enclosure, exactness at points, distance to the real operator."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import onnx
import pytest
from gonogo import _core
from gonogo.loaders.onnx import load_onnx
from onnx import numpy_helper
from support.onnx_models import make_model
from support.ort_cases import CASES

Arrays = list[np.ndarray[Any, Any]]


class Kernel:
    """The only operator of a case, with its operands as int32 arrays."""

    def __init__(self, name: str, seed: int, size: int = 1) -> None:
        rng = np.random.default_rng([seed, 77])
        data, self.inputs = CASES[name](rng, size)
        graph = load_onnx(data, f"{name}.onnx")
        assert len(graph.nodes) == 1
        self.node = graph.nodes[0]
        self.kernel = _core.IntegerKernel(graph, "ort", 0)
        self.kinds = {n: str(v.dtype) for n, v in self.inputs.items()}
        proto = onnx.load_from_string(data)
        self.constants = {t.name: numpy_helper.to_array(t) for t in proto.graph.initializer}
        self.attributes = {
            a.name: onnx.helper.get_attribute_value(a) for n in proto.graph.node for a in n.attribute
        }

    def operands(self, values: dict[str, Any]) -> list[Any]:
        return [np.asarray(values[n], np.int32) if n in values else None for n in self.node.inputs]

    def point(self, values: dict[str, Any]) -> Any:
        return self.kernel.point(self.operands(values))


def box_around(case: Kernel, rng: np.random.Generator, width: int) -> tuple[dict[str, Any], dict[str, Any]]:
    lo, hi = {}, {}
    for name, x in case.inputs.items():
        info = np.iinfo(case.kinds[name])
        wide = x.astype(np.int32)
        lo[name] = np.maximum(wide - rng.integers(0, width + 1, x.shape), info.min).astype(np.int32)
        hi[name] = np.minimum(wide + rng.integers(0, width + 1, x.shape), info.max).astype(np.int32)
    return lo, hi


@pytest.mark.parametrize("name", sorted(CASES))
def test_ranges_enclose_every_point_of_the_box(name: str) -> None:
    rng = np.random.default_rng(9)
    for seed in range(12):
        case = Kernel(name, seed)
        lo, hi = box_around(case, rng, int(rng.choice([1, 6, 255])))
        out_lo, out_hi = case.kernel.range(case.operands(lo), case.operands(hi))
        least, greatest = case.kernel.clamp
        assert bool((least <= out_lo).all())
        assert bool((out_hi <= greatest).all())
        for sample in range(8):
            corner = sample < 4  # corners are where the extremes are
            chosen = {
                n: np.where(rng.integers(0, 2, lo[n].shape), lo[n], hi[n])
                if corner
                else rng.integers(lo[n], hi[n] + 1)
                for n in lo
            }
            y = case.point(chosen)
            assert bool((out_lo <= y).all())
            assert bool((y <= out_hi).all())


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_box_of_width_zero_is_the_point(name: str) -> None:
    for seed in range(6):
        case = Kernel(name, seed)
        same = {n: v.astype(np.int32) for n, v in case.inputs.items()}
        lo, hi = case.kernel.range(case.operands(same), case.operands(same))
        np.testing.assert_array_equal(lo, hi)
        np.testing.assert_array_equal(lo, case.point(same))


# ---- the envelope, against exact rationals ----


def exact(x: Any) -> Fraction:
    return Fraction(float(x))


def real(c: dict[str, Any], q: Any, prefix: str) -> Fraction:
    """(q - zero point) * scale, exactly."""
    return (int(q) - int(c[prefix + "z"])) * exact(c[prefix + "s"])


def linear(case: Kernel, at: tuple[int, ...]) -> Fraction:
    c, x = case.constants, case.inputs["x"]
    w = c["w"].T if case.attributes.get("transB") else c["w"]
    row, column = at

    def of(values: Any) -> Any:
        return values if values.ndim == 0 else values[column if values.size > 1 else 0]

    products = (
        (int(x[row, k]) - int(c["xz"])) * (int(w[k, column]) - int(of(c["wz"]))) for k in range(len(w))
    )
    total = sum(products) * exact(c["xs"]) * exact(of(c["ws"]))
    if "b" in c:  # the loader states the bias at fl32(s_x * s_w)
        total += int(c["b"][column]) * exact(np.float32(c["xs"]) * np.float32(of(c["ws"])))
    return Fraction(total)


def pair(
    operation: Callable[[Fraction, Fraction], Fraction],
) -> Callable[[Kernel, tuple[int, ...]], Fraction]:
    def value(case: Kernel, at: tuple[int, ...]) -> Fraction:
        a, b = np.broadcast_arrays(case.inputs["a"], case.inputs["b"])
        return operation(real(case.constants, a[at], "a"), real(case.constants, b[at], "b"))

    return value


def leaky(case: Kernel, at: tuple[int, ...]) -> Fraction:
    x = real(case.constants, case.inputs["x"][at], "x")
    return x if x >= 0 else x * exact(case.attributes["alpha"])


def whole_mean(case: Kernel, at: tuple[int, ...]) -> Fraction:
    image = case.inputs["x"][at[0], at[1]]
    return sum((real(case.constants, q, "x") for q in image.reshape(-1)), Fraction(0)) / image.size


def window_mean(case: Kernel, at: tuple[int, ...]) -> Fraction:
    image, a = case.inputs["x"][at[0], at[1]], case.attributes
    origin = [at[2 + i] * a["strides"][i] - a["pads"][i] for i in range(2)]
    taps = [(h, w) for h in range(origin[0], origin[0] + a["kernel_shape"][0])
            for w in range(origin[1], origin[1] + a["kernel_shape"][1])
            if 0 <= h < image.shape[0] and 0 <= w < image.shape[1]]  # fmt: skip
    count = a["kernel_shape"][0] * a["kernel_shape"][1] if a["count_include_pad"] else len(taps)
    return sum((real(case.constants, image[t], "x") for t in taps), Fraction(0)) / count


def softmax(case: Kernel, at: tuple[int, ...]) -> Fraction:
    row = case.inputs["x"][at[0]].astype(int)
    with mpmath.workprec(200):
        s = mpmath.mpf(float(case.constants["xs"]))
        total = mpmath.fsum(mpmath.exp(s * int(q - row[at[1]])) for q in row)
        return Fraction(str(mpmath.nstr(1 / total, 40)))


def sigmoid(case: Kernel, at: tuple[int, ...]) -> Fraction:
    x = real(case.constants, case.inputs["x"][at], "x")
    with mpmath.workprec(200):
        return Fraction(mpmath.nstr(1 / (1 + mpmath.exp(-mpmath.mpf(x.numerator) / x.denominator)), 40))


REAL: dict[str, tuple[Callable[[Kernel, tuple[int, ...]], Fraction], str]] = {
    "matmul": (linear, "y"),
    "gemm": (linear, "y"),
    "add": (pair(lambda a, b: a + b), "c"),
    "mul": (pair(lambda a, b: a * b), "c"),
    "leaky_relu": (leaky, "y"),
    "global_average_pool": (whole_mean, "y"),
    "average_pool": (window_mean, "y"),
    "sigmoid": (sigmoid, "y"),
    "softmax": (softmax, "y"),
}
UNCLAMPED_LIMIT = 1 << 20  # beyond it the kernels saturate their unclamped result too


@pytest.mark.parametrize("name", sorted(REAL))
def test_results_lie_within_the_envelope(name: str) -> None:
    value, out = REAL[name]
    rng = np.random.default_rng(4)
    checked = 0
    for seed in range(30):
        case = Kernel(name, seed)
        operands = case.operands(case.inputs)
        try:
            y, _ = case.kernel.range(operands, operands, unclamped=True)
            clamped = False
        except _core.UnsupportedOperatorError:
            y, clamped = case.kernel.point(operands), True
        absolute, relative = (Fraction(v) for v in case.kernel.envelope)
        least, greatest = case.kernel.clamp
        scale, zero = exact(case.constants[out + "s"]), int(case.constants[out + "z"])
        for _ in range(15):
            at = tuple(int(rng.integers(d)) for d in y.shape)
            f, got = value(case, at) / scale, int(y[at])
            if abs(got) > UNCLAMPED_LIMIT or (clamped and got in (least, greatest)):
                continue
            assert abs(got - zero - f) <= absolute + relative * abs(f)
            checked += 1
    assert checked > 100


def dense(weight: int, dtype: str) -> bytes:
    """Two inputs, one output, both weights `weight`."""
    names = ["x", "s", "z", "w", "s", "wz", "s", "z"]
    node = onnx.helper.make_node("QLinearMatMul", names, ["y"])
    w = np.full((2, 1), weight, dtype)
    constants = {"s": np.float32(0.5), "z": np.uint8(9), "w": w, "wz": np.array(0, dtype)}
    return make_model([node], constants, {"x": ("uint8", [1, 2])}, {"y": "uint8"})


@pytest.mark.parametrize(("weight", "dtype"), [(64, "int8"), (-64, "int8"), (255, "uint8")])
def test_small_or_unsigned_weights_need_no_assumption(weight: int, dtype: str) -> None:
    """255 * 64 * 2 = 32640 stays in int16; unsigned weights are summed in 32 bits."""
    assert _core.machine_assumptions(load_onnx(dense(weight, dtype), "net.onnx")) == []


@pytest.mark.parametrize("weight", [65, -65, 127, -128])
def test_larger_weights_need_a_processor_that_does_not_saturate(weight: int) -> None:
    """255 * 65 * 2 = 33150 doesn't."""
    (line,) = _core.machine_assumptions(load_onnx(dense(weight, "int8"), "net.onnx"))
    assert line.startswith("net.onnx: node 0 'y' (dense): ")
    assert "VNNI" in line
