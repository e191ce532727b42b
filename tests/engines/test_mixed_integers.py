"""Operators kept finer within an integer profile: every device within the bounds, for all inputs of tiny networks.

The oracle computes the mixed device in fractions; nothing is compared with a tolerance.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import gonogo as gg
import numpy as np
import pytest
from gonogo import _core
from support.containment import Environment
from support.mixed_nets import MixedNet, Ties

HALVES = (Fraction(-1, 2), Fraction(0), Fraction(1, 3), Fraction(1, 2))


def choose(net: MixedNet) -> dict[str, str]:
    names = ["input", *net.names]
    chosen = net.r.choice(names, size=int(net.r.integers(1, min(3, len(names)) + 1)), replace=False)
    return {str(n): str(net.r.choice(["int16", "real"])) for n in chosen}


def outside(numbers: Any, low: Any, high: Any) -> bool:
    return any(
        not Fraction(float(a)) <= v <= Fraction(float(b))
        for v, a, b in zip(numbers.ravel(), low.ravel(), high.ravel(), strict=True)
    )


def check(seed: int, image: bool, profile: str) -> tuple[list[str], int, int]:
    net = MixedNet(seed, image)
    keep = choose(net)
    plain = gg.Mixed(keep, profile=profile).plain()  # type: ignore[arg-type]
    scale, zero = net.nodes[0].scale, net.nodes[0].zero
    n = int(np.prod(net.shape))
    first = [int(v) for v in net.r.integers(-128, 125, n)]
    ends = [((a - zero) * scale, (a + 2 - zero) * scale) for a in first]
    lo, hi = (np.array([float(e[k]) for e in ends]).reshape(net.shape) for k in range(2))
    with Environment(seed):
        found = {
            m: _core.error(net.reference, net.deployed, [lo], [hi], plain, None, 1, seed, False, m).tensors
            for m in ("interval", "linear", "optimised")
        }
        deployed = _core.bound(net.deployed, [lo], [hi], plain, None, "linear")
    run = _core.IntegerRunner(net.deployed, "tflm" if profile == "any" else profile)
    device = _core.DeviceRunner(net.deployed, plain)
    failures, exact, seen = [], 0, 0
    for q in itertools.product(*(range(a, a + 3) for a in first)):
        numbers = np.array(q, np.int32).reshape(net.shape)
        integers = [numbers, *run([numbers])]
        for h in HALVES:
            x = np.array(
                [min(max((v - zero + h) * scale, e[0]), e[1]) for v, e in zip(q, ends, strict=True)]
                + [None], dtype=object,
            )[:-1].reshape(net.shape)  # fmt: skip
            truth = net.of_reference(x)
            ties: Ties
            for ties in ("up", "down"):
                values = net.of_device(x, integers, keep, ties)
                for k in range(1, len(values)):
                    difference = values[k] - truth[k]
                    for m, tensors in found.items():
                        if outside(difference, tensors[k - 1].lower, tensors[k - 1].upper):
                            failures.append(f"{m}: seed {seed}, {keep}, input {q} {h}, {net.names[k - 1]}")
                    if outside(values[k], deployed[k - 1].lower, deployed[k - 1].upper):
                        failures.append(f"bound: seed {seed}, {keep}, input {q} {h}, {net.names[k - 1]}")
            if h != 0 or any(Fraction(float(v)) != v for v in x.ravel()):
                continue
            values = net.of_device(x, integers, keep, "away")
            for k, (low, high) in enumerate(device([x.astype(np.float64)])):
                seen += low.size
                exact += int((low == high).sum())
                if outside(values[k + 1], low, high):
                    failures.append(f"device: seed {seed}, {keep}, input {q}, {net.names[k]}")
    return failures, exact, seen


@pytest.mark.parametrize("image", [False, True])
@pytest.mark.parametrize("profile", ["tflm", "litert", "xnnpack", "any"])
def test_every_device_lies_within_the_bounds(profile: str, image: bool) -> None:
    exact = seen = 0
    for seed in range(60 if profile == "tflm" else 15):
        failures, e, s = check(seed, image, profile)
        assert failures == []
        exact, seen = exact + e, seen + s
    assert exact > 0.5 * seen > 0
