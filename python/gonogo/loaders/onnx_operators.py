"""ONNX operators to canonical ones. Each function emits one node; float32 and quantised tensors take the same way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gonogo.errors import ModelError, ShapeError, UnsupportedOperatorError, UnsupportedTypeError
from gonogo.loaders.onnx_emit import Emitter, Value, scaled
from gonogo.loaders.onnx_file import Node
from gonogo.loaders.onnx_fold import exact_float32, slices_of
from gonogo.loaders.onnx_rewrite import clip_limits
from gonogo.loaders.onnx_shapes import (
    argmax_axis,
    concat_axis,
    kernel_of,
    mean_axes,
    pads_of,
    permutation,
    window_of,
)
from gonogo.loaders.onnx_tensor import DTYPES

Rule = Callable[[Emitter, Node], None]


def _dense(at: Emitter, node: Node) -> None:
    is_gemm = node.op == "Gemm"
    alpha, beta = node.number("alpha", 1.0), node.number("beta", 1.0)
    turned = not is_gemm or node.integer("transB", 0) == 0
    factor = alpha if is_gemm else 1.0
    w = at.moved_weights(node, f"dense {factor} {turned}", [1, 0] if turned else [0, 1], factor)
    inputs: list[Value | None] = [at.activation(node, 0), w]
    if node.input(2):
        outputs = w.shape[0]
        bias = at.numbers(node, 2)
        if (
            bias.ndim > 2
            or (bias.ndim == 2 and bias.shape[0] != 1)
            or bias.shape[-1:] not in ((), (1,), (outputs,))
        ):
            node.fail(ShapeError, f"a bias of shape {list(bias.shape)} for {outputs} outputs")
        row = np.broadcast_to(scaled(node, bias, beta).reshape(-1), (outputs,))
        inputs.append(at.changed_constant(node, 2, f"bias {beta} {outputs}", row))
    # Changing a sign never rounds; any other factor is a rounding of its own on the device.
    factored = abs(factor) != 1.0 or (len(inputs) > 2 and is_gemm and abs(beta) != 1.0)
    at.emit(node, "dense", inputs, {"keep_dims": 1, "factored": int(factored)})


def _conv(at: Emitter, node: Node) -> None:
    x, weights = at.activation(node, 0), at.numbers(node, 1)
    group = node.integer("group", 1)
    window = window_of(node, x.shape, list(weights.shape[2:]))
    attributes = {**window.attributes(), "dilations": window.dilations}
    depthwise = group == x.shape[1] and weights.shape[1] == 1 and group > 1
    if depthwise:  # [channels, 1, h, w] to [1, h, w, channels]
        w = at.moved_weights(node, "depthwise", [1, 2, 3, 0])
    else:
        w = at.moved_weights(node, "conv", [0, 2, 3, 1])
        attributes["groups"] = group
    inputs: list[Value | None] = [x, w]
    if node.input(2):
        bias = at.numbers(node, 2)
        if list(bias.shape) != [weights.shape[0]]:
            node.fail(ShapeError, f"a bias of shape {list(bias.shape)} for {weights.shape[0]} channels")
        inputs.append(at.constant(node, 2))
    at.emit(node, "depthwise_conv2d" if depthwise else "conv2d", inputs, attributes)


def _pool(at: Emitter, node: Node) -> None:
    x = at.activation(node, 0)
    window = window_of(node, x.shape, kernel_of(node))
    attributes = {**window.attributes(), "kernel": window.kernel}
    if node.op == "MaxPool":
        attributes["dilations"] = window.dilations
        at.emit(node, "max_pool2d", [x], attributes)
        return
    if window.dilations != [1, 1]:
        node.fail(UnsupportedOperatorError, "a dilated average")
    attributes["count_include_pad"] = 1 if node.integer("count_include_pad", 0) != 0 else 0
    at.emit(node, "average_pool2d", [x], attributes)


def _binary(op: str) -> Rule:
    def rule(at: Emitter, node: Node) -> None:
        at.emit(node, op, [at.activation(node, 0), at.activation(node, 1)], {})

    return rule


def _div(at: Emitter, node: Node) -> None:
    """Division by powers of two is an exact multiplication; any other divisor would round."""
    values = at.numbers(node, 1)
    if values.dtype != np.float32 or bool((values == 0).any()):
        node.fail(UnsupportedOperatorError, "a divisor that isn't float32, or is zero")
    mantissas = np.frexp(np.abs(values))[0]
    if not bool((mantissas == 0.5).all()):
        node.fail(
            UnsupportedOperatorError,
            "division; multiply by the reciprocal instead, so that the file holds the factor",
        )
    inverse = exact_float32(node, 1.0 / values.astype(np.float64))
    factor = at.changed_constant(node, 1, "inverse", inverse)
    at.emit(node, "mul", [at.activation(node, 0), factor], {})


def _unary(op: str) -> Rule:
    return lambda at, node: at.emit(node, op, [at.activation(node, 0)], {})


def _leaky_relu(at: Emitter, node: Node) -> None:
    at.emit(
        node, "leaky_relu", [at.activation(node, 0)], {"alpha": node.number("alpha", float(np.float32(0.01)))}
    )


def _clip(at: Emitter, node: Node) -> None:
    low, high = clip_limits(at.shapes, node)
    x = at.activation(node, 0)
    if (low, high) == (0.0, 6.0):
        at.emit(node, "relu6", [x], {})
    else:
        at.emit(node, "clip", [x], {"min": low, "max": high})


def _softmax(at: Emitter, node: Node) -> None:
    x = at.activation(node, 0)
    rank, old = len(x.shape), at.model.opset < 13
    axis = node.integer("axis", 1 if old else -1)
    if not -rank <= axis < rank:
        node.fail(ShapeError, f"axis {axis} doesn't fit rank {rank}")
    axis %= rank
    if old and any(d != 1 for d in x.shape[axis + 1 :]):
        node.fail(
            UnsupportedOperatorError,
            f"before operator set 13 this flattens the axes from {axis} on; export with 13 or later",
        )
    at.emit(node, "softmax", [x], {"axis": axis})


def _global_average_pool(at: Emitter, node: Node) -> None:
    at.emit(node, "global_average_pool", [at.activation(node, 0)], {"layout": "NCHW"})


def _mean(at: Emitter, node: Node) -> None:
    axes = mean_axes(at.shapes, node)
    if not axes:
        at.emit(node, "identity", [at.activation(node, 0)], {})
        return
    keep = 1 if node.integer("keepdims", 1) != 0 else 0
    at.emit(node, "mean", [at.activation(node, 0)], {"axes": axes, "keep_dims": keep})


def _pad(at: Emitter, node: Node) -> None:
    value = node.number("value", 0.0)
    if at.model.opset >= 11:
        given = at.shapes.constant(node, 2)
        if given is not None and (
            given.size != 1 or given.dtype != np.float32 or not np.isfinite(given).all()
        ):
            node.fail(UnsupportedOperatorError, "the value must be one finite float32 number")
        value = 0.0 if given is None else float(given.reshape(-1)[0])
    at.emit(node, "pad", [at.activation(node, 0)], {"pads": pads_of(at.shapes, node), "value": value})


def _concat(at: Emitter, node: Node) -> None:
    parts: list[Value | None] = [at.activation(node, i) for i in range(len(node.inputs))]
    at.emit(node, "concat", parts, {"axis": concat_axis(at.shapes, node)})


def _reshape(at: Emitter, node: Node) -> None:
    at.emit(node, "reshape", [at.activation(node, 0)], {"shape": at.shapes.of[node.outputs[0]]})


def _transpose(at: Emitter, node: Node) -> None:
    at.emit(node, "transpose", [at.activation(node, 0)], {"perm": permutation(at.shapes, node)})


def _slice(at: Emitter, node: Node) -> None:
    x = at.activation(node, 0)
    slices = slices_of(node, at.shapes.constants(node), x.shape)
    attributes = {
        "begin": [s.start for s in slices],
        "end": [max(s.stop, s.start) for s in slices],
        "strides": [s.step for s in slices],
    }
    at.emit(node, "strided_slice", [x], attributes)


def _dropout(at: Emitter, node: Node) -> None:
    training = at.shapes.constant(node, 2) if at.model.opset >= 12 else None
    if any(node.outputs[1:]) or (training is not None and bool(training.any())):
        node.fail(UnsupportedOperatorError, "dropout in training mode, or its mask")
    at.emit(node, "identity", [at.activation(node, 0)], {})


def _cast(at: Emitter, node: Node) -> None:
    x = at.activation(node, 0)
    if DTYPES.get(node.integer("to", 0)) != x.dtype or x.quantized is not None:
        node.fail(UnsupportedOperatorError, f"a cast from {x.dtype} at run time")
    at.emit(node, "identity", [x], {})


def _batch_norm(at: Emitter, node: Node) -> None:
    if node.integer("training_mode", 0) != 0 or any(node.outputs[1:]):
        node.fail(UnsupportedOperatorError, "batch normalisation in training mode")
    x = at.activation(node, 0)
    inputs: list[Value | None] = [x]
    for i in range(1, 5):
        values = at.numbers(node, i)
        if values.dtype != np.float32 or len(x.shape) < 2 or list(values.shape) != [x.shape[1]]:
            node.fail(ShapeError, f"input {i} must hold one float32 number per channel")
        inputs.append(at.constant(node, i))
    epsilon = node.number("epsilon", float(np.float32(1e-5)))
    at.emit(node, "batch_norm", inputs, {"epsilon": epsilon, "axis": 1})


def _quantize(at: Emitter, node: Node) -> None:
    at.emit(node, "quantize", [at.activation(node, 0)], {})


def _dequantize(at: Emitter, node: Node) -> None:
    x = at.activation(node, 0)
    if x.quantized is None:
        node.fail(ModelError, f"'{node.input(0)}' isn't quantised")
    at.emit(node, "dequantize", [x], {}, dtype="float32")


def _argmax(at: Emitter, node: Node) -> None:
    if node.integer("select_last_index", 0) != 0:
        node.fail(UnsupportedOperatorError, "select_last_index")
    x = at.activation(node, 0)
    keep = 1 if node.integer("keepdims", 1) != 0 else 0
    at.emit(node, "argmax", [x], {"axis": argmax_axis(at.shapes, node), "keep_dims": keep}, dtype="int64")


OPERATORS: dict[str, Rule] = {
    "Gemm": _dense,
    "MatMul": _dense,
    "Conv": _conv,
    "Add": _binary("add"),
    "Sub": _binary("sub"),
    "Mul": _binary("mul"),
    "Div": _div,
    "Relu": _unary("relu"),
    "Sigmoid": _unary("sigmoid"),
    "Tanh": _unary("tanh"),
    "LeakyRelu": _leaky_relu,
    "Clip": _clip,
    "Softmax": _softmax,
    "MaxPool": _pool,
    "AveragePool": _pool,
    "GlobalAveragePool": _global_average_pool,
    "ReduceMean": _mean,
    "Pad": _pad,
    "Concat": _concat,
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), _reshape),
    "Transpose": _transpose,
    "Slice": _slice,
    "Identity": _unary("identity"),
    "Dropout": _dropout,
    "Cast": _cast,
    "BatchNormalization": _batch_norm,
    "QuantizeLinear": _quantize,
    "DequantizeLinear": _dequantize,
    "ArgMax": _argmax,
}


def emit(at: Emitter, node: Node) -> None:
    """Emits one node; its float32 operands must be float32."""
    rule = OPERATORS.get(node.op)
    if rule is None:
        node.fail(UnsupportedOperatorError, "operator not supported")
    if node.op not in ("QuantizeLinear", "DequantizeLinear", "ArgMax"):
        value: Any = at.activation(node, 0)
        if value.dtype not in ("float32", "int8", "uint8") or (value.quantized is None) != (
            value.dtype == "float32"
        ):
            node.fail(UnsupportedTypeError, f"an operand of type {value.dtype} without scale")
    rule(at, node)
