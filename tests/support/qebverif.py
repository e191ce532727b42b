"""The QEBVerif benchmark (Zhang, Song, Sun, CAV 2023): MNIST networks, their quantised counterparts, published results.

What is compared, for an integer image x of 784 pixels 0..255:

- DNN(x): float32 weights as they are, real arithmetic, input x / 255. Exactly: an integer over 255 * 2**s.
- QNN(x): integers. Input x with 8 fractional bits, that is x / 256. Weights: signed Q bits, Q - 1 of them
  fractional; biases: signed Q bits, Q - 2 fractional; both rounded half away from zero and saturated. A hidden
  neuron adds exactly, rounds half up to Q - 2 fractional bits and is cut to [0, 2**Q - 1], which is its ReLU.
  Outputs are the exact sums: integers with 2 Q - 3 fractional bits.

The published tools ask for |QNN_c - DNN_c| <= eps on the box |x - image| <= 3 cut to 0..255, c the image's class, which
the quantised network predicts rightly at the image. The published authors compute in float32 without directed
rounding, and their MILP takes the input as x / 255 exactly.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
from gonogo import _core

from support.dense import Box, ChainBuilder, Dense, ExactNet, Rationals, difference, enclose, integers

NETS = ("P1", "P2")
BITS = (4, 6, 8, 10)
EPSILONS = (1, 2, 4, 6, 8)
RADIUS = 3
INPUT_BITS = 8
FILES = {"P1": "P1_784_100_10.npz", "P2": "P2_784_100_100_10.npz"}


@dataclass(frozen=True)
class Dnn:
    """The float network; `layers` hold its own float32 numbers."""

    name: str
    layers: tuple[Dense, ...]

    @property
    def times_255(self) -> tuple[Dense, ...]:
        """255 * DNN reads x itself: the network is positively homogeneous, and 255 * bias is a float64 number."""
        return tuple(Dense(x.weights, x.bias.astype(np.float64) * 255, x.relu) for x in self.layers)

    def enclose(self, x: np.ndarray) -> Box:
        """Float64 bounds on all outputs at integer images [points, 784]."""
        lo, hi = enclose(self.times_255, x)
        return np.nextafter(lo / 255, -np.inf), np.nextafter(hi / 255, np.inf)

    def exact(self, x: np.ndarray) -> Rationals:
        """All outputs at integer images [points, 784]."""
        y = _exact_net(self)(Rationals(integers(np.ravel(x).tolist(), np.shape(x))))
        return Rationals(y.numbers, y.denominator * 255)


_EXACT: dict[str, ExactNet] = {}


def _exact_net(dnn: Dnn) -> ExactNet:
    if dnn.name not in _EXACT:
        _EXACT[dnn.name] = ExactNet.of(dnn.times_255)
    return _EXACT[dnn.name]


def round_half_away(values: np.ndarray, bits: int, fraction: int) -> np.ndarray:
    """Signed integers of `bits` bits with `fraction` of them fractional: int64, saturated. Exact for float32 values."""
    scaled = np.asarray(values, np.float64) * 2.0**fraction
    rounded = np.trunc(scaled)
    rounded += np.sign(scaled) * (np.abs(scaled - rounded) >= 0.5)
    return np.clip(rounded, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1).astype(np.int64)


@dataclass(frozen=True)
class Qnn:
    """The quantised network: int64 weights [outputs, inputs] and biases."""

    name: str
    bits: int
    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]

    @property
    def shift(self) -> int:
        """Fractional bits of the output."""
        return (self.bits - 2) + (self.bits - 1)

    @property
    def top(self) -> int:
        """Largest hidden integer; top / 2**(bits - 2) is the largest hidden value."""
        return 2**self.bits - 1

    def accumulators(self, x: np.ndarray) -> list[np.ndarray]:
        """Exact sums of every layer, int64 [points, neurons], at integer images [points, 784]."""
        values = np.asarray(x, np.float64)
        fraction = INPUT_BITS
        sums = []
        for i, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            bias = b << (fraction + 1)  # Q - 2 fractional bits to fraction + Q - 1
            assert (
                w.shape[1] * 2 ** max(INPUT_BITS, self.bits) * 2**self.bits < 2**52
            )  # so float64 sums are exact
            sums.append((values @ w.T.astype(np.float64)).astype(np.int64) + bias)
            if i + 1 < len(self.weights):
                drop = fraction + (self.bits - 1) - (self.bits - 2)
                values = np.clip((sums[-1] + (1 << (drop - 1))) >> drop, 0, self.top).astype(np.float64)
                fraction = self.bits - 2
        return sums

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Exact outputs as int64 over 2**shift."""
        return self.accumulators(x)[-1]


