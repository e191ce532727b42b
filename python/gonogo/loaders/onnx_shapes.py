"""Shapes of activations, computed node by node together with the folding that depends on them.

The operators of the table here are the ones the loader knows; the core checks the shapes again with its own rules.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gonogo.errors import ModelError, ShapeError, UnsupportedOperatorError, UnsupportedTypeError
from gonogo.loaders import common
from gonogo.loaders.onnx_file import Model, Node
from gonogo.loaders.onnx_fold import (
    axes_of,
    flattened,
    fold_node,
    resolve_shape,
    slices_of,
    squeezed,
    unsqueezed,
)
from gonogo.loaders.onnx_tensor import Array

_LARGEST_STEP = 1 << 20


@dataclass(frozen=True)
class Window:
    """A sliding window in two dimensions, with its padding spelt out."""

    kernel: list[int]
    strides: list[int]
    dilations: list[int]
    pads: list[int]  # top, left, bottom, right
    output: list[int]

    def attributes(self) -> dict[str, Any]:
        padding = "explicit" if any(self.pads) else "valid"
        chosen: dict[str, Any] = {"strides": self.strides, "padding": padding, "layout": "NCHW"}
        if padding == "explicit":
            chosen["pads"] = self.pads
        return chosen


def window_of(node: Node, shape: list[int], kernel: list[int]) -> Window:
    """The window of a convolution or pool over an input of `shape` (NCHW)."""
    if len(shape) != 4 or len(kernel) != 2:
        node.fail(
            UnsupportedOperatorError,
            f"an input of rank {len(shape)}; only two spatial dimensions are supported",
        )

    def list_of(key: str, default: list[int], low: int) -> list[int]:
        values = node.integers(key, default) or default
        if len(values) != len(default) or any(not low <= v <= _LARGEST_STEP for v in values):
            node.fail(ModelError, f"attribute '{key}' is {values}")
        return values

    strides, dilations = list_of("strides", [1, 1], 1), list_of("dilations", [1, 1], 1)
    pads = list(list_of("pads", [0, 0, 0, 0], 0))
    if any(not 1 <= k <= _LARGEST_STEP for k in kernel):
        node.fail(ModelError, f"a kernel of {kernel}")
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=False)]
    mode = node.text("auto_pad", "NOTSET")
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        before, after = [], []
        for size, stride, length in zip(shape[2:], strides, reach, strict=False):
            total = max((-(-size // stride) - 1) * stride + length - size, 0)
            less, more = total // 2, total - total // 2
            before.append(less if mode == "SAME_UPPER" else more)
            after.append(more if mode == "SAME_UPPER" else less)
        pads = before + after
    elif mode == "VALID":
        pads = [0, 0, 0, 0]
    elif mode != "NOTSET":
        node.fail(UnsupportedOperatorError, f"auto_pad '{mode}'")
    output = []
    for i in range(2):
        room = shape[2 + i] + pads[i] + pads[i + 2] - reach[i]
        if room < 0:
            node.fail(
                ShapeError, f"a window of {reach} doesn't fit an input of {shape[2:]} with padding {pads}"
            )
        windows = room // strides[i] + 1
        # With ceil_mode, one window more where elements are left, unless it would lie in the padding altogether.
        if (
            node.integer("ceil_mode", 0)
            and room % strides[i]
            and windows * strides[i] < shape[2 + i] + pads[i]
        ):
            if node.integer("count_include_pad", 0):
                node.fail(
                    UnsupportedOperatorError, "ceil_mode with count_include_pad; pad the input explicitly"
                )
            windows += 1
            pads[i + 2] += strides[i] - room % strides[i]
        output.append(windows)
    return Window(kernel, strides, dilations, pads, output)


def kernel_of(node: Node) -> list[int]:
    kernel = node.integers("kernel_shape")
    if kernel is None:
        node.fail(ModelError, "attribute 'kernel_shape' is missing")
    return kernel


class Shapes:
    """Shapes of all activations of a model."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.of: dict[str, list[int]] = {v.name: v.shape for v in model.inputs}

    def __call__(self, name: str) -> list[int] | None:
        return self.of.get(name)

    def get(self, node: Node, i: int) -> list[int]:
        name = node.input(i)
        if not name:
            node.fail(ModelError, f"input {i} is missing")
        if name in self.model.constants:
            return list(self.model.constants[name].shape)
        return self.of[name]

    def constant(self, node: Node, i: int) -> Array | None:
        """The values of input i, which must be known when it is given."""
        name = node.input(i)
        if not name:
            return None
        if name not in self.model.constants:
            node.fail(
                UnsupportedOperatorError,
                f"input {i} ('{name}') is computed at run time; it must be a constant",
            )
        return self.model.constants[name]

    def constants(self, node: Node) -> list[Any]:
        """The inputs after the first as constants, in their places."""
        return [None] + [self.constant(node, i) for i in range(1, len(node.inputs))]

    def infer(self) -> None:
        """Folds what is constant and gives every remaining first output a shape."""
        rest = []
        for node in self.model.nodes:
            values = fold_node(self.model, node, self)
            if values is not None:
                self.model.constants[node.outputs[0]] = values
                _keep_four_bit(self.model, node)
                continue
            rule = _RULES.get(node.op) if node.domain == "" else None
            if rule is None:
                node.fail(UnsupportedOperatorError, "operator not supported")
            for i, name in enumerate(node.inputs):
                if name and name not in self.model.constants and name not in self.of:
                    node.fail(
                        UnsupportedOperatorError,
                        f"input {i} ('{name}') is a secondary output, which isn't supported",
                    )
            self.of[node.outputs[0]] = common.checked_shape(rule(self, node), node.where())
            rest.append(node)
        self.model.nodes = rest


