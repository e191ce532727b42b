"""Linear bounds against exact rationals: they hold every value, and are never wider than interval propagation.

Every case runs under another floating-point environment of the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gonogo import _core
from support.containment import Environment, outside, points, random_box
from support.real_nets import RealNet, random_net, residual_net

Check = Callable[[RealNet, int, range, int], tuple[list[str], float, float, float]]
METHODS = ("optimised", "linear", "interval")


def check_bounds(net: RealNet, seed: int, kinds: range, count: int) -> tuple[list[str], float, float, float]:
    """What is missed, and the widths of all methods, summed up."""
    r = np.random.default_rng(seed)
    graph = net.graph(0)
    missed: list[str] = []
    widths = [0.0, 0.0, 0.0]
    for kind in kinds:
        lo, hi = random_box(r, net.shapes[0], kind)
        with Environment(seed + kind):
            optimised, linear, interval = (
                _core.bound(graph, [lo], [hi], "real", None, method)[0] for method in METHODS
            )
        assert np.all(linear.lower <= linear.upper)
        for k, found in enumerate((optimised, linear, interval)):
            assert np.all(found.lower >= interval.lower)
            assert np.all(found.upper <= interval.upper)
            widths[k] += float(np.sum(found.upper - found.lower))
        for x in points(r, lo, hi, 1 if kind == 0 else count):
            value = net.value(0, x)
            for found in (optimised, linear):
                missed += outside(net, found.lower, value, found.upper)
    return missed, *widths


def check_errors(net: RealNet, seed: int, kinds: range, count: int) -> tuple[list[str], float, float, float]:
    """The same for the difference of the net with other weights from the net."""
    r = np.random.default_rng(seed + 1)
    pair = net.graph(0), net.graph(1)
    missed: list[str] = []
    widths = [0.0, 0.0, 0.0]
    for kind in kinds:
        lo, hi = random_box(r, net.shapes[0], kind)

        def ask(method: str, lo: np.ndarray = lo, hi: np.ndarray = hi) -> Any:
            return _core.error(*pair, [lo], [hi], "real", None, 1, seed, False, method).tensors[0]

        with Environment(seed + kind):
            optimised, linear, interval = (ask(method) for method in METHODS)
        assert linear.method == "joint", net.kinds
        assert np.all(linear.lower <= linear.upper)
        for k, found in enumerate((optimised, linear, interval)):
            assert np.all(found.lower >= interval.lower)
            assert np.all(found.upper <= interval.upper)
            widths[k] += float(np.sum(found.upper - found.lower))
        for x in points(r, lo, hi, 1 if kind == 0 else count):
            difference = net.value(1, x) - net.value(0, x)
            for found in (optimised, linear):
                missed += outside(net, found.lower, difference, found.upper)
    return missed, *widths


@pytest.mark.soundness
@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("check", [check_bounds, check_errors])
def test_random_nets_are_bounded(check: Check, part: int, smooth: bool) -> None:
    missed: list[str] = []
    widths = np.zeros(len(METHODS))
    for seed in range(part, 160, 4):
        found, *several = check(random_net(seed, smooth), seed, range(4), 3)
        missed += found
        widths += several
    assert missed == []
    assert widths[0] < widths[1] < widths[2]  # it would be pointless otherwise


@pytest.mark.soundness
@pytest.mark.parametrize("check", [check_bounds, check_errors])
def test_branches_with_different_receptive_fields(check: Check) -> None:
    missed = []
    for seed in range(60):
        missed += check(residual_net(seed), seed, range(3), 2)[0]
    assert missed == []


def test_every_operator_took_part() -> None:
    kinds = {op for seed in range(160) for smooth in (False, True) for op in random_net(seed, smooth).kinds}
    elsewhere = {"quantize", "dequantize"}
    assert {row["name"] for row in _core.operators() if row["real"]} == kinds | elsewhere
