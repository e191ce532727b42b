"""Random small float networks of every operator, in two versions with different weights, and their exact values.

The values come from gonogo.testing.evaluate, which is written from the operators' definitions in exact rationals.
Sigmoid, tanh, softmax and batch_norm are irrational there: known to 50 digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from gonogo import _core
from gonogo.testing import evaluate
from gonogo.testing.oracle import exact

F32 = np.float32
# What the oracle itself doesn't know, far below what a double can tell.
UNKNOWN = Fraction(1, 10**35)


@dataclass
class Step:
    """One node. Operands are places of earlier values, or pairs of constants: the reference's, and the other's."""

    op: str
    operands: list[int | tuple[np.ndarray, np.ndarray]]
    attributes: dict[str, Any] = field(default_factory=dict)


class RealNet:
    """A net as a list of steps; value 0 is the input."""

    def __init__(self, seed: int, change: float = 2.0**-8) -> None:
        self.r = np.random.default_rng(seed)
        self.change = change
        self.steps: list[Step] = []
        self.shapes: list[tuple[int, ...]] = []
        self.layout = str(self.r.choice(["NHWC", "NCHW"]))

    # ---- building

    def start(self, *shape: int) -> int:
        self.shapes.append(shape)
        return 0

    def emit(self, op: str, *operands: int | np.ndarray, **attributes: Any) -> int:
        """Its shape is the exact evaluator's: evaluated once at zero."""
        pairs: list[int | tuple[np.ndarray, np.ndarray]] = [
            o if isinstance(o, int) else (o, self.changed(op, k, o)) for k, o in enumerate(operands)
        ]
        self.steps.append(Step(op, pairs, attributes))
        inputs = [exact(np.zeros(self.shapes[o])) if isinstance(o, int) else exact(o) for o in operands]
        self.shapes.append(evaluate(op, inputs, attributes)[0].shape)
        return len(self.shapes) - 1

    def changed(self, op: str, place: int, values: np.ndarray) -> np.ndarray:
        if self.change == 0.0:
            return values
        other = (values * (1 + self.change * self.r.standard_normal(values.shape))).astype(F32)
        return np.abs(other) if op == "batch_norm" and place == 4 else other

    def numbers(self, *shape: int, scale: float = 1.0) -> np.ndarray:
        return np.asarray(self.r.standard_normal(shape) * scale, F32).reshape(shape)

    # ---- the two graphs, and what they are

    def graph(self, which: int) -> Any:
        b = _core.GraphBuilder(("reference", "deployed")[which], "test")
        ids = [b.input("x", list(self.shapes[0]), "float32")]
        for n, step in enumerate(self.steps):
            inputs = [
                ids[o] if isinstance(o, int) else b.constant(f"c{n}_{k}", np.ascontiguousarray(o[which], F32))
                for k, o in enumerate(step.operands)
            ]
            y = b.activation(f"v{n + 1}", None, "float32")
            b.node(step.op, f"{step.op}_{n + 1}", inputs, [y], step.attributes)
            ids.append(y)
        b.output(ids[-1])
        return b.build()

    def value(self, which: int, x: np.ndarray) -> np.ndarray:
        """The output at x, in fractions."""
        values = [exact(x)]
        for step in self.steps:
            inputs = [values[o] if isinstance(o, int) else exact(o[which]) for o in step.operands]
            lower, upper = evaluate(step.op, inputs, step.attributes)
            values.append(lower if lower is upper else (lower + upper) / 2)
        return values[-1]

    @property
    def kinds(self) -> list[str]:
        return [step.op for step in self.steps]

    @property
    def rational(self) -> bool:
        return not {"sigmoid", "tanh", "softmax", "batch_norm"} & set(self.kinds)

    # ---- random layers

    def channels(self, x: int) -> tuple[int, int, int]:
        s = self.shapes[x]
        return (s[2], s[3], s[1]) if self.layout == "NCHW" else (s[1], s[2], s[3])

    def per_channel(self, values: np.ndarray) -> np.ndarray:
        return values.reshape(-1, 1, 1) if self.layout == "NCHW" else values

    def window(self, x: int, kernel: list[int], dilated: bool = True, keep: bool = False) -> dict[str, Any]:
        """Random strides, dilations and padding of any kind; `keep`: the image keeps its size."""
        size = self.channels(x)[:2]
        a: dict[str, Any] = {"layout": self.layout, "strides": [1, 1]}
        steps = [1, 1]
        if dilated and self.r.random() < 0.3:
            a["dilations"] = steps = [int(s) for s in self.r.integers(1, 3, 2)]
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, steps, strict=True)]
        fits = all(r <= s for r, s in zip(reach, size, strict=True))
        if not fits:  # else a window of wide steps might lie wholly in the padding
            a.pop("dilations", None)
        if keep or not fits:
            a["padding"] = "same"
            return a
        a["strides"] = [int(s) for s in self.r.integers(1, 3, 2)]
        a["padding"] = str(self.r.choice(["same", "valid", "explicit"]))
        if a["padding"] == "explicit":
            a["pads"] = [int(self.r.integers(0, kernel[d % 2])) if steps[d % 2] == 1 else 0 for d in range(4)]
        return a

    def activation(self) -> str:
        return str(self.r.choice(["none", "none", "relu", "relu6", "relu_n1_to_1"]))

    def kernel(self) -> list[int]:
        return [int(k) for k in self.r.integers(1, 4, 2)]

    def conv(self, x: int, keep: bool = False) -> int:
        c = self.channels(x)[2]
        groups = 2 if c % 2 == 0 and self.r.random() < 0.5 else 1
        outputs = c if keep else groups * int(self.r.integers(1, 3))
        kernel = self.kernel()
        w = self.numbers(outputs, *kernel, c // groups, scale=(kernel[0] * kernel[1] * c / groups) ** -0.5)
        a = self.window(x, kernel, keep=keep)
        return self.emit(
            "conv2d", x, w, self.numbers(outputs, scale=0.3), groups=groups, activation=self.activation(), **a
        )

    def depthwise(self, x: int) -> int:
        c = self.channels(x)[2]
        outputs = c * int(self.r.integers(1, 3))
        kernel = self.kernel()
        w = self.numbers(1, *kernel, outputs, scale=(kernel[0] * kernel[1]) ** -0.5)
        bias = self.numbers(outputs, scale=0.3)
        return self.emit(
            "depthwise_conv2d", x, w, bias, activation=self.activation(), **self.window(x, kernel)
        )

    def pool(self, x: int) -> int:
        kernel = self.kernel()
        if self.r.random() < 0.5:
            return self.emit("max_pool2d", x, kernel=kernel, **self.window(x, kernel))
        whole = int(self.r.integers(0, 2))
        a = self.window(x, kernel, dilated=False)
        return self.emit("average_pool2d", x, kernel=kernel, count_include_pad=whole, **a)

    def norm(self, x: int) -> int:
        rank = len(self.shapes[x])
        axis = (1 if self.layout == "NCHW" else 3) if rank == 4 else rank - 1
        n = self.shapes[x][axis]
        variance = np.abs(self.numbers(n)) + F32(0.25)
        gamma, beta, mean = (self.numbers(n) for _ in range(3))
        epsilon = float(F32(1e-3))
        return self.emit("batch_norm", x, gamma, beta, mean, variance, axis=axis, epsilon=epsilon)

    def constant(self, x: int) -> np.ndarray:
        """One that broadcasts to the shape of x."""
        shape = [1 if self.r.random() < 0.4 else d for d in self.shapes[x]]
        return self.numbers(*shape[int(self.r.integers(0, len(shape))) :])

    def binary(self, x: int) -> int:
        """With an earlier value of the same shape, itself among them, or a constant on either side."""
        op = str(self.r.choice(["add", "sub", "mul"]))
        others = [k for k, s in enumerate(self.shapes) if s == self.shapes[x]]
        other: int | np.ndarray = int(self.r.choice(others)) if self.r.random() < 0.6 else self.constant(x)
        pair = (x, other) if self.r.random() < 0.5 else (other, x)
        return self.emit(op, *pair, activation=self.activation())

    def unary(self, x: int, smooth: bool) -> int:
        ops = ["relu", "relu6", "clip", "leaky_relu", "identity", *(["sigmoid", "tanh"] if smooth else [])]
        op = str(self.r.choice(ops))
        if op == "clip":
            lo, hi = sorted(float(F32(v)) for v in self.r.uniform(-2, 2, 2))
            lo, hi = [(lo, hi), (-np.inf, hi), (lo, np.inf)][int(self.r.integers(0, 3))]
            return self.emit(op, x, min=lo, max=hi)
        if op == "leaky_relu":
            return self.emit(op, x, alpha=float(F32(self.r.choice([0.1, 0.5, 0.0, -0.5, 2.0]))))
        return self.emit(op, x)

    def move(self, x: int) -> int:
        shape = self.shapes[x]
        n = len(shape)
        kind = int(self.r.integers(0, 4))
        if kind == 0:
            pads = [int(p) for p in self.r.integers(0, 2, 2 * n)]
            pads[0] = pads[n] = 0
            return self.emit("pad", x, pads=pads, value=float(F32(self.r.choice([0.0, -0.7, 0.3]))))
        if kind == 1:
            axis = int(self.r.integers(1, n))
            other: int | np.ndarray = x if self.r.random() < 0.5 else self.numbers(*shape)
            pair = (x, other) if self.r.random() < 0.5 else (other, x)
            return self.emit("concat", *pair, axis=axis, activation=self.activation())
        if kind == 2:
            begin = [0, *[int(self.r.integers(0, d)) for d in shape[1:]]]
            steps = [1, *[int(s) for s in self.r.integers(1, 3, n - 1)]]
            return self.emit("strided_slice", x, begin=begin, end=list(shape), strides=steps)
        return self.emit("transpose", x, perm=[0, *[int(p) + 1 for p in self.r.permutation(n - 1)]])

    def dense(self, x: int, outputs: int) -> int:
        inputs = int(np.prod(self.shapes[x][1:]))
        if len(self.shapes[x]) > 2:
            x = self.emit("reshape", x, shape=[1, inputs])
        w = self.numbers(outputs, inputs, scale=inputs**-0.5)
        bias = self.numbers(outputs, scale=0.3)
        return self.emit("dense", x, w, bias, keep_dims=0, activation=self.activation())

    def finish_image(self, x: int) -> int:
        if self.r.random() < 0.3:
            axes = [2, 3] if self.layout == "NCHW" else [1, 2]
            return self.emit("mean", x, axes=axes, keep_dims=int(self.r.integers(0, 2)))
        return self.emit("global_average_pool", x, layout=self.layout) if self.r.random() < 0.3 else x


def random_net(seed: int, smooth: bool) -> RealNet:
    """Dense chains, or windows followed by a dense layer; with branches."""
    net = RealNet(seed)
    r = net.r
    if r.random() < 0.35:
        x = net.start(1, int(r.integers(1, 4)))
        for _ in range(int(r.integers(1, 5))):
            x = net.dense(x, int(r.integers(1, 5))) if r.random() < 0.6 else x
            x = net.unary(x, smooth) if r.random() < 0.5 else net.binary(x)
            if smooth and r.random() < 0.2:
                x = net.norm(x)
            if smooth and r.random() < 0.2:
                x = net.emit("softmax", x, axis=-1, beta=1.0)
        return net
    size = [int(s) for s in r.integers(2, 5, 2)]
    c = int(r.integers(1, 4))
    x = net.start(1, *([c, *size] if net.layout == "NCHW" else [*size, c]))
    for _ in range(int(r.integers(2, 5))):
        if int(np.prod(net.shapes[x])) > 80:
            break
        layers: list[Callable[[int], int]] = [net.conv, lambda y: net.conv(y, keep=True), net.depthwise]
        layers += [net.pool, lambda y: net.unary(y, smooth), net.move, net.binary, net.binary, net.binary]
        layers += [net.norm, net.norm] if smooth else []
        x = layers[int(r.integers(0, len(layers)))](x)
    if r.random() < 0.5:
        x = net.finish_image(x)
    if r.random() < 0.5:
        x = net.dense(x, int(r.integers(1, 4)))
    elif smooth and r.random() < 0.5:
        x = net.emit("softmax", x, axis=-1, beta=float(F32(0.5)))
    return net


def residual_net(seed: int) -> RealNet:
    """Branches with receptive fields of different sizes, and of no size, that meet again."""
    net = RealNet(seed)
    r = net.r
    c = int(r.integers(1, 3))
    size = [int(s) for s in r.integers(3, 6, 2)]
    x = net.start(1, *([c, *size] if net.layout == "NCHW" else [*size, c]))
    for _ in range(2):
        branches = [net.conv(x, keep=True), net.conv(net.conv(x, keep=True), keep=True), x]
        r.shuffle(branches)
        y = net.emit("add", branches[0], branches[1])
        x = net.emit(str(r.choice(["add", "sub"])), y, branches[2], activation=net.activation())
    if r.random() < 0.5:
        kind = "max_pool2d" if r.random() < 0.5 else "average_pool2d"
        net.emit(kind, x, kernel=[2, 2], **net.window(x, [2, 2], dilated=False))
    return net
