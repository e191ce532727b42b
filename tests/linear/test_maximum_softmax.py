"""Maximum and softmax, alone and as pairs: every value lies within the bounds, which see what can't matter.

The oracle is exact for maxima, and knows softmax to 50 digits; nothing is compared with a tolerance.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from gonogo import _core
from support.containment import outside
from support.real_nets import F32, RealNet

METHODS = ("interval", "linear", "optimised")


def found(net: RealNet, lo: np.ndarray, hi: np.ndarray, method: str) -> tuple[Any, Any]:
    pair: list[Any] = [net.graph(0), net.graph(1)]
    one = _core.bound(pair[1], [lo], [hi], "real", None, method)[0]
    both = _core.error(*pair, [lo], [hi], "real", None, 1, 1, False, method).tensors[0]
    assert both.method == "joint"
    return one, both


def missed(net: RealNet, lo: np.ndarray, hi: np.ndarray, points: list[np.ndarray]) -> list[str]:
    values = [(net.value(0, x), net.value(1, x)) for x in points]
    failures = []
    for method in METHODS:
        one, both = found(net, lo, hi, method)
        for r, v in values:
            failures += outside(net, one.lower, v, one.upper) + outside(net, both.lower, v - r, both.upper)
    return failures


def grid(lo: np.ndarray, hi: np.ndarray, steps: int) -> list[np.ndarray]:
    """All points of a grid over the box, its corners among them."""
    axes = [np.linspace(a, b, steps) if a < b else [a] for a, b in zip(lo.ravel(), hi.ravel(), strict=True)]
    return [np.clip(np.array(p).reshape(lo.shape), lo, hi) for p in itertools.product(*axes)]


def shifted(net: RealNet, x: int, scale: float) -> int:
    """x plus a constant that differs between the two networks by about `scale`."""
    shift = net.numbers(*net.shapes[x])
    y = net.emit("add", x, shift)
    net.steps[-1].operands[1] = (shift, (shift + net.numbers(*shift.shape, scale=scale)).astype(F32))
    return y


def windows(seed: int, size: float) -> RealNet:
    """A maximum over windows of inputs that several windows share; ranges from points to wide ones, and ties."""
    net = RealNet(seed, 0.0)
    net.layout = "NHWC"
    width = int(net.r.integers(2, 5))
    x = net.start(1, 1, width, 1)
    if net.r.random() < 0.7:
        x = shifted(net, x, size)
    pool = net.emit(
        "max_pool2d", x, kernel=[1, int(net.r.integers(2, width + 1))], strides=[1, 1], padding="valid"
    )
    if net.r.random() < 0.5:  # what is the maximum matters beyond it
        n = net.shapes[pool][2]
        flat = net.emit("reshape", pool, shape=[1, n])
        net.emit("dense", flat, net.numbers(2, n), keep_dims=0)
    return net


@pytest.mark.soundness
def test_every_maximum_lies_within_the_bounds() -> None:
    failures = []
    for seed in range(120):
        net = windows(seed, [1.0, 2.0**-6, 1e3][seed % 3])
        shape = net.shapes[0]
        lo = np.round(2 * net.r.standard_normal(shape)) / 2
        hi = lo + net.r.choice([0.0, 0.5, 0.5, 2.0], shape)
        failures += missed(net, lo, hi, grid(lo, hi, 3 if lo.size < 4 else 2))
    assert failures == []


def logits(seed: int, classes: int) -> tuple[RealNet, np.ndarray, np.ndarray]:
    """Softmax of a dense layer of two inputs, weights of the other version from nearly the same to unrelated."""
    net = RealNet(seed, float(np.random.default_rng(seed).choice([2.0**-8, 2.0**-3, 1.0])))
    x = net.start(1, 2)
    scale = float(net.r.choice([0.5, 3.0, 30.0]))
    x = net.emit("dense", x, net.numbers(classes, 2, scale=scale), net.numbers(classes), keep_dims=0)
    x = net.emit("softmax", x, axis=-1, beta=float(F32(net.r.choice([1.0, 0.3, 2.0]))))
    if net.r.random() < 0.3:
        net.emit("dense", x, net.numbers(2, classes), keep_dims=0)
    middle = net.r.standard_normal((1, 2))
    radius = net.r.choice([0.0, 0.01, 0.1, 1.0], (1, 2))
    return net, middle - radius, middle + radius


@pytest.mark.soundness
@pytest.mark.parametrize(("classes", "seeds"), [(1, 3), (2, 25), (3, 25), (5, 25), (64, 2), (65, 2)])
def test_every_softmax_lies_within_the_bounds(classes: int, seeds: int) -> None:
    failures = []
    for seed in range(seeds):
        net, lo, hi = logits(100 * classes + seed, classes)
        failures += missed(net, lo, hi, grid(lo, hi, 3))
    assert failures == []


def widest(net: RealNet, lo: np.ndarray, hi: np.ndarray) -> tuple[float, float]:
    one, both = found(net, lo, hi, "linear")
    return float(np.max(one.upper - one.lower)), float(np.max(both.bound))


def test_what_all_logits_share_cancels() -> None:
    """The same term added to each changes no probability, however large it is."""
    net = RealNet(0, 0.0)
    x = net.start(1, 2)
    common = np.array([[1.0, 0.0]] * 4, F32)
    own = np.array([[0.0, k / 256] for k in range(4)], F32)
    x = net.emit("dense", x, 64 * common + own, np.zeros(4, F32), keep_dims=0)
    net.steps[-1].operands[1] = (64 * common + own, 65 * common + own)
    net.emit("softmax", x, axis=-1, beta=1.0)
    width, error = widest(net, np.full((1, 2), -1.0), np.full((1, 2), 1.0))
    assert width < 0.01
    assert error < 1e-9


def test_elements_that_are_never_the_maximum_do_not_count() -> None:
    net = RealNet(0, 0.0)
    net.layout = "NHWC"
    x = net.start(1, 1, 3, 1)
    zero, moved = (np.array(v, F32).reshape(1, 1, 3, 1) for v in ([0, 0, 0], [0.25, 0.125, -7]))
    x = net.emit("add", x, zero)
    net.steps[-1].operands[1] = (zero, moved)
    net.emit("max_pool2d", x, kernel=[1, 3], strides=[1, 1], padding="valid")
    lo, hi = (np.array(v, np.float64).reshape(1, 1, 3, 1) for v in ([0, 0, -9], [2, 2, -1]))
    _, both = found(net, lo, hi, "interval")
    assert float(both.lower.item()) == 0.125
    assert float(both.upper.item()) == 0.25


def test_a_second_place_far_behind_costs_little() -> None:
    """max(a, b) - a for b that exceeds a by little and seldom: a line in a, not the greatest value."""
    net = RealNet(0, 0.0)
    net.layout = "NHWC"
    x = net.start(1, 1, 2, 1)
    top = net.emit("max_pool2d", x, kernel=[1, 2], strides=[1, 1], padding="valid")
    first = net.emit("conv2d", x, np.array([1, 0], F32).reshape(1, 1, 2, 1), padding="valid", strides=[1, 1])
    net.emit("sub", top, first)
    lo, hi = (np.array(v, np.float64).reshape(1, 1, 2, 1) for v in ([0, 0], [1, 0.25]))
    one, _ = found(net, lo, hi, "linear")
    assert float(one.upper.item()) <= 0.25 + 1e-12
    assert missed(net, lo, hi, grid(lo, hi, 5)) == []
