"""A concrete graph of an architecture as a TensorFlow Lite file, operator by operator."""

from __future__ import annotations

from typing import Any

import numpy as np
from gonogo import _core

from .tflite_writer import Operator, Tensor, write_model

ACTIVATIONS = {"none": 0, "relu": 1, "relu_n1_to_1": 2, "relu6": 3}
CODES = {
    "conv2d": ("CONV_2D", "Conv2DOptions"),
    "depthwise_conv2d": ("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions"),
    "dense": ("FULLY_CONNECTED", "FullyConnectedOptions"),
    "add": ("ADD", "AddOptions"),
    "mul": ("MUL", "MulOptions"),
    "concat": ("CONCATENATION", "ConcatenationOptions"),
    "max_pool2d": ("MAX_POOL_2D", "Pool2DOptions"),
    "average_pool2d": ("AVERAGE_POOL_2D", "Pool2DOptions"),
    "mean": ("MEAN", "ReducerOptions"),
    "reshape": ("RESHAPE", "ReshapeOptions"),
    "pad": ("PAD", "PadOptions"),
    "relu": ("RELU", ""),
    "relu6": ("RELU6", ""),
    "sigmoid": ("LOGISTIC", ""),
    "tanh": ("TANH", ""),
    "softmax": ("SOFTMAX", "SoftmaxOptions"),
}
SCALE = 0.5
OUTPUT_SCALES = {"softmax": (1 / 256, -128), "sigmoid": (1 / 256, -128), "tanh": (1 / 128, 0)}


def write_graph(graph: _core.Graph) -> bytes:
    """Int8 scales are all one half (the runtime insists on its own for softmax and the like); weights are ones."""
    names: dict[str, int] = {}
    tensors: list[Tensor] = []
    producers = {node.outputs[0]: node for node in graph.nodes}

    def add(name: str, tensor: Tensor) -> int:
        names[name] = len(tensors)
        tensors.append(tensor)
        return names[name]

    def activation(name: str) -> None:
        t = graph.tensor(name)
        scale, zero = _scale(producers, name)
        add(name, Tensor(t.shape, t.dtype, scale if t.dtype == "int8" else None, zero))

    for name in graph.inputs:
        activation(name)
    operators = []
    for node in graph.nodes:
        inputs = []
        for position, name in enumerate(node.inputs):
            if name not in names:
                assert graph.tensor(name).is_constant
                add(name, _constant(graph, node, position, name))
            inputs.append(names[name])
        for name in node.outputs:
            activation(name)
        code, options = CODES[node.op]
        outputs = [names[n] for n in node.outputs]
        operators.append(Operator(code, inputs, outputs, options, _fields(node, graph)))
    return write_model(
        tensors, operators, [names[n] for n in graph.inputs], [names[n] for n in graph.outputs]
    )


def _scale(producers: dict[str, Any], name: str) -> tuple[float, int]:
    """Copying operators keep the scale of what they copy."""
    node = producers.get(name)
    if node is None:
        return SCALE, 0
    if node.op in OUTPUT_SCALES:
        return OUTPUT_SCALES[node.op]
    return SCALE, 0


def _constant(graph: _core.Graph, node: Any, position: int, name: str) -> Tensor:
    t = graph.tensor(name)
    if node.op == "mean":
        return Tensor((2,), "int32", values=np.array([1, 2], np.int32))
    if node.op == "reshape":
        values = np.array(graph.tensor(node.outputs[0]).shape, np.int32)
        return Tensor(values.shape, "int32", values=values)
    if node.op == "pad":
        values = np.array(_number(node.attributes["pads"]), np.int32).reshape(2, 4).T
        return Tensor((4, 2), "int32", values=values)
    values = np.ones(t.shape, t.dtype)
    if t.dtype == "float32":
        return Tensor(t.shape, t.dtype, values=values)
    axis = 3 if node.op == "depthwise_conv2d" and position == 1 else 0
    scales = np.full(t.shape[axis], SCALE if position == 1 else SCALE * SCALE, np.float32)
    return Tensor(t.shape, t.dtype, scales, 0, axis, values)


def _number(value: Any) -> Any:
    """Attributes of a concrete graph are numbers, or expressions that are."""
    if isinstance(value, list):
        return [_number(v) for v in value]
    return value.value if isinstance(value, _core.Expr) else value


def _fields(node: Any, graph: _core.Graph) -> dict[str, Any]:
    a = {key: _number(value) for key, value in node.attributes.items()}
    fields: dict[str, Any] = {}
    if "strides" in a:
        fields.update(StrideH=a["strides"][0], StrideW=a["strides"][1], Padding=int(a["padding"] == "valid"))
    if node.op in ("conv2d", "depthwise_conv2d"):
        fields.update(DilationHFactor=1, DilationWFactor=1)
    if node.op == "depthwise_conv2d":
        channels = graph.tensor(node.inputs[0]).shape[3]
        fields["DepthMultiplier"] = graph.tensor(node.outputs[0]).shape[3] // channels
    if "pool" in node.op:
        fields.update(FilterHeight=a["kernel"][0], FilterWidth=a["kernel"][1])
    if node.op == "concat":
        fields["Axis"] = 3
    if node.op == "mean":
        fields["KeepDims"] = bool(a["keep_dims"])
    if node.op == "softmax":
        fields["Beta"] = 1.0
    if "activation" in a and a["activation"] != "none":
        fields["FusedActivationFunction"] = ACTIVATIONS[a["activation"]]
    return fields
