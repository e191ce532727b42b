"""Chains of dense layers with ReLU, as the published benchmarks have them: exact values, rigorous enclosures, graphs.

Three independent ways to evaluate one network: exact rationals (Python integers over one denominator), float64
enclosures of many points at once, and a gonogo graph. None of them shares code with the C++ side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from gonogo import _core

Box = tuple[np.ndarray, np.ndarray]

UNIT = 2.0**-53
# Covers the roundings made in the radii themselves, each below 2**-40 relatively for any layer here.
SLACK = 1 + 2.0**-30
UNDERFLOW = 1e-300


@dataclass(frozen=True)
class Rationals:
    """Exact numbers: an array of Python integers over one denominator."""

    numbers: np.ndarray
    denominator: int = 1

    def over(self, denominator: int) -> Rationals:
        """The same numbers over a multiple of the denominator."""
        factor, rest = divmod(denominator, self.denominator)
        if rest:
            raise ValueError(f"{denominator} is no multiple of {self.denominator}")
        return self if factor == 1 else Rationals(self.numbers * factor, denominator)

    def __add__(self, other: Rationals) -> Rationals:
        common = math.lcm(self.denominator, other.denominator)
        return Rationals(self.over(common).numbers + other.over(common).numbers, common)

    def __sub__(self, other: Rationals) -> Rationals:
        return self + Rationals(-other.numbers, other.denominator)

    def __matmul__(self, other: Rationals) -> Rationals:
        return Rationals(self.numbers @ other.numbers, self.denominator * other.denominator)

    def relu(self) -> Rationals:
        return Rationals(np.maximum(self.numbers, 0), self.denominator)

    def fraction(self, index: Any) -> Fraction:
        return Fraction(int(self.numbers[index]), self.denominator)

    def floats(self) -> np.ndarray:
        """Nearest float64 numbers."""
        flat = [n / self.denominator for n in self.numbers.ravel().tolist()]  # int / int rounds correctly
        return np.array(flat, np.float64).reshape(self.numbers.shape)


def integers(values: Sequence[int], shape: tuple[int, ...]) -> np.ndarray:
    """An array of Python integers."""
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out.reshape(shape)


def rationals(values: Any) -> Rationals:
    """Floats or integers (arrays), or nested lists of decimal strings, exactly as they stand."""
    array = np.asarray(values)
    fractions = [Fraction(v) for v in array.ravel().tolist()]
    common = math.lcm(*(f.denominator for f in fractions))
    return Rationals(
        integers([f.numerator * (common // f.denominator) for f in fractions], array.shape), common
    )


@dataclass(frozen=True)
class Dense:
    """y = W x + b, W of shape [outputs, inputs], then max(y, 0) where `relu`. The numbers are taken as they are."""

    weights: np.ndarray
    bias: np.ndarray
    relu: bool


class ExactNet:
    """A chain of dense layers in exact rationals."""

    def __init__(self, layers: Sequence[tuple[Rationals, Rationals, bool]]) -> None:
        self.layers = [(Rationals(w.numbers.T, w.denominator), b, relu) for w, b, relu in layers]

    @classmethod
    def of(cls, layers: Sequence[Dense]) -> ExactNet:
        return cls([(rationals(x.weights), rationals(x.bias), x.relu) for x in layers])

    def __call__(self, x: Rationals) -> Rationals:
        """Outputs at points x of shape [points, inputs]."""
        for weights, bias, relu in self.layers:
            x = x @ weights + bias
            x = x.relu() if relu else x
        return x


def enclose(layers: Sequence[Dense], x: np.ndarray) -> Box:
    """Float64 bounds on the exact outputs at float64 points [points, inputs].

    Proof: a dot product of n terms and one addition, summed in any order, with or without FMA, in round to nearest is
    within (n + 2) u (|w| |x| + |b|) of the exact one; one more u allows for weights that are themselves roundings of
    decimals. The radius of the inputs passes through |w|; ReLU doesn't increase it.
    """
    middle = np.asarray(x, np.float64)
    radius = np.zeros_like(middle)
    for layer in layers:
        w, b = layer.weights.astype(np.float64).T, layer.bias.astype(np.float64)
        size = np.abs(middle) @ np.abs(w) + np.abs(b)
        radius = (radius @ np.abs(w) + (len(w) + 3) * UNIT * size) * SLACK + UNDERFLOW
        middle = middle @ w + b
        middle = np.maximum(middle, 0) if layer.relu else middle
    return np.nextafter(middle - radius, -np.inf), np.nextafter(middle + radius, np.inf)


def difference(a: Box, b: Box) -> Box:
    """Bounds on a - b from bounds on a and on b."""
    return np.nextafter(a[0] - b[1], -np.inf), np.nextafter(a[1] - b[0], np.inf)


def single(values: np.ndarray, what: str = "constant") -> np.ndarray:
    """float32, if that loses nothing."""
    rounded = np.asarray(values).astype(np.float32)
    if not np.array_equal(rounded.astype(np.float64), np.asarray(values, np.float64)):
        raise ValueError(f"{what}: not float32 numbers; round them first and say so")
    return rounded


class ChainBuilder:
    """Builds float graphs whose constants are float32 numbers exactly."""

    def __init__(self, source: str, inputs: int) -> None:
        self.builder = _core.GraphBuilder(source, "test")
        self.tensor = self.builder.input("x", [1, inputs], "float32")
        self.count = 0

    def node(
        self,
        op: str,
        constants: Sequence[np.ndarray] = (),
        attributes: dict[str, Any] | None = None,
        others: Sequence[int] = (),
    ) -> ChainBuilder:
        """Appends an operator that reads the last tensor, others by number, and constants."""
        name = f"{op}_{self.count}"
        self.count += 1
        given = [self.builder.constant(f"{name}/{i}", single(c, name)) for i, c in enumerate(constants)]
        out = self.builder.activation(name, None, "float32")
        self.builder.node(op, name, [self.tensor, *others, *given], [out], attributes or {})
        self.tensor = out
        return self

    def dense(self, layer: Dense) -> ChainBuilder:
        activation = "relu" if layer.relu else "none"
        return self.node("dense", [layer.weights, layer.bias], {"activation": activation, "keep_dims": 0})

    def build(self) -> _core.Graph:
        self.builder.output(self.tensor)
        return self.builder.build()


def dense_graph(source: str, layers: Sequence[Dense]) -> _core.Graph:
    """The chain as a gonogo graph: input x of shape [1, inputs]."""
    chain = ChainBuilder(source, layers[0].weights.shape[1])
    for layer in layers:
        chain.dense(layer)
    return chain.build()


def points_in(r: np.random.Generator, lo: np.ndarray, hi: np.ndarray, count: int) -> np.ndarray:
    """Random points of a box, a third each: inside, at corners, and some coordinates at the ends."""
    lo, hi = np.asarray(lo, np.float64), np.asarray(hi, np.float64)
    inside = lo + r.random((count, *lo.shape)) * (hi - lo)
    ends = np.where(r.random(inside.shape) < 0.5, lo, hi)
    kind = (np.arange(count) % 3).reshape(-1, *[1] * lo.ndim)
    mixed = np.where(r.random(inside.shape) < 0.5, ends, inside)
    return np.clip(np.where(kind == 0, inside, np.where(kind == 1, ends, mixed)), lo, hi)
