"""Why a region is empty: the limits and parameters named, and how far each limit would have to be raised, against every
configuration."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from gonogo.hpo.gate import Gate
from gonogo.hpo.space_report import Core
from support.search_cases import CASES
from support.spaces import Bools, Enumerated, enumerated

LIMITS = {
    "kws": {"ram": "10 KiB", "flash": "20 KiB", "macs": 500_000},
    "resnet": {"ram": "2 KiB", "flash": "1536 B", "macs": 40_000},
    "mixed": {"ram": "4 KiB", "flash": "16 KiB", "macs": 40_000},
    "plain": {"ram": "6 KiB", "flash": "6 KiB", "macs": 60_000},
}
Region = dict[str, Any]


@functools.cache
def case(name: str) -> tuple[Gate, Enumerated]:
    space, build, _ = CASES[name]
    gate = Gate(space, build, target="host64", limits=LIMITS[name])
    return gate, enumerated(gate)


def inside(gate: Gate, truth: Enumerated, region: Region) -> Bools:
    """Configurations of a region. One without a parameter that the region names has its first value, by convention."""
    out = np.ones(len(truth.indices), dtype=bool)
    coding = gate.architecture.coding
    for name, wanted in region.items():
        j = [p.name for p in coding.parameters].index(name)
        p = coding.parameters[j]
        first, last = wanted if isinstance(wanted, tuple) else (wanted, wanted)
        out &= (truth.indices[:, j] >= p.index_of(first)) & (truth.indices[:, j] <= p.index_of(last))
    return out


def random_region(gate: Gate, rng: np.random.Generator) -> Region:
    """A few parameters that always exist, at or above some value: costs rise, so some regions are empty."""
    coding = gate.architecture.coding
    always = [p for p in coding.parameters if coding.exists(p.name) is None and len(p.values) > 1]
    chosen = rng.choice(len(always), int(rng.integers(1, 4)), replace=False)
    region: Region = {}
    for i in chosen:
        values = always[i].values
        first = int(rng.integers(len(values) // 2, len(values)))
        region[always[i].name] = (values[first], values[-1]) if rng.random() < 0.7 else values[first]
    return region


def check(gate: Gate, truth: Enumerated, region: Region, core: Core) -> None:
    where = inside(gate, truth, region)
    kept = {name: region[name] for name in core.parameters}
    assert np.all(truth.infeasible(core.limits)[inside(gate, truth, kept)])
    for key in core.limits:  # none can be left out
        others = [k for k in core.limits if k != key]
        assert not np.all(truth.infeasible(others)[inside(gate, truth, kept)])
    for name in core.parameters:
        fewer = {k: v for k, v in kept.items() if k != name}
        assert not np.all(truth.infeasible(core.limits)[inside(gate, truth, fewer)])
    for key in core.limits:
        others = [k for k in gate.cost_keys if k != key]
        open_to = where & ~truth.infeasible(others)
        assert (key in core.relaxations) == bool(open_to.any())
        if key in core.relaxations:
            value, config = core.relaxations[key]
            assert value == truth.costs[key][0][open_to].min()
            codes = gate.architecture.coding.codes(config)
            index = [
                p.codes.index(c) for p, c in zip(gate.architecture.coding.parameters, codes, strict=True)
            ]
            row = np.flatnonzero(np.all(truth.indices == index, axis=1))
            assert open_to[row].all()
            assert truth.costs[key][0][row] == [value]


@pytest.mark.parametrize("name", CASES)
def test_cores_are_minimal_and_relaxations_exact(name: str) -> None:
    gate, truth = case(name)
    rng = np.random.default_rng(len(name))
    empty = 0
    for _ in range(60):
        region = random_region(gate, rng)
        core = gate.explain(boxes=10_000_000, **region)
        assert (core is None) == bool(np.any(~truth.infeasible()[inside(gate, truth, region)])), region
        if core is not None:
            empty += 1
            check(gate, truth, region, core)
    assert empty >= 3


@pytest.mark.parametrize("name", CASES)
def test_an_empty_space_is_explained(name: str) -> None:
    space, build, _ = CASES[name]
    _, some = case(name)
    least = {key: float(some.costs[key][0].min()) for key in ("flash", "macs")}
    limits: dict[str, Any] = {
        "flash": f"{int(least['flash']) - 1} B",
        "macs": int(least["macs"]),
        "ram": "1 MiB",
    }
    gate = Gate(space, build, target="host64", limits=limits)
    report = gate.tighten(seconds=60.0)
    assert report.empty
    assert report.paving.shares["infeasible"] == 1.0
    assert all(bounds == () for bounds in report.bounds.values())
    assert report.core is not None
    truth = enumerated(gate)
    assert truth.infeasible().all()
    check(gate, truth, {}, report.core)
