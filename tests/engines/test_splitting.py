"""Splitting of boxes: what it proves against exact rationals, what it decides, that threads don't matter.

None of it is marked soundness: the brackets here are far wider than rounding, which tests/linear sees to.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import gonogo as gg
import numpy as np
import pytest
from engines.test_error_soundness import dequantized, quantized, random_box
from gonogo import _core
from gonogo._core import numeric
from support.dense import Dense, ExactNet, dense_graph, points_in, rationals
from support.random_nets import exact, random_pair


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


def test_what_was_cut_off_keeps_the_range_it_had() -> None:
    """The second output peaks in a corner that the first one's form cuts off; what is left of the part is far below."""
    x, y, peak = 0.15625, 0.21875, 0.4375
    hinges = np.array([[1, 1], [1, 1], [1, 0], [-1, 0], [0, 1], [0, -1]], np.float32)
    ends = np.array([-1, -1.4375, -x, x, -y, y], np.float32)
    for steep in (2, 32, 128):
        tent = np.array([[1, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0], [0, 0, *[-steep] * 4]], np.float32)
        body = [Dense(hinges, ends, True), Dense(tent, np.array([0, 0, 1], np.float32), True)]
        last = [np.zeros((2, 3), np.float32), np.array([[-1, 1, 0], [0, 0, peak]], np.float32)]
        one, other = ([*body, Dense(w, np.zeros(2, np.float32), False)] for w in last)
        assert apart(one, other, np.array([[x, y]]))[0][1] == Fraction(peak)
        found = session(one, other, (np.zeros(2), np.ones(2)), threshold=0.49)
        while not found.advance(0.2):
            pass
        assert found.result().tensors[0].upper[0, 1] >= peak


@pytest.mark.parametrize("seed", [*range(8), 72, 128])
def test_integer_devices_stay_enclosed(seed: int) -> None:
    net = random_pair(seed)
    r = np.random.default_rng(seed)
    lo, hi = random_box(r, net, [1, 2, 2, 3, 1][seed % 5])
    for stop in ({"gap": 0.1}, {"threshold": 0.3}):
        found = _core.ErrorSession(
            net.reference,
            net.deployed,
            [lo],
            [hi],
            "tflm",
            search_multiplies=2000,
            attribute=False,
            **stop,
        )
        found.advance(0.1)
        t = found.result().tensors[0]
        x = lo + r.random((40, *lo.shape)) * (hi - lo)
        x[::3] = np.where(r.random(x[::3].shape) < 0.5, lo, hi)
        truth = net.function(exact(x.reshape(40, *net.shape[1:])))[0]
        run = _core.IntegerRunner(net.deployed, "tflm")
        for p in range(40):
            device = dequantized(net.deployed, net.deployed.outputs[0], run([quantized(r, net, x[p])])[0])
            for e, v in enumerate(device):
                d = v - Fraction(int(truth.numbers[p].ravel()[e]), truth.divisor << truth.shift)
                assert Fraction(float(t.lower.ravel()[e])) <= d <= Fraction(float(t.upper.ravel()[e]))


def test_parts_without_a_number_of_the_input_word_are_left_out() -> None:
    r = np.random.default_rng(3)
    net = [
        Dense(r.normal(size=(m, n)).astype(np.float32), r.normal(size=m).astype(np.float32), m == 6)
        for n, m in ((2, 6), (6, 2))
    ]
    graph = dense_graph("net", net)
    word = gg.Word(10, 6)
    semantics = gg.FixedPoint(
        weights=word, bias=word, activations=word, input=gg.Word(6, 2), input_exact=True
    ).plain()
    found = _core.ErrorSession(
        None,
        graph,
        [np.full((1, 2), -2.0)],
        [np.full((1, 2), 2.0)],
        semantics,
        search_multiplies=20_000,
        attribute=False,
    )
    for _ in range(40):
        if found.advance(0.25):
            break
    t = found.result().tensors[0]
    run = _core.DeviceRunner(graph, semantics)
    numbers = np.array([[a / 4, b / 4] for a in range(-8, 9) for b in range(-8, 9)])
    real = ExactNet.of(net)(rationals(numbers))
    for x, row in zip(numbers, real.numbers, strict=True):
        ((device, _),) = run([x[None]])
        for e, v in enumerate(device.ravel()):
            d = Fraction(float(v)) - Fraction(row[e], real.denominator)
            assert Fraction(float(t.lower[0, e])) <= d <= Fraction(float(t.upper[0, e]))
