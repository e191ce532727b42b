"""Quantisation parameters by tensor, and the QLinear operators as plain operators on quantised tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gonogo.errors import ModelError, QuantizationError, UnsupportedOperatorError, UnsupportedTypeError
from gonogo.loaders import common
from gonogo.loaders.onnx_file import MICROSOFT, Model, Node
from gonogo.loaders.onnx_tensor import FOUR_BIT, Array


@dataclass(frozen=True)
class Params:
    """Scales and zero points as two constants of the file give them, not yet fitted to a shape.

    float32[k] and int64[k]; `block` > 0: of blocks of so many values along `axis`, row-major.
    """

    scales: Array
    zero_points: Array
    dtype: str
    axis: int
    block: int = 0

    @property
    def per_tensor(self) -> bool:
        return len(self.scales) == 1

    def same(self, other: Params) -> bool:
        return (
            self.dtype == other.dtype
            and np.array_equal(self.scales, other.scales, equal_nan=True)
            and np.array_equal(self.zero_points, other.zero_points)
            and (
                (self.block == 0 and self.per_tensor) or (self.axis, self.block) == (other.axis, other.block)
            )
        )

    def quantized(self, shape: list[int], where: str) -> common.Quantized:
        axis = self.axis + len(shape) if self.axis < 0 else self.axis
        return common.checked_quantization(
            self.scales, self.zero_points, axis, shape, self.dtype, where, self.block
        )


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


def params_of(
    model: Model, node: Node, scale: int, zero_point: int, dtype: str | None, axis: int, block: int = 0
) -> Params:
    """Parameters from the node's inputs number `scale` and `zero_point`; `dtype` when no zero point states it.

    With `block` > 0 the node's input 0 is the constant they belong to.
    """

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
    if block > 0:
        _check_blocks(model, node, scales, points, axis, block)
    elif scales.ndim > 1 or scales.size == 0:
        node.fail(
            QuantizationError, f"scales of shape {list(scales.shape)}; one, or one per channel, is supported"
        )
    stated = dtype or "uint8" if points is None else model.element_type(node.input(zero_point))
    if points is None:
        points = np.zeros(scales.shape, np.int64)
    if dtype is not None and stated != dtype:
        node.fail(QuantizationError, f"a zero point of type {stated} for a tensor of type {dtype}")
    if stated not in common.ZERO_POINT_RANGE:
        node.fail(UnsupportedTypeError, f"quantised values of type {stated}")
    if points.size == 1 and scales.size > 1:
        points = np.full(scales.shape, points.reshape(-1)[0], points.dtype)
    if points.size != scales.size:
        node.fail(QuantizationError, f"{scales.size} scales but {points.size} zero points")
    return Params(scales.reshape(-1), points.reshape(-1).astype(np.int64), stated, axis, block)


def _check_blocks(
    model: Model, node: Node, scales: Array, points: Array | None, axis: int, block: int
) -> None:
    """Scales, and zero points if there are any, have the shape that the blocks of the node's constant input need."""
    shape = list(model.constants[node.input(0)].shape)
    if not -len(shape) <= axis < len(shape):
        node.fail(
            QuantizationError,
            f"attribute 'axis' is {axis}, but '{node.input(0)}' has shape {shape}; blocks lie along one of its axes",
        )
    needed = common.blocks_of(shape, axis % len(shape), block)
    for given, name in ((scales, node.input(1)), (points, node.input(2))):
        if given is not None and list(given.shape) != needed:
            node.fail(
                QuantizationError,
                f"'{name}' has shape {list(given.shape)}; blocks of {block} along axis {axis} of shape {shape} need "
                f"{needed}: correct attribute 'block_size', or quantise again",
            )


def _limits(dtype: str) -> tuple[int, int]:
    """Smallest and largest stored integer."""
    if dtype in ("int4", "uint4"):
        return common.ZERO_POINT_RANGE[dtype]
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def quantize_constant(node: Node, values: Array, params: Params) -> Array:
    """QuantizeLinear of a constant, in float32 as the runtime folds it."""
    quantized = params.quantized(list(values.shape), node.where())
    common.check_finite(values, node.where())
    low, high = _limits(params.dtype)
    scales, zero_points = quantized.spread(list(values.shape))
    points = zero_points.astype(np.float32)
    with np.errstate(all="ignore"):
        steps = values.astype(np.float32) / scales
    rounded: Array = np.rint(np.clip(steps, low - points, high - points)) + points
    return rounded.astype(np.int8 if params.dtype in ("int4", "uint4") else params.dtype)


def dequantize_constant(node: Node, values: Array, params: Params) -> Array:
    """DequantizeLinear of a constant, in float32 as the runtime computes it."""
    scales, zero_points = params.quantized(list(values.shape), node.where()).spread(list(values.shape))
    centred = values.astype(np.int64) - zero_points.astype(np.int64)
    with np.errstate(all="ignore"):
        result: Array = centred.astype(np.float32) * scales
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
            if name in self.model.four_bit or params.dtype in FOUR_BIT.values():
                node.fail(
                    UnsupportedTypeError,
                    f"'{name}' is of 4 bits, which only DequantizeLinear and MatMulNBits read; quantise it to int8",
                )
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
