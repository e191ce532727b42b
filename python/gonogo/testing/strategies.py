"""Random single operators with their inputs and constants, as hypothesis strategies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from gonogo import _core

Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]
Array: TypeAlias = npt.NDArray[Any]


@dataclass
class Case:
    """One node. `inputs` in the operator's order; those in `constants` are weights, the others vary."""

    op: str
    inputs: list[Array | None]
    attributes: dict[str, Any] = field(default_factory=dict)
    constants: frozenset[int] = frozenset()

    def variables(self) -> list[int]:
        return [i for i, x in enumerate(self.inputs) if x is not None and i not in self.constants]

    def graph(self) -> _core.Graph:
        """The node alone; its inputs are called x0, x1, ..., its output y."""
        builder = _core.GraphBuilder("case", "architecture")
        ids = []
        for i, x in enumerate(self.inputs):
            if x is None:
                ids.append(-1)
            elif i in self.constants:
                ids.append(builder.constant(f"c{i}", np.ascontiguousarray(x)))
            else:
                ids.append(builder.input(f"x{i}", list(x.shape), "float32"))
        y = builder.activation("y", None, "float32")
        builder.node(self.op, "node", ids, [y], self.attributes)
        builder.output(y)
        return builder.build()


def numbers(draw: Draw, *shape: int) -> Array:
    """Finite float32 numbers: ordinary, large, subnormal, of very different sizes, or small integers with zeros."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(["unit", "large", "tiny", "mixed", "integers"]))
    x = rng.standard_normal(shape)
    if kind == "large":
        x = x * 1e30
    elif kind == "tiny":
        x = x * 1e-40
    elif kind == "mixed":
        x = x * 2.0 ** rng.uniform(-60, 60, shape)
    elif kind == "integers":
        x = rng.integers(-3, 4, shape) * rng.choice([-1.0, 1.0], shape)
    return np.asarray(x, dtype=np.float32)


def _sizes(draw: Draw, count: int, lo: int = 1, hi: int = 4) -> list[int]:
    return [draw(st.integers(lo, hi)) for _ in range(count)]


def _activation(draw: Draw) -> str:
    return str(draw(st.sampled_from(["none", "none", "relu", "relu6", "relu_n1_to_1"])))


def _dense(draw: Draw) -> Case:
    rows, inputs, outputs = _sizes(draw, 3, 1, 6)
    bias = numbers(draw, outputs) if draw(st.booleans()) else None
    attributes = {"keep_dims": draw(st.integers(0, 1)), "activation": _activation(draw)}
    x = [numbers(draw, rows, inputs), numbers(draw, outputs, inputs), bias]
    return Case("dense", x, attributes, frozenset({1, 2}))


def _window(draw: Draw, size: list[int], kernel: list[int], dilations: bool = True) -> dict[str, Any]:
    a: dict[str, Any] = {"strides": _sizes(draw, 2, 1, 3), "activation": _activation(draw)}
    steps = [1, 1]
    if dilations and draw(st.booleans()):
        a["dilations"] = steps = _sizes(draw, 2, 1, 2)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, steps, strict=True)]
    a["padding"] = draw(st.sampled_from(["same", "valid", "explicit"]))
    # Every window must hold an element, so the image holds one window and padding stays below the kernel.
    for d in range(2):
        size[d] = max(size[d], reach[d])
    if a["padding"] == "explicit":
        a["pads"] = [draw(st.integers(0, kernel[d % 2] - 1)) if steps[d % 2] == 1 else 0 for d in range(4)]
    return a


def _image(draw: Draw, a: dict[str, Any], size: list[int], channels: int) -> Array:
    a["layout"] = draw(st.sampled_from(["NHWC", "NCHW"]))
    return numbers(draw, *([1, channels, *size] if a["layout"] == "NCHW" else [1, *size, channels]))


def _conv2d(draw: Draw) -> Case:
    groups, each, outs = _sizes(draw, 3, 1, 2)
    size, kernel = _sizes(draw, 2, 1, 5), _sizes(draw, 2, 1, 3)
    a = _window(draw, size, kernel)
    a["groups"] = groups
    x = _image(draw, a, size, groups * each)
    bias = numbers(draw, groups * outs) if draw(st.booleans()) else None
    return Case("conv2d", [x, numbers(draw, groups * outs, *kernel, each), bias], a, frozenset({1, 2}))


def _depthwise(draw: Draw) -> Case:
    channels, multiplier = _sizes(draw, 2, 1, 3)
    size, kernel = _sizes(draw, 2, 1, 5), _sizes(draw, 2, 1, 3)
    a = _window(draw, size, kernel)
    x = _image(draw, a, size, channels)
    bias = numbers(draw, channels * multiplier) if draw(st.booleans()) else None
    return Case(
        "depthwise_conv2d", [x, numbers(draw, 1, *kernel, channels * multiplier), bias], a, frozenset({1, 2})
    )


def _pool(op: str) -> Callable[[Draw], Case]:
    def make(draw: Draw) -> Case:
        size, kernel = _sizes(draw, 2, 1, 5), _sizes(draw, 2, 1, 3)
        a = _window(draw, size, kernel, dilations=op == "max_pool2d")
        a["kernel"] = kernel
        if op == "average_pool2d":
            a["count_include_pad"] = draw(st.integers(0, 1))
        return Case(op, [_image(draw, a, size, draw(st.integers(1, 3)))], a)

    return make


def _global_average_pool(draw: Draw) -> Case:
    a: dict[str, Any] = {}
    return Case("global_average_pool", [_image(draw, a, _sizes(draw, 2, 1, 5), draw(st.integers(1, 3)))], a)


def _batch_norm(draw: Draw) -> Case:
    shape = _sizes(draw, draw(st.integers(1, 4)))
    axis = draw(st.integers(0, len(shape) - 1))
    n = shape[axis]
    variance = np.abs(numbers(draw, n))
    x = [numbers(draw, *shape), numbers(draw, n), numbers(draw, n), numbers(draw, n), variance]
    epsilon = float(np.float32(draw(st.sampled_from([1e-5, 1e-3, 0.5]))))
    return Case("batch_norm", [*x], {"axis": axis, "epsilon": epsilon}, frozenset({1, 2, 3, 4}))


def _binary(op: str) -> Callable[[Draw], Case]:
    def make(draw: Draw) -> Case:
        shape = _sizes(draw, draw(st.integers(1, 4)))
        other = [1 if draw(st.booleans()) else d for d in shape][draw(st.integers(0, len(shape) - 1)) :]
        operands = [numbers(draw, *shape), numbers(draw, *other)]
        if draw(st.booleans()):
            operands.reverse()
        constant = draw(st.sampled_from([frozenset(), frozenset({0}), frozenset({1})]))
        return Case(op, [*operands], {"activation": _activation(draw)}, constant)

    return make


def _unary(op: str) -> Callable[[Draw], Case]:
    def make(draw: Draw) -> Case:
        a: dict[str, Any] = {}
        if op == "leaky_relu":
            a["alpha"] = float(np.float32(draw(st.sampled_from([0.01, 0.3, 1.0, 0.0, -0.5, 2.0]))))
        elif op == "clip":
            lo, hi = sorted(float(v) for v in numbers(draw, 2))
            a = draw(
                st.sampled_from(
                    [{"min": lo, "max": hi}, {"min": lo, "max": np.inf}, {"min": -np.inf, "max": hi}]
                )
            )
        return Case(op, [numbers(draw, *_sizes(draw, draw(st.integers(1, 3))))], a)

    return make


def _softmax(draw: Draw) -> Case:
    shape = _sizes(draw, draw(st.integers(1, 3)), 1, 6)
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    beta = float(np.float32(draw(st.sampled_from([1.0, 0.5, 2.0, 0.1]))))
    # Larger differences only give zeros and ones, slowly.
    x = np.clip(numbers(draw, *shape), -1e4, 1e4)
    return Case("softmax", [x], {"axis": axis, "beta": beta})


def _mean(draw: Draw) -> Case:
    shape = _sizes(draw, draw(st.integers(1, 4)))
    axes = sorted(draw(st.sets(st.integers(0, len(shape) - 1), min_size=1)))
    return Case("mean", [numbers(draw, *shape)], {"axes": axes, "keep_dims": draw(st.integers(0, 1))})


def _reshape(draw: Draw) -> Case:
    shape = _sizes(draw, draw(st.integers(1, 4)))
    return Case("reshape", [numbers(draw, *shape)], {"shape": [int(d) for d in draw(st.permutations(shape))]})


def _transpose(draw: Draw) -> Case:
    shape = _sizes(draw, draw(st.integers(1, 4)))
    return Case(
        "transpose", [numbers(draw, *shape)], {"perm": list(draw(st.permutations(range(len(shape)))))}
    )


def _concat(draw: Draw) -> Case:
    shape = _sizes(draw, draw(st.integers(1, 3)))
    axis = draw(st.integers(0, len(shape) - 1))
    parts: list[Array | None] = []
    for _ in range(draw(st.integers(1, 3))):
        parts.append(
            numbers(draw, *[draw(st.integers(1, 3)) if d == axis else n for d, n in enumerate(shape)])
        )
    constants = frozenset({0}) if len(parts) > 1 and draw(st.booleans()) else frozenset()
    return Case("concat", parts, {"axis": axis, "activation": _activation(draw)}, constants)


def _pad(draw: Draw) -> Case:
    shape = _sizes(draw, draw(st.integers(1, 4)))
    value = float(numbers(draw, 1)[0])
    return Case("pad", [numbers(draw, *shape)], {"pads": _sizes(draw, 2 * len(shape), 0, 2), "value": value})


def _strided_slice(draw: Draw) -> Case:
    shape = _sizes(draw, draw(st.integers(1, 4)), 1, 5)
    begin = [draw(st.integers(0, d - 1)) for d in shape]
    end = [draw(st.integers(b + 1, d)) for b, d in zip(begin, shape, strict=True)]
    strides = _sizes(draw, len(shape), 1, 3)
    return Case("strided_slice", [numbers(draw, *shape)], {"begin": begin, "end": end, "strides": strides})


_MAKERS: dict[str, Callable[[Draw], Case]] = {
    "dense": _dense,
    "conv2d": _conv2d,
    "depthwise_conv2d": _depthwise,
    "batch_norm": _batch_norm,
    **{op: _binary(op) for op in ("add", "sub", "mul")},
    **{op: _unary(op) for op in ("relu", "relu6", "leaky_relu", "clip", "sigmoid", "tanh", "identity")},
    "softmax": _softmax,
    "max_pool2d": _pool("max_pool2d"),
    "average_pool2d": _pool("average_pool2d"),
    "global_average_pool": _global_average_pool,
    "mean": _mean,
    "reshape": _reshape,
    "transpose": _transpose,
    "concat": _concat,
    "pad": _pad,
    "strided_slice": _strided_slice,
}


def operators() -> tuple[str, ...]:
    """Operators that `cases` can make."""
    return tuple(_MAKERS)


@st.composite
def cases(draw: Draw, op: str) -> Case:
    """Random cases of one operator."""
    return _MAKERS[op](draw)
