"""Spaces, layers and advice as text for people."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gonogo import units
from gonogo.advice import OrderAdvice
from gonogo.hpo import SpaceReport
from gonogo.report.drawings import MEANINGS, Shares, layer_seconds, profile
from gonogo.report.tables import shortened, table
from gonogo.results import CostResult, Feasibility

# Values of a parameter that get a row each; more are gathered into so many rows.
MOST_ROWS = 10
_SAID = {
    Feasibility.FEASIBLE: "GO: something fits",
    Feasibility.INFEASIBLE: "NO-GO: nothing fits, proved",
    Feasibility.UNDECIDED: "UNDECIDED: nothing is proved to fit, nor that nothing does",
}


def space_lines(report: SpaceReport) -> Iterator[str]:
    """What is left of a space, the profile as a table, and the verdict."""
    yield from str(report).splitlines()
    if report.verdict is not Feasibility.INFEASIBLE:
        yield ""
        yield "Share of configurations by value"
        rows: list[tuple[str, ...]] = [("", "", *MEANINGS.values())]
        for shares in profile(report):
            rows += _profile_rows(shares)
        yield from table(rows, frozenset(range(2, len(rows[0]))))
    yield ""
    yield _SAID[report.verdict]


def _profile_rows(shares: Shares) -> list[tuple[str, ...]]:
    count = len(shares.values)
    groups = np.array_split(np.arange(count), min(count, MOST_ROWS))
    found = []
    for i, group in enumerate(groups):
        first, last = shares.values[group[0]], shares.values[group[-1]]
        value = str(first) if len(group) == 1 else f"{first} to {last}"
        # Means over the values of a row; each value counts the same.
        cells = (f"{shares.shares[name][group].mean():.1%}" for name in MEANINGS)
        found.append((shares.parameter if i == 0 else "", value, *cells))
    return found


def layer_lines(cost: CostResult) -> Iterator[str]:
    """Every operator with its counts and its part of the latency."""
    yield "Layers"
    rows = [("", "operator", "MACs", "parameters", "latency, est.", "share")]
    total = cost.core.latency_seconds
    nodes = zip(cost.graph.nodes, cost.core.nodes, layer_seconds(cost), strict=True)
    for i, (node, counted, seconds) in enumerate(nodes):
        known = seconds is not None and total is not None and total[1] > 0.0
        rows.append(
            (
                f"{i} {shortened(node.name)}",
                node.op,
                f"{counted.macs:,}",
                f"{counted.parameter_bytes:,} B",
                units.scaled_text(seconds, "s") if seconds is not None else "unknown",
                f"{seconds / total[1]:.1%}" if known and seconds is not None and total is not None else "",
            )
        )
    yield from table(rows, frozenset(range(2, len(rows[0]))))
    if cost.core.peak_node is not None:
        yield f"  most bytes alive at {cost.core.peak_index} {shortened(cost.core.peak_node)}"


def advice_lines(advice: OrderAdvice) -> Iterator[str]:
    yield "Advice on the order of operators"
    yield f"  {advice}"
    if advice.peak_bytes < advice.given_bytes:
        yield "  the order: " + ", ".join(
            f"{i} {shortened(n)}" for i, n in zip(advice.order, advice.names, strict=True)
        )
