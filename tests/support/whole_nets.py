"""Random int8 TensorFlow Lite networks of several layers, and what each runtime makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .tflite_writer import Array, Operator, Tensor, write_model

Rng = np.random.Generator


def random_chain(rng: Rng) -> bytes:
    """Convolution, depthwise convolution, residual sum, product, activation, mean, dense, softmax; every scale random.

    One output per layer, so that a comparison sees where runtimes part.
    """
    channels, classes, side = int(rng.integers(3, 20)), int(rng.integers(2, 12)), int(rng.integers(4, 9))
    tensors: list[Tensor] = []
    operators: list[Operator] = []

    def tensor(t: Tensor) -> int:
        tensors.append(t)
        return len(tensors) - 1

    def live(shape: list[int], lo: float = 0.02, hi: float = 0.08) -> int:
        return tensor(
            Tensor(shape, scale=float(rng.uniform(lo, hi)), zero_point=int(rng.integers(-128, 100)))
        )

    def constant(shape: list[int], axis: int) -> int:
        scales = np.exp(rng.uniform(-7, -4.5, shape[axis])).astype(np.float32)
        return tensor(
            Tensor(shape, scale=scales, axis=axis, values=rng.integers(-127, 128, shape).astype(np.int8))
        )

    def bias(x: int, w: int) -> int:
        scales = np.float32(tensors[x].scale) * np.asarray(tensors[w].scale, np.float32)
        values = rng.integers(-4000, 4000, scales.size).astype(np.int32)
        return tensor(Tensor([scales.size], "int32", scale=scales, values=values))

    def layer(code: str, inputs: list[int], output: int, options: str = "", **fields: Any) -> int:
        operators.append(Operator(code, inputs, [output], options, fields))
        return output

    image = [1, side, side, channels]
    stride = {"StrideH": 1, "StrideW": 1, "Padding": 0, "FusedActivationFunction": int(rng.choice([0, 1, 3]))}
    x = live([1, side, side, 3])
    w = constant([channels, 3, 3, 3], 0)
    conv = layer("CONV_2D", [x, w, bias(x, w)], live(image), "Conv2DOptions", **stride)
    w = constant([1, 3, 3, channels], 3)
    depthwise = layer(
        "DEPTHWISE_CONV_2D", [conv, w, bias(conv, w)], live(image), "DepthwiseConv2DOptions",
        DepthMultiplier=1, **stride,
    )  # fmt: skip
    residual = layer("ADD", [conv, depthwise], live(image), "AddOptions", FusedActivationFunction=0)
    if rng.random() < 0.5:
        gate = tensor(Tensor(image, scale=1 / 256, zero_point=-128))
        layer("LOGISTIC", [residual], gate)
        residual = layer("MUL", [residual, gate], live(image), "MulOptions", FusedActivationFunction=0)
    leaky = layer(
        "LEAKY_RELU", [residual], live(image), "LeakyReluOptions", Alpha=float(rng.uniform(0.05, 0.4))
    )
    axes = tensor(Tensor([2], "int32", values=np.array([1, 2], np.int32)))
    keep = bool(rng.random() < 0.5)
    pooled = live([1, 1, 1, channels] if keep else [1, channels], 0.01, 0.05)
    layer("MEAN", [leaky, axes], pooled, "ReducerOptions", KeepDims=keep)
    w = constant([classes, channels], 0)
    logits = layer(
        "FULLY_CONNECTED", [pooled, w, bias(pooled, w)], live([1, classes]), "FullyConnectedOptions"
    )
    classified = tensor(Tensor([1, classes], scale=1 / 256, zero_point=-128))
    layer("SOFTMAX", [logits], classified, "SoftmaxOptions", Beta=1.0)
    return write_model(
        tensors, operators, [x], [conv, depthwise, residual, leaky, pooled, logits, classified]
    )


def dequantise(graph: Any, name: str, integers: Array) -> Array:
    """Exact in binary64."""
    q = graph.tensor(name).quantization
    return (integers.astype(np.float64) - q.zero_points[0]) * float(np.float32(q.scales[0]))
