"""Output ranges with a budget: every input stays inside, the range narrows, and what can't be split isn't."""

from __future__ import annotations

from fractions import Fraction

import gonogo as gg
import numpy as np
import pytest
from support.dense import Dense, ExactNet, dense_graph, points_in, rationals


def net(seed: int) -> list[Dense]:
    r = np.random.default_rng(seed)
    return [
        Dense(r.normal(size=(m, n)).astype(np.float32), r.normal(size=m).astype(np.float32), m > 2)
        for n, m in ((3, 9), (9, 8), (8, 2))
    ]


LO, HI = np.array([-1.0, -0.5, 0.0]), np.array([1.0, 1.5, 0.7])


@pytest.mark.parametrize("seed", range(6))
def test_every_input_stays_inside_and_the_range_narrows(seed: int) -> None:
    layers = net(seed)
    graph = dense_graph("net", layers)
    box = gg.Box(LO[None], HI[None])
    first, later = gg.bound(graph, box), gg.bound(graph, box, budget=0.4)
    assert (later.lower >= first.lower).all()
    assert (later.upper <= first.upper).all()
    assert ((later.upper - later.lower) < 0.9 * (first.upper - first.lower)).all()
    y = ExactNet.of(layers)(rationals(points_in(np.random.default_rng(seed), LO, HI, 300)))
    for row in y.numbers:
        for e, value in enumerate(row):
            exact = Fraction(value, y.denominator)
            assert Fraction(float(later.lower[0, e])) <= exact <= Fraction(float(later.upper[0, e]))


def test_a_line_is_split_until_it_is_sharp() -> None:
    fold = Dense(np.array([[1], [-1]], np.float32), np.zeros(2, np.float32), True)
    add = Dense(np.ones((1, 2), np.float32), np.zeros(1, np.float32), False)
    graph = dense_graph("|x|", [fold, add])
    seen: list[int] = []
    found = gg.bound(
        graph,
        gg.Box(np.array([[-1.0]]), np.array([[1.0]])),
        budget=0.5,
        watch=lambda done, _: seen.append(done),
    )
    assert -1e-3 < found.lower[0, 0] <= 0.0
    assert 1.0 <= found.upper[0, 0] < 1.001
    assert seen == sorted(seen)
    assert 0 <= seen[-1] <= 100


def test_a_point_ends_at_once_and_exact_words_are_left_whole() -> None:
    graph = dense_graph("net", net(1))
    point = gg.Box(LO[None], LO[None])
    assert (gg.bound(graph, point, budget=30.0).upper == gg.bound(graph, point).upper).all()
    word = gg.Word(12, 6)
    exact = gg.FixedPoint(weights=word, bias=word, activations=word, input=gg.Word(4, 0), input_exact=True)
    box = gg.Box(np.full((1, 3), -1.0), np.full((1, 3), 1.0))
    wide, split = gg.bound(graph, box, semantics=exact), gg.bound(graph, box, semantics=exact, budget=5.0)
    assert (split.upper <= wide.upper).all()


def test_what_a_budget_may_be() -> None:
    graph = dense_graph("net", net(1))
    with pytest.raises(ValueError, match="budget: -1"):
        gg.bound(graph, gg.Box(LO[None], HI[None]), budget=-1.0)
    with pytest.raises(ValueError, match="one box only"):
        gg.bound(graph, [gg.Box(LO[None], HI[None])] * 2, budget=1.0)
