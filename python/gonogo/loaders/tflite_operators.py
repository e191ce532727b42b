"""How each TensorFlow Lite operator is said in canonical operators. OPERATORS lists them all."""

from __future__ import annotations

from collections.abc import Callable

from gonogo.errors import ModelError, QuantizationError, ShapeError, UnsupportedOperatorError
from gonogo.loaders import tflite_movement as movement
from gonogo.loaders import tflite_schema as schema
from gonogo.loaders.tflite_node import Attribute, Operation, Translated

Rule = Callable[[Operation], Translated]


def _need_rank(node: Operation, i: int, rank: int, what: str) -> list[int]:
    shape = node.input(i).shape
    if len(shape) != rank:
        node.fail(ShapeError, f"{what} must have {rank} dimensions, they are {shape}")
    return shape


def _weighted(node: Operation) -> list[int]:
    return [node.inputs[0], node.inputs[1], node.inputs[2] if node.has(2) else -1]


def fully_connected(node: Operation) -> Translated:
    node.need_arithmetic_type(0)
    _need_rank(node, 1, 2, "weights")
    node.check_weights(axis=0, symmetric=False)
    node.check_bias()
    table = node.table("FullyConnectedOptions")
    field = schema.FullyConnectedOptions
    if table.i8(field.WEIGHTS_FORMAT):
        node.fail(
            UnsupportedOperatorError, "shuffled weights are not supported; convert the model for any device"
        )
    attributes: dict[str, Attribute] = {
        "keep_dims": int(bool(table.u8(field.KEEP_NUM_DIMS))),
        "activation": node.activation(table, field.FUSED_ACTIVATION_FUNCTION),
    }
    return Translated("dense", _weighted(node), attributes)


