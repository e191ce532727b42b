"""Boxes, points and the question whether exact values lie between bounds; the caller's floating-point environment."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
from gonogo import _core

from support.real_nets import UNKNOWN, RealNet

ENVIRONMENTS = list(itertools.product(("nearest", "down", "up", "zero"), (False, True), (False, True)))


class Environment:
    """The caller's rounding mode, FTZ and DAZ for the length of one call."""

    def __init__(self, index: int) -> None:
        self.wanted = ENVIRONMENTS[index % len(ENVIRONMENTS)]

    def __enter__(self) -> None:
        self.former = _core.numeric.set_environment(*self.wanted)

    def __exit__(self, *_: object) -> None:
        _core.numeric.set_environment(*self.former)


def random_box(r: np.random.Generator, shape: tuple[int, ...], kind: int) -> tuple[np.ndarray, np.ndarray]:
    """A point with all 53 bits, a narrow box, a wide one, or one of which some elements are fixed."""
    middle = r.standard_normal(shape)
    radius = [0.0, 1e-3, 1.0, 1.0][kind] * r.random(shape)
    if kind == 3:
        radius *= r.random(shape) < 0.5
    return middle - radius, middle + radius


def points(r: np.random.Generator, lo: np.ndarray, hi: np.ndarray, count: int) -> list[np.ndarray]:
    """Corners, and points inside."""
    found = []
    for k in range(count):
        x = np.where(r.random(lo.shape) < 0.5, lo, hi) if k % 2 == 0 else lo + r.random(lo.shape) * (hi - lo)
        found.append(np.clip(x, lo, hi))
    return found


def outside(net: RealNet, lower: np.ndarray, values: np.ndarray, upper: np.ndarray) -> list[str]:
    assert lower.shape == values.shape
    missed = []
    for index in np.ndindex(*values.shape):
        v = values[index]
        slack = 0 if net.rational else UNKNOWN * (1 + abs(v))
        lo, hi = float(lower[index]), float(upper[index])
        if (lo != -np.inf and v < Fraction(lo) - slack) or (hi != np.inf and v > Fraction(hi) + slack):
            missed.append(f"{index}: {float(v)!r} outside [{lo!r}, {hi!r}], {net.kinds}")
    return missed
