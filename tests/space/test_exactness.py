"""The cost of a configuration by its expressions, against the cost of the network it stands for, layer by layer.

GONOGO_DEEP_SPACE is the number of configurations per family (by default a share of the 10,000 of a deep run).
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
from gonogo.hpo.checked import Judgement
from gonogo.hpo.gate import Gate
from support.families import FAMILIES
from support.latencies import seconds_of

COUNT = int(os.environ.get("GONOGO_DEEP_SPACE", "150"))
TARGETS = ("stm32f746", "cortex-m55", "stm32g0b1re", "host64", "stm32h747")


def compare(gate: Gate, config: dict[str, Any]) -> None:
    judged = gate.check(config)
    cost = gate.cost(config).core
    n = judged.numbers
    assert judged.is_network
    assert n["macs"] == cost.macs
    assert n["other_operations"] == cost.other_operations
    assert n["parameter_bytes"] == cost.parameter_bytes
    if gate.target.core.plans_as_tflm:  # stores the file
        assert n["parameter_bytes"] + n["flash_around"] == cost.flash_model_bytes[1]
    assert n["flash_code"] == cost.flash_code_bytes[1]
    low, _, high = (m + c for m, c in zip(cost.flash_model_bytes, cost.flash_code_bytes, strict=True))
    flash = next((o for o in judged.outcomes if o.name == "flash"), None)
    if flash is not None:
        assert (low, high) == (min(low, flash.low), flash.high)
    if cost.ram_activation_bytes is not None:
        assert n["ram_activations"] == cost.ram_activation_bytes
        assert n["ram_live"] == cost.ram_live_bytes
        assert n["ram_persistent"] == cost.ram_persistent_bytes
    assert (cost.latency_seconds is not None) == (n["timed"] == 1.0)
    if cost.latency_seconds is not None:
        assert seconds_of(n["cycles"], gate.target.core) == cost.latency_seconds
    compare_nodes(judged, gate, config, cost)


def compare_nodes(judged: Any, gate: Gate, config: dict[str, Any], cost: Any) -> None:
    """Layers that the configuration doesn't have aren't among them, so the order decides which is which."""
    ours = judged._core.nodes()
    assert len(ours) == len(gate.architecture.model(config).nodes) == len(cost.nodes)
    for (_, macs, other, parameters, cycles), theirs in zip(ours, cost.nodes, strict=True):
        assert (macs, other, parameters) == (theirs.macs, theirs.other_operations, theirs.parameter_bytes)
        if theirs.seconds is not None:
            assert cycles / gate.target.clock_hz == theirs.seconds


@pytest.mark.parametrize("family", FAMILIES)
def test_random_configurations(family: str) -> None:
    space, build = FAMILIES[family]
    gates = [Gate(space, build, target=t, limits={"ram": "64 KiB"}) for t in TARGETS]
    rng = np.random.default_rng(len(family))
    for i, config in enumerate(space.sample(rng, COUNT)):
        compare(gates[i % len(gates)], config)


@pytest.mark.parametrize("family", FAMILIES)
def test_columns_are_equal_to_points(family: str) -> None:
    """The block kernels round as the single point does, on every number, with and without the plan."""
    space, build = FAMILIES[family]
    gate = Gate(space, build, target="stm32f746", limits={"ram": "64 KiB"})
    configs = space.sample(np.random.default_rng(1), 200)
    coding = gate.architecture.coding
    rows = np.array([coding.codes(c) for c in configs])
    columns = [np.ascontiguousarray(rows[:, j]) for j in range(rows.shape[1])]
    planned, unplanned = gate._judge.points(columns, True), gate._judge.points(columns, False)
    for r, config in enumerate(configs):
        numbers = gate.check(config).numbers
        assert {k: v[r] for k, v in planned.items()} == numbers
        assert {k: v[r] for k, v in unplanned.items()} == {
            k: v for k, v in numbers.items() if k not in ("ram_activations", "ram_live")
        }


@pytest.mark.parametrize("family", FAMILIES)
def test_the_verdict_is_that_of_the_outcomes(family: str) -> None:
    """The core compares float64 numbers, the outcomes fractions of the limits as they were written."""
    space, build = FAMILIES[family]
    limits = {"ram": "24 KiB", "flash": "60 KiB", "latency": "40 ms", "macs": "3 M"}
    for target in ("stm32f746", "stm32f746+tflm"):
        gate = Gate(space, build, target=target, limits=limits, reject_on_estimates=("latency",))
        for config in space.sample(np.random.default_rng(3), 60):
            checked = gate.check(config)
            if checked.is_network:
                assert checked.verdict is Judgement.verdict.fget(checked)  # type: ignore[attr-defined]
                assert checked.infeasible == any(margin > 0 for margin in checked.margins.values())
