"""What a search of a space proves, against every configuration of it (support/search_cases.py)."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from gonogo.hpo.gate import Gate
from gonogo.hpo.space_report import SpaceReport
from gonogo.space import Int
from support.search_cases import CASES
from support.spaces import FEASIBLE, INFEASIBLE, UNDECIDED, Enumerated, enumerated, grid_of


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
