"""Exact integer dot products over points and boxes against numpy's int64, for every instruction set."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from gonogo._core import numeric

SETS = numeric.available_instruction_sets()
INT8, UINT8 = -128, 0  # least inputs


# AVX-512 with VNNI hides AVX-512's own kernel.
WAYS = [*SETS, "avx512 without vnni"] if numeric.has_vnni() else SETS


@pytest.fixture(params=WAYS, autouse=True)
def instruction_set(request: pytest.FixtureRequest) -> Iterator[str]:
    threads = numeric.thread_count()
    numeric.use_instruction_set(request.param.split()[0])
    numeric.allow_vnni("without" not in request.param)
    yield request.param
    numeric.allow_vnni(True)
    numeric.use_instruction_set(SETS[-1])
    numeric.set_thread_count(threads)


def dense(w: Any, lo: Any, hi: Any, lowest: int, zero: int) -> list[Any]:
    """At lo, least, greatest: [rows, outputs] for weights [outputs, terms] and boxes [rows, terms]."""
    shape = (len(lo), lo.shape[1], 1, 1)
    results = numeric.integer_conv2d(
        np.ascontiguousarray(w, np.int16)[:, :, None, None],
        np.ascontiguousarray(lo, np.int32).reshape(shape),
        np.ascontiguousarray(hi, np.int32).reshape(shape),
        lowest,
        zero,
    )
    return [a[:, :, 0, 0] for a in results]


def expected(w: Any, lo: Any, hi: Any, zero: int) -> list[Any]:
    w, a, b = (np.asarray(v, np.int64) for v in (w, lo, hi))
    up, down = np.maximum(w, 0), np.minimum(w, 0)
    a, b = a - zero, b - zero
    return [a @ w.T, a @ up.T + b @ down.T, b @ up.T + a @ down.T]


def check(w: Any, lo: Any, hi: Any, lowest: int, zero: int) -> None:
    for got, right in zip(dense(w, lo, hi, lowest, zero), expected(w, lo, hi, zero), strict=True):
        assert np.array_equal(got, right.astype(np.int32))


@pytest.mark.parametrize("lowest", [INT8, UINT8], ids=["int8", "uint8"])
@pytest.mark.parametrize("reach", [127, 255], ids=["8-bit weights", "9-bit weights"])
def test_all_lengths(lowest: int, reach: int) -> None:
    r = np.random.default_rng(reach - lowest)
    for terms in range(201):
        w = r.integers(-reach - (reach == 127), reach + 1, (1 + terms % 37, terms))
        ends = np.sort(r.integers(lowest, lowest + 256, (2, 1 + terms % 5, terms)), axis=0)
        check(w, ends[0], ends[1], lowest, int(r.integers(lowest, lowest + 256)))


@pytest.mark.parametrize("lowest", [INT8, UINT8], ids=["int8", "uint8"])
def test_extremes(lowest: int) -> None:
    """All four products of an instruction at their largest: 255 * -128 and -128 * -128, which saturating pairs lose."""
    ends = [lowest, lowest + 255]
    for terms, weight, x, zero in itertools.product((1, 4, 7, 64, 200), (-128, 127, -255, 255), ends, ends):
        w = np.full((33, terms), weight)
        box = np.full((7, terms), x)
        check(w, box, box, lowest, zero)
        check(w, np.full_like(box, lowest), np.full_like(box, lowest + 255), lowest, zero)


def test_all_products() -> None:
    """Every weight times every input, alone and four together."""
    weights, inputs = np.arange(-128, 128), np.arange(-128, 128)
    for terms in (1, 4):
        w = np.repeat(weights[:, None], terms, axis=1)
        x = np.repeat(inputs[:, None], terms, axis=1)
        check(w, x, x, INT8, -128)
        check(w, x, x, INT8, 127)


def test_small_boxes_point_by_point() -> None:
    """The range over a box is what the points of the box reach."""
    r = np.random.default_rng(0)
    for _ in range(40):
        w = r.integers(-128, 128, (3, 3))
        lo = r.integers(-128, 124, (1, 3))
        hi = lo + r.integers(0, 4, (1, 3))
        points = np.array(
            list(itertools.product(*(range(a, b + 1) for a, b in zip(lo[0], hi[0], strict=True))))
        )
        sums = dense(w, points, points, INT8, 5)[0]
        _, least, greatest = dense(w, lo, hi, INT8, 5)
        assert np.array_equal(sums.min(axis=0), least[0])
        assert np.array_equal(sums.max(axis=0), greatest[0])


def test_large_sums_are_residues() -> None:
    """Partial sums beyond int32 do no harm to a total inside, and a total outside wraps around."""
    terms = 140_000
    w = np.full((2, terms), 127)
    w[1, terms // 2 :] = -127
    x = np.full((1, terms), 255)
    right = expected(w, x, x, 0)
    assert right[0][0, 0] > 2**31
    assert right[0][0, 1] == 0
    check(w, x, x, UINT8, 0)
    check(w, 0 * x, x, UINT8, 0)


def windows(x: Any, w: Any, strides: Any, pads: Any, dilations: Any, groups: int, zero: int) -> list[Any]:
    """The definition, one output at a time: least and greatest of sum w (x - zero)."""
    lo, hi = (np.asarray(a, np.int64) - zero for a in x)
    batch, _, h, width = lo.shape
    outputs, inputs, kh, kw = w.shape
    oh = (h + pads[0] + pads[2] - (kh - 1) * dilations[0] - 1) // strides[0] + 1
    ow = (width + pads[1] + pads[3] - (kw - 1) * dilations[1] - 1) // strides[1] + 1
    least = np.zeros((batch, outputs, oh, ow), np.int64)
    greatest = least.copy()
    for o, i, j, a, b in itertools.product(range(outputs), range(oh), range(ow), range(kh), range(kw)):
        y = i * strides[0] - pads[0] + a * dilations[0]
        z = j * strides[1] - pads[1] + b * dilations[1]
        if not (0 <= y < h and 0 <= z < width):
            continue
        first = o // (outputs // groups) * inputs
        v = w[o, :, a, b].astype(np.int64)
        p, q = lo[:, first : first + inputs, y, z], hi[:, first : first + inputs, y, z]
        least[:, o, i, j] += p @ np.maximum(v, 0) + q @ np.minimum(v, 0)
        greatest[:, o, i, j] += q @ np.maximum(v, 0) + p @ np.minimum(v, 0)
    return [least, greatest]


@pytest.mark.parametrize(
    ("inputs", "outputs", "groups", "size", "kernel", "strides", "pads", "dilations"),
    [
        (3, 5, 1, (5, 6), (3, 3), (1, 1), (1, 1, 1, 1), (1, 1)),
        (5, 40, 1, (4, 4), (1, 1), (2, 1), (0, 0, 0, 0), (1, 1)),
        (2, 3, 1, (7, 9), (3, 2), (2, 3), (0, 2, 1, 0), (2, 3)),
        (3, 2, 2, (5, 4), (2, 3), (1, 1), (1, 0, 1, 0), (1, 1)),
        (1, 1, 21, (5, 5), (3, 3), (1, 1), (1, 1, 1, 1), (1, 1)),
        (1, 3, 5, (5, 4), (3, 3), (2, 1), (1, 0, 0, 1), (1, 1)),
        (1, 18, 2, (4, 4), (3, 3), (1, 1), (1, 1, 1, 1), (1, 1)),
        (3, 2, 1, (61, 59), (3, 3), (30, 31), (40, 3, 0, 50), (1, 1)),
        (1, 1, 3, (4, 4), (3, 3), (60, 50), (60, 60, 60, 60), (1, 1)),
    ],
)
def test_convolutions(
    inputs: int, outputs: int, groups: int, size: Any, kernel: Any, strides: Any, pads: Any, dilations: Any
) -> None:
    r = np.random.default_rng(outputs)
    for reach, lowest in itertools.product((127, 255), (INT8, UINT8)):
        w = r.integers(-reach, reach + 1, (outputs * groups, inputs, *kernel)).astype(np.int16)
        lo, hi = np.sort(r.integers(lowest, lowest + 256, (2, 2, inputs * groups, *size)), axis=0).astype(
            np.int32
        )
        zero = int(r.integers(lowest, lowest + 256))
        bias = r.integers(-(2**20), 2**20, outputs * groups).astype(np.int32)
        right = [
            a + bias[:, None, None] for a in windows((lo, hi), w, strides, pads, dilations, groups, zero)
        ]
        settings = {
            "strides": strides,
            "pads": list(pads),
            "dilations": dilations,
            "groups": groups,
            "bias": bias,
        }
        point, least, greatest = numeric.integer_conv2d(w, lo, hi, lowest, zero, **settings)
        assert np.array_equal(least, right[0])
        assert np.array_equal(greatest, right[1])
        assert np.array_equal(
            point, windows((lo, lo), w, strides, pads, dilations, groups, zero)[0] + bias[:, None, None]
        )
        last = [np.ascontiguousarray(a.transpose(0, 2, 3, 1)) for a in (w, lo, hi)]
        for threads in (1, 3):
            numeric.set_thread_count(threads)
            results = numeric.integer_conv2d(*last, lowest, zero, layout="NHWC", **settings)
            for got, same in zip(results, (point, least, greatest), strict=True):
                assert np.array_equal(got.transpose(0, 3, 1, 2), same)
        if inputs == 1 and groups > 1:
            last[0] = np.ascontiguousarray(w.transpose(1, 2, 3, 0))
            results = numeric.integer_conv2d(*last, lowest, zero, layout="NHWC", **settings)
            assert np.array_equal(results[2].transpose(0, 3, 1, 2), greatest)


def test_operands_out_of_range_are_refused() -> None:
    w = np.ones((1, 1, 1, 1), np.int16)
    x = np.zeros((1, 1, 1, 1), np.int32)
    for weights, lo, hi, zero in (
        (w * 256, x, x, 0),
        (w, x - 129, x, 0),
        (w, x, x + 128, 0),
        (w, x, x - 1, 0),
        (w, x, x, 200),
    ):
        with pytest.raises(ValueError, match=r"weight|element|zero"):
            numeric.integer_conv2d(weights, lo, hi, INT8, zero)
