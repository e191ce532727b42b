"""The array kernels of interval arithmetic, for every instruction set that the machine has."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from gonogo import _core
from gonogo._core import interval as core
from gonogo._core import numeric

COUNT = 8000
SETS = numeric.available_instruction_sets()
INF = math.inf


@pytest.fixture(params=SETS)
def instruction_set(request: pytest.FixtureRequest) -> Iterator[str]:
    former = numeric.instruction_set()
    numeric.use_instruction_set(request.param)
    yield request.param
    numeric.use_instruction_set(former)


def best_up(value: Fraction, bound: float) -> bool:
    if bound == INF:
        return value > Fraction(math.nextafter(INF, 0))
    below = math.nextafter(bound, -INF)
    return Fraction(bound) >= value and (below == -INF or Fraction(below) < value)


@pytest.mark.soundness
@pytest.mark.parametrize("operation", ["add", "sub", "mul", "div", "sqr"])
def test_points_give_the_best_bounds(operation: str, instruction_set: str, operands: Any) -> None:
    a, b = operands.pairs(COUNT)
    near = np.arange(COUNT) % 2 == 0  # half of the blocks, so that the vector path is taken
    blocks = np.repeat(near[: COUNT // 32 + 1], 32)[:COUNT]
    a, b = np.where(blocks, operands.near_one(COUNT), a), np.where(blocks, operands.near_one(COUNT), b)
    b = np.where(b == 0, 1.0, b)
    if operation == "sqr":
        low, high = core.unary_array("sqr", a, a)
    else:
        low, high = core.binary_array(operation, a, a, b, b)
    for x, y, lower, upper in zip(a.tolist(), b.tolist(), low.tolist(), high.tolist(), strict=True):
        p, q = Fraction(x), Fraction(y)
        value = {"add": p + q, "sub": p - q, "mul": p * q, "div": p / q, "sqr": p * p}[operation]
        assert best_up(value, upper), (x, y, upper)
        assert best_up(-value, -lower), (x, y, lower)


@pytest.mark.parametrize("operation", ["add", "sub", "mul", "div"])
def test_boxes_give_what_the_operators_give(operation: str, instruction_set: str, operands: Any) -> None:
    if _core.rounding == "none":
        pytest.skip("without rounding, different ways give different neighbours")
    boxes = [operands.boxes(COUNT) for _ in range(2)]
    for lo, hi in boxes:  # blocks without anything special between blocks with it
        r = operands.random
        ends = np.sort(r.normal(size=(2, COUNT)), axis=0)
        calm = np.arange(COUNT) // 64 % 2 == 0
        lo[calm], hi[calm] = ends[0][calm], ends[1][calm]
        positive = np.arange(COUNT) // 128 % 2 == 0
        lo[calm & positive], hi[calm & positive] = abs(lo[calm & positive]), abs(lo[calm & positive]) + 1
        lo[::1111], hi[::1111] = INF, -INF
    (a, b), (c, d) = boxes
    expected = numeric.binary(operation, a, b, c, d)
    for found, wanted in zip(core.binary_array(operation, a, b, c, d), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
    for k in (3, 70, 1111, 5000):  # one operand for all
        one = [np.full(COUNT, e[k]) for e in (c, d)]
        expected = numeric.binary(operation, a, b, *one)
        for found, wanted in zip(
            core.binary_array(operation, a, b, c[k : k + 1], d[k : k + 1]), expected, strict=True
        ):
            np.testing.assert_array_equal(found, wanted)


def test_squares_of_boxes(instruction_set: str, operands: Any) -> None:
    a, b = operands.boxes(COUNT)
    ends = np.sort(operands.random.normal(size=(2, COUNT)), axis=0)
    a[:4000], b[:4000] = ends[0][:4000], ends[1][:4000]
    for found, wanted in zip(core.unary_array("sqr", a, b), numeric.unary("sqr", a, b), strict=True):
        np.testing.assert_array_equal(found, wanted)
    for found, wanted in zip(core.pown_array(a, b, 2), numeric.unary("sqr", a, b), strict=True):
        np.testing.assert_array_equal(found, wanted)
