"""The controllers of Aster (Lohar et al., EMSOFT 2023), in exact rationals, in fixed point, and as graphs.

The published reference is the real-valued network with the weights' decimals as they stand, and the question how few
bits keep a fixed-point version within `target` of it on the box. Aster's own code is Xilinx ap_fixed: signed two's
complement `ap_fixed<word, integer>` with the sign counted among the integer bits, truncation (floor) and wrap-around
by default; its 5 to 32 bits are *fractional* bits, one number per layer for the sums and one for the biases, with
ceil(log2(inputs)) + 1 guard bits for weights and products. The arithmetic here is its own and simpler: every sum is
exact and rounded once, to the format of the layer's output. 'floor' with 'wrap' is ap_fixed's default,
'half_up' with 'saturate' its AP_RND, AP_SAT.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from gonogo import _core

from support.dense import ChainBuilder, Dense, ExactNet, Rationals, integers, rationals

ROUNDINGS = ("half_up", "half_away", "floor")
OVERFLOWS = ("saturate", "wrap")


@dataclass(frozen=True)
class Layer:
    """W [outputs, inputs] and b as published."""

    weights: Rationals
    bias: Rationals
    relu: bool


@dataclass(frozen=True)
class Controller:
    """One published network; box and target are exact too."""

    name: str
    layers: tuple[Layer, ...]
    lower: Rationals
    upper: Rationals
    target: Rationals

    @cached_property
    def exact(self) -> ExactNet:
        """The published function."""
        return ExactNet([(x.weights, x.bias, x.relu) for x in self.layers])

    def ranges(self) -> list[tuple[Rationals, Rationals]]:
        """Interval bounds on the input and on every layer's output, exact."""
        found = [(self.lower, self.upper)]
        for layer in self.layers:
            lo, hi = found[-1]
            up = Rationals(np.maximum(layer.weights.numbers, 0), layer.weights.denominator)
            down = Rationals(np.minimum(layer.weights.numbers, 0), layer.weights.denominator)
            ends = (up @ lo + down @ hi + layer.bias, up @ hi + down @ lo + layer.bias)
            found.append((ends[0].relu(), ends[1].relu()) if layer.relu else ends)
        return found

    def parts(self, count: int = 1) -> list[list[Dense]]:
        """Per layer, `count` float32 layers that add up to the decimals' nearest float64, or as near as they get."""
        out = []
        for layer in self.layers:
            w, b = layer.weights.floats(), layer.bias.floats()
            pieces = []
            for _ in range(count):
                dw, db = w.astype(np.float32).astype(np.float64), b.astype(np.float32).astype(np.float64)
                pieces.append(Dense(dw, db, layer.relu))
                w, b = w - dw, b - db  # exact: what float32 leaves of a float64 number
            out.append(pieces)
        return out

    def rounded(self, count: int = 1) -> list[Dense]:
        """The network that `graph(count)` holds: sums of the parts, float64 numbers."""
        return [
            Dense(
                np.sum([p.weights for p in parts], axis=0),
                np.sum([p.bias for p in parts], axis=0),
                parts[0].relu,
            )
            for parts in self.parts(count)
        ]

    def graph(self, count: int = 1) -> _core.Graph:
        """Input x of shape [1, inputs]. The decimals are not float32 numbers, so it is `rounded(count)` that is held:

        one part moves a weight by 2**-25 of it at most, two by 2**-49, three hold the decimals' float64 values.
        """
        chain = ChainBuilder(f"{self.name}, {count} part(s)", self.layers[0].weights.numbers.shape[1])
        for parts in self.parts(count):
            relu = "relu" if parts[0].relu else "none"
            source, made = chain.tensor, []
            for part in parts:
                chain.tensor = source
                chain.dense(Dense(part.weights, part.bias, part.relu and count == 1))
                made.append(chain.tensor)
            chain.tensor = made[0]
            for i, tensor in enumerate(made[1:], 2):
                chain.node("add", [], {"activation": relu if i == count else "none"}, [tensor])
        return chain.build()


def names(corpus: Path) -> tuple[str, ...]:
    with (corpus / "quant" / "aster" / "index.csv").open(encoding="utf-8") as file:
        return tuple(row["name"] for row in csv.DictReader(file))


def load_controller(corpus: Path, name: str) -> Controller:
    data = json.loads((corpus / "quant" / "aster" / f"{name}.json").read_text(encoding="utf-8"))
    layers = []
    for x in data["layers"]:
        if x["activation"] not in ("relu", "linear"):
            raise ValueError(f"{name}: activation {x['activation']!r}")
        layers.append(Layer(rationals(x["W"]), rationals(x["b"]), x["activation"] == "relu"))
    ends = (rationals(data["input_lower"]), rationals(data["input_upper"]))
    return Controller(name, tuple(layers), *ends, rationals([data["target_abs_error"]]))


