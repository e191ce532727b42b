"""Containment, without tolerance: on random nets, boxes and points every enclosure holds the exact value.

The reference is evaluated in exact integers by tests/support/random_nets.py, the deployed network by the bit-exact
integer evaluation (held against the runtimes in tests/ops). Every case runs under a different floating-point
environment of the caller.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from gonogo import _core
from support.containment import Environment
from support.random_nets import Exact, Pair, exact, random_pair

pytestmark = pytest.mark.soundness

NETS = 400
BOXES = 5
POINTS = 50  # NETS * BOXES * POINTS = 100,000 cases


def random_box(r: np.random.Generator, pair: Pair, kind: int) -> tuple[np.ndarray, np.ndarray]:
    """A point, a small box, a wide one, or one that leaves the representable range."""
    s, z = float(pair.scale), pair.zero_point
    low, high = (-128 - z) * s, (127 - z) * s
    middle = r.uniform(low, high, pair.shape)
    radius = {0: 0.0, 1: s * r.uniform(0, 3), 2: (high - low) * 0.3, 3: (high - low), 4: s * 1e-3}[kind]
    lo, hi = middle - radius, middle + radius
    if kind != 3:
        lo, hi = np.clip(lo, low, high), np.clip(hi, low, high)
    return np.ascontiguousarray(lo), np.ascontiguousarray(hi)


def random_points(r: np.random.Generator, pair: Pair, lo: np.ndarray, hi: np.ndarray) -> np.ndarray:
    """Corners, interior points, and points next to the quantiser's boundaries."""
    x = lo + r.random((POINTS, *lo.shape)) * (hi - lo)
    corner = r.random(x.shape) < 0.5
    ends = np.where(r.random(x.shape) < 0.5, lo, hi)
    x = np.where(corner & (np.arange(POINTS) % 3 == 0).reshape(-1, *[1] * lo.ndim), ends, x)
    s = float(pair.scale)
    edge = (np.floor(x / s) + 0.5) * s
    x = np.where((np.arange(POINTS) % 3 == 1).reshape(-1, *[1] * lo.ndim), edge, x)
    return np.clip(x, lo, hi)


def quantized(r: np.random.Generator, pair: Pair, x: np.ndarray) -> np.ndarray:
    """A nearest integer, ties in either direction, saturated: exactly."""
    scale = Fraction(float(pair.scale))
    out = np.empty(x.shape, np.int32)
    for index, value in np.ndenumerate(x):
        steps = Fraction(float(value)) / scale
        n = steps.__floor__()
        rest = steps - n
        n += 1 if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and r.random() < 0.5) else 0
        out[index] = min(max(n + pair.zero_point, -128), 127)
    return out


def outside(lower: float, value: Fraction, upper: float) -> bool:
    below = lower != -np.inf and value < Fraction(lower)
    above = upper != np.inf and value > Fraction(upper)
    return below or above


def dequantized(graph: object, name: str, integers: np.ndarray) -> list[Fraction]:
    q = graph.tensor(name).quantization  # type: ignore[attr-defined]
    scale, zero = Fraction(float(q.scales[0])), int(q.zero_points[0])
    return [(int(v) - zero) * scale for v in integers.ravel()]


def check_pair(seed: int) -> tuple[int, list[str]]:
    """Number of cases, and a line for every containment failure."""
    r = np.random.default_rng(seed)
    pair = random_pair(seed)
    output = pair.deployed.outputs[0]
    run = _core.IntegerRunner(pair.deployed, "tflm")
    failures: list[str] = []
    cases = 0
    for kind in range(BOXES):
        lo, hi = random_box(r, pair, kind)
        cases += POINTS
        try:
            with Environment(seed + kind):
                error = _core.error(
                    pair.reference, pair.deployed, [lo], [hi], "tflm", None, 1, seed, False
                ).tensors[0]
                real = _core.bound(pair.reference, [lo], [hi], "real")[0]
                integer = _core.bound(pair.deployed, [lo], [hi], "tflm")[0]
        except RuntimeError as defect:  # the engine's own check of witness against bound
            failures.append(f"engine: seed {seed} box {kind}: {defect}")
            continue
        assert error.method == "joint", pair.kinds
        x = random_points(r, pair, lo, hi)
        reference: Exact = pair.function(exact(x.reshape(POINTS, *pair.shape[1:])))[0]
        for p in range(POINTS):
            q = quantized(r, pair, x[p])
            with Environment(seed + p):
                device = run([q])[0]
            values = dequantized(pair.deployed, output, device)
            truth = reference.numbers[p].ravel()
            denominator = reference.divisor << reference.shift
            for e, v in enumerate(values):
                ideal = Fraction(int(truth[e]), denominator)
                where = f"seed {seed} box {kind} point {p} element {e} {pair.kinds}"
                if outside(error.lower.ravel()[e], v - ideal, error.upper.ravel()[e]):
                    failures.append(f"difference: {where}")
                if abs(v - ideal) > Fraction(float(error.bound.ravel()[e])):
                    failures.append(f"bound: {where}")
                if outside(real.lower.ravel()[e], ideal, real.upper.ravel()[e]):
                    failures.append(f"reference: {where}")
                if outside(integer.lower.ravel()[e], v, integer.upper.ravel()[e]):
                    failures.append(f"deployed: {where}")
    return cases, failures


@pytest.mark.parametrize("part", range(8))
def test_every_enclosure_contains_the_exact_value(part: int) -> None:
    total = 0
    for seed in range(part, NETS, 8):
        cases, failures = check_pair(seed)
        total += cases
        assert not failures, f"{len(failures)} failures, first: {failures[:3]}"
    assert total == NETS * BOXES * POINTS // 8