# Folded operators that move elements, and don't compute with them.
_MOVES = ("Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Gather")


def _keep_four_bit(model: Model, node: Node) -> None:
    """A moved int4 constant is one still; nothing else may be done with it before it is dequantised."""
    types = [model.four_bit.get(name, "") for name in node.inputs]
    if not any(types) or node.op in ("Shape", "Size"):
        return
    if any(types[1:]) or node.op not in _MOVES:
        node.fail(
            UnsupportedTypeError,
            f"computes on {max(types)} constants; put a DequantizeLinear before it",
        )
    model.four_bit[node.outputs[0]] = types[0]


def _same(shapes: Shapes, node: Node) -> list[int]:
    return shapes.get(node, 0)


def _broadcast(shapes: Shapes, node: Node) -> list[int]:
    a, b = shapes.get(node, 0), shapes.get(node, 1)
    try:
        return list(np.broadcast_shapes(tuple(a), tuple(b)))
    except ValueError:
        node.fail(ShapeError, f"shapes {a} and {b} can't be broadcast")


def _gemm(shapes: Shapes, node: Node) -> list[int]:
    a, b = shapes.get(node, 0), shapes.get(node, 1)
    if len(a) != 2 or len(b) != 2:
        node.fail(ShapeError, f"operands of shape {a} and {b}; both must have rank 2")
    if node.integer("transA", 0) != 0:
        node.fail(UnsupportedOperatorError, "a transposed first operand")
    inputs, outputs = (b[1], b[0]) if node.integer("transB", 0) != 0 else (b[0], b[1])
    if a[1] != inputs:
        node.fail(ShapeError, f"weights for {inputs} inputs, the input has {a[1]}")
    return [a[0], outputs]


def _matmul(shapes: Shapes, node: Node) -> list[int]:
    a, b = shapes.get(node, 0), shapes.get(node, 1)
    if len(b) != 2 or not a:
        node.fail(
            UnsupportedOperatorError, f"operands of shape {a} and {b}; the second must be a constant matrix"
        )
    if a[-1] != b[0]:
        node.fail(ShapeError, f"weights for {b[0]} inputs, the input has {a[-1]}")
    return [*a[:-1], b[1]]


def _conv(shapes: Shapes, node: Node) -> list[int]:
    x, w = shapes.get(node, 0), shapes.get(node, 1)
    if len(w) != 4 or len(x) != 4:
        node.fail(
            UnsupportedOperatorError,
            f"an input of rank {len(x)}; only two-dimensional convolution is supported",
        )
    kernel = node.integers("kernel_shape", w[2:])
    if kernel != w[2:]:
        node.fail(ShapeError, f"kernel_shape {kernel}, but weights of shape {w}")
    group = node.integer("group", 1)
    if group < 1 or x[1] != w[1] * group or w[0] % group != 0 or 0 in w:
        node.fail(ShapeError, f"weights of shape {w} in {group} groups don't fit {x[1]} channels")
    return [x[0], w[0], *window_of(node, x, w[2:]).output]


def _pool(shapes: Shapes, node: Node) -> list[int]:
    x = shapes.get(node, 0)
    if any(node.outputs[1:]):
        node.fail(UnsupportedOperatorError, "the indices of a pool")
    return [*x[:2], *window_of(node, x, kernel_of(node)).output]


def _global_pool(shapes: Shapes, node: Node) -> list[int]:
    x = shapes.get(node, 0)
    if len(x) != 4:
        node.fail(
            UnsupportedOperatorError, f"an input of rank {len(x)}; only two spatial dimensions are supported"
        )
    return [x[0], x[1], 1, 1]


def mean_axes(shapes: Shapes, node: Node) -> list[int]:
    rank = len(shapes.get(node, 0))
    axes = axes_of(node, shapes.constants(node), rank)
    if not axes:
        axes = [] if node.integer("noop_with_empty_axes", 0) != 0 else list(range(rank))
    return sorted(axes)


def _mean(shapes: Shapes, node: Node) -> list[int]:
    x, axes = shapes.get(node, 0), mean_axes(shapes, node)
    if node.integer("keepdims", 1) != 0:
        return [1 if i in axes else d for i, d in enumerate(x)]
    return [d for i, d in enumerate(x) if i not in axes]


