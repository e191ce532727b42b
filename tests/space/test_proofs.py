"""What a search of a space proves, against every configuration of it.

With GONOGO_DEEP_SPACE set, the largest space has more than 10^7 configurations instead of 10^5.
"""

from __future__ import annotations

import functools
import os
from typing import Any

import numpy as np
import pytest
from gonogo.architecture import Layer, Net
from gonogo.hpo.gate import Gate
from gonogo.hpo.tightening import SpaceReport
from gonogo.space import Choice, Int, Space
from support.families import kws, mixed, resnet
from support.spaces import FEASIBLE, INFEASIBLE, UNDECIDED, Enumerated, enumerated, grid_of

DEEP = "GONOGO_DEEP_SPACE" in os.environ

KWS = Space(
    height=Int(20, 49, step=29),
    width=Int(8, 128, step=12),
    blocks=Int(1, 6),
    kernel=Choice(3, 5, 7),
    first_kernel=Choice(4, 10),
    first_stride=Choice(1, 2),
    activation=Choice("relu", "relu6"),
    head=Choice("mean", "pool", "dense"),
    units=Int(8, 64, step=8, when="head == 'dense'"),
    bits=Choice(8, 32),
)
RESNET = Space(
    size=Choice(16, 32),
    stem=Choice(3),
    alpha=Choice(0.25, 0.5, 0.75, 1.0),
    first=Int(8, 32, step=4),
    stages=Int(1, 3),
    blocks_1=Int(0, 3),
    blocks_2=Int(0, 3, when="stages >= 2"),
    blocks_3=Int(0, 2, when="stages >= 3"),
    stride=Choice(1, 2),
    pool=Choice(False, True),
    bottleneck=Choice(False, True),
    bits=Choice(8),
)
MIXED = Space(
    size=Int(8, 28, step=10),
    kind=Choice("conv", "separable", "mlp"),
    filters=Int(2, 24, step=4, when="kind != 'mlp'"),
    growth=Choice(0.5, 2.0, when="kind in ('conv', 'separable')"),
    kernel=Choice(1, 3, 5, when="kind == 'conv'"),
    depth=Int(1, 3),
    branch=Choice(False, True, when="kind == 'conv' and depth >= 2"),
    pad=Choice(False),
    units=Int(4, 96, step=20),
    layers=Int(0, 3),
    narrow=Choice(False, True, when="layers > 1"),
    end=Choice("none", "softmax", "sigmoid"),
    bits=Choice(8),
)
PLAIN = Space(
    a=Int(1, 200 if DEEP else 40),
    b=Int(1, 200 if DEEP else 40),
    c=Int(4, 64, step=4),
    n=Int(1, 4),
    k=Choice(1, 3, 5, 7),
)


def plain(h: Any, net: Net) -> Layer:
    """Valid padding: with large kernels some configurations are no networks."""
    x = net.conv2d(net.input(20, 20, 3), h.a, h.k, padding="valid")
    for _ in net.repeat(h.n):
        x = net.conv2d(x, h.c, h.k, padding="valid", stride=2)
    return net.dense(net.conv2d(x, h.b, 1), 10)


CASES = {
    "kws": (KWS, kws, {"ram": "40 KiB", "flash": "90 KiB", "macs": 4_000_000}),
    "resnet": (RESNET, resnet, {"ram": "24 KiB", "flash": "60 KiB", "macs": 3_000_000}),
    "mixed": (MIXED, mixed, {"ram": "12 KiB", "flash": "50 KiB"}),
    "plain": (PLAIN, plain, {"ram": "20 KiB", "macs": 300_000, "flash": "24 KiB"}),
}


@functools.cache
def case(name: str) -> tuple[Gate, Enumerated, SpaceReport]:
    space, build, limits = CASES[name]
    gate = Gate(space, build, target="host64", limits=limits)
    return gate, enumerated(gate), gate.tighten(seconds=300.0, boxes=10_000_000)


@pytest.fixture(params=CASES)
def searched(request: pytest.FixtureRequest) -> tuple[Gate, Enumerated, SpaceReport]:
    return case(request.param)


Searched = tuple[Gate, Enumerated, SpaceReport]