def conv_2d(node: Operation) -> Translated:
    node.need_arithmetic_type(0)
    x = _need_rank(node, 0, 4, "inputs")
    w = _need_rank(node, 1, 4, "weights")
    node.check_weights(axis=0, symmetric=True)
    node.check_bias()
    table = node.table("Conv2DOptions")
    field = schema.Conv2DOptions
    grouped = w[3] > 0 and x[3] % w[3] == 0
    attributes: dict[str, Attribute] = {
        "strides": [table.i32(field.STRIDE_H), table.i32(field.STRIDE_W)],
        "dilations": [table.i32(field.DILATION_H_FACTOR, 1), table.i32(field.DILATION_W_FACTOR, 1)],
        "padding": node.padding(table, field.PADDING),
        "groups": max(x[3] // w[3], 1) if grouped else 1,
        "activation": node.activation(table, field.FUSED_ACTIVATION_FUNCTION),
    }
    return Translated("conv2d", _weighted(node), attributes)


def depthwise_conv_2d(node: Operation) -> Translated:
    node.need_arithmetic_type(0)
    x = _need_rank(node, 0, 4, "inputs")
    w = _need_rank(node, 1, 4, "weights")
    node.check_weights(axis=3, symmetric=True)
    node.check_bias()
    table = node.table("DepthwiseConv2DOptions")
    field = schema.DepthwiseConv2DOptions
    multiplier = table.i32(field.DEPTH_MULTIPLIER)
    if multiplier < 1 or x[3] * multiplier != w[3]:
        node.fail(
            ShapeError,
            f"{x[3]} channels times multiplier {multiplier} are not the {w[3]} channels of the weights",
        )
    attributes: dict[str, Attribute] = {
        "strides": [table.i32(field.STRIDE_H), table.i32(field.STRIDE_W)],
        "dilations": [table.i32(field.DILATION_H_FACTOR, 1), table.i32(field.DILATION_W_FACTOR, 1)],
        "padding": node.padding(table, field.PADDING),
        "activation": node.activation(table, field.FUSED_ACTIVATION_FUNCTION),
    }
    return Translated("depthwise_conv2d", _weighted(node), attributes)


def _pool(op: str) -> Rule:
    def rule(node: Operation) -> Translated:
        node.need_arithmetic_type(0)
        table = node.table("Pool2DOptions")
        field = schema.Pool2DOptions
        attributes: dict[str, Attribute] = {
            "kernel": [table.i32(field.FILTER_HEIGHT), table.i32(field.FILTER_WIDTH)],
            "strides": [table.i32(field.STRIDE_H), table.i32(field.STRIDE_W)],
            "padding": node.padding(table, field.PADDING),
            "activation": node.activation(table, field.FUSED_ACTIVATION_FUNCTION),
        }
        return Translated(op, [node.inputs[0]], attributes)

    return rule


def _binary(op: str, kind: str) -> Rule:
    def rule(node: Operation) -> Translated:
        node.need_arithmetic_type(0, 1)
        table = node.options(kind, required=False)
        attributes: dict[str, Attribute] = {"activation": node.activation(table, 0)}
        if op != "mul" and node.output().dtype == "int16":
            # The field's default in the schema is true.
            attributes["pot_scales"] = int(table is None or bool(table.u8(1, 1)))
        return Translated(op, node.inputs[:2], attributes)

    return rule


def _unary(op: str, **attributes: Attribute) -> Rule:
    def rule(node: Operation) -> Translated:
        node.need_arithmetic_type(0)
        return Translated(op, [node.inputs[0]], dict(attributes))

    return rule


def leaky_relu(node: Operation) -> Translated:
    node.need_arithmetic_type(0)
    alpha = node.finite(node.table("LeakyReluOptions").f32(0), "alpha")
    return Translated("leaky_relu", [node.inputs[0]], {"alpha": alpha})


def softmax(node: Operation) -> Translated:
    node.need_arithmetic_type(0)
    beta = node.finite(node.table("SoftmaxOptions").f32(0), "beta")
    if beta <= 0:
        node.fail(ModelError, f"beta is {beta}; it must be positive")
    return Translated("softmax", [node.inputs[0]], {"axis": -1, "beta": beta})


def _reduce(op: str) -> Rule:
    def rule(node: Operation) -> Translated:
        node.need_arithmetic_type(0)
        table = node.options("ReducerOptions", required=False)
        axes = node.constant_integers(1, "axes")
        keep = int(bool(table.u8(0))) if table is not None else 0
        return Translated(op, list(node.inputs), {"axes": axes, "keep_dims": keep})

    return rule


def quantize(node: Operation) -> Translated:
    if node.output().quantization is None:
        node.fail(QuantizationError, "the output has no scale")
    return Translated("quantize", [node.inputs[0]])


def dequantize(node: Operation) -> Translated:
    if node.input(0).quantization is None:
        node.fail(QuantizationError, "the input has no scale")
    return Translated("dequantize", [node.inputs[0]])


def arg_max(node: Operation) -> Translated:
    axes = node.constant_integers(1, "axes")
    if len(axes) != 1:
        node.fail(ModelError, f"one axis is expected, not {axes}")
    return Translated("argmax", list(node.inputs), {"axis": axes[0], "keep_dims": 0})


def _cost_only(op: str) -> Rule:
    return lambda node: Translated(op, list(node.inputs))


OPERATORS: dict[str, Rule] = {
    "FULLY_CONNECTED": fully_connected,
    "CONV_2D": conv_2d,
    "DEPTHWISE_CONV_2D": depthwise_conv_2d,
    "ADD": _binary("add", "AddOptions"),
    "SUB": _binary("sub", "SubOptions"),
    "MUL": _binary("mul", "MulOptions"),
    "RELU": _unary("relu"),
    "RELU6": _unary("relu6"),
    "RELU_N1_TO_1": _unary("clip", min=-1.0, max=1.0),
    "LEAKY_RELU": leaky_relu,
    "LOGISTIC": _unary("sigmoid"),
    "TANH": _unary("tanh"),
    "SOFTMAX": softmax,
    "MAX_POOL_2D": _pool("max_pool2d"),
    "AVERAGE_POOL_2D": _pool("average_pool2d"),
    "MEAN": _reduce("mean"),
    "PAD": movement.pad,
    "PADV2": movement.pad_v2,
    "CONCATENATION": movement.concatenation,
    "RESHAPE": movement.reshape,
    "SQUEEZE": movement.squeeze,
    "EXPAND_DIMS": movement.expand_dims,
    "TRANSPOSE": movement.transpose,
    "STRIDED_SLICE": movement.strided_slice,
    "SHAPE": movement.shape_of,
    "PACK": movement.pack,
    "QUANTIZE": quantize,
    "DEQUANTIZE": dequantize,
    "ARG_MAX": arg_max,
    "TILE": _cost_only("tile"),
    "REDUCE_MAX": _reduce("reduce_max"),
    "RESIZE_BILINEAR": _cost_only("resize_bilinear"),
    "RESIZE_NEAREST_NEIGHBOR": _cost_only("resize_nearest"),
    "LOG_SOFTMAX": _cost_only("log_softmax"),
}
