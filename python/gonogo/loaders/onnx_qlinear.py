"""Quantisation parameters by tensor, and the QLinear operators as plain operators on quantised tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gonogo.errors import ModelError, QuantizationError, UnsupportedOperatorError, UnsupportedTypeError
from gonogo.loaders import common
from gonogo.loaders.onnx_file import MICROSOFT, Array, Model, Node


@dataclass(frozen=True)
class Params:
    """Scales and zero points as two constants of the file give them, not yet fitted to a shape."""

    scales: Array
    zero_points: Array
    dtype: str
    axis: int

    @property
    def per_tensor(self) -> bool:
        return len(self.scales) == 1

    def same(self, other: Params) -> bool:
        return (
            self.dtype == other.dtype
            and np.array_equal(self.scales, other.scales)
            and np.array_equal(self.zero_points, other.zero_points)
            and (self.per_tensor or self.axis == other.axis)
        )

    def quantized(self, shape: list[int], where: str) -> common.Quantized:
        axis = self.axis + len(shape) if self.axis < 0 else self.axis
        return common.checked_quantization(self.scales, self.zero_points, axis, shape, self.dtype, where)


class Parameters:
    """The parameters of every quantised tensor; a tensor has one set, whoever reads it."""

    def __init__(self) -> None:
        self.of: dict[str, Params] = {}

    def set(self, node: Node, name: str, params: Params) -> None:
        known = self.of.setdefault(name, params)
        if not known.same(params):
            node.fail(
                QuantizationError,
                f"tensor '{name}' has scale {known.scales[0]!r}, zero point {known.zero_points[0]} and type "
                f"{known.dtype} elsewhere, here {params.scales[0]!r}, {params.zero_points[0]} and {params.dtype}",
            )


def params_of(model: Model, node: Node, scale: int, zero_point: int, dtype: str | None, axis: int) -> Params:
    """Parameters from the node's inputs number `scale` and `zero_point`; `dtype` when no zero point states it."""

    def constant(i: int, what: str) -> Array | None:
        name = node.input(i)
        if not name:
            return None
        if name not in model.constants:
            node.fail(
                UnsupportedOperatorError,
                f"the {what} '{name}' is computed at run time; dynamic quantisation isn't supported",
            )
        return model.constants[name]

    scales, points = constant(scale, "scale"), constant(zero_point, "zero point")
    if scales is None:
        node.fail(ModelError, "the scale is missing")
    if scales.dtype != np.float32:
        node.fail(UnsupportedTypeError, f"a scale of type {scales.dtype}; float32 is supported")
    if scales.ndim > 1 or scales.size == 0:
        node.fail(
            QuantizationError, f"scales of shape {list(scales.shape)}; one, or one per channel, is supported"
        )
    if points is None:
        points = np.zeros(scales.shape, dtype or "uint8")
    if dtype is not None and points.dtype != dtype:
        node.fail(QuantizationError, f"a zero point of type {points.dtype} for a tensor of type {dtype}")
    if str(points.dtype) not in common.ZERO_POINT_RANGE:
        node.fail(UnsupportedTypeError, f"quantised values of type {points.dtype}")
    if points.size == 1 and scales.size > 1:
        points = np.full(scales.shape, points.reshape(-1)[0], points.dtype)
    if points.size != scales.size:
        node.fail(QuantizationError, f"{scales.size} scales but {points.size} zero points")
    return Params(scales.reshape(-1), points.reshape(-1).astype(np.int64), str(points.dtype), axis)


def quantize_constant(node: Node, values: Array, params: Params) -> Array:
    """QuantizeLinear of a constant, in float32 as the runtime folds it."""
    quantized = params.quantized(list(values.shape), node.where())
    common.check_finite(values, node.where())
    shape = [1] * values.ndim
    if not params.per_tensor:
        shape[quantized.axis] = -1
    low, high = np.iinfo(params.dtype).min, np.iinfo(params.dtype).max
    points = quantized.zero_points.astype(np.float32).reshape(shape)
    with np.errstate(all="ignore"):
        steps = values.astype(np.float32) / quantized.scales.reshape(shape)
    rounded: Array = np.rint(np.clip(steps, low - points, high - points)) + points
    return rounded.astype(params.dtype)


def dequantize_constant(node: Node, values: Array, params: Params) -> Array:
    """DequantizeLinear of a constant, in float32 as the runtime computes it."""
    quantized = params.quantized(list(values.shape), node.where())
    shape = [1] * values.ndim
    if not params.per_tensor:
        shape[quantized.axis] = -1
    centred = values.astype(np.int64) - quantized.zero_points.astype(np.int64).reshape(shape)
    with np.errstate(all="ignore"):
        result: Array = centred.astype(np.float32) * quantized.scales.reshape(shape)
    return result


