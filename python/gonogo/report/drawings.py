"""What the pictures of costs and searches show, as numbers: matplotlib and plotly draw the same from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gonogo import _core
from gonogo.hpo import SpaceReport
from gonogo.results import Array, CostResult, frozen
from gonogo.space import Int

# Light and dark enough to be told apart without colours; what is infeasible is hatched too.
LIGHT, DARK, GREY, RED = "#c8d6e5", "#0a3d62", "#8395a7", "#c0392b"
MAX_NAME = 28
# Nodes with a longer name are called by their operator.
MAX_LABEL = 20
# Values of a parameter that get a label each; more, and the axis counts.
MAX_LABELS = 24
MEANINGS = {"feasible": "feasible", "undecided": "undecided", "infeasible": "proved infeasible"}
_UNITS = {
    "B": ((1024.0, "KiB"), (1.0, "B")),
    "s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")),
    "J": ((1.0, "J"), (1e-3, "mJ"), (1e-6, "µJ")),
    "MAC": ((1e6, "M"), (1e3, "k"), (1.0, "")),
}


def short(name: str) -> str:
    return name if len(name) <= MAX_NAME else "..." + name[3 - MAX_NAME :]


def handy(largest: float, unit: str) -> tuple[float, str]:
    """What an axis is divided by, and its unit, so that the largest number on it is easy to read."""
    for factor, name in _UNITS[unit]:
        if largest >= factor:
            return factor, name
    return _UNITS[unit][-1]


# ---- memory


@dataclass(frozen=True)
class Block:
    """A buffer of the arena. It lives from the operator numbered `first` to that numbered `last`; -1: before all."""

    name: str
    first: int
    last: int
    offset_bytes: int
    size_bytes: int
    is_scratch: bool


@dataclass(frozen=True)
class Timeline:
    """The activation part of the arena while the network runs, operator by operator."""

    blocks: tuple[Block, ...]
    operators: tuple[str, ...]
    live_bytes: tuple[int, ...]
    peak: int
    arena_bytes: int
    standing: str


def timeline(cost: CostResult) -> Timeline:
    """Raises ValueError where no plan is known; `cost.notes` says why."""
    core, graph = cost.core, cost.graph
    if core.ram_activation_bytes is None:
        why = next((note for note in core.notes if "RAM" in note or "ram" in note), "see the result's notes")
        raise ValueError(f"{graph.source}: no memory plan to draw: {why}")
    tensors = set(graph.tensor_names)
    blocks = tuple(
        Block(b.name, b.first - 1, b.last - 1, b.offset_bytes, b.size_bytes, b.name not in tensors)
        for b in _core.plan_buffers(graph, cost.target_description.core)
    )
    live = tuple(sum(b.size_bytes for b in blocks if b.first <= i <= b.last) for i in range(len(graph.nodes)))
    return Timeline(
        blocks,
        operators(cost),
        live,
        core.peak_index,
        core.ram_activation_bytes,
        core.ram_activation_standing,
    )


def operators(cost: CostResult) -> tuple[str, ...]:
    """A label per node: its number, and its name where that is short; converters chain names to hundreds of letters."""
    return tuple(f"{i} {_label(node.name, node.op)}" for i, node in enumerate(cost.graph.nodes))


def _label(name: str, op: str) -> str:
    if len(name) > MAX_LABEL:
        return op
    return name if name.startswith(op) else f"{name} ({op})"


# ---- latency


@dataclass(frozen=True)
class Layers:
    """Estimated seconds of every operator, in the order in which they run; None: not known."""

    names: tuple[str, ...]
    seconds: tuple[float | None, ...]
    total_seconds: tuple[float, float, float]


def layers(cost: CostResult) -> Layers:
    """Raises ValueError where the latency isn't known; `cost.notes` says why."""
    core, total = cost.core, cost.core.latency_seconds
    if total is None:
        why = next(
            (note for note in core.notes if "latency" in note), f"{cost.target} states no coefficients"
        )
        raise ValueError(f"{cost.graph.source}: no latency to draw: {why}")
    return Layers(
        operators(cost),
        tuple(layer_seconds(cost)),
        total,
    )


def layer_seconds(cost: CostResult) -> list[float | None]:
    """The estimate of each operator; those of a network without a rule for one of them aren't shown."""
    known = cost.core.latency_seconds is not None
    return [node.seconds if known else None for node in cost.core.nodes]


# ---- spaces


@dataclass(frozen=True, eq=False)
class Shares:
    """Per value of a parameter, the share of its configurations that is feasible, undecided, infeasible."""

    parameter: str
    values: tuple[Any, ...]
    shares: dict[str, Array]
    is_number: bool

    @property
    def labels(self) -> list[str] | None:
        """A label per value, unless there are too many."""
        return None if len(self.values) > MAX_LABELS else [short(str(v)) for v in self.values]

    @property
    def places(self) -> list[Any]:
        """Where the bars stand: at the values of a long range of numbers, else one beside the other."""
        return list(self.values) if self.labels is None and self.is_number else list(range(len(self.values)))

    @property
    def width(self) -> float:
        """Of a bar; those of a long range touch."""
        return float(self.values[1] - self.values[0]) if self.labels is None and self.is_number else 0.8


def profile(report: SpaceReport) -> tuple[Shares, ...]:
    found = []
    for p in report.paving.coding.parameters:
        table = report.profile[p.name]
        columns = {
            name: frozen(np.ascontiguousarray(table[:, i]))
            for i, name in enumerate(("feasible", "infeasible", "undecided"))
        }
        is_number = isinstance(report.space[p.name], Int)
        found.append(Shares(p.name, tuple(p.values), {name: columns[name] for name in MEANINGS}, is_number))
    return tuple(found)


def headline(shares: dict[str, float], size: int) -> str:
    parts = ", ".join(f"{shares[name]:.1%} {meaning}" for name, meaning in MEANINGS.items())
    return f"{size:,} configurations: {parts}"


def pages(count: int, columns: int = 4) -> tuple[int, int]:
    """Rows and columns for so many panels."""
    wide = max(1, min(count, columns))
    return -(-count // wide), wide
