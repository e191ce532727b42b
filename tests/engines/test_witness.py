"""The witness search against nets so small that every input of the device can be tried.

The truth is bracketed: over each cell of the quantiser the device computes one thing, and the reference lies in its
interval enclosure over that cell (`most`) and takes its exact values at the cell's corners (`least`).
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from gonogo import _core
from support import fixed, qebverif
from support.dense import Dense
from support.random_nets import Network, Pair, exact

CELLS = 20  # per input of a net with two
F32 = np.float32


@dataclass
class Truth:
    """Between these two lies the largest |deployed - reference| of each element; exact numbers."""

    least: list[Fraction]
    most: list[Fraction]


def small_pair(seed: int) -> Pair:
    """One or two inputs, one to three dense layers, sometimes a leaky_relu or a branch in between."""
    net = Network(seed)
    r = net.r
    x = net.start((1, 1 + seed % 2))
    for _ in range(int(r.integers(1, 4))):
        x = net.dense(x, int(r.integers(1, 6)))
        if r.random() < 0.2:
            x = net.leaky(x)
        if r.random() < 0.2:
            x = net.binary("add", x, net.dense(x, x.shape[1]))
    return net.finish([x])


def small_box(r: np.random.Generator, pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    s, z, n = float(pair.scale), pair.zero_point, pair.shape[1]
    cells = 250 if n == 1 else CELLS
    first = r.integers(-128, 128 - cells, (1, n)) - z
    lo = first * s + r.uniform(-0.5, 0.5, (1, n)) * s
    return lo, lo + cells * s * r.uniform(0.7, 1.0, (1, n))


def float_inside(end: Fraction, other: Fraction) -> float:
    """The end of an interval as a float, rounded towards the other end."""
    x = float(end)
    outside = Fraction(x) < end if end < other else Fraction(x) > end
    return float(np.nextafter(x, float(other))) if outside else x


def true_worst(pair: Pair, lo: np.ndarray, hi: np.ndarray) -> Truth:
    scale, n = Fraction(float(pair.scale)), pair.shape[1]
    out = pair.deployed.tensor(pair.deployed.outputs[0])
    run = _core.IntegerRunner(pair.deployed, "tflm")
    cells = []
    for e in range(n):
        a, b = Fraction(float(lo[0, e])), Fraction(float(hi[0, e]))
        numbers = range(round(a / scale - Fraction(1, 2)), round(b / scale + Fraction(1, 2)) + 1)
        ends = [(max(a, (k - Fraction(1, 2)) * scale), min(b, (k + Fraction(1, 2)) * scale)) for k in numbers]
        cells.append([(k, *c) for k, c in zip(numbers, ends, strict=True) if c[0] <= c[1]])
    least = most = None
    for cell in itertools.product(*cells):
        q = np.clip([[k + pair.zero_point for k, _, _ in cell]], -128, 127).astype(np.int32)
        zero, step = int(out.quantization.zero_points[0]), Fraction(float(out.quantization.scales[0]))
        device = [(int(v) - zero) * step for v in run([q])[0].ravel()]
        # Corners of the cell, inside it; the enclosure is over a box just around it.
        inner = [[float_inside(a, b), float_inside(b, a)] for _, a, b in cell]
        corners = np.array(list(itertools.product(*inner)))
        real = pair.function(exact(corners))[0]
        box = [np.nextafter([[e[i] for e in inner]], (-np.inf, np.inf)[i]) for i in (0, 1)]
        below, above = _core.evaluate_real(pair.reference, [box[0]], [box[1]])[pair.reference.outputs[0]]
        denominator = real.divisor << real.shift
        if least is None:
            least = [Fraction(0)] * len(device)
            most = list(least)
        for e, v in enumerate(device):
            ideals = [Fraction(int(x), denominator) for x in real.numbers.reshape(len(corners), -1)[:, e]]
            least[e] = max(least[e], *(abs(v - x) for x in ideals))
            ends = (Fraction(float(below.ravel()[e])), Fraction(float(above.ravel()[e])))
            most[e] = max(most[e], *(abs(v - x) for x in ends))
    assert least is not None
    assert most is not None
    return Truth(least, most)


def ask(pair: Pair, lo: np.ndarray, hi: np.ndarray, search: int = 500_000_000, seed: int = 1) -> Any:
    return _core.error(pair.reference, pair.deployed, [lo], [hi], "tflm", None, search, seed, False)


def device_error(pair: Pair, x: np.ndarray) -> list[Fraction]:
    """|deployed - reference| of each element at a point, exactly."""
    out = pair.deployed.tensor(pair.deployed.outputs[0])
    zero, step = int(out.quantization.zero_points[0]), Fraction(float(out.quantization.scales[0]))
    scale = Fraction(float(pair.scale))
    q = [[min(max(round(Fraction(float(v)) / scale) + pair.zero_point, -128), 127) for v in x]]
    device = _core.IntegerRunner(pair.deployed, "tflm")([np.array(q, np.int32)])[0].ravel()
    real = pair.function(exact(x.reshape(1, -1)))[0]
    denominator = real.divisor << real.shift
    ideal = [Fraction(int(v), denominator) for v in real.numbers.ravel()]
    return [abs((int(v) - zero) * step - r) for v, r in zip(device, ideal, strict=True)]


@pytest.mark.soundness
def test_the_witness_lies_below_the_truth_and_near_it() -> None:
    ratios = []
    for seed in range(24):
        pair = small_pair(seed)
        lo, hi = small_box(np.random.default_rng(seed), pair)
        truth = true_worst(pair, lo, hi)
        found = ask(pair, lo, hi).tensors[0]
        for e, witness in enumerate(found.witness_value.ravel()):
            assert Fraction(float(witness)) <= truth.most[e], (seed, e)
            assert truth.least[e] <= Fraction(float(found.bound.ravel()[e])), (seed, e)
            ratios.append(float(Fraction(float(witness)) / truth.most[e]) if truth.most[e] else 1.0)
        # The input given really reaches the worst witness, inside the box.
        x = np.asarray(found.witness_inputs[0], np.float64)
        assert (lo.ravel() <= x).all()
        assert (x <= hi.ravel()).all()
        assert max(device_error(pair, x)) >= Fraction(float(found.worst_witness))
    print(f"witness / truth: mean {np.mean(ratios):.4f}, least {min(ratios):.4f}, of {len(ratios)}")
    assert np.mean(ratios) >= 0.97
    assert min(ratios) >= 0.7


def test_the_same_seed_finds_the_same() -> None:
    pair = small_pair(5)
    lo, hi = small_box(np.random.default_rng(5), pair)
    first, second = (ask(pair, lo, hi, 20_000, seed=3) for _ in range(2))
    assert first.evaluations == second.evaluations
    assert (first.tensors[0].witness_value == second.tensors[0].witness_value).all()
    assert (first.tensors[0].witness_inputs[0] == second.tensors[0].witness_inputs[0]).all()


def test_more_work_finds_no_less() -> None:
    pair = small_pair(7)
    lo, hi = small_box(np.random.default_rng(7), pair)
    few, many = (ask(pair, lo, hi, work) for work in (0, 500_000_000))
    assert 8 <= few.evaluations < many.evaluations <= 4000 + 8
    assert few.tensors[0].worst_witness <= many.tensors[0].worst_witness


SCRIPT = """
import numpy as np
from engines.test_witness import ask, small_box
from support.random_nets import random_pair
for seed in range(12):
    pair = random_pair(seed)
    s = float(pair.scale)
    lo = np.full(pair.shape, -20 * s)
    found = ask(pair, lo, -lo, 50_000, seed)
    print(found.evaluations)
    for t in found.tensors:
        print(t.witness_value.tobytes().hex(), [x.tobytes().hex() for x in t.witness_inputs])