# ---- QLinear operators ----


def lower(model: Model, parameters: Parameters) -> None:
    """Replaces QLinear operators by the plain operator, and notes the parameters of their tensors."""
    for node in model.nodes:
        if node.domain not in ("", MICROSOFT):
            node.fail(UnsupportedOperatorError, "operator not supported")
        if node.domain == MICROSOFT and node.op in ("QuantizeLinear", "DequantizeLinear"):
            node.domain = ""
        rule = _LOWERINGS.get(node.op)
        if rule is not None:
            rule(_Lowering(model, node, parameters))
            node.domain = ""
    del parameters


@dataclass
class _Lowering:
    model: Model
    node: Node
    parameters: Parameters

    def params(self, scale: int, zero_point: int, axis: int = 0) -> Params:
        return params_of(self.model, self.node, scale, zero_point, None, axis)

    def become(
        self, op: str, inputs: list[tuple[int, Params]], output: Params, extra: list[str] | None = None
    ) -> None:
        """The node computes `op` on its inputs number i, which have the parameters given."""
        node = self.node
        names = [node.input(i) for i, _ in inputs]
        for name, (_, params) in zip(names, inputs, strict=False):
            if not name:
                node.fail(ModelError, "an operand is missing")
            self.parameters.set(node, name, params)
        self.parameters.set(node, node.outputs[0], output)
        node.op, node.inputs = op, names + (extra or [])

    def bias(self, name: str, x: Params, w: Params) -> list[str]:
        """The runtime adds the integers of the bias: its scale is fl32(s_x * s_w)."""
        if not name:
            return []
        with np.errstate(all="ignore"):
            scales = x.scales[0] * w.scales
        self.parameters.set(self.node, name, Params(scales, np.zeros(len(scales), np.int64), "int32", 0))
        return [name]


def _unary(op: str) -> Callable[[_Lowering], None]:
    def lowering(at: _Lowering) -> None:
        channels_last = at.node.attributes.pop("channels_last", 0)
        if channels_last:
            at.node.fail(
                UnsupportedOperatorError, "channels_last; load the model before the runtime optimised it"
            )
        opset = at.node.attributes.pop("opset", None)
        if op == "Softmax" and isinstance(opset, int) and (opset < 13) != (at.model.opset < 13):
            at.node.fail(
                UnsupportedOperatorError,
                f"the softmax of operator set {opset} in a model of set {at.model.opset}",
            )
        at.become(op, [(0, at.params(1, 2))], at.params(3, 4))

    return lowering


def _binary(op: str) -> Callable[[_Lowering], None]:
    def lowering(at: _Lowering) -> None:
        at.become(op, [(0, at.params(1, 2)), (3, at.params(4, 5))], at.params(6, 7))

    return lowering


def _conv(at: _Lowering) -> None:
    if at.node.attributes.pop("channels_last", 0):
        at.node.fail(
            UnsupportedOperatorError, "channels_last; load the model before the runtime optimised it"
        )
    x, w = at.params(1, 2), at.params(4, 5, 0)
    at.become("Conv", [(0, x), (3, w)], at.params(6, 7), at.bias(at.node.input(8), x, w))


def _matmul(at: _Lowering) -> None:
    at.become("MatMul", [(0, at.params(1, 2)), (3, at.params(4, 5, 1))], at.params(6, 7))


def _gemm(at: _Lowering) -> None:
    if not at.node.input(7):
        at.node.fail(UnsupportedOperatorError, "a float32 result from integer operands; quantise the output")
    x, w = at.params(1, 2), at.params(4, 5, 0 if at.node.integer("transB", 0) != 0 else 1)
    at.become("Gemm", [(0, x), (3, w)], at.params(7, 8), at.bias(at.node.input(6), x, w))


def _concat(at: _Lowering) -> None:
    count = len(at.node.inputs)
    if count < 5 or (count - 2) % 3 != 0:
        at.node.fail(ModelError, f"{count} inputs; expected two and three per part")
    parts = [(i, at.params(i + 1, i + 2)) for i in range(2, count, 3)]
    at.become("Concat", parts, at.params(0, 1))


_LOWERINGS: dict[str, Callable[[_Lowering], None]] = {
    "QLinearConv": _conv,
    "QLinearMatMul": _matmul,
    "QGemm": _gemm,
    "QLinearAdd": _binary("Add"),
    "QLinearMul": _binary("Mul"),
    "QLinearLeakyRelu": _unary("LeakyRelu"),
    "QLinearSigmoid": _unary("Sigmoid"),
    "QLinearSoftmax": _unary("Softmax"),
    "QLinearAveragePool": _unary("AveragePool"),
    "QLinearGlobalAveragePool": _unary("GlobalAveragePool"),
    "QLinearConcat": _concat,
}
