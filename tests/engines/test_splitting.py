"""Splitting of boxes: what it proves against exact rationals, what it decides, that threads don't matter."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from gonogo import _core
from gonogo._core import numeric
from support.dense import Dense, ExactNet, dense_graph, points_in, rationals


def pair(seed: int, sizes: tuple[int, ...] = (3, 9, 8, 2)) -> tuple[list[Dense], list[Dense]]:
    """A network, and the same with weights rounded to few bits."""
    r = np.random.default_rng(seed)
    one, other = [], []
    for i, (n, m) in enumerate(pairwise(sizes)):
        w, b = (r.normal(size=s).astype(np.float32) for s in ((m, n), m))
        relu = i + 2 < len(sizes)
        one.append(Dense(w, b, relu))
        other.append(Dense(np.rint(w * 128) / 128, np.rint(b * 128) / 128, relu))
    return one, other


def session(
    one: list[Dense], other: list[Dense], box: tuple[np.ndarray, np.ndarray], **options: float
) -> _core.ErrorSession:
    lo, hi = (v[None] for v in box)
    a, b = dense_graph("reference", one), dense_graph("deployed", other)
    return _core.ErrorSession(a, b, [lo], [hi], "real", search_multiplies=20_000, attribute=False, **options)


BOX = (np.array([-1.0, -0.5, 0.0]), np.array([1.0, 1.5, 0.7]))


def apart(one: list[Dense], other: list[Dense], x: np.ndarray) -> list[list[Fraction]]:
    r, v = ExactNet.of(one)(rationals(x)), ExactNet.of(other)(rationals(x))
    return [
        [Fraction(q, v.denominator) - Fraction(p, r.denominator) for p, q in zip(rp, vp, strict=True)]
        for rp, vp in zip(r.numbers, v.numbers, strict=True)
    ]


@pytest.mark.soundness
@pytest.mark.parametrize("seed", range(12))
def test_all_of_the_box_stays_enclosed(seed: int) -> None:
    one, other = pair(seed)
    values = apart(one, other, points_in(np.random.default_rng(seed), *BOX, 300))
    found = session(one, other, BOX, gap=0.05 if seed % 2 else 0.3)
    before = found.result().tensors[0]
    for _ in range(4):
        done = found.advance(0.05)
        now = found.result().tensors[0]
        assert np.all(now.lower >= before.lower)
        assert np.all(now.upper <= before.upper)
        assert np.all(now.witness_value >= before.witness_value)
        for row in values:
            for e, value in enumerate(row):
                assert Fraction(now.lower[0, e]) <= value <= Fraction(now.upper[0, e])
        before = now
        if done:
            break
    assert found.result().parts > 1


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("share", [0.5, 1.05, 1.3])
def test_thresholds(seed: int, share: float) -> None:
    """Below what is reached nothing is proved; a little above what was proved otherwise everything is, to the end."""
    one, other = pair(seed)
    values = apart(one, other, points_in(np.random.default_rng(seed), *BOX, 300))
    first = session(one, other, BOX, gap=0.1)
    first.advance(0.3)
    reached = max(abs(v) for row in values for v in row)
    worst = first.result().tensors[0].bound.max()
    threshold = share * (float(worst) if share > 1 else float(reached))
    found = session(one, other, BOX, threshold=threshold)
    settled = found.advance(60.0 if share > 1 else 0.2)
    result = found.result().tensors[0]
    if share > 1:
        assert settled
        assert result.bound.max() <= threshold
    else:
        assert result.bound.max() > threshold
    for row in values:
        for e, value in enumerate(row):
            assert Fraction(result.lower[0, e]) <= value <= Fraction(result.upper[0, e])


def test_the_result_is_the_same_for_any_number_of_threads() -> None:
    one, other = pair(3, (4, 16, 16, 16, 1))
    box = (np.full(4, -1.0), np.full(4, 1.0))
    results = []
    for threads in (1, 2, 3):
        before = numeric.thread_count()
        numeric.set_thread_count(threads)
        try:
            found = session(one, other, box, threshold=0.05)
            while not found.advance(60.0):
                pass
        finally:
            numeric.set_thread_count(before)
        result = found.result()
        results.append((result.parts, result.tensors[0].lower.tobytes(), result.tensors[0].upper.tobytes()))
    assert results[0] == results[1] == results[2]
