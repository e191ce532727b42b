"""Which pair of tensors an error bound is about, and what happens where the two graphs differ in form.

Several of these came out of an adversarial review: each failed before it was mended.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from gonogo import _core
from gonogo.errors import BoxError, ModelError, QuantizationError, ShapeError, UnsupportedTypeError

F32 = np.float32


def q(scale: float, zero: int = 0) -> Any:
    return _core.Quantization(np.array([scale], F32), np.array([zero], np.int32), 0)


class Sides:
    """A float and an int8 builder side by side."""

    def __init__(self, shape: list[int], scale: float = 1 / 32) -> None:
        self.scale = scale
        self.float = _core.GraphBuilder("reference", "test")
        self.int8 = _core.GraphBuilder("deployed", "test")
        self.float.input("x", shape, "float32")
        self.int8.input("x", shape, "int8", q(scale))

    def layer(
        self, side: Any, op: str, name: str, inputs: list[int], scale: float | None, **attributes: Any
    ) -> int:
        dtype = "float32" if side is self.float else "int8"
        out = side.activation(name, None, dtype, None if side is self.float else q(scale or self.scale))
        side.node(op, name, inputs, [out], attributes)
        return int(out)

    def dense(
        self, side: Any, name: str, x: int, weights: np.ndarray, scale: float | None = None, **more: Any
    ) -> int:
        if side is self.float:
            w = side.constant(f"w_{name}", np.ascontiguousarray(weights, F32))
        else:
            ints = np.rint(weights * 64).astype(np.int8)
            w = side.constant(f"w_{name}", np.ascontiguousarray(ints), q(1 / 64))
        return self.layer(side, "dense", name, [x, w], scale, **more)


def error(reference: Any, deployed: Any, lo: Any, hi: Any, **more: Any) -> Any:
    boxes = [np.ascontiguousarray(b, np.float64) for b in (lo, hi)]
    return _core.error(reference, deployed, [boxes[0]], [boxes[1]], "tflm", search_multiplies=1000, **more)


def test_an_output_is_compared_with_the_output_of_the_same_place() -> None:
    s = Sides([1, 1])
    eye = np.eye(1)
    h = s.dense(s.float, "a", 0, eye)
    s.float.output(s.layer(s.float, "tanh", "t", [h], None))
    s.int8.output(s.dense(s.int8, "a", 0, eye))
    result = error(s.float.build(), s.int8.build(), [[3.0]], [[3.0]])
    assert result.tensors[0].method == "separate"
    # tanh(3) < 0.99505475368674, so the difference exceeds this.
    assert Fraction(float(result.tensors[0].bound[0, 0])) >= 3 - Fraction("0.99505475368674")
    assert result.tensors[0].worst_witness > 1.9
    assert any("matching" in note for note in result.notes)


def test_outputs_in_another_order_are_still_compared_by_place() -> None:
    s = Sides([1, 2])
    a, b = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    for name, w in (("a", a), ("b", b)):
        s.float.output(s.dense(s.float, name, 0, w))
    for name, w in (("b", b), ("a", a)):
        s.int8.output(s.dense(s.int8, name, 0, w))
    result = error(s.float.build(), s.int8.build(), [[1.0, -1.0]], [[1.0, -1.0]])
    assert all(t.bound.max() >= 2.0 for t in result.tensors)


def test_branches_of_one_form_are_told_apart_by_their_names() -> None:
    s = Sides([1, 2])
    a, b = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    made = {n: s.dense(s.float, n, 0, w) for n, w in (("a", a), ("b", b))}
    s.float.output(made["a"])
    s.float.output(made["b"])
    made = {n: s.dense(s.int8, n, 0, w) for n, w in (("b", b), ("a", a))}
    s.int8.output(made["a"])
    s.int8.output(made["b"])
    # The outputs are declared after the nodes, so both graphs schedule them differently.
    result = error(s.float.build(), s.int8.build(), [[1.0, -1.0]], [[1.0, -1.0]])
    assert all(t.bound.max() < 0.1 for t in result.tensors)
    assert {t.method for t in result.tensors} == {"joint"}


def norm_pair(axis: int) -> tuple[Any, Any]:
    s = Sides([1, 3, 2], 0.01)
    w = np.array([[0.5, 0.25], [1.0, -0.5], [0.75, 0.25]])
    h = s.dense(s.float, "d", 0, w)
    gamma = np.array([1.0, 1.001, 0.999], F32)
    parameters = [
        s.float.constant(n, v)
        for n, v in (("g", gamma), ("b", 0 * gamma), ("m", 0 * gamma), ("v", 0 * gamma + 1))
    ]
    s.float.output(s.layer(s.float, "batch_norm", "n", [h, *parameters], None, axis=axis, epsilon=0.0))
    s.int8.output(s.dense(s.int8, "d", 0, w, 0.05))
    return s.float.build(), s.int8.build()


@pytest.mark.parametrize(("axis", "method"), [(1, "separate"), (2, "joint")])
def test_a_batch_norm_folds_only_along_the_output_channels(axis: int, method: str) -> None:
    reference, deployed = norm_pair(axis)
    lo, hi = np.full((1, 3, 2), -1.0), np.full((1, 3, 2), 1.0)
    result = error(reference, deployed, lo, hi).tensors[0]
    assert result.method == method
    runner = _core.IntegerRunner(deployed, "tflm")
    rng = np.random.default_rng(0)
    for _ in range(50):
        x = rng.uniform(-1, 1, lo.shape)
        steps = np.clip(np.rint(x / np.float64(F32(0.01))), -128, 127).astype(np.int32)
        device = runner([steps])[0].ravel()
        real = _core.evaluate_real(reference, [x], [x])["n"]
        for e, integer in enumerate(device):
            v = int(integer) * Fraction(float(F32(0.05)))
            # The true difference lies between these two; neither may be all outside.
            least, most = v - Fraction(float(real[1].ravel()[e])), v - Fraction(float(real[0].ravel()[e]))
            assert Fraction(float(result.lower.ravel()[e])) <= most
            assert Fraction(float(result.upper.ravel()[e])) >= least


def test_a_float_input_that_is_no_float32_number_is_widened() -> None:
    b = _core.GraphBuilder("deployed", "test")
    b.input("x", [1, 3], "float32")
    y = b.activation("y", None, "int8", q(0.01, 3))
    b.node("quantize", "y", [0], [y])
    b.output(y)
    graph = b.build()
    result = error(None, graph, [[0.1, -1, -1]], [[0.1, 1, 1]])
    x = result.tensors[0].witness_inputs[0]
    assert x[0] == np.float64(F32(x[0]))
    assert abs(x[0] - 0.1) < 1e-8
    assert any("widened" in a for a in result.assumptions)
    with pytest.raises(BoxError, match="float32"):
        error(None, graph, [[1e300, 0, 0]], [[1e300, 0, 0]])


def test_concat_with_a_constant() -> None:
    s = Sides([1, 2])
    c = np.array([[0.5, -0.25]])
    for side in (s.float, s.int8):
        if side is s.float:
            k = side.constant("c", c.astype(F32))
        else:
            k = side.constant("c", np.rint(c * 32).astype(np.int8), q(1 / 32))
        side.output(s.layer(side, "concat", "y", [0, k], None, axis=1))
    result = error(s.float.build(), s.int8.build(), [[-1.0, 0.0]], [[1.0, 0.0]])
    assert result.tensors[0].method == "joint"
    assert result.tensors[0].bound[0, 2:].max() < 1e-9


def test_outputs_without_a_comparable_counterpart_are_refused_not_dropped() -> None:
    s = Sides([1, 2])
    s.float.output(s.dense(s.float, "a", 0, np.eye(2)))
    for name, n in (("a", 2), ("b", 1)):
        s.int8.output(s.dense(s.int8, name, 0, np.eye(2)[:n]))
    reference, deployed = s.float.build(), s.int8.build()
    with pytest.raises(ShapeError, match="outputs"):
        error(reference, deployed, [[0.0, 0.0]], [[1.0, 1.0]])
    named = error(reference, deployed, [[0.0, 0.0]], [[1.0, 1.0]], tensor="a")
    assert named.tensors[0].name == "a"


def two_inputs(names: tuple[str, str], dtype: str) -> Any:
    b = _core.GraphBuilder(dtype, "test")
    ids = {n: b.input(n, [1, 1], dtype, q(1 / 32) if dtype == "int8" else None) for n in names}
    y = b.activation("y", None, dtype, q(1 / 16) if dtype == "int8" else None)
    b.node("sub", "y", [ids["a"], ids["b"]], [y])
    b.output(y)
    return b.build()


def test_the_same_inputs_in_another_order_are_refused() -> None:
    box = [np.array([[1.0]]), np.array([[-1.0]])]
    reference, deployed = two_inputs(("a", "b"), "float32"), two_inputs(("b", "a"), "int8")
    with pytest.raises(ShapeError, match="another order"):
        _core.error(reference, deployed, box, box, "tflm")


@pytest.mark.parametrize("scale", [1e-35, 1e31])
def test_scales_outside_the_proved_range_are_refused(scale: float) -> None:
    def ask() -> None:
        b = _core.GraphBuilder("deployed", "test")
        b.input("x", [1, 1], "int8", q(scale))
        y = b.activation("y", None, "float32")
        b.node("dequantize", "y", [0], [y])
        b.output(y)
        error(None, b.build(), [[0.0]], [[0.0]])

    with pytest.raises(QuantizationError, match="scale"):
        ask()


def test_attributes_are_float32_numbers() -> None:
    s = Sides([1, 1])
    s.float.output(s.layer(s.float, "leaky_relu", "y", [0], None, alpha=0.1))
    assert s.float.build().nodes[0].attributes["alpha"] == np.float64(F32(0.1))
    with pytest.raises(ModelError, match="float32"):
        s.layer(s.int8, "leaky_relu", "y", [0], None, alpha=1e300)


def test_integer_inputs_without_parameters_are_refused_by_name() -> None:
    b = _core.GraphBuilder("deployed", "test")
    b.input("x", [1, 2], "int8")
    y = b.activation("y", None, "int8")
    b.node("reshape", "y", [0], [y], {"shape": [2, 1]})
    b.output(y)
    graph = b.build()
    with pytest.raises(UnsupportedTypeError, match="'x'"):
        _core.evaluate_int8(graph, "tflm", [np.zeros((1, 2), np.int32)])
    with pytest.raises(UnsupportedTypeError, match="'x'"):
        error(None, graph, [[0.0, 0.0]], [[0.0, 0.0]])


@pytest.mark.parametrize("profile", ["tflm", "ort"])
def test_a_slice_that_drops_an_axis(profile: str) -> None:
    b = _core.GraphBuilder("deployed", "test")
    b.input("x", [4, 2], "int8", q(1.0))
    y = b.activation("y", [4], "int8", q(1.0))
    b.node("strided_slice", "y", [0], [y], {"begin": [0, 1], "end": [4, 2], "strides": [1, 1]})
    b.output(y)
    x = np.arange(8, dtype=np.int32).reshape(4, 2)
    assert _core.evaluate_int8(b.build(), profile, [x])["y"].tolist() == [1, 3, 5, 7]