def test_the_space_is_enumerated(searched: Searched) -> None:
    """The oracle's own count, and that every verdict occurs: else the tests below have no teeth."""
    gate, truth, _ = searched
    assert len(truth.indices) == gate.space.size
    assert set(np.unique(truth.verdicts)) == {FEASIBLE, INFEASIBLE, UNDECIDED}


def test_no_box_says_what_is_not_true(searched: Searched) -> None:
    gate, truth, report = searched
    sizes = [len(p.codes) for p in gate.architecture.coding.parameters]
    region, covered = grid_of(report, sizes)
    at = tuple(truth.indices.T)
    assert np.all(covered[at] == 1)
    said = region[at]
    assert not np.any((said == INFEASIBLE) & (truth.verdicts != INFEASIBLE))
    assert not np.any((said == FEASIBLE) & (truth.verdicts != FEASIBLE))
    assert int(report.paving.volume.sum()) == gate.space.size
    # Searched to the end: what is still undecided is so by its own estimates.
    assert np.array_equal(said, truth.verdicts)


def test_the_limits_named_by_a_box_rule_it_out(searched: Searched) -> None:
    gate, truth, report = searched
    by_key = {
        key: np.zeros([len(p.codes) for p in gate.architecture.coding.parameters], bool)
        for key in gate.cost_keys
    }
    for key, grid in by_key.items():
        grid[tuple(truth.indices[truth.rejected_by(key)].T)] = True
    paving = report.paving
    there = paving.exists.astype(bool)
    for i in np.flatnonzero(paving.broken)[:3000]:
        if int(paving.broken[i]) == 2**64 - 1:
            continue
        assert np.all(there[i] | (paving.hi[i] == 0))
        where = tuple(slice(a, b + 1) for a, b in zip(paving.lo[i], paving.hi[i], strict=True))
        for bit, key in enumerate(gate.cost_keys):
            if int(paving.broken[i]) >> bit & 1:
                assert np.all(by_key[key][where])


def test_bounds_are_those_of_what_is_left(searched: Searched) -> None:
    gate, truth, report = searched
    left = truth.verdicts != INFEASIBLE
    assert report.exact == tuple(p.name for p in gate.architecture.coding.parameters)
    for j, p in enumerate(gate.architecture.coding.parameters):
        index = truth.indices[left & truth.exists[:, j], j]
        found = {p.values[i] for i in np.unique(index)}
        expected = (
            (min(found), max(found))
            if isinstance(gate.space[p.name], Int)
            else tuple(v for v in p.declared if v in found)
        )
        assert report.bounds[p.name] == expected


def test_the_profile_is_the_share_of_each_value(searched: Searched) -> None:
    gate, truth, report = searched
    for j, p in enumerate(gate.architecture.coding.parameters):
        counts = np.zeros((len(p.values), 3))
        there = truth.exists[:, j]
        np.add.at(counts, (truth.indices[there, j], truth.verdicts[there]), 1)
        assert np.allclose(
            report.profile[p.name], counts / counts.sum(axis=1, keepdims=True), rtol=0, atol=1e-12
        )


def test_samples_are_never_infeasible(searched: Searched) -> None:
    gate, _, report = searched
    drawn = report.paving.sample(np.random.default_rng(0), 1000)
    assert not any(gate.check(c).infeasible for c in drawn)


def test_samples_of_an_unfinished_search_are_from_boxes_that_may_be_feasible(searched: Searched) -> None:
    gate, _, _ = searched
    report = gate.tighten(seconds=60.0, boxes=2000)
    paving, coding = report.paving, gate.architecture.coding
    for config in paving.sample(np.random.default_rng(0), 300):
        codes = coding.codes(config)
        index = np.array([p.codes.index(c) for p, c in zip(coding.parameters, codes, strict=True)])
        inside = np.all((paving.lo <= index) & (index <= paving.hi), axis=1)
        assert np.all(paving.region[inside] != INFEASIBLE)
        assert inside.any()


def test_the_same_budget_gives_the_same_report(searched: Searched) -> None:
    gate, _, _ = searched
    first, second = (gate.tighten(seconds=60.0, boxes=3000) for _ in range(2))
    assert first.hash == second.hash
    assert SpaceReport.from_json(first.to_json()).hash == first.hash
