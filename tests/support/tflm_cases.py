"""Random single-operator int8 models within what TensorFlow Lite for Microcontrollers accepts.

Every builder takes a generator and returns a file's bytes. Shapes, scales, zero points, activations and the choice
between per-tensor and per-channel weights are drawn anew each time; output scales are drawn around the size of the
result, so that some models saturate and others use a few integers only.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .tflite_writer import Array, Tensor, single_operator

Rng = np.random.Generator
Builder = Callable[[Rng], bytes]


def scale(rng: Rng, lo: float = 1e-3, hi: float = 0.5) -> float:
    return float(np.float32(np.exp(rng.uniform(np.log(lo), np.log(hi)))))


def zero_point(rng: Rng) -> int:
    return int(rng.choice([-128, 127, 0, int(rng.integers(-128, 128))]))


def live(rng: Rng, shape: list[int], lo: float = 1e-3, hi: float = 0.5) -> Tensor:
    return Tensor(shape, scale=scale(rng, lo, hi), zero_point=zero_point(rng))


def integer(rng: Rng, lo: int, hi: int) -> int:
    return int(rng.integers(lo, hi + 1))


def activation(rng: Rng) -> int:
    return int(rng.choice([0, 0, 1, 2, 3]))  # none, relu, relu_n1_to_1, relu6


def _weights(rng: Rng, shape: list[int], channels: int, axis: int, bits: int) -> Tensor:
    least = -127 if bits == 8 else -8  # the runtimes' own quantiser leaves -128 out
    values = rng.integers(least, 1 << (bits - 1), shape).astype(np.int8)
    per_channel = channels > 1 and rng.random() < 0.7
    scales: Any = scale(rng, 1e-4, 0.1)
    if per_channel:
        scales = np.exp(rng.uniform(np.log(1e-4), np.log(0.1), channels)).astype(np.float32)
    return Tensor(shape, f"int{bits}", scale=scales, axis=axis, values=values)


def _bias(rng: Rng, x: Tensor, w: Tensor, channels: int, taps: int) -> Tensor:
    most = 127 if w.dtype == "int8" else 8
    reach = int(rng.choice([100, most * 64 * int(np.sqrt(taps)) + 1, 2**26]))
    values = rng.integers(-reach, reach, channels).astype(np.int32)
    scales = np.asarray(w.scale, dtype=np.float32) * np.float32(
        x.scale
    )  # XNNPACK wants as many as the weights have
    return Tensor([channels], "int32", scale=scales, values=values)


def _result(rng: Rng, shape: list[int], x: Tensor, w: Tensor, taps: int) -> Tensor:
    typical = 74.0 if w.dtype == "int8" else 4.6
    spread = 74.0 * typical * np.sqrt(taps) * float(np.max(np.asarray(w.scale))) * float(np.asarray(x.scale))
    steps = float(np.exp(rng.uniform(np.log(5.0), np.log(400.0))))
    return Tensor(shape, scale=float(np.float32(spread / steps)), zero_point=zero_point(rng))


def dense(rng: Rng, bits: int = 8) -> bytes:
    rows, ins, outs = integer(rng, 1, 24), integer(rng, 1, 300), integer(rng, 1, 48)
    x, w = live(rng, [rows, ins]), _weights(rng, [outs, ins], outs, 0, bits)
    operands = [x, w]
    if rng.random() < 0.8:
        operands.append(_bias(rng, x, w, outs, ins))
    y = _result(rng, [rows, outs], x, w, ins)
    return single_operator(
        "FULLY_CONNECTED", operands, y, "FullyConnectedOptions", FusedActivationFunction=activation(rng)
    )


def _convolved(size: int, kernel: int, stride: int, dilation: int, same: bool) -> int:
    reach = (kernel - 1) * dilation + 1
    return -(-size // stride) if same else (size - reach) // stride + 1


def geometry(rng: Rng, dilated: bool) -> tuple[dict[str, int], list[int], list[int], list[int]]:
    """Options, spatial input size, kernel, spatial output size."""
    same = bool(rng.random() < 0.5)
    fields = {"Padding": 0 if same else 1}
    size, kernel, out = [], [], []
    for axis in "HW":
        k, s = integer(rng, 1, 5), integer(rng, 1, 3)
        d = integer(rng, 1, 2) if dilated and s == 1 else 1
        n = integer(rng, (k - 1) * d + 1, 14)
        fields[f"Stride{axis}"] = s
        if dilated:
            fields[f"Dilation{axis}Factor"] = d
        size.append(n)
        kernel.append(k)
        out.append(_convolved(n, k, s, d, same))
    return fields, size, kernel, out


def conv2d(rng: Rng, bits: int = 8) -> bytes:
    fields, size, kernel, out = geometry(rng, True)
    groups = int(rng.choice([1, 1, 1, 2]))
    ins, outs = groups * integer(rng, 1, 16), groups * integer(rng, 1, 16)
    x = live(rng, [1, *size, ins])
    w = _weights(rng, [outs, *kernel, ins // groups], outs, 0, bits)
    taps = kernel[0] * kernel[1] * ins // groups
    y = _result(rng, [1, *out, outs], x, w, taps)
    operands = [x, w, _bias(rng, x, w, outs, taps)]
    fields["FusedActivationFunction"] = activation(rng)
    return single_operator("CONV_2D", operands, y, "Conv2DOptions", **fields)


def depthwise_conv2d(rng: Rng, bits: int = 8) -> bytes:
    fields, size, kernel, out = geometry(rng, True)
    ins, multiplier = integer(rng, 1, 24), integer(rng, 1, 3)
    outs = ins * multiplier
    x = live(rng, [1, *size, ins])
    w = _weights(rng, [1, *kernel, outs], outs, 3, bits)
    taps = kernel[0] * kernel[1]
    y = _result(rng, [1, *out, outs], x, w, taps)
    operands = [x, w, _bias(rng, x, w, outs, taps)]
    fields |= {"FusedActivationFunction": activation(rng), "DepthMultiplier": multiplier}
    return single_operator("DEPTHWISE_CONV_2D", operands, y, "DepthwiseConv2DOptions", **fields)


def _pair(rng: Rng) -> tuple[Tensor, Tensor, list[int]]:
    full = [integer(rng, 1, 4), integer(rng, 1, 12), integer(rng, 1, 12), integer(rng, 1, 12)]
    other = list(full)
    choice = rng.integers(4)
    if choice == 1:  # every pair of integers
        full, other, out = [1, 1, 256, 1], [1, 1, 1, 256], [1, 1, 256, 256]
    else:
        if choice == 2:
            other = [n if rng.random() < 0.5 else 1 for n in full]
        if choice == 3:
            other = full[-1:]
        out = full
    a, b = live(rng, full), live(rng, other)
    if choice != 1 and rng.random() < 0.3:
        values = rng.integers(-128, 128, other).astype(np.int8)
        b = Tensor(other, scale=b.scale, zero_point=b.zero_point, values=values)
    return a, b, out


def _sum(code: str, options: str) -> Builder:
    def build(rng: Rng) -> bytes:
        a, b, shape = _pair(rng)
        widest = max(float(np.asarray(a.scale)), float(np.asarray(b.scale)))
        y = Tensor(shape, scale=scale(rng, widest / 3, widest * 6), zero_point=zero_point(rng))
        return single_operator(code, [a, b], y, options, FusedActivationFunction=activation(rng))

    return build


def mul(rng: Rng) -> bytes:
    a, b, shape = _pair(rng)
    product = float(np.asarray(a.scale)) * float(np.asarray(b.scale))
    y = Tensor(shape, scale=scale(rng, product * 2, product * 500), zero_point=zero_point(rng))
    return single_operator("MUL", [a, b], y, "MulOptions", FusedActivationFunction=activation(rng))


EVERY = [1, 16, 16, 2]  # all 256 integers, twice


def relu(rng: Rng) -> bytes:
    x = live(rng, EVERY)
    s = float(np.asarray(x.scale))
    y = Tensor(EVERY, scale=scale(rng, s / 4, s * 4), zero_point=zero_point(rng))
    return single_operator("RELU", [x], y)


def relu6(rng: Rng) -> bytes:
    x = Tensor(EVERY, scale=scale(rng, 0.005, 1.0), zero_point=zero_point(rng))
    return single_operator("RELU6", [x], x)


def leaky_relu(rng: Rng) -> bytes:
    x = live(rng, EVERY)
    s = float(np.asarray(x.scale))
    y = Tensor(EVERY, scale=scale(rng, s / 4, s * 4), zero_point=zero_point(rng))
    alpha = float(rng.choice([0.0, 0.1, 0.2, 0.3, 1.5, -0.5, rng.uniform(-1, 2)]))
    return single_operator("LEAKY_RELU", [x], y, "LeakyReluOptions", Alpha=alpha)


def sigmoid(rng: Rng) -> bytes:
    y = Tensor(EVERY, scale=1 / 256, zero_point=-128)
    return single_operator("LOGISTIC", [live(rng, EVERY, 1e-4, 2.0)], y)


def tanh(rng: Rng) -> bytes:
    return single_operator("TANH", [live(rng, EVERY, 1e-4, 2.0)], Tensor(EVERY, scale=1 / 128))


def quantize(rng: Rng) -> bytes:
    x = live(rng, EVERY)
    s = float(np.asarray(x.scale))
    y = Tensor(EVERY, scale=scale(rng, s / 8, s * 8), zero_point=zero_point(rng))
    return single_operator("QUANTIZE", [x], y)


def softmax(rng: Rng) -> bytes:
    shape = [integer(rng, 1, 200), integer(rng, 1, 40)]
    if rng.random() < 0.05:
        shape = [integer(rng, 1, 4), integer(rng, 256, 511)]
    y = Tensor(shape, scale=1 / 256, zero_point=-128)
    beta = float(rng.choice([1.0, 1.0, 0.5, 2.0]))
    return single_operator("SOFTMAX", [live(rng, shape, 1e-4, 2.0)], y, "SoftmaxOptions", Beta=beta)


def _pool(code: str) -> Builder:
    def build(rng: Rng) -> bytes:
        fields, size, kernel, out = geometry(rng, False)
        channels = integer(rng, 1, 24)
        x = live(rng, [1, *size, channels])
        y = Tensor([1, *out, channels], scale=x.scale, zero_point=x.zero_point)
        fields |= {
            "FilterHeight": kernel[0],
            "FilterWidth": kernel[1],
            "FusedActivationFunction": activation(rng),
        }
        return single_operator(code, [x], y, "Pool2DOptions", **fields)

    return build


def mean(rng: Rng) -> bytes:
    shape = [1, integer(rng, 1, 12), integer(rng, 1, 12), integer(rng, 1, 40)]
    pick = rng.random()
    axes = [1, 2] if pick < 0.5 else sorted({integer(rng, 1, 3) for _ in range(integer(rng, 1, 2))})
    keep = bool(rng.random() < 0.5)
    out = [1 if i in axes else n for i, n in enumerate(shape) if keep or i not in axes]
    x = live(rng, shape)
    y = (
        x
        if rng.random() < 0.3
        else live(rng, shape, float(np.asarray(x.scale)) / 8, float(np.asarray(x.scale)) * 2)
    )
    result = Tensor(out, scale=y.scale, zero_point=y.zero_point)
    constant = Tensor([len(axes)], "int32", values=np.array(axes, dtype=np.int32))
    return single_operator("MEAN", [x, constant], result, "ReducerOptions", KeepDims=keep)


def pad(rng: Rng) -> bytes:
    shape = [1, integer(rng, 1, 9), integer(rng, 1, 9), integer(rng, 1, 9)]
    pads = rng.integers(0, 3, (4, 2))
    pads[0] = 0
    out = [int(n + p.sum()) for n, p in zip(shape, pads, strict=True)]
    x = live(rng, shape)
    constant = Tensor([4, 2], "int32", values=pads.astype(np.int32))
    return single_operator("PAD", [x, constant], Tensor(out, scale=x.scale, zero_point=x.zero_point))


def concat(rng: Rng) -> bytes:
    shape = [1, integer(rng, 1, 9), integer(rng, 1, 9), integer(rng, 1, 9)]
    axis = integer(rng, 1, 3)
    x = live(rng, shape)
    parts = []
    for _ in range(integer(rng, 2, 4)):
        shape = [integer(rng, 1, 9) if i == axis else n for i, n in enumerate(shape)]
        parts.append(Tensor(shape, scale=x.scale, zero_point=x.zero_point))
    out = [sum(p.shape[axis] for p in parts) if i == axis else n for i, n in enumerate(shape)]
    y = Tensor(out, scale=x.scale, zero_point=x.zero_point)
    return single_operator("CONCATENATION", parts, y, "ConcatenationOptions", Axis=axis)


def _same_scale(
    code: str, x: Tensor, constants: list[Array], out: list[int], kind: str = "", **f: Any
) -> bytes:
    operands = [Tensor(c.shape, "int32", values=c.astype(np.int32)) for c in constants]
    return single_operator(
        code, [x, *operands], Tensor(out, scale=x.scale, zero_point=x.zero_point), kind, **f
    )


def reshape(rng: Rng) -> bytes:
    shape = [1, integer(rng, 1, 9), integer(rng, 1, 9), integer(rng, 1, 9)]
    out = [1, shape[1] * shape[2], shape[3]]
    return _same_scale("RESHAPE", live(rng, shape), [np.array(out)], out)


def transpose(rng: Rng) -> bytes:
    shape = [1, integer(rng, 1, 9), integer(rng, 1, 9), integer(rng, 1, 9)]
    order = rng.permutation(4)
    return _same_scale("TRANSPOSE", live(rng, shape), [order], [shape[i] for i in order], "TransposeOptions")


def strided_slice(rng: Rng) -> bytes:
    shape = [1, *(integer(rng, 2, 24) for _ in range(3))]
    begin = np.array([0, *(integer(rng, 0, n - 1) for n in shape[1:])])
    end = np.array([1, *(integer(rng, b + 1, n) for b, n in zip(begin[1:], shape[1:], strict=True))])
    step = np.array([1, *(integer(rng, 1, 2) for _ in range(3))])
    out = [int(-(-(e - b) // s)) for b, e, s in zip(begin, end, step, strict=True)]
    return _same_scale("STRIDED_SLICE", live(rng, shape), [begin, end, step], out, "StridedSliceOptions")


BUILDERS: dict[str, Builder] = {
    "dense": dense,
    "conv2d": conv2d,
    "depthwise_conv2d": depthwise_conv2d,
    "add": _sum("ADD", "AddOptions"),
    "sub": _sum("SUB", "SubOptions"),
    "mul": mul,
    "relu": relu,
    "relu6": relu6,
    "leaky_relu": leaky_relu,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "quantize": quantize,
    "softmax": softmax,
    "max_pool2d": _pool("MAX_POOL_2D"),
    "average_pool2d": _pool("AVERAGE_POOL_2D"),
    "mean": mean,
    "pad": pad,
    "concat": concat,
    "reshape": reshape,
    "transpose": transpose,
    "strided_slice": strided_slice,
}

# The linear layers with int4 weights.
INT4_BUILDERS: dict[str, Builder] = {
    "dense": partial(dense, bits=4),
    "conv2d": partial(conv2d, bits=4),
    "depthwise_conv2d": partial(depthwise_conv2d, bits=4),
}
