"""Random single-operator models on int16 activations (int8 weights, zero points 0), as converters write them.

As tflm_cases.py; LiteRT takes all of them but convolutions without a bias.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .tflite_writer import Array, Tensor, single_operator
from .tflm_cases import Builder, Rng, activation, geometry, integer, scale

UNIT = 2.0**-15


def live(rng: Rng, shape: list[int], lo: float = 1e-5, hi: float = 1e-2) -> Tensor:
    return Tensor(shape, "int16", scale=scale(rng, lo, hi))


def same(x: Tensor, shape: list[int]) -> Tensor:
    return Tensor(shape, "int16", scale=x.scale)


def weights(rng: Rng, shape: list[int], axis: int) -> Tensor:
    channels = shape[axis]
    scales: Any = scale(rng, 1e-4, 0.1)
    if channels > 1 and rng.random() < 0.7:
        scales = np.exp(rng.uniform(np.log(1e-4), np.log(0.1), channels)).astype(np.float32)
    return Tensor(
        shape, "int8", scale=scales, axis=axis, values=rng.integers(-127, 128, shape).astype(np.int8)
    )


def bias(rng: Rng, x: Tensor, w: Tensor, channels: int, bits: int) -> Tensor:
    reach = int(rng.choice([100, 2**22, 2**26] if bits == 32 else [100, 2**24, 2**34]))
    values = rng.integers(-reach, reach, channels).astype(f"int{bits}")
    scales = np.asarray(w.scale, dtype=np.float32) * np.float32(x.scale)
    return Tensor([channels], f"int{bits}", scale=scales, values=values)


def result(rng: Rng, shape: list[int], x: Tensor, w: Tensor, taps: int) -> Tensor:
    spread = 18918.0 * 74.0 * np.sqrt(taps) * float(np.max(np.asarray(w.scale))) * float(np.asarray(x.scale))
    steps = float(np.exp(rng.uniform(np.log(200.0), np.log(1e5))))
    return Tensor(shape, "int16", scale=float(np.float32(spread / steps)))


def _layer(
    rng: Rng, code: str, x: Tensor, w: Tensor, taps: int, shape: list[int], kinds: list[int], options: str,
    **fields: Any,
) -> bytes:  # fmt: skip
    operands = [x, w]
    bits = int(rng.choice(kinds))
    if bits:
        operands.append(bias(rng, x, w, shape[-1], bits))
    fields["FusedActivationFunction"] = activation(rng)
    return single_operator(code, operands, result(rng, shape, x, w, taps), options, **fields)


def dense(rng: Rng, kinds: tuple[int, ...] = (0, 64, 64, 32)) -> bytes:
    rows, ins, outs = integer(rng, 1, 24), integer(rng, 1, 300), integer(rng, 1, 48)
    x, w = live(rng, [rows, ins]), weights(rng, [outs, ins], 0)
    return _layer(rng, "FULLY_CONNECTED", x, w, ins, [rows, outs], list(kinds), "FullyConnectedOptions")


def conv2d(rng: Rng, kinds: tuple[int, ...] = (0, 64, 64, 64, 32)) -> bytes:
    fields, size, kernel, out = geometry(rng, True)
    groups = int(rng.choice([1, 1, 1, 2]))
    ins, outs = groups * integer(rng, 1, 12), groups * integer(rng, 1, 16)
    x, w = live(rng, [1, *size, ins]), weights(rng, [outs, *kernel, ins // groups], 0)
    taps = kernel[0] * kernel[1] * ins // groups
    return _layer(rng, "CONV_2D", x, w, taps, [1, *out, outs], list(kinds), "Conv2DOptions", **fields)


def depthwise_conv2d(rng: Rng, kinds: tuple[int, ...] = (0, 64, 64)) -> bytes:
    fields, size, kernel, out = geometry(rng, True)
    ins, multiplier = integer(rng, 1, 24), integer(rng, 1, 3)
    outs = ins * multiplier
    x, w = live(rng, [1, *size, ins]), weights(rng, [1, *kernel, outs], 3)
    fields["DepthMultiplier"] = multiplier
    taps = kernel[0] * kernel[1]
    return _layer(
        rng, "DEPTHWISE_CONV_2D", x, w, taps, [1, *out, outs], list(kinds), "DepthwiseConv2DOptions", **fields
    )


def _pair(rng: Rng) -> tuple[Tensor, Tensor, list[int]]:
    out = [integer(rng, 1, 4), integer(rng, 1, 12), integer(rng, 1, 12), integer(rng, 1, 12)]
    other = list(out)
    choice = rng.integers(3)
    if choice == 1:
        other = [n if rng.random() < 0.5 else 1 for n in out]
    if choice == 2:
        other = out[-1:]
    a, b = live(rng, out), live(rng, other)
    if rng.random() < 0.3:
        b = Tensor(other, "int16", scale=b.scale, values=rng.integers(-32768, 32768, other).astype(np.int16))
    return a, b, out


def _sum(code: str) -> Builder:
    def build(rng: Rng) -> bytes:
        a, b, shape = _pair(rng)
        widest = max(float(np.asarray(a.scale)), float(np.asarray(b.scale)))
        y = Tensor(shape, "int16", scale=scale(rng, widest / 3, widest * 6))
        return single_operator(
            code, [a, b], y, f"{code.capitalize()}Options", FusedActivationFunction=activation(rng),
            PotScaleInt16=False,
        )  # fmt: skip

    return build


def mul(rng: Rng) -> bytes:
    a, b, shape = _pair(rng)
    product = float(np.asarray(a.scale)) * float(np.asarray(b.scale))
    y = Tensor(shape, "int16", scale=scale(rng, product * 500, product * 1e5))
    return single_operator("MUL", [a, b], y, "MulOptions", FusedActivationFunction=activation(rng))


EVERY = [1, 256, 256]


def _unary(code: str, options: str = "") -> Builder:
    def build(rng: Rng) -> bytes:
        x = live(rng, EVERY)
        s = float(np.asarray(x.scale))
        y = Tensor(EVERY, "int16", scale=scale(rng, s / 4, s * 4))
        fields = (
            {"Alpha": float(rng.choice([0.0, 0.1, 0.3, 1.5, -0.5, rng.uniform(-1, 2)]))} if options else {}
        )
        return single_operator(code, [x], y, options, **fields)

    return build


def _curve(code: str) -> Builder:
    def build(rng: Rng) -> bytes:
        x = live(rng, EVERY, 1e-5, 0.5)
        if rng.random() < 0.4:  # powers of two, and what the runtimes take for one
            power = 2.0 ** -int(rng.integers(9, 15))
            near = float(rng.choice([0, 1e-4, 6e-4, -6e-4, 8e-4, -8e-4]))
            x = Tensor(EVERY, "int16", scale=float(np.float32(power * (1 + near))))
        return single_operator(code, [x], Tensor(EVERY, "int16", scale=UNIT))

    return build


def quantize(rng: Rng) -> bytes:
    kinds = [("int16", "int16", 1.0), ("int8", "int16", 1 / 256), ("int16", "int8", 256.0)]
    kind, other, ratio = kinds[int(rng.integers(3))]
    s = scale(rng, 1e-4, 1e-2)
    zeros = [int(rng.integers(-128, 128)) if k == "int8" else 0 for k in (kind, other)]
    x = Tensor(EVERY, kind, scale=s, zero_point=zeros[0])
    y = Tensor(EVERY, other, scale=scale(rng, s * ratio / 8, s * ratio * 8), zero_point=zeros[1])
    return single_operator("QUANTIZE", [x], y)


def softmax(rng: Rng) -> bytes:
    shape = [integer(rng, 1, 200), integer(rng, 1, 40)]
    if rng.random() < 0.05:
        shape = [integer(rng, 1, 4), integer(rng, 256, 2000)]
    beta = float(rng.choice([1.0, 1.0, 0.5, 2.0]))
    x, y = live(rng, shape, 1e-6, 0.05), Tensor(shape, "int16", scale=UNIT)
    return single_operator("SOFTMAX", [x], y, "SoftmaxOptions", Beta=beta)


def _pool(code: str) -> Builder:
    def build(rng: Rng) -> bytes:
        fields, size, kernel, out = geometry(rng, False)
        channels = integer(rng, 1, 24)
        x = live(rng, [1, *size, channels])
        fields |= {
            "FilterHeight": kernel[0],
            "FilterWidth": kernel[1],
            "FusedActivationFunction": activation(rng),
        }
        return single_operator(code, [x], same(x, [1, *out, channels]), "Pool2DOptions", **fields)

    return build


def mean(rng: Rng) -> bytes:
    shape = [1, integer(rng, 1, 12), integer(rng, 1, 12), integer(rng, 1, 40)]
    axes = [1, 2] if rng.random() < 0.5 else sorted({integer(rng, 1, 3) for _ in range(integer(rng, 1, 2))})
    keep = bool(rng.random() < 0.5)
    out = [1 if i in axes else n for i, n in enumerate(shape) if keep or i not in axes]
    x = live(rng, shape)
    s = float(np.asarray(x.scale))
    y = same(x, out) if rng.random() < 0.3 else live(rng, out, s / 8, s * 2)
    constant = Tensor([len(axes)], "int32", values=np.array(axes, dtype=np.int32))
    return single_operator("MEAN", [x, constant], y, "ReducerOptions", KeepDims=keep)


def concat(rng: Rng) -> bytes:
    shape = [1, integer(rng, 1, 9), integer(rng, 1, 9), integer(rng, 1, 9)]
    axis = integer(rng, 1, 3)
    x = live(rng, shape)
    parts = []
    for _ in range(integer(rng, 2, 4)):
        shape = [integer(rng, 1, 9) if i == axis else n for i, n in enumerate(shape)]
        parts.append(same(x, shape))
    out = [sum(p.shape[axis] for p in parts) if i == axis else n for i, n in enumerate(shape)]
    return single_operator("CONCATENATION", parts, same(x, out), "ConcatenationOptions", Axis=axis)


def _moved(code: str, x: Tensor, constants: list[Array], out: list[int], options: str = "") -> bytes:
    operands = [Tensor(c.shape, "int32", values=c.astype(np.int32)) for c in constants]
    return single_operator(code, [x, *operands], same(x, out), options)


def _image(rng: Rng) -> list[int]:
    return [1, integer(rng, 2, 12), integer(rng, 2, 12), integer(rng, 2, 12)]


def pad(rng: Rng) -> bytes:
    shape = _image(rng)
    pads = rng.integers(0, 3, (4, 2))
    pads[0] = 0
    out = [int(n + p.sum()) for n, p in zip(shape, pads, strict=True)]
    return _moved("PAD", live(rng, shape), [pads], out)


def reshape(rng: Rng) -> bytes:
    shape = _image(rng)
    out = [1, shape[1] * shape[2], shape[3]]
    return _moved("RESHAPE", live(rng, shape), [np.array(out)], out)


def transpose(rng: Rng) -> bytes:
    shape, order = _image(rng), rng.permutation(4)
    return _moved("TRANSPOSE", live(rng, shape), [order], [shape[i] for i in order], "TransposeOptions")


def strided_slice(rng: Rng) -> bytes:
    shape = [1, *(integer(rng, 8, 32) for _ in range(3))]
    begin = np.array([0, *(integer(rng, 0, n // 2) for n in shape[1:])])
    end = np.array([1, *(integer(rng, b + 1, n) for b, n in zip(begin[1:], shape[1:], strict=True))])
    step = np.array([1, *(integer(rng, 1, 2) for _ in range(3))])
    out = [int(-(-(e - b) // s)) for b, e, s in zip(begin, end, step, strict=True)]
    return _moved("STRIDED_SLICE", live(rng, shape), [begin, end, step], out, "StridedSliceOptions")


BUILDERS: dict[str, Builder] = {
    "dense": dense,
    "conv2d": conv2d,
    "depthwise_conv2d": depthwise_conv2d,
    "add": _sum("ADD"),
    "sub": _sum("SUB"),
    "mul": mul,
    "relu": _unary("RELU"),
    "relu6": _unary("RELU6"),
    "leaky_relu": _unary("LEAKY_RELU", "LeakyReluOptions"),
    "sigmoid": _curve("LOGISTIC"),
    "tanh": _curve("TANH"),
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
