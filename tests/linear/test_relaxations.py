"""Relaxations where they are most easily wrong: limits in all places, saturated functions, narrow and enormous ranges.

Two layers around each, so that its slopes and intercepts decide the bounds; the oracle is exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gonogo import _core
from support.containment import outside
from support.real_nets import F32, RealNet

LIMITS = [(0.0, np.inf), (0.0, 6.0), (-1.0, 1.0), (-np.inf, 0.5), (0.25, 0.25), (100.0, 200.0), (-1e20, 1e20)]
SIZES = [1.0, 1e-3, 1e-12, 1e15, 1e-38]


class Pair(RealNet):
    """x -> dense -> operator -> dense, in two versions; what the operator gets and how wide depends on the seed."""

    def __init__(self, seed: int, op: str, size: float) -> None:
        super().__init__(seed)
        self.change = float(self.r.choice([2.0**-8, 1.0, 2.0**-40]))
        n, self.size = int(self.r.integers(1, 4)), size
        x = self.start(1, 2)
        x = self.emit("dense", x, self.numbers(n, 2), self.numbers(n, scale=size), keep_dims=0)
        if op == "clip":
            lo, hi = LIMITS[int(self.r.integers(0, len(LIMITS)))]
            scale = size if self.r.random() < 0.7 else 1.0
            x = self.emit(op, x, min=float(F32(lo * scale)), max=float(F32(hi * scale)))
        elif op == "leaky_relu":
            alpha = float(F32(self.r.choice([0.1, 0.0, -0.5, 2.0, 1.0])))
            x = self.emit(op, x, alpha=alpha)
        elif op == "mul":
            x = self.emit(op, x, self.emit("dense", 0, self.numbers(n, 2), keep_dims=0))
        elif op == "max_pool2d":
            x = self.emit("reshape", x, shape=[1, 1, n, 1])
            x = self.emit(op, x, kernel=[1, n], strides=[1, 1], padding="valid")
            x = self.emit("reshape", x, shape=[1, 1])
            n = 1
        else:
            x = self.emit(op, x, **({"axis": -1, "beta": 1.0} if op == "softmax" else {}))
        x = self.emit("dense", x, self.numbers(2, n), keep_dims=0)

    def box(self) -> tuple[np.ndarray, np.ndarray]:
        middle = self.size * self.r.standard_normal((1, 2))
        radius = self.size * self.r.choice([0.0, 1e-9, 1.0, 3.0], (1, 2))
        return middle - radius, middle + radius


def places(lo: np.ndarray, hi: np.ndarray, r: np.random.Generator) -> list[np.ndarray]:
    grid = [lo + t * (hi - lo) for t in (0.0, 0.5, 1.0)]
    all_corners = [np.where([[a, b]], lo, hi) for a in (True, False) for b in (True, False)]
    inside = [lo + r.random(lo.shape) * (hi - lo) for _ in range(6)]
    return [np.clip(x, lo, hi) for x in (*all_corners, *grid, *inside)]


def check(op: str, seeds: range) -> list[str]:
    missed: list[str] = []
    for seed in seeds:
        net = Pair(seed, op, SIZES[seed % len(SIZES)])
        lo, hi = net.box()
        pair: list[Any] = [net.graph(0), net.graph(1)]
        one = _core.bound(pair[0], [lo], [hi], "real", None, "linear")[0]
        both = _core.error(*pair, [lo], [hi], "real", None, 1, 1, False, "linear").tensors[0]
        for x in places(lo, hi, net.r):
            r, v = net.value(0, x), net.value(1, x)
            missed += outside(net, one.lower, r, one.upper) + outside(net, both.lower, v - r, both.upper)
    return missed


@pytest.mark.parametrize(
    "op", ["clip", "relu", "leaky_relu", "sigmoid", "tanh", "mul", "max_pool2d", "softmax"]
)
def test_slopes_and_intercepts(op: str) -> None:
    assert check(op, range(150 if op not in ("sigmoid", "tanh", "softmax") else 60)) == []


def bound(graph: Any, lo: float, hi: float) -> tuple[float, float]:
    found = _core.bound(graph, [np.array([[float(lo)]])], [np.array([[float(hi)]])], "real", None, "linear")[
        0
    ]
    return float(found.lower[0, 0]), float(found.upper[0, 0])


@pytest.mark.parametrize("op", ["sigmoid", "tanh"])
@pytest.mark.parametrize(
    ("lo", "hi"), [(-800, 800), (-1e30, 1), (700, 701), (-40, -39.9), (-1e-300, 1e-300), (0, 0)]
)
def test_saturated_and_flat_parts(op: str, lo: float, hi: float) -> None:
    net = RealNet(0, 0.0)
    x = net.start(1, 1)
    y = net.emit(op, x)
    net.emit(
        "sub", y, net.emit("mul", x, np.full((1, 1), 1 / 8, F32))
    )  # the slope of f against another slope
    graph = net.graph(0)
    lower, upper = bound(graph, lo, hi)
    assert lower <= upper
    for t in np.linspace(0, 1, 9):
        x_ = np.clip(np.array([[float(lo) + t * (hi - lo)]]), lo, hi)
        assert outside(net, np.array([[lower]]), net.value(0, x_), np.array([[upper]])) == []