"""


def test_the_number_of_threads_changes_no_witness() -> None:
    answers = []
    for threads in ("1", "3"):
        environment = {**os.environ, "GONOGO_THREADS": threads, "PYTHONPATH": os.pathsep.join(sys.path)}
        answers.append(subprocess.check_output([sys.executable, "-c", SCRIPT], env=environment))
    assert answers[0] == answers[1]


def test_float_inputs_are_float32_numbers_inside_the_box() -> None:
    b = _core.GraphBuilder("deployed", "test")
    b.input("x", [1, 3], "float32")
    scale = _core.Quantization(np.array([0.037], F32), np.array([3], np.int32), 0)
    y = b.activation("y", None, "int8", scale)
    b.node("quantize", "y", [0], [y])
    b.output(y)
    lo, hi = np.array([[-1.0, 0.1, 2.0]]), np.array([[1.0, 0.1, 2.01]])
    found = _core.error(None, b.build(), [lo], [hi], "tflm").tensors[0]
    x = np.asarray(found.witness_inputs[0], np.float64)
    assert (x == x.astype(F32)).all()
    # Ends of the box that are no float32 numbers were widened by the engine to the next one.
    assert (np.nextafter(lo.astype(F32), F32(-np.inf)) <= x).all()
    assert (x <= np.nextafter(hi.astype(F32), F32(np.inf))).all()
    # Half a step, reached where the box holds a boundary of the quantiser.
    assert found.witness_value[0, 0] >= 0.999 * 0.037 / 2


def test_rounding_of_many_values_adds_up() -> None:
    """300 inputs, 60 values rounded coarsely: chance, or slopes alone, don't bring them to the right side of a step."""
    for seed in range(3):
        r = np.random.default_rng(seed)
        sizes = (300, 60, 4)
        layers = tuple(
            Dense(
                (r.normal(size=(m, n)) * n**-0.5).astype(F32), r.normal(size=m).astype(F32) * F32(0.1), m > 4
            )
            for n, m in itertools.pairwise(sizes)
        )
        dnn = qebverif.Dnn("toy", layers)
        qnn = qebverif.quantise(dnn, 5)
        graph = qebverif.reference_graph(dnn)
        image = r.integers(0, 256, 300)
        lo, hi = np.clip(image - 3, 0, 255), np.clip(image + 3, 0, 255)
        semantics = fixed.qebverif_semantics(graph, 5).plain()
        ends = [v.astype(np.float64)[None] for v in (lo, hi)]
        found = _core.error(
            None, graph, [ends[0]], [ends[1]], semantics, None, 500_000_000, 1, False
        ).tensors[0]
        low, high = qebverif.difference_bounds(qnn, dnn, r.integers(lo, hi + 1, (5000, 300)))
        chance = np.maximum(np.abs(low), np.abs(high)).max()
        assert found.worst_witness > 1.2 * chance
