"""The tables of benchmarks/hpo.py: searches of equal seeds compared, arm by arm."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import wilcoxon

ARMS = ("unaware", "native", "two-line", "feasible", "told", "tight")
MARKS = (25, 50, 100)


@dataclass(frozen=True)
class Row:
    """One search: after how many trainings which best loss among those that fit."""

    table: str
    sampler: str
    limit: float
    arm: str
    seed: int
    optimum: float
    best: list[float]
    wasted: int
    proposals: int
    seconds: float

    def regret(self, trainings: int) -> float:
        return (
            (self.best[min(trainings, len(self.best)) - 1] - self.optimum) / self.optimum
            if self.best
            else np.inf
        )


def trainings_to(row: Row, target: float, budget: int) -> int:
    return next((i + 1 for i, value in enumerate(row.best) if value <= target), budget + 1)


def compared(mine: list[float], theirs: list[float]) -> str:
    """Wilcoxon's signed ranks on paired regrets: who is ahead, and how surely."""
    differences = np.array(mine) - np.array(theirs)
    if not np.any(np.nan_to_num(differences)):
        return "="
    finite = np.clip(np.nan_to_num(differences, nan=0.0), -1e9, 1e9)
    p = float(wilcoxon(finite).pvalue)
    ahead = np.sum(finite < 0) - np.sum(finite > 0)
    return f"{'+' if ahead > 0 else '-'} p={p:.2g}" if p < 0.05 else f"~ p={p:.2g}"


def show(rows: list[Row]) -> Iterator[str]:
    yield (
        "| table | sampler | limit | arm | wasted | regret at 25 / 50 / 100 (quartiles at the end) | to native | "
        "proposals per training | against native | against two-line |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for (table, name, limit), paired, budget in cells(rows):
        for arm in paired:
            yield line(table, name, limit, arm, paired, budget)


def cells(rows: list[Row]) -> Iterator[tuple[tuple[str, str, float], dict[str, list[Row]], int]]:
    """The searches of one table, sampler and limit, by arm and in the order of their seeds; and the budget."""
    found: dict[tuple[str, str, float], dict[str, list[Row]]] = {}
    for row in rows:
        found.setdefault((row.table, row.sampler, row.limit), {}).setdefault(row.arm, []).append(row)
    for key, arms in sorted(found.items()):
        if not {"native", "two-line"} <= set(arms):
            continue  # nothing to compare with
        whole = set.intersection(*({r.seed for r in arm} for arm in arms.values()))
        paired = {
            a: sorted((r for r in arms[a] if r.seed in whole), key=lambda r: r.seed)
            for a in ARMS
            if a in arms
        }
        yield key, paired, max(len(r.best) for arm in paired.values() for r in arm)


def brief(rows: list[Row]) -> Iterator[str]:
    """One line per table, sampler and limit: what docs/hpo.md shows."""
    gates = [arm for arm in ARMS[2:] if any(r.arm == arm for r in rows)]
    names = " / ".join(gates)
    yield (
        f"| table, sampler, limit, seeds | wasted by native | regret at the end: native / {names} | trainings to "
        f"native's result: {names} | proposals per training: {names} | against two-line: {', '.join(gates[1:])} |"
    )
    yield "|---|---|---|---|---|---|"
    for (table, name, limit), paired, budget in cells(rows):
        ends = {arm: [r.regret(budget) for r in mine] for arm, mine in paired.items()}
        targets = [r.best[-1] for r in paired["native"]]

        def each(arms: Iterable[str], value: Callable[[str], str], there: Mapping[str, Any] = paired) -> str:
            return " / ".join(value(arm) if arm in there else "" for arm in arms)

        def to(
            arm: str,
            paired: Mapping[str, list[Row]] = paired,
            targets: list[float] = targets,
            budget: int = budget,
        ) -> str:
            found = [trainings_to(r, t, budget) for r, t in zip(paired[arm], targets, strict=True)]
            return f"{statistics.median(found):.0f}"

        def proposals(arm: str, paired: Mapping[str, list[Row]] = paired) -> str:
            return f"{sum(r.proposals for r in paired[arm]) / sum(len(r.best) for r in paired[arm]):.1f}"

        yield (
            f"| {table}, {name}, {limit:g}, {len(targets)} | "
            f"{statistics.median(r.wasted for r in paired['native']):.0f} | "
            + each(("native", *gates), lambda arm, ends=ends: f"{statistics.median(ends[arm]):.3f}")  # type: ignore[misc]
            + f" | {each(gates, to)} | {each(gates, proposals)} | "
            + each(gates[1:], lambda arm, ends=ends: compared(ends[arm], ends["two-line"]))  # type: ignore[misc]
            + " |"
        )


def line(table: str, name: str, limit: float, arm: str, paired: dict[str, list[Row]], budget: int) -> str:
    mine = paired[arm]
    ends = [r.regret(budget) for r in mine]
    low, high = np.quantile(ends, [0.25, 0.75], method="nearest")
    to = [
        trainings_to(r, n.best[-1] if n.best else np.inf, budget)
        for r, n in zip(mine, paired["native"], strict=True)
    ]
    regrets = " / ".join(f"{statistics.median(r.regret(m) for r in mine):.3f}" for m in MARKS if m <= budget)
    against = [
        "" if arm == other else compared(ends, [r.regret(budget) for r in paired[other]])
        for other in ("native", "two-line")
    ]
    trained = sum(len(r.best) for r in mine)
    cut = "" if all(len(r.best) == budget for r in mine) else f" ({trained / len(mine):.0f} trained)"
    return (
        f"| {table} | {name} | {limit:g} | {arm} | {statistics.median(r.wasted for r in mine):.0f}{cut} | {regrets} "
        f"({low:.3f} to {high:.3f}) | {statistics.median(to):.0f} | {sum(r.proposals for r in mine) / trained:.1f} | "
        f"{against[0]} | {against[1]} |"
    )
