"""Splitting at bends, where inputs are too many to be halved: against enumeration, exact rationals and the halving of
inputs, on networks whose further inputs don't matter.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise, product

import gonogo as gg
import numpy as np
import pytest
from engines.test_splitting import session
from gonogo import _core
from gonogo._core import numeric
from support.dense import ChainBuilder, Dense, ExactNet, dense_graph, points_in, rationals

IDLE = 80  # inputs with weight 0


def layers(seed: int, sizes: tuple[int, ...], idle: int = IDLE, digits: int = 0) -> list[Dense]:
    """Random layers, with `idle` further inputs; weights rounded to multiples of 1 / digits, if given."""
    r = np.random.default_rng(seed)
    out = []
    for i, (n, m) in enumerate(pairwise(sizes)):
        w, b = (r.normal(size=s).astype(np.float32) for s in ((m, n), m))
        if digits:
            w, b = np.rint(w * digits) / digits, np.rint(b * digits) / digits
        if i == 0:
            w = np.concatenate([w, np.zeros((m, idle), np.float32)], 1)
        out.append(Dense(w.astype(np.float32), b.astype(np.float32), i + 2 < len(sizes)))
    return out


def box(live: tuple[np.ndarray, np.ndarray], idle: int = IDLE) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([live[0], np.full(idle, -1.0)]), np.concatenate([live[1], np.full(idle, 1.0)])


LIVE = (np.array([-1.0, -0.5, 0.0]), np.array([1.0, 1.5, 0.7]))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("sizes", [(3, 5, 2), (3, 8, 7, 1)])
def test_brackets_enclose_and_meet_those_of_halved_boxes(seed: int, sizes: tuple[int, ...]) -> None:
    one, other = layers(seed, sizes), layers(seed, sizes, digits=8)
    values = ExactNet.of(one), ExactNet.of(other)
    x = points_in(np.random.default_rng(seed), *box(LIVE), 200)
    r, v = (f(rationals(x)) for f in values)
    found = session(one, other, box(LIVE), gap=0.02)
    first = found.result().tensors[0]
    before = first
    for _ in range(20):
        done = found.advance(0.1)
        now = found.result().tensors[0]
        assert np.all(now.lower >= before.lower)
        assert np.all(now.upper <= before.upper)
        before = now
        if done:
            break
    for rp, vp in zip(r.numbers, v.numbers, strict=True):
        for e, (p, q) in enumerate(zip(rp, vp, strict=True)):
            d = Fraction(q, v.denominator) - Fraction(p, r.denominator)
            assert Fraction(before.lower[0, e]) <= d <= Fraction(before.upper[0, e])
    # The same function without the idle inputs, by halving them.
    halved = session(layers(seed, sizes, 0), layers(seed, sizes, 0, digits=8), LIVE, gap=0.02)
    halved.advance(1.0)
    other_way = halved.result().tensors[0]
    assert np.all(before.bound >= other_way.witness_value)
    assert np.all(other_way.bound >= before.witness_value)
    # Splitting did something; of one hidden layer little is left to be found.
    assert found.result().parts > 1 or done
    assert np.all(before.bound <= first.bound)
    if len(sizes) == 3:
        assert done
        assert before.bound.max() <= 1.1 * other_way.bound.max()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("bits", [4, 6])
def test_fixed_point_on_every_input(seed: int, bits: int) -> None:
    """All inputs of a small grid: witness <= truth <= bound, after every round, on devices that round in between."""
    net = layers(seed, (2, 5, 4, 1), 70)
    graph = dense_graph("net", net)
    word = gg.Word(bits, 2)
    semantics = gg.FixedPoint(
        weights=word, bias=word, activations=word, input=gg.Word(6, 2), input_exact=True
    ).plain()
    lo, hi = np.full(72, -1.0), np.full(72, 1.0)
    found = _core.ErrorSession(
        None, graph, [lo[None]], [hi[None]], semantics, search_multiplies=20_000, attribute=False, gap=0.01
    )
    run = _core.DeviceRunner(graph, semantics)
    numbers = np.array([[a / 4, b / 4, *[0.0] * 70] for a, b in product(range(-4, 5), repeat=2)])
    real = ExactNet.of(net)(rationals(numbers))
    truth = []
    for x, row in zip(numbers, real.numbers, strict=True):
        ((device, _),) = run([x[None]])
        truth.append(Fraction(float(device.ravel()[0])) - Fraction(row[0], real.denominator))
    for _ in range(4):
        done = found.advance(0.1)
        t = found.result().tensors[0]
        assert Fraction(t.lower[0, 0]) <= min(truth)
        assert max(truth) <= Fraction(t.upper[0, 0])
        assert Fraction(t.witness_value[0, 0]) <= max(map(abs, truth))
        if done:
            break


def decided(one: list[Dense], other: list[Dense], threshold: float) -> _core.ErrorResult:
    found = session(one, other, box(LIVE), threshold=threshold)
    assert found.advance(60.0)
    return found.result()


@pytest.mark.parametrize("seed", range(4))
def test_thresholds_are_decided_the_same_way_by_any_number_of_threads(seed: int) -> None:
    one, other = layers(seed, (3, 6, 1)), layers(seed, (3, 6, 1), digits=16)
    first = session(one, other, box(LIVE), gap=0.02)
    start = float(first.result().tensors[0].bound.max())
    assert first.advance(60.0)
    threshold = 1.05 * float(first.result().tensors[0].bound.max())
    assert threshold < start
    results = []
    for threads in (1, 2, 3):
        before = numeric.thread_count()
        numeric.set_thread_count(threads)
        try:
            result = decided(one, other, threshold)
        finally:
            numeric.set_thread_count(before)
        assert result.tensors[0].bound.max() <= threshold
        assert result.parts > 1
        results.append((result.parts, result.tensors[0].lower.tobytes(), result.tensors[0].upper.tobytes()))
    assert results[0] == results[1] == results[2]
    reached = float(first.result().tensors[0].witness_value.max())
    refuted = decided(one, other, 0.5 * reached)
    assert refuted.tensors[0].witness_value.max() > 0.5 * reached


def test_smooth_activations_are_split_too() -> None:
    r = np.random.default_rng(1)
    first = np.concatenate([r.normal(size=(6, 3)), np.zeros((6, IDLE))], 1).astype(np.float32)
    last = r.normal(size=(1, 6)).astype(np.float32)

    def net(digits: int) -> _core.Graph:
        chain = ChainBuilder("smooth", 3 + IDLE)
        for i, w in enumerate((first, last)):
            w = np.rint(w * digits) / digits
            chain.dense(Dense(w.astype(np.float32), np.zeros(len(w), np.float32), False))
            if i == 0:
                chain.node("tanh", [], {})
        return chain.build()

    where = box((np.full(3, -2.0), np.full(3, 2.0)))
    found = _core.ErrorSession(
        net(2**20),
        net(8),
        [where[0][None]],
        [where[1][None]],
        "real",
        search_multiplies=20_000,
        attribute=False,
    )
    start = found.result().tensors[0].bound[0, 0]
    found.advance(1.0)
    t = found.result().tensors[0]
    assert t.witness_value[0, 0] <= t.bound[0, 0] < 0.95 * start


def at_most(
    bound: float, nets: tuple[list[Dense], list[Dense]], radius: float, **options: float
) -> _core.ErrorResult:
    """What is found until nothing is above `bound` any more."""
    live = nets[0][0].weights.shape[1] - IDLE
    where = box((np.full(live, -radius), np.full(live, radius)))
    found = session(*nets, where, threshold=bound, **options)
    # Where these tests pass, the first call is enough.
    assert any(found.advance(1.0) for _ in range(20))
    assert found.result().tensors[0].bound.max() <= bound
    return found.result()


def first_bound(nets: tuple[list[Dense], list[Dense]], radius: float, **options: float | str) -> float:
    live = nets[0][0].weights.shape[1] - IDLE
    where = box((np.full(live, -radius), np.full(live, radius)))
    return float(session(*nets, where, **options).result().tensors[0].bound.max())


DEEP = [(6, 24, 24, 24, 8), (4, 16, 16, 16, 16, 4)]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("sizes", DEEP)
@pytest.mark.parametrize("multiplies", [1.0, 1e5])
def test_what_a_limit_of_multiplications_left_out_is_made_up_for(
    seed: int, sizes: tuple[int, ...], multiplies: float
) -> None:
    """Bends of a network that intervals have bounded are too many to be split, and nothing has to be."""
    nets = layers(seed, sizes), layers(seed, sizes, digits=64)
    plain, cut = first_bound(nets, 0.1), first_bound(nets, 0.1, multiplies=multiplies)
    assert cut > 1.02 * plain
    result = at_most(1.0001 * plain, nets, 0.1, multiplies=multiplies)
    assert result.parts == 1
    assert not any("limit of multiplications" in note for note in result.notes)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("sizes", DEEP)
def test_slopes_for_all_bounds_are_tried_too(seed: int, sizes: tuple[int, ...]) -> None:
    """What `optimised` gives without any budget; splitting alone doesn't get there in a thousand parts."""
    nets = layers(seed, sizes), layers(seed, sizes, digits=64)
    optimised = first_bound(nets, 0.3, method="optimised")
    assert optimised < 0.95 * first_bound(nets, 0.3)
    assert at_most(1.0001 * optimised, nets, 0.3).parts < 64