def difference_bounds(qnn: Qnn, dnn: Dnn, x: np.ndarray) -> Box:
    """Float64 bounds on QNN - DNN, all outputs, at integer images."""
    exact = qnn(x) / 2.0**qnn.shift
    return difference((exact, exact), dnn.enclose(x))


def exact_difference(qnn: Qnn, dnn: Dnn, x: np.ndarray, output: int) -> Fraction:
    """QNN - DNN of one output at one integer image [784]."""
    x = np.asarray(x).reshape(1, -1)
    return Fraction(int(qnn(x)[0, output]), 2**qnn.shift) - dnn.exact(x).fraction((0, output))


def load_dnn(corpus: Path, net: str) -> Dnn:
    with np.load(corpus / "quant" / "qebverif" / "networks" / FILES[net]) as data:
        count = len(data.files) // 2
        layers = tuple(Dense(data[f"W{i}"].T.copy(), data[f"b{i}"], i + 1 < count) for i in range(count))
    return Dnn(net, layers)


def quantise(dnn: Dnn, bits: int) -> Qnn:
    weights = tuple(round_half_away(x.weights, bits, bits - 1) for x in dnn.layers)
    biases = tuple(round_half_away(x.bias, bits, bits - 2) for x in dnn.layers)
    return Qnn(dnn.name, bits, weights, biases)


@dataclass(frozen=True)
class Image:
    """One of the 30 inputs; `label` is the output that is compared."""

    id: int
    label: int
    pixels: np.ndarray

    def box(self, radius: int = RADIUS) -> tuple[np.ndarray, np.ndarray]:
        """Integer images lo and hi."""
        return np.clip(self.pixels - radius, 0, 255), np.clip(self.pixels + radius, 0, 255)


