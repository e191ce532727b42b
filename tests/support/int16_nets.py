"""Random TensorFlow Lite networks on int16 activations."""

from __future__ import annotations

from typing import Any

import numpy as np

from .int16_cases import UNIT
from .tflite_writer import Array, Operator, Tensor, write_model

Rng = np.random.Generator


class _Net:
    """Layers one behind the other, with output scales around the size of what they compute."""

    def __init__(self, rng: Rng) -> None:
        self.rng = rng
        self.tensors: list[Tensor] = []
        self.operators: list[Operator] = []
        self.size: dict[int, float] = {}  # about the largest magnitude of a tensor

    def live(self, shape: list[int], size: float, dtype: str = "int16") -> int:
        scale = size / (32000.0 if dtype == "int16" else 120.0) * float(self.rng.uniform(0.7, 1.3))
        self.tensors.append(Tensor(shape, dtype, scale=float(np.float32(scale))))
        self.size[len(self.tensors) - 1] = size
        return len(self.tensors) - 1

    def add(self, tensor: Tensor) -> int:
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def integers(self, values: list[int]) -> int:
        return self.add(Tensor([len(values)], "int32", values=np.array(values, np.int32)))

    def scale(self, t: int) -> float:
        return float(np.asarray(self.tensors[t].scale))

    def node(self, code: str, inputs: list[int], output: int, options: str = "", **fields: Any) -> int:
        self.operators.append(Operator(code, inputs, [output], options, fields))
        return output

    def layer(
        self, code: str, x: int, weights: list[int], axis: int, out: list[int], options: str, **f: Any
    ) -> int:
        taps = int(np.prod(weights)) // weights[axis]
        scales = np.exp(self.rng.uniform(-7, -5, weights[axis])).astype(np.float32)
        values: Array = self.rng.integers(-127, 128, weights).astype(np.int8)
        w = self.add(Tensor(weights, scale=scales, axis=axis, values=values))
        size = self.size[x] * 40 * float(scales.max()) * np.sqrt(taps)
        unit = (np.float32(self.scale(x)) * scales).astype(np.float32)
        bias = self.rng.uniform(-0.2, 0.2, weights[axis]) * size / unit
        b = self.add(Tensor([weights[axis]], "int64", scale=unit, values=bias.astype(np.int64)))
        return self.node(code, [x, w, b], self.live(out, size), options, **f)


def random_net(rng: Rng, floats: bool = False, curves: bool = True, last: bool = False) -> bytes:
    """Convolution, depthwise convolution, pool, sum, product, mean, dense, softmax; with `curves` sigmoid and tanh too.

    Every layer is an output, or the last one alone. `floats`: float32 outside, quantised inside.
    """
    net = _Net(rng)
    channels, classes, side = int(rng.integers(3, 10)), int(rng.integers(2, 8)), int(rng.integers(4, 8))
    image = [1, side, side, channels]
    start = x = net.live([1, side, side, 2], 4.0)
    if floats:
        start = net.add(Tensor([1, side, side, 2], "float32"))
        net.node("QUANTIZE", [start], x)
    act = {"FusedActivationFunction": int(rng.choice([0, 1, 3]))}
    plain = {"StrideH": 1, "StrideW": 1, "Padding": 0}
    conv = net.layer("CONV_2D", x, [channels, 3, 3, 2], 0, image, "Conv2DOptions", **plain, **act)
    depthwise = net.layer(
        "DEPTHWISE_CONV_2D", conv, [1, 3, 3, channels], 3, image, "DepthwiseConv2DOptions", DepthMultiplier=1,
        **plain, FusedActivationFunction=int(rng.choice([0, 1])),
    )  # fmt: skip
    code = str(rng.choice(["ADD", "SUB"]))
    total = net.node(
        code, [conv, depthwise], net.live(image, net.size[conv] + net.size[depthwise]),
        f"{code.capitalize()}Options", PotScaleInt16=False,
    )  # fmt: skip
    outputs = [conv, depthwise, total]
    if curves:
        gate = net.add(Tensor(image, "int16", scale=UNIT))
        net.size[gate] = 1.0
        outputs.append(net.node(str(rng.choice(["LOGISTIC", "TANH"])), [total], gate))
        outputs.append(net.node("MUL", [total, gate], net.live(image, net.size[total]), "MulOptions"))
    size = net.size[outputs[-1]]
    leaky = net.node("LEAKY_RELU", [outputs[-1]], net.live(image, size), "LeakyReluOptions", Alpha=0.2)
    pool = {"FilterHeight": 2, "FilterWidth": 2, "StrideH": 2, "StrideW": 2, "Padding": 0}
    half = [1, (side + 1) // 2, (side + 1) // 2, channels]
    pooled = net.add(Tensor(half, "int16", scale=net.tensors[leaky].scale))
    net.size[pooled] = size
    net.node(str(rng.choice(["AVERAGE", "MAX"])) + "_POOL_2D", [leaky], pooled, "Pool2DOptions", **pool)
    mean = net.node(
        "MEAN",
        [pooled, net.integers([1, 2])],
        net.live([1, channels], size / 2),
        "ReducerOptions",
        KeepDims=False,
    )
    logits = net.layer("FULLY_CONNECTED", mean, [classes, channels], 0, [1, classes], "FullyConnectedOptions")
    outputs += [leaky, pooled, mean, logits]
    if curves:
        probabilities = net.add(Tensor([1, classes], "int16", scale=UNIT))
        outputs.append(net.node("SOFTMAX", [logits], probabilities, "SoftmaxOptions", Beta=1.0))
    narrow = net.live([1, classes], net.size[logits], "int8")
    outputs.append(net.node("QUANTIZE", [logits], narrow))
    if floats:
        outputs.append(net.node("DEQUANTIZE", [logits], net.add(Tensor([1, classes], "float32"))))
    return write_model(net.tensors, net.operators, [start], outputs[-1:] if last else outputs)
