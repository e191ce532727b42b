"""Random single-operator models for the ONNX Runtime kernels, weighted towards ties, saturation and odd shapes.

Each maker takes a generator and a size factor and returns a model whose inputs are quantised tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import helper

from support.onnx_models import HAS_VNNI, MICROSOFT, Array, make_model

Case = tuple[bytes, dict[str, Array]]
Generator = np.random.Generator

_STEPS = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.5, 0.7, 0.9, 1.0, 1.1, 1.3]


def _limits(dtype: str) -> tuple[int, int]:
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


def _type(rng: Generator) -> str:
    return str(rng.choice(["uint8", "int8"]))


def _scale(rng: Generator, ratio: float = 1.0) -> np.float32:
    """Decimal steps give many results close to a tie; the others are arbitrary."""
    if rng.random() < 0.5:
        return np.float32(rng.choice(_STEPS) * rng.choice([1.0, 0.1, 0.01]) * ratio)
    return np.float32(np.exp(rng.uniform(-6, 0)) * ratio)


def _zero(rng: Generator, dtype: str) -> Array:
    low, high = _limits(dtype)
    kind = rng.integers(4)
    value = [low, high, (low + high + 1) // 2, int(rng.integers(low, high + 1))][kind]
    return np.array(value, dtype)


def _data(rng: Generator, dtype: str, shape: list[int]) -> Array:
    low, high = _limits(dtype)
    if rng.random() < 0.2:  # saturated corners
        return rng.choice(np.array([low, high], dtype), shape).astype(dtype)
    return rng.integers(low, high + 1, shape).astype(dtype)


def _model(
    op: str, inputs: list[str], constants: dict[str, Any], data: dict[str, Array], out: str, **attributes: Any
) -> Case:
    domain = "" if op in ("QLinearConv", "QLinearMatMul") else MICROSOFT
    node = helper.make_node(op, inputs, ["y"], domain=domain, **attributes)
    given = {k: (str(v.dtype), list(v.shape)) for k, v in data.items()}
    return make_model([node], constants, given, {"y": out}), data


def _weights(
    rng: Generator, dtype: str, shape: list[int], channels: int, *, per_channel_zero: bool
) -> dict[str, Array]:
    """Weights with scales per tensor or per channel; pushed to the corners now and then."""
    w = _data(rng, dtype, shape)
    if dtype == "int8" and not HAS_VNNI:
        w = (w // 2).astype(dtype)
    per_channel = rng.random() < 0.5
    count = channels if per_channel else 1
    scales = np.array([_scale(rng, 0.05) for _ in range(count)], np.float32)
    zeros = np.zeros(count, dtype)
    if dtype == "uint8":
        zeros[:] = rng.integers(100, 156)
        if per_channel_zero and per_channel:
            zeros = rng.integers(100, 156, count).astype(dtype)
    if not per_channel:
        return {"w": w, "ws": scales[0], "wz": zeros[0]}
    return {"w": w, "ws": scales, "wz": zeros}


def _output_scale(rng: Generator, x_scale: np.float32, w_scales: Array, taps: int) -> np.float32:
    """From everything saturating to nearly nothing moving."""
    spread = float(x_scale) * float(np.mean(w_scales)) * np.sqrt(taps) * 60.0
    return np.float32(spread * rng.choice([0.05, 0.3, 1.0, 3.0]))


def _weight_type(rng: Generator, dtype: str) -> str:
    return "int8" if dtype == "int8" or rng.random() < 0.6 else "uint8"


def matmul(rng: Generator, size: int) -> Case:
    dtype = _type(rng)
    rows, inner, outer = size * int(rng.integers(4, 9)), int(rng.integers(1, 70)), int(rng.integers(1, 40))
    x, sx = _data(rng, dtype, [rows, inner]), _scale(rng)
    kind = _weight_type(rng, dtype)
    c = _weights(rng, kind, [inner, outer], outer, per_channel_zero=False)
    c |= {"xs": sx, "xz": _zero(rng, dtype), "yz": _zero(rng, dtype)}
    c["ys"] = _output_scale(rng, sx, np.atleast_1d(c["ws"]), inner)
    return _model("QLinearMatMul", ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"], c, {"x": x}, dtype)


def gemm(rng: Generator, size: int) -> Case:
    dtype = _type(rng)
    rows, inner, outer = size * int(rng.integers(4, 9)), int(rng.integers(1, 70)), int(rng.integers(1, 40))
    turned = int(rng.integers(2))
    x, sx = _data(rng, dtype, [rows, inner]), _scale(rng)
    kind = _weight_type(rng, dtype)
    c = _weights(rng, kind, [outer, inner] if turned else [inner, outer], outer, per_channel_zero=False)
    c |= {"xs": sx, "xz": _zero(rng, dtype), "yz": _zero(rng, dtype)}
    c["ys"] = _output_scale(rng, sx, np.atleast_1d(c["ws"]), inner)
    names = ["x", "xs", "xz", "w", "ws", "wz", ""]
    if rng.random() < 0.7:
        reach = int(
            rng.choice([100, 20000, 1 << 26])
        )  # the last: beyond 2^24, where float32 rounds the accumulator
        c["b"] = rng.integers(-reach, reach, outer).astype(np.int32)
        names[6] = "b"
        if reach > 1 << 25:
            c["ys"] = np.float32(c["ys"] * 20000)
    return _model("QGemm", [*names, "ys", "yz"], c, {"x": x}, dtype, transB=turned)


def _convolution(rng: Generator, size: int, *, depthwise: bool) -> Case:
    dtype = _type(rng)
    kind = _weight_type(rng, dtype)
    group = int(rng.integers(2, 20)) if depthwise else int(rng.choice([1, 1, 2, 3]))
    per_group = 1 if depthwise else int(rng.integers(1, 9))
    multiplier = int(rng.choice([1, 1, 2])) if depthwise else int(rng.integers(1, 9))
    kernel = [int(v) for v in rng.integers(1, 4, 2)]
    strides, dilations = ([int(v) for v in rng.integers(1, 3, 2)] for _ in range(2))
    pads = [int(rng.integers(0, 3)) for _ in range(4)]
    height, width = int(rng.integers(6, 10)), int(rng.integers(6, 10))
    x, sx = _data(rng, dtype, [size, group * per_group, height, width]), _scale(rng)
    outer = group * multiplier
    c = _weights(rng, kind, [outer, per_group, *kernel], outer, per_channel_zero=False)
    c |= {"xs": sx, "xz": _zero(rng, dtype), "yz": _zero(rng, dtype)}
    c["ys"] = _output_scale(rng, sx, np.atleast_1d(c["ws"]), per_group * kernel[0] * kernel[1])
    names = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"]
    if rng.random() < 0.7:
        c["b"] = rng.integers(-20000, 20000, outer).astype(np.int32)
        names.append("b")
    attributes = {
        "group": group,
        "strides": strides,
        "dilations": dilations,
        "pads": pads,
        "kernel_shape": kernel,
    }
    return _model("QLinearConv", names, c, {"x": x}, dtype, **attributes)


def conv(rng: Generator, size: int) -> Case:
    return _convolution(rng, size, depthwise=False)


def depthwise(rng: Generator, size: int) -> Case:
    return _convolution(rng, size, depthwise=True)


_PAIRS: list[tuple[list[int], list[int]]] = [
    ([7, 33], [7, 33]), ([40, 8], [1]), ([1], [40, 8]), ([6, 17], [17]), ([17], [6, 17]), ([6, 17], [6, 1]),
    ([6, 1], [6, 17]), ([2, 5, 9], [5, 1]), ([3, 1], [1, 11]), ([1], [1]), ([1, 1, 64], [4, 1, 64]),
    ([5, 8], []), ([], [3, 4]), ([9, 1], [1, 1]), ([7, 1], []),
]  # fmt: skip


def _pair(op: str) -> Callable[[Generator, int], Case]:
    def make(rng: Generator, size: int) -> Case:
        dtype = _type(rng)
        a, b = _PAIRS[rng.integers(len(_PAIRS))]
        a, b = [size, *a] if len(a) >= len(b) else a, [size, *b] if len(b) > len(a) else b
        sc = _scale(rng)
        c: dict[str, Any] = {"cs": sc, "cz": _zero(rng, dtype)}
        for name in "ab":
            close = rng.random() < 0.7
            c[name + "s"] = np.float32(sc * rng.choice(_STEPS)) if close else _scale(rng)
            c[name + "z"] = _zero(rng, dtype)
        if op == "QLinearMul":
            c["cs"] = np.float32(sc * rng.choice([1, 5, 30]))
        data = {"a": _data(rng, dtype, a), "b": _data(rng, dtype, b)}
        return _model(op, ["a", "as", "az", "b", "bs", "bz", "cs", "cz"], c, data, dtype)

    return make


def _unary(
    op: str, out_scales: list[float] | None = None, **attributes: Any
) -> Callable[[Generator, int], Case]:
    def make(rng: Generator, size: int) -> Case:
        dtype = _type(rng)
        low, high = _limits(dtype)
        every = np.arange(low, high + 1).astype(dtype)
        sx = _scale(rng)
        sy = np.float32(rng.choice(out_scales)) if out_scales else np.float32(sx * rng.choice(_STEPS))
        c = {"xs": sx, "xz": _zero(rng, dtype), "ys": sy, "yz": _zero(rng, dtype)}
        chosen = {k: float(np.float32(rng.choice(v))) for k, v in attributes.items()}
        return _model(op, ["x", "xs", "xz", "ys", "yz"], c, {"x": every[None]}, dtype, **chosen)

    return make


def softmax(rng: Generator, size: int) -> Case:
    dtype = _type(rng)
    low, high = _limits(dtype)
    length = int(rng.choice([1, 2, 3, 5, 6, 7, 10, 14, 16, 31, 64, 100]))
    x = _data(rng, dtype, [8 * size, length])
    if rng.random() < 0.6:  # equal maxima: ties
        for i in range(len(x)):
            x[i] = rng.permutation(
                np.where(np.arange(length) <= i % length, high, low + rng.integers(0, 200))
            )
    whole = rng.random() < 0.7
    sy = (
        np.float32(1 / rng.integers(100, 400) * (1 - 1e-6))
        if whole
        else np.float32(rng.choice([1 / 256, 1 / 255, 0.004]))
    )
    c = {
        "xs": _scale(rng),
        "xz": _zero(rng, dtype),
        "ys": sy,
        "yz": np.array(low + rng.integers(0, 2), dtype),
    }
    return _model("QLinearSoftmax", ["x", "xs", "xz", "ys", "yz"], c, {"x": x}, dtype, axis=-1, opset=13)


def _pool_data(rng: Generator, size: int) -> tuple[str, Array, dict[str, Any]]:
    dtype = _type(rng)
    x = _data(
        rng, dtype, [size, int(rng.integers(1, 20)), int(rng.integers(4, 10)), int(rng.integers(4, 10))]
    )
    sx = _scale(rng)
    c = {
        "xs": sx,
        "xz": _zero(rng, dtype),
        "ys": np.float32(sx * rng.choice(_STEPS)),
        "yz": _zero(rng, dtype),
    }
    return dtype, x, c


def average_pool(rng: Generator, size: int) -> Case:
    dtype, x, c = _pool_data(rng, size)
    kernel = [int(v) for v in rng.integers(1, 5, 2)]
    if rng.random() < 0.1:
        kernel = [x.shape[2], x.shape[3]]
    pads = [int(rng.integers(0, k)) if rng.random() < 0.5 else 0 for k in kernel * 2]
    attributes = {"kernel_shape": kernel, "strides": [int(v) for v in rng.integers(1, 3, 2)], "pads": pads}
    attributes["count_include_pad"] = int(rng.integers(2))
    return _model("QLinearAveragePool", ["x", "xs", "xz", "ys", "yz"], c, {"x": x}, dtype, **attributes)


def global_average_pool(rng: Generator, size: int) -> Case:
    dtype, x, c = _pool_data(rng, size)
    return _model(
        "QLinearGlobalAveragePool", ["x", "xs", "xz", "ys", "yz"], c, {"x": x}, dtype, channels_last=0
    )


def concat(rng: Generator, size: int) -> Case:
    dtype = _type(rng)
    sy, zy = _scale(rng), _zero(rng, dtype)
    c: dict[str, Any] = {"ys": sy, "yz": zy}
    names, data = ["ys", "yz"], {}
    for i in range(int(rng.integers(1, 4))):
        data[f"x{i}"] = _data(rng, dtype, [size, int(rng.integers(1, 9)), 11])
        same = rng.random() < 0.3
        c[f"s{i}"] = sy if same else np.float32(sy * rng.choice(_STEPS))
        c[f"z{i}"] = zy if same else _zero(rng, dtype)
        names += [f"x{i}", f"s{i}", f"z{i}"]
    return _model("QLinearConcat", names, c, data, dtype, axis=1)


# ---- operators that the runtime runs between DequantizeLinear and QuantizeLinear ----


def _between(
    op: str,
    count: int,
    rng: Generator,
    data: list[Array],
    out_type: str,
    extra: dict[str, Any] | None = None,
    **attributes: Any,
) -> Case:
    nodes, constants, given = [], dict(extra or {}), {}
    for i, values in enumerate(data):
        scale = _scale(rng)
        constants |= {f"s{i}": scale, f"z{i}": _zero(rng, str(values.dtype))}
        nodes.append(helper.make_node("DequantizeLinear", [f"x{i}", f"s{i}", f"z{i}"], [f"d{i}"]))
        given[f"x{i}"] = values
    constants |= {"ys": np.float32(constants["s0"] * rng.choice(_STEPS)), "yz": _zero(rng, out_type)}
    nodes.append(
        helper.make_node(op, [*(f"d{i}" for i in range(count)), *(extra or {})], ["f"], **attributes)
    )
    nodes.append(helper.make_node("QuantizeLinear", ["f", "ys", "yz"], ["y"]))
    shapes = {k: (str(v.dtype), list(v.shape)) for k, v in given.items()}
    return make_model(nodes, constants, shapes, {"y": out_type}), given


def _mixed_pair(op: str) -> Callable[[Generator, int], Case]:
    def make(rng: Generator, size: int) -> Case:
        a, b = _PAIRS[rng.integers(len(_PAIRS))]
        kinds = ["uint8", "int8", _type(rng)]
        rng.shuffle(kinds)
        if op == "Sub":
            kinds = [_type(rng)] * 3
        data = [
            _data(rng, kinds[0], [size, *a] if len(a) >= len(b) else a),
            _data(rng, kinds[1], [size, *b] if len(b) > len(a) else b),
        ]
        return _between(op, 2, rng, data, kinds[2])

    return make


def _scalar(
    op: str, extra: dict[str, Any] | None = None, **attributes: Any
) -> Callable[[Generator, int], Case]:
    def make(rng: Generator, size: int) -> Case:
        dtype = _type(rng)
        low, high = _limits(dtype)
        every = np.arange(low, high + 1).astype(dtype)[None]
        return _between(op, 1, rng, [every], _type(rng), extra, **attributes)

    return make


def _moved(
    op: str, extra: dict[str, Any] | None = None, **attributes: Any
) -> Callable[[Generator, int], Case]:
    def make(rng: Generator, size: int) -> Case:
        x = _data(rng, _type(rng), [size, 3, 6, 4])
        return _between(op, 1, rng, [x], _type(rng), extra, **attributes)

    return make


def _copied(
    op: str, extra: dict[str, Any] | None = None, **attributes: Any
) -> Callable[[Generator, int], Case]:
    """Movement with one set of parameters: integers are copied."""

    def make(rng: Generator, size: int) -> Case:
        dtype = _type(rng)
        x = _data(rng, dtype, [size, 3, 6, 4])
        constants = {"s": _scale(rng), "z": _zero(rng, dtype), **(extra or {})}
        nodes = [
            helper.make_node("DequantizeLinear", ["x", "s", "z"], ["d"]),
            helper.make_node(op, ["d", *(extra or {})], ["f"], **attributes),
            helper.make_node("QuantizeLinear", ["f", "s", "z"], ["y"]),
        ]
        return make_model(nodes, constants, {"x": (dtype, list(x.shape))}, {"y": dtype}), {"x": x}

    return make


def clip(rng: Generator, size: int) -> Case:
    low, high = np.sort(rng.normal(size=2)).astype(np.float32)
    return _scalar("Clip", {"low": np.float32(low), "high": np.float32(high)})(rng, size)


def pad(rng: Generator, size: int) -> Case:
    pads = np.array([0, *rng.integers(0, 3, 3), 0, *rng.integers(0, 3, 3)], np.int64)
    return _moved("Pad", {"pads": pads, "value": np.float32(rng.normal())})(rng, size)


CASES: dict[str, Callable[[Generator, int], Case]] = {
    "matmul": matmul,
    "gemm": gemm,
    "conv": conv,
    "depthwise": depthwise,
    "add": _pair("QLinearAdd"),
    "mul": _pair("QLinearMul"),
    "leaky_relu": _unary("QLinearLeakyRelu", alpha=[0.01, 0.1, 0.13, 0.2, 0.3]),
    "sigmoid": _unary("QLinearSigmoid", [1 / 256, 1 / 255, 0.004, 0.003]),
    "softmax": softmax,
    "average_pool": average_pool,
    "global_average_pool": global_average_pool,
    "concat": concat,
    "mixed_add": _mixed_pair("Add"),
    "mixed_mul": _mixed_pair("Mul"),
    "sub": _mixed_pair("Sub"),
    "relu": _scalar("Relu"),
    "clip": clip,
    "tanh": _scalar("Tanh"),
    "float_sigmoid": _scalar("Sigmoid"),
    "max_pool": _moved("MaxPool", kernel_shape=[2, 3], strides=[1, 2], pads=[1, 0, 0, 1]),
    "pad": pad,
    "transpose": _copied("Transpose", perm=[0, 3, 1, 2]),
    "reshape": _copied("Reshape", {"shape": np.array([-1, 24])}),
    "flatten": _copied("Flatten"),
    "slice": _copied(
        "Slice",
        {
            "starts": np.array([1, 0]),
            "ends": np.array([9, 4]),
            "axes": np.array([2, 3]),
            "steps": np.array([2, 3]),
        },
    ),
}