def pads_of(shapes: Shapes, node: Node) -> list[int]:
    """Padding before every axis, then after every axis."""
    rank = len(shapes.get(node, 0))
    if node.text("mode", "constant") != "constant":
        node.fail(
            UnsupportedOperatorError, f"mode '{node.text('mode', '')}'; only constant padding is supported"
        )
    given = (
        shapes.constant(node, 1)
        if shapes.model.opset >= 11
        else np.array(node.integers("pads") or [], np.int64)
    )
    if given is None or given.dtype.kind not in "iu":
        node.fail(ModelError, "pads are missing")
    listed = [int(v) for v in given.reshape(-1)]
    chosen = shapes.constant(node, 3)
    axes = list(range(rank)) if chosen is None else [int(a) for a in chosen.reshape(-1)]
    if len(listed) != 2 * len(axes) or any(not -rank <= a < rank for a in axes):
        node.fail(ShapeError, f"pads {listed} don't fit rank {rank}")
    if any(not 0 <= p <= _LARGEST_STEP for p in listed):
        node.fail(UnsupportedOperatorError, f"pads {listed}; only padding of zero or more is supported")
    pads = [0] * (2 * rank)
    for i, axis in enumerate(axes):
        pads[axis % rank], pads[axis % rank + rank] = listed[i], listed[i + len(axes)]
    return pads


def _pad(shapes: Shapes, node: Node) -> list[int]:
    x, pads = shapes.get(node, 0), pads_of(shapes, node)
    return [d + pads[i] + pads[i + len(x)] for i, d in enumerate(x)]


def concat_axis(shapes: Shapes, node: Node) -> int:
    rank = len(shapes.get(node, 0))
    axis = node.integer("axis", rank)
    if not -rank <= axis < rank:
        node.fail(ShapeError, f"axis {axis} doesn't fit rank {rank}")
    return axis % rank


def _concat(shapes: Shapes, node: Node) -> list[int]:
    axis = concat_axis(shapes, node)
    parts = [shapes.get(node, i) for i in range(len(node.inputs))]
    first = parts[0]
    for part in parts:
        if part[:axis] + part[axis + 1 :] != first[:axis] + first[axis + 1 :] or len(part) != len(first):
            node.fail(ShapeError, f"parts of shape {first} and {part} can't be joined along axis {axis}")
    return [*first[:axis], sum(p[axis] for p in parts), *first[axis + 1 :]]


def _reshape(shapes: Shapes, node: Node) -> list[int]:
    target = shapes.constant(node, 1)
    if target is None or target.dtype.kind not in "iu":
        node.fail(ModelError, "the shape must be a constant list of integers")
    return resolve_shape(node, shapes.get(node, 0), [int(v) for v in target.reshape(-1)])


def permutation(shapes: Shapes, node: Node) -> list[int]:
    rank = len(shapes.get(node, 0))
    perm = node.integers("perm", list(range(rank))[::-1]) or []
    if sorted(perm) != list(range(rank)):
        node.fail(ShapeError, f"perm {perm} isn't a permutation of {rank} axes")
    return perm


def argmax_axis(shapes: Shapes, node: Node) -> int:
    rank = len(shapes.get(node, 0))
    axis = node.integer("axis", 0)
    if not -rank <= axis < rank:
        node.fail(ShapeError, f"axis {axis} doesn't fit rank {rank}")
    return axis % rank


def _argmax(shapes: Shapes, node: Node) -> list[int]:
    x, axis = shapes.get(node, 0), argmax_axis(shapes, node)
    return [*x[:axis], *([1] if node.integer("keepdims", 1) != 0 else []), *x[axis + 1 :]]


def _slice(shapes: Shapes, node: Node) -> list[int]:
    x = shapes.get(node, 0)
    return [math.ceil(max(s.stop - s.start, 0) / s.step) for s in slices_of(node, shapes.constants(node), x)]


_RULES: dict[str, Callable[[Shapes, Node], list[int]]] = {
    **dict.fromkeys(
        ("Relu", "LeakyRelu", "Clip", "Sigmoid", "Tanh", "Softmax", "BatchNormalization", "Identity", "Dropout",
         "Cast", "QuantizeLinear", "DequantizeLinear"), _same),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), _broadcast),
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Conv": _conv,
    "MaxPool": _pool,
    "AveragePool": _pool,
    "GlobalAveragePool": _global_pool,
    "ReduceMean": _mean,
    "Pad": _pad,
    "Concat": _concat,
    "Reshape": _reshape,
    "Flatten": lambda shapes, node: flattened(node, shapes.get(node, 0)),
    "Squeeze": lambda shapes, node: squeezed(node, shapes.get(node, 0), shapes.constants(node)),
    "Unsqueeze": lambda shapes, node: unsqueezed(node, shapes.get(node, 0), shapes.constants(node)),
    "Transpose": lambda shapes, node: [shapes.get(node, 0)[p] for p in permutation(shapes, node)],
    "ArgMax": _argmax,
    "Slice": _slice,
}  # fmt: skip
