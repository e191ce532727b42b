"""A search space of small nets with a size that is a formula, for the adapters' tests."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gonogo.space import Choice, Float, Int, Space

from support.fake_gate import FakeGate

SPACE = Space(
    layers=Int(1, 3),
    width=Int(8, 128, step=8),
    kind=Choice("dense", "wide"),
    kernel=Choice(3, 5, 7, when="kind == 'wide'"),
    inputs=Choice(64),
    rate=Float(1e-4, 1e-1, log=True),
)
COST_NAMES = ("layers", "width", "kind", "kernel", "inputs")
# About a tenth of the cost-bearing configurations fit.
LIMITS = {"flash": 9_000, "macs": 12_000}


def weights(config: Mapping[str, Any]) -> int:
    inner = config["layers"] * config["width"] ** 2
    return int(config["inputs"] * config["width"] + inner * config.get("kernel", 1))


def macs(config: Mapping[str, Any]) -> int:
    return 2 * weights(config) - config["width"]


def gate(limits: Mapping[str, int] = LIMITS) -> FakeGate:
    return FakeGate(SPACE, {"flash": weights, "macs": macs}, limits, COST_NAMES)


def score(config: Mapping[str, Any]) -> float:
    """Better with size, best just within the limits: what makes a gate worth having. At most 1."""
    good = 1.0 - math.exp(-weights(config) / 4000)
    return good - 0.1 * abs(math.log10(config["rate"] / 1e-2)) / 2