@cache
def load_images(corpus: Path) -> tuple[Image, ...]:
    with (corpus / "quant" / "qebverif" / "mnist_30_inputs.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return tuple(Image(int(r[0]), int(r[1]), np.array([int(v) for v in r[2:]], np.int64)) for r in rows)


@dataclass(frozen=True)
class Published:
    """What is known of one (net, Q, image).

    The interval is that of `Sym`, the only method whose end points are published; of the others there are widths.
    `verdicts[eps]`: True proved, False refuted by any of the published methods, None undecided.
    `attack`: range of QNN - DNN reached by an earlier attack, float64.
    """

    sym_interval: tuple[float, float]
    sym_width: float
    con_width: float
    baseline_width: float
    verdicts: dict[int, bool | None]
    proved_by_dra: frozenset[int]
    attack: tuple[float, float]

    @property
    def best_width(self) -> float:
        return min(self.sym_width, self.con_width)


Key = tuple[str, int, int]


@cache
def load_published(corpus: Path) -> dict[Key, Published]:
    """By (net, Q, image id): 240 entries."""
    folder = corpus / "quant" / "qebverif" / "results"

    def rows(name: str) -> list[tuple[Key, dict[str, str]]]:
        with (folder / name).open(encoding="utf-8") as file:
            return [
                ((r["net"][:2], int(r["Q"]), int(r["mnist_test_id"])), r)
                for r in csv.DictReader(file)
                if r["net"][:2] in NETS
            ]

    widths: dict[tuple[Key, str], float] = {}
    for key, row in rows("rq1_dra_tightness_tidy.csv"):
        widths[key, row["method"]] = float(row["output_diff_width"])
    intervals: dict[Key, tuple[float, float]] = {}
    verdicts: dict[Key, dict[int, bool | None]] = {}
    proved: dict[Key, set[int]] = {}
    meaning = {"Proved": True, "True": True, "False": False, "Unknown": None, "NA": None}
    for key, row in rows("rq2_verification_tidy.csv"):
        eps = int(float(row["error_bound"]))
        if row["dra_output_interval"] != "NA":
            lo, hi = json.loads(row["dra_output_interval"])
            if intervals.setdefault(key, (lo, hi)) != (lo, hi):
                raise ValueError(f"{key}: two published intervals")
        known = verdicts.setdefault(key, {})
        found = meaning[row["result"]]
        if found is not None and known.get(eps) not in (None, found):
            raise ValueError(f"{key}, eps {eps}: published methods contradict each other")
        known[eps] = known.get(eps) if found is None else found
        if row["result"] == "Proved":
            proved.setdefault(key, set()).add(eps)
    attacks = {
        key: (float(r["attack_diff_min"]), float(r["attack_diff_max"]))
        for key, r in rows("attack_lower_bounds.csv")
    }
    return {
        key: Published(
            intervals[key],
            widths[key, "QEBVerif(sym)"],
            widths[key, "QEBVerif(Con)"],
            widths[key, "Baseline"],
            verdicts[key],
            frozenset(proved.get(key, set())),
            attacks[key],
        )
        for key in intervals
    }


def reference_graph(dnn: Dnn, scaling: str = "exact") -> _core.Graph:
    """The DNN as a graph that reads x in 0..255.

    'exact': a batch_norm of mean 0 and variance 255**2 divides by 255 in real arithmetic; output DNN(x).
    'homogeneous': no division; every bias b is added as 256 b and then taken off once; output 255 * DNN(x).
    'folded': first weights W / 255 rounded to float32, as a converter would do; output DNN(x) but for that rounding.
    """
    chain = ChainBuilder(f"{dnn.name} reference, {scaling}", dnn.layers[0].weights.shape[1])
    layers = list(dnn.layers)
    if scaling == "exact":
        n = layers[0].weights.shape[1]
        parameters = [np.full(n, v, np.float32) for v in (1, 0, 0, 255 * 255)]
        chain.node("batch_norm", parameters, {"epsilon": 0.0, "axis": 1})
    elif scaling == "folded":
        first = layers[0]
        layers[0] = Dense((first.weights / np.float32(255)).astype(np.float32), first.bias, first.relu)
    elif scaling != "homogeneous":
        raise ValueError(f"scaling: {scaling!r}")
    for layer in layers:
        if scaling == "homogeneous":
            chain.dense(Dense(layer.weights, layer.bias * np.float32(256), False))
            chain.node("sub", [layer.bias], {"activation": "relu" if layer.relu else "none"})
        else:
            chain.dense(layer)
    return chain.build()


def unrounded_graph(qnn: Qnn) -> _core.Graph:
    """The QNN but for the rounding of its hidden sums: dyadic weights, x / 256, hidden values cut to [0, top].

    In real arithmetic every hidden value of the QNN is that of this graph's operator, at the QNN's own inputs, moved by
    at most 2**-(bits - 1).
    """
    chain = ChainBuilder(f"{qnn.name} Q={qnn.bits}, unrounded", qnn.weights[0].shape[1])
    chain.node("mul", [np.full((1,), 2.0**-INPUT_BITS, np.float32)], {"activation": "none"})
    for i, (w, b) in enumerate(zip(qnn.weights, qnn.biases, strict=True)):
        chain.dense(Dense(w * 2.0 ** -(qnn.bits - 1), b * 2.0 ** -(qnn.bits - 2), False))
        if i + 1 < len(qnn.weights):
            chain.node("clip", [], {"min": 0.0, "max": qnn.top / 2.0 ** (qnn.bits - 2)})
    return chain.build()
