"""Random pairs of small networks, float reference and int8 deployed, with an exact evaluator of the reference.

The evaluator works on the arrays the pair was made from, in Python integers: value = integer / (2**shift * divisor).
It shares no code and no data structure with the C++ side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from gonogo import _core

F32 = np.float32


@dataclass
class Exact:
    """Exact numbers: `numbers` (Python ints, first axis = points) over 2**shift * divisor."""

    numbers: np.ndarray
    shift: int = 0
    divisor: int = 1

    def with_shift(self, shift: int) -> Exact:
        return Exact(self.numbers * (1 << (shift - self.shift)), shift, self.divisor)

    def fraction(self, index: Any) -> Fraction:
        return Fraction(int(self.numbers[index]), self.divisor << self.shift)


def exact(values: np.ndarray) -> Exact:
    """A float array as it is, exactly."""
    fractions = [Fraction(float(v)) for v in np.ravel(values)]
    shift = max([f.denominator.bit_length() - 1 for f in fractions], default=0)
    ints = np.array([int(f * (1 << shift)) for f in fractions] + [None], dtype=object)[:-1]
    return Exact(ints.reshape(np.shape(values)), shift)


def common(a: Exact, b: Exact) -> tuple[Exact, Exact]:
    shift = max(a.shift, b.shift)
    a, b = a.with_shift(shift), b.with_shift(shift)
    divisor = a.divisor * b.divisor
    return Exact(a.numbers * b.divisor, shift, divisor), Exact(b.numbers * a.divisor, shift, divisor)


def add(a: Exact, b: Exact) -> Exact:
    a, b = common(a, b)
    return Exact(a.numbers + b.numbers, a.shift, a.divisor)


def product(a: Exact, b: Exact) -> Exact:
    return Exact(a.numbers * b.numbers, a.shift + b.shift, a.divisor * b.divisor)


def clamp(x: Exact, lo: float | None, hi: float | None) -> Exact:
    for limit, pick in ((lo, np.maximum), (hi, np.minimum)):
        if limit is not None:
            x, edge = common(x, exact(np.array(limit)))
            x = Exact(pick(x.numbers, edge.numbers), x.shift, x.divisor)
    return x


ACTIVATIONS: dict[str, tuple[float | None, float | None]] = {
    "none": (None, None),
    "relu": (0.0, None),
    "relu6": (0.0, 6.0),
    "relu_n1_to_1": (-1.0, 1.0),
}


@dataclass
class Pair:
    """Both graphs of one random network, and the exact reference function."""

    reference: Any
    deployed: Any
    function: Callable[[Exact], list[Exact]]
    scale: np.float32
    zero_point: int
    shape: tuple[int, ...]
    kinds: list[str] = field(default_factory=list)


class Maker:
    """Builds the two graphs layer by layer and remembers how to evaluate the reference exactly."""

    def __init__(self, seed: int) -> None:
        self.r = np.random.default_rng(seed)
        self.float = _core.GraphBuilder("reference", "test")
        self.int8 = _core.GraphBuilder("deployed", "test")
        self.steps: list[Callable[[dict[int, Exact]], Exact]] = []
        self.kinds: list[str] = []
        self.count = 0
        # Weights of the two models: the same up to quantisation, or unrelated in a tenth of the nets.
        self.unrelated = self.r.random() < 0.1

    def q(self, scale: float | np.ndarray, zero: int = 0, axis: int = 0) -> Any:
        scales = np.atleast_1d(np.asarray(scale, F32))
        return _core.Quantization(scales, np.full(scales.shape, zero, np.int32), axis)

    def activation_scale(self) -> tuple[np.float32, int]:
        return F32(2.0 ** self.r.uniform(-7, -3)), int(self.r.integers(-128, 128))

    def input(self, shape: tuple[int, ...]) -> tuple[int, np.float32]:
        self.shape = shape
        self.scale, self.zero = self.activation_scale()
        self.float.input("x", list(shape), "float32")
        self.int8.input("x", list(shape), "int8", self.q(self.scale, self.zero))
        return 0, self.scale

    def name(self, op: str) -> str:
        self.count += 1
        self.kinds.append(op)
        return f"{op}_{self.count}"

    def emit(
        self,
        op: str,
        inputs: list[int],
        q_inputs: list[int],
        attributes: dict[str, Any],
        out: tuple[np.float32, int] | None = None,
    ) -> tuple[int, int, np.float32, int]:
        name = self.name(op)
        scale, zero = out or self.activation_scale()
        f = self.float.activation(name, None, "float32")
        d = self.int8.activation(name, None, "int8", self.q(scale, zero))
        self.float.node(op, name, inputs, [f], attributes)
        self.int8.node(op, name, q_inputs, [d], attributes)
        return f, d, scale, zero


@dataclass
class Value:
    """One tensor in both graphs, and its place in the exact evaluation."""

    f: int
    d: int
    scale: np.float32
    zero: int
    shape: tuple[int, ...]
    exact: int


def quantize_weights(
    r: np.random.Generator, w: np.ndarray, axis: int, unrelated: bool
) -> tuple[np.ndarray, np.ndarray]:
    """int8 weights and float32 scales along an axis."""
    top = np.max(np.abs(np.moveaxis(w, axis, 0).reshape(w.shape[axis], -1)), axis=1) + 1e-6
    scales = (top / 127.0).astype(F32)
    shape = [1] * w.ndim
    shape[axis] = -1
    source = w if not unrelated else r.permutation(w.ravel()).reshape(w.shape)
    q = np.clip(np.rint(source / scales.reshape(shape)), -127, 127).astype(np.int8)
    return q, scales


class Network(Maker):
    """A random chain with an occasional branch, of the operators that the test asks for."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.values: list[Value] = []

    def start(self, shape: tuple[int, ...]) -> Value:
        self.input(shape)
        return Value(0, 0, self.scale, self.zero, shape, -1)

    def keep(
        self, made: tuple[int, int, np.float32, int], shape: tuple[int, ...], step: Callable[..., Exact]
    ) -> Value:
        self.steps.append(step)
        value = Value(*made, shape, len(self.steps) - 1)
        self.values.append(value)
        return value

    def weights(
        self, x: Value, shape: tuple[int, ...], axis: int, outputs: int
    ) -> tuple[np.ndarray, np.ndarray, list[int], list[int]]:
        fan = max(1, int(np.prod(shape)) // outputs)
        w = (self.r.standard_normal(shape) / np.sqrt(fan)).astype(F32)
        w[self.r.random(shape) < 0.1] = 0
        b = (self.r.standard_normal(outputs) * 0.3).astype(F32)
        q, scales = quantize_weights(self.r, w, axis, self.unrelated)
        bias_scale = x.scale.astype(np.float64) * scales.astype(np.float64)
        bq = np.clip(np.rint(b / bias_scale), -(2**20), 2**20).astype(np.int32)
        n = len(self.steps)
        f = [self.float.constant(f"w{n}", w), self.float.constant(f"b{n}", b)]
        d = [
            self.int8.constant(f"w{n}", q, self.q(scales, 0, axis)),
            self.int8.constant(f"b{n}", bq, self.q(bias_scale.astype(F32), 0, 0)),
        ]
        return w, b, f, d

    def activation(self) -> str:
        return str(self.r.choice(list(ACTIVATIONS)))

    def dense(self, x: Value, outputs: int) -> Value:
        inputs = int(np.prod(x.shape[1:]))
        w, b, f, d = self.weights(x, (outputs, inputs), 0, outputs)
        act = self.activation()
        made = self.emit("dense", [x.f, *f], [x.d, *d], {"activation": act, "keep_dims": 0})
        we, be = exact(w.T), exact(b)

        def step(v: dict[int, Exact]) -> Exact:
            a = v[x.exact]
            flat = Exact(a.numbers.reshape(len(a.numbers), -1), a.shift, a.divisor)
            y = Exact(flat.numbers @ we.numbers, flat.shift + we.shift, flat.divisor)
            return clamp(add(y, be), *ACTIVATIONS[act])

        return self.keep(made, (1, outputs), step)

    def conv(self, x: Value, outputs: int, depthwise: bool) -> Value:
        _, h, wd, c = x.shape
        k = int(self.r.integers(1, 4))
        s = int(self.r.integers(1, 3))
        same = bool(self.r.random() < 0.5) or k > min(h, wd)
        if depthwise:
            outputs = c * int(self.r.integers(1, 3))
        shape = (1, k, k, outputs) if depthwise else (outputs, k, k, c)
        w, b, f, d = self.weights(x, shape, 3 if depthwise else 0, outputs)
        act = self.activation()
        op = "depthwise_conv2d" if depthwise else "conv2d"
        made = self.emit(
            op,
            [x.f, *f],
            [x.d, *d],
            {"strides": [s, s], "padding": "same" if same else "valid", "activation": act},
        )
        oh, ow = (-(-h // s), -(-wd // s)) if same else ((h - k) // s + 1, (wd - k) // s + 1)
        top = max((oh - 1) * s + k - h, 0) // 2 if same else 0
        left = max((ow - 1) * s + k - wd, 0) // 2 if same else 0
        we, be = exact(w), exact(b)

        def step(v: dict[int, Exact]) -> Exact:
            a = v[x.exact]
            out = np.zeros((len(a.numbers), oh, ow, outputs), dtype=object)
            for i in range(oh):
                for j in range(ow):
                    for p in range(k):
                        for r in range(k):
                            y, z = i * s - top + p, j * s - left + r
                            if not (0 <= y < h and 0 <= z < wd):
                                continue
                            patch = a.numbers[:, y, z, :]
                            if depthwise:
                                out[:, i, j, :] += (
                                    np.repeat(patch, outputs // c, axis=1) * we.numbers[0, p, r]
                                )
                            else:
                                out[:, i, j, :] += patch @ we.numbers[:, p, r, :].T
            return clamp(add(Exact(out, a.shift + we.shift, a.divisor), be), *ACTIVATIONS[act])

        return self.keep(made, (1, oh, ow, outputs), step)

    def pool(self, x: Value, average: bool) -> Value:
        _, h, wd, c = x.shape
        k = int(self.r.integers(1, min(h, wd) + 1))
        attributes = {"kernel": [k, k], "strides": [1, 1], "padding": "valid"}
        op = "average_pool2d" if average else "max_pool2d"
        made = self.emit(op, [x.f], [x.d], attributes, (x.scale, x.zero))
        oh, ow = h - k + 1, wd - k + 1

        def step(v: dict[int, Exact]) -> Exact:
            a = v[x.exact]
            views = [a.numbers[:, p : p + oh, r : r + ow, :] for p in range(k) for r in range(k)]
            if average:
                total = views[0]
                for view in views[1:]:
                    total = total + view
                return Exact(total, a.shift, a.divisor * k * k)
            best = views[0]
            for view in views[1:]:
                best = np.maximum(best, view)
            return Exact(best, a.shift, a.divisor)

        return self.keep(made, (1, oh, ow, c), step)

    def mean(self, x: Value) -> Value:
        _, h, wd, c = x.shape
        made = self.emit("mean", [x.f], [x.d], {"axes": [1, 2], "keep_dims": 0})
        return self.keep(
            made,
            (1, c),
            lambda v: Exact(
                v[x.exact].numbers.sum(axis=(1, 2)), v[x.exact].shift, v[x.exact].divisor * h * wd
            ),
        )

    def binary(self, op: str, a: Value, b: Value) -> Value:
        act = self.activation()
        made = self.emit(op, [a.f, b.f], [a.d, b.d], {"activation": act})

        def step(v: dict[int, Exact]) -> Exact:
            x, y = v[a.exact], v[b.exact]
            if op == "mul":
                return clamp(product(x, y), *ACTIVATIONS[act])
            if op == "sub":
                y = Exact(-y.numbers, y.shift, y.divisor)
            return clamp(add(x, y), *ACTIVATIONS[act])

        return self.keep(made, a.shape, step)

    def leaky(self, x: Value) -> Value:
        alpha = float(F32(self.r.uniform(0.01, 0.5)))
        made = self.emit("leaky_relu", [x.f], [x.d], {"alpha": alpha})
        slope = exact(np.array(alpha))

        def step(v: dict[int, Exact]) -> Exact:
            x_, y = common(v[x.exact], product(v[x.exact], slope))
            return Exact(np.where(x_.numbers >= 0, x_.numbers, y.numbers), x_.shift, x_.divisor)

        return self.keep(made, x.shape, step)

    def pad(self, x: Value) -> Value:
        _, h, wd, c = x.shape
        t, b, le, ri = (int(n) for n in self.r.integers(0, 2, 4))
        made = self.emit("pad", [x.f], [x.d], {"pads": [0, t, le, 0, 0, b, ri, 0]}, (x.scale, x.zero))

        def step(v: dict[int, Exact]) -> Exact:
            a = v[x.exact]
            out = np.zeros((len(a.numbers), h + t + b, wd + le + ri, c), dtype=object)
            out[:, t : t + h, le : le + wd, :] = a.numbers
            return Exact(out, a.shift, a.divisor)

        return self.keep(made, (1, h + t + b, wd + le + ri, c), step)

    def finish(self, outputs: list[Value]) -> Pair:
        for v in outputs:
            self.float.output(v.f)
            self.int8.output(v.d)
        steps = list(self.steps)
        wanted = [v.exact for v in outputs]

        def function(x: Exact) -> list[Exact]:
            values = {-1: x}
            for i, step in enumerate(steps):
                values[i] = step(values)
            return [values[i] for i in wanted]

        return Pair(
            self.float.build(), self.int8.build(), function, self.scale, self.zero, self.shape, self.kinds
        )


def random_pair(seed: int) -> Pair:
    """A random small net: dense chains, or windows followed by a dense layer, with branches."""
    net = Network(seed)
    r = net.r
    if r.random() < 0.4:
        x = net.start((1, int(r.integers(1, 6))))
        for _ in range(int(r.integers(1, 4))):
            x = net.dense(x, int(r.integers(1, 6)))
            if r.random() < 0.3:
                x = net.binary(str(r.choice(["add", "sub", "mul"])), x, net.dense(x, x.shape[1]))
            if r.random() < 0.2:
                x = net.leaky(x)
        return net.finish([x])
    x = net.start((1, int(r.integers(2, 5)), int(r.integers(2, 5)), int(r.integers(1, 4))))
    for _ in range(int(r.integers(1, 4))):
        kind = r.integers(0, 6)
        if kind <= 1:
            x = net.conv(x, int(r.integers(1, 5)), False)
        elif kind == 2:
            x = net.conv(x, 0, True)
        elif kind == 3:
            x = net.pool(x, bool(r.random() < 0.5))
        elif kind == 4:
            x = net.pad(x)
        else:
            op = str(r.choice(["add", "sub", "mul"]))
            x = net.binary(op, x, x)
    if r.random() < 0.5:
        x = net.mean(x)
    if r.random() < 0.8:
        x = net.dense(x, int(r.integers(1, 4)))
    elif not net.steps:
        x = net.leaky(x)
    return net.finish([x])
