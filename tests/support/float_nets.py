"""Small networks in real arithmetic and on the device of float_device.py, with data that make trouble."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from gonogo import _core

from support.float_device import Device, Vector, exp, round_to, sigmoid, tanh

Step = Callable[[Vector, "Device | None"], Vector]


@dataclass
class FloatNet:
    """A network, evaluated in real arithmetic (device None) and on a device."""

    graph: Any
    steps: list[Step]
    inputs: int
    kinds: list[str] = field(default_factory=list)

    def __call__(self, x: Vector, device: Device | None) -> Vector:
        if device is not None:
            x = [device.result(v, device.values) for v in x] if device.values != "float32" else x
        for step in self.steps:
            x = step(x, device)
        return x


class Maker:
    """Chains on a vector."""

    def __init__(self, inputs: int) -> None:
        self.builder = _core.GraphBuilder("floats", "test")
        self.tensor = self.builder.input("x", [1, inputs], "float32")
        self.inputs = inputs
        self.steps: list[Step] = []
        self.kinds: list[str] = []

    def emit(self, op: str, constants: Sequence[np.ndarray], attributes: dict[str, Any]) -> None:
        name = f"{op}_{len(self.kinds)}"
        self.kinds.append(op)
        given = [
            self.builder.constant(f"{name}/{i}", np.ascontiguousarray(c, np.float32))
            for i, c in enumerate(constants)
        ]
        out = self.builder.activation(name, None, "float32")
        self.builder.node(op, name, [self.tensor, *given], [out], attributes)
        self.tensor = out

    def dense(self, weights: np.ndarray, bias: np.ndarray | None = None, activation: str = "none") -> Maker:
        self.emit(
            "dense",
            [weights] if bias is None else [weights, bias],
            {"activation": activation, "keep_dims": 0},
        )
        w = [[Fraction(float(v)) for v in row] for row in weights.astype(np.float32)]
        b = None if bias is None else [Fraction(float(v)) for v in bias.astype(np.float32)]

        def step(x: Vector, device: Device | None) -> Vector:
            out = []
            for i, row in enumerate(w):
                bias_of = None if b is None else b[i]
                if device is None:
                    z = sum((a * v for a, v in zip(row, x, strict=True)), bias_of or Fraction(0))
                else:
                    stored = [round_to(a, device.weights) for a in row]
                    z = device.dot(stored, x, None if bias_of is None else round_to(bias_of, device.weights))
                out.append(max(z, Fraction(0)) if activation == "relu" else z)
            return out

        self.steps.append(step)
        return self

    def constant(self, op: str, values: np.ndarray) -> Maker:
        self.emit(op, [values], {})
        c = [Fraction(float(v)) for v in values.astype(np.float32)]

        def step(x: Vector, device: Device | None) -> Vector:
            if device is None:
                return [a * b if op == "mul" else a + b for a, b in zip(x, c, strict=True)]
            known = [round_to(round_to(b, device.weights), device.values) for b in c]
            pairs = [
                (device.read(a, device.values), device.read(b, device.values))
                for a, b in zip(x, known, strict=True)
            ]
            return [device.operation(a * b if op == "mul" else a + b) for a, b in pairs]

        self.steps.append(step)
        return self

    def clip(self, low: float, high: float) -> Maker:
        self.emit("clip", [], {"min": low, "max": high})
        ends = Fraction(np.float32(low).item()), Fraction(np.float32(high).item())

        def step(x: Vector, device: Device | None) -> Vector:
            lo, hi = ends if device is None else (round_to(v, device.values) for v in ends)
            return [min(max(v, lo), hi) for v in x]

        self.steps.append(step)
        return self

    def smooth(self, op: str) -> Maker:
        self.emit(op, [], {})
        function = {"tanh": tanh, "sigmoid": sigmoid}[op]

        def step(x: Vector, device: Device | None) -> Vector:
            if device is None:
                return [function(v) for v in x]
            return [device.function(function(device.read(v, device.values)), device.values) for v in x]

        self.steps.append(step)
        return self

    def softmax(self) -> Maker:
        self.emit("softmax", [], {"beta": 1.0, "axis": -1})

        def step(x: Vector, device: Device | None) -> Vector:
            if device is None:
                e = [exp(v - max(x)) for v in x]
                return [v / sum(e) for v in e]
            form = device.accumulator
            shifted = [device.result(device.read(v, device.values) - max(x), form) for v in x]
            e = [device.function(exp(v), form) if v else Fraction(1) for v in shifted]
            total, order = Fraction(0), list(e)
            device.random.shuffle(order)
            for v in order:
                total = device.result(total + v, form)
            if device.random.random() < 0.5:
                return [device.store(device.result(v / total, form)) for v in e]
            inverse = device.result(1 / total, form)
            return [device.store(device.result(v * inverse, form)) for v in e]

        self.steps.append(step)
        return self

    def mean(self, size: int) -> Maker:
        """Means of pairs, triples ...: [1, n, size] and its last axis."""
        self.emit("reshape", [], {"shape": [1, self.width() // size, size]})
        self.emit("mean", [], {"axes": [2], "keep_dims": 0})

        def step(x: Vector, device: Device | None) -> Vector:
            groups = [x[i : i + size] for i in range(0, len(x), size)]
            if device is None:
                return [sum(g, Fraction(0)) / size for g in groups]
            form = device.accumulator
            out = []
            for g in groups:
                g = [device.read(v, device.values) for v in g]
                device.random.shuffle(g)
                first = device.random.random() < 0.3
                inverse = device.result(Fraction(1, size), form)
                total = Fraction(0)
                for v in g:
                    total = device.result(total + (device.result(v * inverse, form) if first else v), form)
                if not first:
                    exact = device.random.random() < 0.5
                    total = device.result(total / size if exact else total * inverse, form)
                out.append(device.store(total))
            return out

        self.steps.append(step)
        return self

    def width(self) -> int:
        x: Vector = [Fraction(0)] * self.inputs
        for step in self.steps:
            x = step(x, None)
        return len(x)

    def build(self) -> FloatNet:
        self.builder.output(self.tensor)
        return FloatNet(self.builder.build(), self.steps, self.inputs, self.kinds)


def hostile(r: np.random.Generator, shape: tuple[int, ...], kind: str) -> np.ndarray:
    """Weights that cancel, reach down to subnormals, or up to the ends of formats."""
    w = r.normal(0, 1, shape)
    if kind == "cancelling":
        w = np.where(r.random(shape) < 0.5, w * 2.0 ** r.integers(5, 25), w)
        half = shape[-1] // 2
        w[..., half : 2 * half] = -w[..., :half] * (1 + 2.0**-12)
    if kind == "tiny":
        w = (
            w
            * 2.0 ** r.integers(-40, 0, shape).astype(np.float64)
            * 2.0 ** float(r.choice([0, -10, -100, -120]))
        )
    if kind == "huge":
        w = w * 2.0 ** float(r.choice([6, 10, 13, 60, 120]))
    return np.clip(w, -60000, 60000).astype(np.float32) if kind != "huge" else w.astype(np.float32)


def random_net(seed: int) -> FloatNet:
    r = np.random.default_rng(seed)
    kind = str(r.choice(["plain", "plain", "cancelling", "tiny", "huge"]))
    maker = Maker(int(r.integers(2, 9)))
    for i in range(int(r.integers(1, 4))):
        width = maker.width()
        step = (
            "dense" if i == 0 else str(r.choice(["dense", "dense", "add", "mul", "clip", "smooth", "mean"]))
        )
        if step == "dense":
            out = int(r.integers(2, 7))
            bias = hostile(r, (out,), kind) if r.random() < 0.8 else None
            maker.dense(hostile(r, (out, width), kind), bias, str(r.choice(["none", "relu"])))
        elif step in ("add", "mul"):
            maker.constant(step, hostile(r, (width,), "plain" if kind == "huge" else kind))
        elif step == "clip":
            maker.clip(-0.7, 1.3)
        elif step == "smooth":
            maker.smooth(str(r.choice(["tanh", "sigmoid"])))
        elif width % 2 == 0:
            maker.mean(2)
    if r.random() < 0.3:
        maker.softmax()
    net = maker.build()
    net.kinds.insert(0, kind)
    return net