@dataclass(frozen=True)
class Format:
    """ap_fixed<word, integer>: `word` bits, `integer` of them before the point, the sign among them."""

    word: int
    integer: int

    @property
    def fraction(self) -> int:
        return self.word - self.integer

    @property
    def lowest(self) -> int:
        return -(1 << (self.word - 1))

    @property
    def highest(self) -> int:
        return (1 << (self.word - 1)) - 1

    def fit(self, numbers: np.ndarray, overflow: str) -> np.ndarray:
        if overflow == "saturate":
            return np.clip(numbers, self.lowest, self.highest)
        return ((numbers - self.lowest) & ((1 << self.word) - 1)) + self.lowest


def rounded_shift(numbers: np.ndarray, shift: int, rounding: str) -> np.ndarray:
    """Integers times 2**-shift, rounded; exact where `shift` isn't positive."""
    if shift <= 0:
        return numbers << -shift
    if rounding == "floor":
        return numbers >> shift
    half = 1 << (shift - 1)
    if rounding == "half_up":
        return (numbers + half) >> shift
    magnitude = (abs(numbers) + half) >> shift
    return np.where(numbers < 0, -magnitude, magnitude)


def to_fixed(values: Rationals, form: Format, rounding: str, overflow: str = "saturate") -> np.ndarray:
    """Nearest representable integers (over 2**form.fraction) as the rules say; Python integers."""
    up, down = max(form.fraction, 0), max(-form.fraction, 0)
    n, d = values.numbers << up, values.denominator << down
    if rounding == "floor":
        found = n // d
    elif rounding == "half_up":
        found = (2 * n + d) // (2 * d)
    else:
        found = np.where(n < 0, -((2 * -n + d) // (2 * d)), (2 * n + d) // (2 * d))
    return form.fit(found, overflow)


@dataclass(frozen=True)
class FixedLayer:
    weights: np.ndarray
    weight_format: Format
    bias: np.ndarray
    bias_format: Format
    output_format: Format
    relu: bool


@dataclass(frozen=True)
class FixedNet:
    """A fixed-point network. Integers in and out: value = integer / 2**fraction of the format in question."""

    name: str
    input_format: Format
    layers: tuple[FixedLayer, ...]
    rounding: str
    overflow: str

    @property
    def output_format(self) -> Format:
        return self.layers[-1].output_format

    def read(self, x: Rationals) -> np.ndarray:
        """Inputs as the network receives them."""
        return to_fixed(x, self.input_format, self.rounding, self.overflow)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Exact outputs at integer inputs [points, inputs]. int64 where no sum can leave it, else Python integers."""
        form = self.input_format
        for layer in self.layers:
            fraction = form.fraction + layer.weight_format.fraction
            common = max(fraction, layer.bias_format.fraction, layer.output_format.fraction)
            up = common - fraction
            bias = layer.bias * (1 << (common - layer.bias_format.fraction))
            reach = (np.abs(layer.weights).sum(axis=1).max() << (form.word - 1 + up)) + np.abs(bias).max()
            small = reach < 2**61 and common < 60 and layer.output_format.word < 62
            kind = np.int64 if small else object
            sums = (x.astype(kind) @ layer.weights.T.astype(kind)) * (1 << up) + bias.astype(kind)
            x = rounded_shift(sums, common - layer.output_format.fraction, self.rounding)
            x = layer.output_format.fit(x, self.overflow)
            x = np.maximum(x, 0) if layer.relu else x
            form = layer.output_format
        return x

    def values(self, outputs: np.ndarray) -> Rationals:
        """Outputs as exact numbers."""
        form = self.output_format
        numbers = integers([int(v) << max(-form.fraction, 0) for v in outputs.ravel()], outputs.shape)
        return Rationals(numbers, 1 << max(form.fraction, 0))


def integer_bits(largest: Rationals) -> int:
    """Bits before the point, with the sign, for numbers as large as these."""
    top = max((abs(int(n)) // largest.denominator for n in largest.numbers.ravel()), default=0)
    return top.bit_length() + 1


def make_fixed(
    controller: Controller,
    words: Sequence[int] | int,
    *,
    whole: Sequence[int] | None = None,
    rounding: str = "half_up",
    overflow: str = "saturate",
) -> FixedNet:
    """A fixed-point version: `words` bits for the input and then for every layer's weights, biases and outputs.

    `whole`: integer bits of the input and of every layer's output, sign included; without it, those that the exact
    interval ranges over the box need. Weights and biases get the integer bits that they need.
    """
    if rounding not in ROUNDINGS or overflow not in OVERFLOWS:
        raise ValueError(f"rounding {rounding!r}, overflow {overflow!r}")
    count = len(controller.layers)
    words = [words] * (count + 1) if isinstance(words, int) else list(words)
    if whole is None:
        whole = [max(integer_bits(lo), integer_bits(hi)) for lo, hi in controller.ranges()]
    forms = [Format(w, i) for w, i in zip(words, whole, strict=True)]
    layers = []
    for layer, form, word in zip(controller.layers, forms[1:], words[1:], strict=True):
        wf, bf = Format(word, integer_bits(layer.weights)), Format(word, integer_bits(layer.bias))
        w, b = to_fixed(layer.weights, wf, rounding), to_fixed(layer.bias, bf, rounding)
        layers.append(FixedLayer(w, wf, b, bf, form, layer.relu))
    return FixedNet(controller.name, forms[0], tuple(layers), rounding, overflow)
