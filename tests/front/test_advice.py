"""The best order of operators, against all orders of small graphs and the engine's own count."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from gonogo import Architecture, Int, Space, advice, analysis, best_order, targets

TARGET = "stm32f746"


def random_work(rng: np.random.Generator, nodes: int) -> advice.Work:
    """Operators that read one to three earlier tensors; some tensors are read by nobody, some operators make two."""
    sizes = [int(16 * s) for s in rng.integers(1, 60, 2)]
    needs, makes = [], []
    for _ in range(nodes):
        recent = len(sizes) - 1 - rng.integers(0, min(5, len(sizes)), rng.integers(1, 4))
        needs.append(tuple(dict.fromkeys(int(t) for t in recent)))
        outputs = 1 + int(rng.random() < 0.2)
        makes.append(tuple(range(len(sizes), len(sizes) + outputs)))
        sizes += [int(16 * s) for s in rng.integers(1, 60, outputs)]
    scratch = tuple(int(16 * s) for s in rng.integers(0, 20, nodes))
    kept = tuple(sorted({len(sizes) - 1, int(rng.integers(2, len(sizes)))}))
    return advice.Work(tuple(needs), tuple(makes), scratch, tuple(sizes), (0, 1), kept)


def orders(work: advice.Work) -> Iterator[tuple[int, ...]]:
    """Every order in which operators run after those they read from; by filtering permutations."""
    makers = {t: node for node, made in enumerate(work.makes) for t in made}
    for order in itertools.permutations(range(len(work.needs))):
        place = {node: i for i, node in enumerate(order)}
        if all(place[makers[t]] < place[n] for n, need in enumerate(work.needs) for t in need if t in makers):
            yield order


def peak_of(work: advice.Work, order: tuple[int, ...]) -> int:
    """Bytes alive by first and last step of every tensor: the definition of docs/cost-model.md, step by step."""
    first = dict.fromkeys(work.inputs, 0)
    for step, node in enumerate(order, 1):
        first.update(dict.fromkeys(work.makes[node], step))
    last = dict(first)
    for step, node in enumerate(order, 1):
        last.update(dict.fromkeys(work.needs[node], step))
    last.update(dict.fromkeys(work.kept, len(order)))
    peaks = []
    for step in range(len(order) + 1):
        scratch = work.scratch_bytes[order[step - 1]] if step else 0
        peaks.append(scratch + sum(work.size_bytes[t] for t in first if first[t] <= step <= last[t]))
    return max(peaks)


def test_no_order_is_better() -> None:
    rng = np.random.default_rng(11)
    improved = 0
    for _ in range(60):
        work = random_work(rng, int(rng.integers(2, 8)))
        peaks = {order: peak_of(work, order) for order in orders(work)}
        order, peak, least = advice.search(work, advice.MOST_STATES)
        assert order in peaks
        assert peak == least == peaks[order] == min(peaks.values())
        improved += peak < peaks[tuple(range(len(work.needs)))]
    assert improved > 10  # the graphs leave something to gain


def test_a_search_cut_short_keeps_its_word() -> None:
    rng = np.random.default_rng(12)
    open_ends = 0
    for _ in range(40):
        work = random_work(rng, 7)
        best = min(peak_of(work, order) for order in orders(work))
        for states in (0, 1, 4):
            order, peak, least = advice.search(work, states)
            assert peak == peak_of(work, order)
            assert least <= best <= peak <= peak_of(work, tuple(range(7)))
            open_ends += least < peak
    assert open_ends > 10


def two_arms(h: Any, net: Any) -> Any:
    """Drawn so that both wide tensors are alive at once, though one could be reduced before the other is made."""
    x = net.input(16, 16, h.channels)
    a, b = net.conv2d(x, 32, name="wide_a"), net.conv2d(x, 32, name="wide_b")
    return net.add(net.conv2d(a, 2, name="thin_a"), net.conv2d(b, 2, name="thin_b"))


def test_the_order_of_a_network() -> None:
    model = Architecture(Space(channels=Int(1, 4)), two_arms).model({"channels": 2})
    found = best_order(model, TARGET)
    cost = analysis.cost(model, TARGET)
    assert found.given_bytes == cost.core.ram_live_bytes
    assert found.is_best
    assert found.peak_bytes < found.given_bytes
    place = {name: i for i, name in enumerate(found.names)}
    assert place["thin_a"] < place["wide_b"] or place["thin_b"] < place["wide_a"]
    assert "no order needs less (proved)" in str(found)
    assert str(found.peak_bytes) in str(found)


def test_the_engines_count_for_every_bundled_target(deployed_path: str, reference_path: str) -> None:
    for path in (deployed_path, reference_path):
        for name in targets.names():
            live = analysis.cost(path, name).core.ram_live_bytes
            if live is not None:
                found = best_order(path, name)
                assert found.given_bytes == live
                assert found.peak_bytes == live  # a chain has one order
                assert "no better one found" in str(found)


@pytest.mark.parametrize("width", [24])
def test_many_arms_end_in_time(width: int) -> None:
    """2^24 sets of executed operators: the search stops, and the bracket holds."""
    sizes = (16, *([1024] * width), *([16] * width))
    needs = (*((0,) for _ in range(width)), *((i + 1,) for i in range(width)))
    makes = tuple((i + 1,) for i in range(2 * width))
    work = advice.Work(
        tuple(needs), makes, (0,) * (2 * width), sizes, (0,), tuple(range(width + 1, 2 * width + 1))
    )
    order, peak, least = advice.search(work, 2000)
    assert least <= peak == peak_of(work, order) < peak_of(work, tuple(range(2 * width)))
