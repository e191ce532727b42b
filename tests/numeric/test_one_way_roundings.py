"""Sums whose roundings all go the same way, so that the error comes close to its bound: convolutions and their bias.

Random data doesn't do that: its roundings cancel, and half an error bound would pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from gonogo._core import numeric

SETS = numeric.available_instruction_sets()


@pytest.fixture(params=SETS)
def instruction_set(request: pytest.FixtureRequest) -> Iterator[str]:
    before = numeric.instruction_set()
    numeric.use_instruction_set(request.param)
    yield request.param
    numeric.use_instruction_set(before)


def shapes(kind: str, terms: int) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Weights, input and groups of a convolution with so many terms and one output pixel, NCHW."""
    return {
        "dense": ((2, terms, 1, 1), (1, terms, 1, 1), 1),
        "window": ((1, 1, terms, 1), (1, 1, terms, 1), 1),
        "depthwise": ((2, 1, terms, 1), (1, 2, terms, 1), 2),
    }[kind]


def convolve(kind: str, x: Any, radius: Any, sign: int, **bias: Any) -> tuple[list[Fraction], list[Fraction]]:
    """Bounds on sign * sum(y) for all |y - x| <= radius, x + radius and x - radius being exact."""
    weights, image, groups = shapes(kind, x.size)
    w = np.full(weights, sign, x.dtype)
    lo, hi = (
        np.ascontiguousarray(np.broadcast_to(e.reshape(1, -1, *image[2:])[:, -image[1] :], image))
        for e in (x - radius, x + radius)
    )
    low, high = numeric.conv2d(w, lo, hi, groups=groups, **bias)
    return [Fraction(float(v)) for v in low.ravel()], [Fraction(float(v)) for v in high.ravel()]


def one_and_many(dtype: Any, terms: int) -> Any:
    """1 and then terms that every addition to it loses, in any stage of the sum."""
    u = np.finfo(dtype).eps / 2
    x = np.full(terms, u * (1 - 2.0**-10), dtype)
    x[24:] /= 24.5 if dtype is np.float32 else 1  # whole chains that the next stage loses
    x[0] = 1
    return x


@pytest.mark.soundness
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("kind", ["dense", "window", "depthwise"])
def test_midpoints_and_radii_of_convolutions(kind: str, dtype: Any, instruction_set: str) -> None:
    for terms in (24, 96, 600):
        x = one_and_many(dtype, terms)
        total = sum(map(Fraction, x.astype(float).tolist()))
        for sign in (1, -1):
            low, high = convolve(kind, x, 0 * x, sign)
            assert max(low) <= sign * total <= min(high), terms
        low, high = convolve(kind, 0 * x, x, 1)
        assert max(low) <= -total, terms
        assert total <= min(high), terms


@pytest.mark.soundness
@pytest.mark.parametrize("kind", ["dense", "window", "depthwise"])
def test_the_bias_takes_part_in_the_roundings(kind: str, instruction_set: str) -> None:
    """Blocks of binary32 products that are lost one after the other when the bias is there already."""
    terms = 96 * 40
    x = np.zeros(terms, np.float32)
    x[::96] = -(2.0**-53) * (1 - 2.0**-10)
    for places in range(46, 52):
        bias = np.full(2 if kind != "window" else 1, 1 + 2.0**-places)
        total = Fraction(float(bias[0])) + sum(map(Fraction, x.astype(float).tolist()))
        low, high = convolve(kind, x, 0 * x, 1, bias_lo=bias, bias_hi=bias)
        assert max(low) <= total <= min(high), places
