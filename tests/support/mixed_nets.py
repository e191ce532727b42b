"""Small int8 networks some of whose operators keep finer results, and what they compute, in fractions.

It shares no code with the C++ side, and takes only the integers before the first kept result from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from gonogo import _core

F32 = np.float32
Array = npt.NDArray[Any]
Ties = Literal["up", "down", "away"]
LIMITS: dict[str, tuple[int | None, int | None]] = {
    "none": (None, None), "relu": (0, None), "relu6": (0, 6), "relu_n1_to_1": (-1, 1),
}  # fmt: skip


def fractions(values: Array) -> Array:
    return np.array([Fraction(float(v)) for v in np.ravel(values)] + [None], dtype=object)[:-1].reshape(
        np.shape(values)
    )


def nearest(x: Fraction, ties: Ties) -> int:
    half = Fraction(1, 2)
    up = ties == "up" or (ties == "away" and x >= 0)
    return (x + half).__floor__() if up else (x - half).__ceil__()


def each(f: Callable[[Fraction], Fraction], values: Array) -> Array:
    return np.array([f(v) for v in values.ravel()] + [None], dtype=object)[:-1].reshape(values.shape)


@dataclass
class Node:
    """One operator: its place among the values, and what it is made of."""

    op: str
    inputs: list[int]
    scale: Fraction
    zero: int
    act: str = "none"
    weights: tuple[Array, Array] = ()  # type: ignore[assignment]
    bias: tuple[Array, Array] = ()  # type: ignore[assignment]


@dataclass
class MixedNet:
    """A float32 reference and an int8 deployed graph, all of whose tensors are outputs."""

    seed: int
    image: bool = False
    nodes: list[Node] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.r = np.random.default_rng(self.seed)
        self.float, self.int8 = (_core.GraphBuilder(n, "test") for n in ("reference", "deployed"))
        self.shape = (1, 1, 3, 1) if self.image else (1, int(self.r.integers(1, 3)))
        scale, zero = self.quantiser()
        self.float.input("x", list(self.shape), "float32")
        self.int8.input("x", list(self.shape), "int8", self.q(scale, zero))
        self.nodes.append(Node("input", [], Fraction(float(scale)), zero))
        self.places = [(0, 0)]
        self.shapes = [self.shape]
        self.make()
        for f, d in self.places[1:]:
            self.float.output(f)
            self.int8.output(d)
        self.reference, self.deployed = self.float.build(), self.int8.build()
        self.names = [n.name for n in self.deployed.nodes]

    def quantiser(self) -> tuple[np.float32, int]:
        return F32(2.0 ** self.r.uniform(-6, -3)), int(self.r.integers(-128, 128))

    def q(self, scale: Any, zero: int = 0) -> Any:
        scales = np.atleast_1d(np.asarray(scale, F32))
        return _core.Quantization(scales, np.full(scales.shape, zero, np.int32), 0)

    def make(self) -> None:
        for _ in range(int(self.r.integers(2, 5))):
            last = len(self.nodes) - 1
            kind = self.r.choice(["linear", "linear", "binary", "relu", "pool" if self.image else "linear"])
            if kind == "binary":
                n = self.shapes[last][-1]
                other = self.linear(last, n)
                self.emit(str(self.r.choice(["add", "sub", "mul"])), [last, other], act=self.act())
            elif kind == "relu":
                self.emit("relu", [last])
            elif kind == "pool" and self.shapes[last][2] > 1:
                self.emit("max_pool2d", [last])
            else:
                self.linear(last, int(self.r.integers(1, 4)))

    def act(self) -> str:
        return str(self.r.choice(list(LIMITS)))

    def linear(self, x: int, outputs: int) -> int:
        """A dense layer, or a convolution of single pixels."""
        r, inputs = self.r, self.shapes[x][-1]
        w = (r.standard_normal((outputs, inputs)) / np.sqrt(inputs)).astype(F32)
        b = (0.3 * r.standard_normal(outputs)).astype(F32)
        scale = F32(np.abs(w).max() / 127.0)
        wq = np.clip(np.rint(w / scale), -127, 127).astype(np.int8)
        bias_scale = self.nodes[x].scale * Fraction(float(scale))
        bq = np.rint(b / float(bias_scale)).astype(np.int32)
        shape = (outputs, 1, 1, inputs) if self.image else (outputs, inputs)
        n = len(self.nodes)
        f = [self.float.constant(f"w{n}", w.reshape(shape)), self.float.constant(f"b{n}", b)]
        d = [
            self.int8.constant(f"w{n}", wq.reshape(shape), self.q(scale)),
            self.int8.constant(f"b{n}", bq, self.q(F32(float(bias_scale)))),
        ]
        weights = fractions(w), fractions(wq) * Fraction(float(scale))
        bias = fractions(b), fractions(bq) * bias_scale
        return self.emit(
            "conv2d" if self.image else "dense", [x], act=self.act(), more=(f, d), weights=weights, bias=bias
        )

    def emit(self, op: str, inputs: list[int], act: str = "none", more: Any = ([], []), **arrays: Any) -> int:
        first = self.nodes[inputs[0]]
        same = op == "max_pool2d"
        scale, zero = (F32(float(first.scale)), first.zero) if same else self.quantiser()
        attributes: dict[str, Any] = {} if op in ("relu", "max_pool2d") else {"activation": act}
        if op == "conv2d":
            attributes |= {"strides": [1, 1], "padding": "valid"}
        if op == "max_pool2d":
            attributes = {"kernel": [1, 2], "strides": [1, 1], "padding": "valid"}
        name = f"{op}_{len(self.nodes)}"
        made = []
        for k, builder in enumerate((self.float, self.int8)):
            y = builder.activation(name, None, *(("float32",) if k == 0 else ("int8", self.q(scale, zero))))
            builder.node(op, name, [*(self.places[i][k] for i in inputs), *more[k]], [y], attributes)
            made.append(y)
        self.nodes.append(Node(op, inputs, Fraction(float(scale)), zero, act, **arrays))
        self.places.append((made[0], made[1]))
        shape = self.shapes[inputs[0]]
        if op == "max_pool2d":
            shape = (*shape[:2], shape[2] - 1, shape[3])
        elif arrays:
            shape = (*shape[:-1], len(arrays["bias"][0]))
        self.shapes.append(shape)
        return len(self.nodes) - 1

    # ---- what they compute

    def exact(self, node: Node, values: list[Array], side: int) -> Array:
        """The operator's result without its activation; side 0: with the reference's weights, 1: with the deployed."""
        x = values[node.inputs[0]]
        if node.op in ("dense", "conv2d"):
            return x @ node.weights[side].T + node.bias[side]
        if node.op == "relu":
            return np.maximum(x, Fraction(0))
        if node.op == "max_pool2d":
            return np.maximum(x[:, :, :-1], x[:, :, 1:])
        y = values[node.inputs[1]]
        return x + y if node.op == "add" else x - y if node.op == "sub" else x * y

    def of_reference(self, x: Array) -> list[Array]:
        values = [x]
        for node in self.nodes[1:]:
            lo, hi = LIMITS[node.act]
            values.append(each(lambda v, a=lo, b=hi: cut(v, a, b), self.exact(node, values, 0)))  # type: ignore[misc]
        return values

    def of_device(self, x: Array, integers: list[Array], keep: Mapping[str, str], ties: Ties) -> list[Array]:
        """All tensors for an input; `integers`: what the int8 network computes, the input's first."""
        values: list[Array] = []
        finer: list[bool] = []
        for k, node in enumerate(self.nodes):
            name = "input" if k == 0 else self.names[k - 1]
            kept = keep.get(name)
            finer.append(kept is not None or any(finer[i] for i in node.inputs))
            if not finer[k]:
                values.append(fractions(integers[k] - node.zero) * node.scale)
                continue
            z = x if k == 0 else self.exact(node, values, 1)
            values.append(self.stored(z, node, kept, ties))
        return values

    def stored(self, z: Array, node: Node, kept: str | None, ties: Ties) -> Array:
        low, high = LIMITS[node.act]
        if kept == "real":
            return each(lambda v: cut(v, low, high), z)
        steps = 1 if kept is None else 256
        step = node.scale / steps
        lo, hi = steps * (-128 - node.zero), steps * (127 - node.zero) + steps - 1
        if low is not None:
            lo = max(lo, nearest(low / step, "away"))
        if high is not None:
            hi = min(hi, nearest(high / step, "away"))
        lo = min(lo, hi)
        if kept is None and node.op == "max_pool2d":  # int8 kernels only pick
            return each(lambda v: min(max(v, lo * step), hi * step), z)
        return each(lambda v: min(max(nearest(v / step, ties), lo), hi) * step, z)


def cut(v: Fraction, lo: int | None, hi: int | None) -> Fraction:
    v = v if lo is None else max(v, Fraction(lo))
    return v if hi is None else min(v, Fraction(hi))
