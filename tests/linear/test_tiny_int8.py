"""Tiny int8 nets, all of whose inputs are tried: the true extremes lie within the bounds, in exact integers.

Every integer input of the box is run on the device, and the reference is evaluated exactly at real inputs that the
device's quantiser may turn into that integer: in the middle of its step and at both ties.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from gonogo import _core
from support.containment import Environment
from support.random_nets import Exact, Network, Pair

HALVES = (Fraction(-1, 2), Fraction(0), Fraction(1, 2))


def dense_net(net: Network) -> Pair:
    r = net.r
    x = net.start((1, int(r.integers(1, 4))))
    for _ in range(int(r.integers(2, 5))):
        y = net.dense(x, int(r.integers(1, 4)))
        if r.random() < 0.4:
            y = net.binary(str(r.choice(["add", "sub", "mul"])), y, net.dense(x, y.shape[1]))
        x = net.leaky(y) if r.random() < 0.3 else y
    return net.finish([x])


def image_net(net: Network) -> Pair:
    r = net.r
    x = net.start((1, 1, int(r.integers(2, 4)), 1))
    for _ in range(int(r.integers(1, 3))):
        kind = int(r.integers(0, 4))
        x = net.conv(x, 2, False) if kind == 0 else net.conv(x, 0, True) if kind == 1 else net.pad(x)
        if r.random() < 0.5:
            x = net.binary(str(r.choice(["add", "mul"])), x, x)
        elif r.random() < 0.5:
            x = net.pool(x, bool(r.random() < 0.5))
    x = net.mean(x) if r.random() < 0.5 else x
    return net.finish([net.dense(net.dense(x, 2), 2)])


def exact_fractions(rows: list[list[Fraction]], shape: tuple[int, ...]) -> Exact:
    shift = max(f.denominator.bit_length() - 1 for row in rows for f in row)
    numbers = np.empty((len(rows), *shape[1:]), dtype=object)
    for k, row in enumerate(rows):
        numbers[k] = np.array([int(f * (1 << shift)) for f in row], dtype=object).reshape(shape[1:])
    return Exact(numbers, shift)


def check(seed: int, make: Callable[[Network], Pair]) -> list[str]:
    pair = make(Network(seed))
    r = np.random.default_rng(seed)
    scale, n = Fraction(float(pair.scale)), int(np.prod(pair.shape))
    steps = 5 if n < 3 else 3
    first = [int(v) for v in r.integers(-128, 128 - steps, n)]
    ranges = [range(a, a + steps) for a in first]
    ends = [((a - pair.zero_point) * scale, (a + steps - 1 - pair.zero_point) * scale) for a in first]
    lo, hi = (np.array([float(e[k]) for e in ends]).reshape(pair.shape) for k in range(2))
    with Environment(seed):
        found = {
            method: _core.error(
                pair.reference, pair.deployed, [lo], [hi], "tflm", None, 1, seed, False, method
            ).tensors[0]
            for method in ("interval", "linear", "optimised")
        }
        deployed = _core.bound(pair.deployed, [lo], [hi], "tflm", None, "linear")[0]
        reference = _core.bound(pair.reference, [lo], [hi], "real", None, "linear")[0]
    assert found["linear"].method == "joint", pair.kinds
    q_out = pair.deployed.tensor(pair.deployed.outputs[0]).quantization
    out_scale, out_zero = Fraction(float(q_out.scales[0])), int(q_out.zero_points[0])
    run = _core.IntegerRunner(pair.deployed, "tflm")
    failures = []
    for q in itertools.product(*ranges):
        device = run([np.array(q, np.int32).reshape(pair.shape)])[0].ravel()
        values = [(int(v) - out_zero) * out_scale for v in device]
        rows = [
            [min(max((v - pair.zero_point + h) * scale, e[0]), e[1]) for v, e in zip(q, ends, strict=True)]
            for h in HALVES
        ]
        truth = pair.function(exact_fractions(rows, pair.shape))[0]
        for k in range(len(rows)):
            for e, v in enumerate(values):
                ideal = Fraction(int(truth.numbers[k].ravel()[e]), truth.divisor << truth.shift)
                asked = [(f"difference ({m})", v - ideal, f) for m, f in found.items()]
                asked += [("deployed", v, deployed), ("reference", ideal, reference)]
                for what, number, f in asked:
                    low, high = (Fraction(float(b.ravel()[e])) for b in (f.lower, f.upper))
                    if not low <= number <= high:
                        failures.append(f"{what}: seed {seed}, input {q}, element {e}, {pair.kinds}")
    return failures


@pytest.mark.parametrize("make", [dense_net, image_net])
def test_all_inputs_lie_within_the_bounds(make: Callable[[Network], Pair]) -> None:
    assert [f for seed in range(80) for f in check(seed, make)] == []
