"""Random fixed-point networks with an evaluator in fractions, number by number. Shares nothing with the C++ side."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import gonogo as gg
import numpy as np
from gonogo import _core

Numbers = np.ndarray  # of Fraction
HALF = Fraction(1, 2)
LIMITS: dict[str, tuple[Fraction | None, Fraction | None]] = {
    "none": (None, None),
    "relu": (Fraction(0), None),
    "relu6": (Fraction(0), Fraction(6)),
    "relu_n1_to_1": (Fraction(-1), Fraction(1)),
}


def fractions(values: Any) -> Numbers:
    array = np.asarray(values)
    out = np.empty(array.size, dtype=object)
    out[:] = [Fraction(float(v)) for v in array.ravel()]
    return out.reshape(array.shape)


def each(function: Callable[[Fraction], Fraction], values: Numbers) -> Numbers:
    out = np.empty(values.size, dtype=object)
    out[:] = [function(v) for v in values.ravel()]
    return out.reshape(values.shape)


def rounded(x: Fraction, word: gg.Word, rounding: str) -> Fraction:
    """Into a word: by the definition of each rounding, then saturated."""
    y = x * Fraction(2) ** word.fraction_bits
    if rounding == "floor":
        n = math.floor(y)
    elif rounding == "half_up":
        n = math.floor(y + HALF)
    elif rounding == "half_away":
        n = math.floor(abs(y) + HALF) * (1 if y >= 0 else -1)
    else:
        n = round(y)
    low, high = (-(2 ** (word.bits - 1)), 2 ** (word.bits - 1) - 1) if word.signed else (0, 2**word.bits - 1)
    return min(max(n, low), high) / Fraction(2) ** word.fraction_bits


def clamp(x: Fraction, limits: tuple[Fraction | None, Fraction | None]) -> Fraction:
    lo, hi = limits
    x = x if lo is None else max(x, lo)
    return x if hi is None else min(x, hi)


class FixedOracle:
    """One random network: its graph, its semantics, and both of its values at a point."""

    def __init__(self, seed: int) -> None:
        self.r = np.random.default_rng(seed)
        self.kinds: list[str] = []
        self.builder = _core.GraphBuilder("random", "test")
        # Per tensor, a function of both evaluations' tensors: (values, device or not) -> values.
        self.steps: list[Callable[[dict[int, Numbers], bool], Numbers]] = []
        self.layers: dict[str, gg.FixedLayer] = {}
        self.semantics = self.choose()
        self.make()

    def word(self, signed: bool | None = None) -> gg.Word:
        bits = int(self.r.integers(4, 14))
        free = self.r.random() < 0.7 if signed is None else signed
        return gg.Word(bits, bits - int(self.r.integers(1, 5)), signed=bool(free))

    def choose(self) -> gg.FixedPoint:
        pick = lambda: str(self.r.choice(["half_up", "half_away", "half_even", "floor"]))  # noqa: E731
        return gg.FixedPoint(
            weights=self.word(True),
            activations=self.word(),
            bias=self.word(True),
            input=self.word(True),
            rounding=pick(),  # type: ignore[arg-type]
            constant_rounding=pick(),  # type: ignore[arg-type]
            input_gain=float(self.r.choice([1.0, 1.0, 0.99609375, 0.3])),
        )

    # ---- building

    def emit(
        self, op: str, inputs: list[int], constants: list[np.ndarray], attributes: dict[str, Any]
    ) -> tuple[int, str]:
        name = f"{op}_{len(self.kinds)}"
        self.kinds.append(op)
        given = [
            self.builder.constant(f"{name}/{i}", np.ascontiguousarray(c, np.float32))
            for i, c in enumerate(constants)
        ]
        out = self.builder.activation(name, None, "float32")
        self.builder.node(op, name, [*inputs, *given], [out], attributes)
        return int(out), name

    def constant(self, values: np.ndarray, word: gg.Word, device: bool) -> Numbers:
        exact = fractions(values)
        return (
            each(lambda v: rounded(v, word, self.semantics.constant_rounding or ""), exact)
            if device
            else exact
        )

    def into(self, values: Numbers, word: gg.Word | None, activation: str, device: bool) -> Numbers:
        cut = each(lambda v: clamp(v, LIMITS[activation]), values)
        return each(lambda v: rounded(v, word, self.semantics.rounding), cut) if device and word else cut

    def own(self, name: str, **words: Any) -> gg.FixedLayer:
        layer = gg.FixedLayer(**{k: w for k, w in words.items() if w is not None and self.r.random() < 0.4})
        self.layers[name] = layer
        return layer

    def activation(self) -> str:
        return str(self.r.choice(["none", "none", "relu", "relu6", "relu_n1_to_1"]))

    def matrix(self, x: int, shape: tuple[int, ...], weights: np.ndarray, last: bool, op: str) -> int:
        """dense, or a 1 x 1 convolution: the same numbers."""
        bias = self.r.normal(0, 1, weights.shape[0]).astype(np.float32)
        activation = "none" if last else self.activation()
        attributes: dict[str, Any] = {"activation": activation}
        kernel = weights
        if op == "conv2d":
            kernel = weights.reshape(weights.shape[0], 1, 1, -1)
            attributes |= {"strides": [1, 1], "padding": "valid"}
        out, name = self.emit(op, [x], [kernel, bias], attributes)
        layer = self.own(name, weights=self.word(True), bias=self.word(True), output=self.word())
        if last and self.r.random() < 0.5:
            layer = self.layers[name] = gg.FixedLayer(layer.weights, layer.bias, exact_output=True)
        s = self.semantics
        word = None if layer.exact_output else layer.output or s.activations

        def step(v: dict[int, Numbers], device: bool) -> Numbers:
            w = self.constant(weights, layer.weights or s.weights, device)
            b = self.constant(bias, layer.bias or s.bias or s.weights, device)
            flat = v[x].reshape(-1, weights.shape[1])
            return self.into(flat @ w.T + b, word, activation, device).reshape(*shape[:-1], len(weights))

        self.steps.append(step)
        self.at[out] = len(self.steps) - 1
        return out

    def binary(self, op: str, x: int, width: int) -> int:
        values = self.r.normal(0, 1, width).astype(np.float32)
        activation = self.activation()
        out, name = self.emit(op, [x], [values], {"activation": activation})
        layer = self.own(name, weights=self.word(True), bias=self.word(True), output=self.word())
        s = self.semantics

        def step(v: dict[int, Numbers], device: bool) -> Numbers:
            word = layer.weights or s.weights if op == "mul" else layer.bias or s.bias or s.weights
            c = self.constant(values, word, device)
            z = v[x] * c if op == "mul" else v[x] + c if op == "add" else v[x] - c
            return self.into(z, layer.output or s.activations, activation, device)

        self.steps.append(step)
        self.at[out] = len(self.steps) - 1
        return out

    def pick(self, op: str, x: int) -> int:
        attributes = {"min": -0.625, "max": 1.25 + 2.0**-12} if op == "clip" else {}
        limits = LIMITS.get(op, (Fraction(-0.625), Fraction(1.25 + 2.0**-12)))
        out, name = self.emit(op, [x], [], attributes)
        grid = self.grids[x]
        layer = self.own(name, output=self.word())
        word = layer.output or grid

        def step(v: dict[int, Numbers], device: bool) -> Numbers:
            z = each(lambda n: clamp(n, limits), v[x])
            return each(lambda n: rounded(n, word, self.semantics.rounding), z) if device else z

        self.steps.append(step)
        self.at[out] = len(self.steps) - 1
        return out

    def pool(self, op: str, x: int, shape: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
        attributes = {"kernel": [2, 2], "strides": [2, 2], "padding": "valid"}
        out, _ = self.emit(op, [x], [], attributes)
        _, h, w, c = shape
        made = (1, h // 2, w // 2, c)

        def step(v: dict[int, Numbers], device: bool) -> Numbers:
            z = np.empty(made, dtype=object)
            for i, j, k in np.ndindex(*made[1:]):
                members = v[x][0, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2, k].ravel().tolist()
                z[0, i, j, k] = max(members) if op == "max_pool2d" else sum(members, Fraction(0)) / 4
            return self.into(z, None if op == "max_pool2d" else self.semantics.activations, "none", device)

        self.steps.append(step)
        self.at[out] = len(self.steps) - 1
        self.grids[out] = self.grids[x] if op == "max_pool2d" else self.semantics.activations
        return out, made

    def make(self) -> None:
        r, s = self.r, self.semantics
        image = r.random() < 0.5
        self.shape: tuple[int, ...] = (1, 4, 4, 2) if image else (1, 5)
        self.builder.input("x", list(self.shape), "float32")
        self.at: dict[int, int] = {}
        self.grids: dict[int, gg.Word] = {0: s.input or s.activations}
        x, shape = 0, self.shape
        for i in range(int(r.integers(1, 4))):
            kind = "matrix" if i == 0 else str(r.choice(["matrix", "add", "sub", "mul", "pick", "pool"]))
            if kind == "matrix":
                width = int(r.integers(2, 5))
                weights = r.normal(0, 1.0, (width, shape[-1])).astype(np.float32)
                x = self.matrix(x, shape, weights, False, "conv2d" if image else "dense")
                shape = (*shape[:-1], width)
            elif kind == "pool":
                if len(shape) == 4 and shape[1] > 1:
                    x, shape = self.pool(str(r.choice(["max_pool2d", "average_pool2d"])), x, shape)
                continue
            elif kind == "pick":
                source = x
                x = self.pick(str(r.choice(["relu", "relu6", "clip"])), x)
                self.grids[x] = self.layers[self.name_of()].output or self.grids[source]
                continue
            else:
                x = self.binary(kind, x, shape[-1])
            self.grids[x] = self.layers[self.name_of()].output or s.activations
        weights = r.normal(0, 1.0, (2, shape[-1])).astype(np.float32)
        x = self.matrix(x, shape, weights, True, "conv2d" if image else "dense")
        self.builder.output(x)
        self.output = x
        self.graph = self.builder.build()
        object.__setattr__(self.semantics, "layers", dict(self.layers))

    def name_of(self) -> str:
        return f"{self.kinds[-1]}_{len(self.kinds) - 1}"

    # ---- evaluating

    def values(self, point: np.ndarray, device: bool) -> list[Fraction]:
        s = self.semantics
        x = fractions(point)
        if device:
            gain = Fraction(s.input_gain)
            x = each(lambda v: rounded(v * gain, s.input or s.activations, s.rounding), x)
        values: dict[int, Numbers] = {0: x}
        for tensor, k in self.at.items():
            values[tensor] = self.steps[k](values, device)
        return list(values[self.output].ravel())

    def device(self, point: np.ndarray) -> list[Fraction]:
        return self.values(point, True)

    def reference(self, point: np.ndarray) -> list[Fraction]:
        return self.values(point, False)

    def box(self) -> tuple[np.ndarray, np.ndarray]:
        r = np.random.default_rng(len(self.kinds) + int(self.r.integers(1000)))
        middle = r.normal(0, 1.0, self.shape)
        radius = float(r.choice([0.0, 0.01, 0.5, 3.0]))
        self.ends = (middle - radius, middle + radius)
        return self.ends

    def points(self, count: int) -> list[np.ndarray]:
        if not hasattr(self, "ends"):
            self.box()
        lo, hi = self.ends
        r = np.random.default_rng(count)
        inside = [lo + r.random(lo.shape) * (hi - lo) for _ in range(count)]
        corners = [np.where(r.random(lo.shape) < 0.5, lo, hi) for _ in range(count)]
        step = 2.0 ** -(self.semantics.input or self.semantics.activations).fraction_bits
        edges = [(np.floor(x / step) + 0.5) * step for x in inside]
        return [np.clip(p, lo, hi) for p in (inside + corners + edges)[:: max(1, 3)]]


def random_fixed(seed: int) -> FixedOracle:
    return FixedOracle(seed)
