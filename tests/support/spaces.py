"""Every configuration of a space, with its verdict worked out from counts alone: the oracle for proofs about spaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from gonogo.hpo.gate import Gate
from gonogo.results import PERSISTENT_SLACK_BYTES

FEASIBLE, INFEASIBLE, UNDECIDED = 0, 1, 2
BLOCK = 1 << 18
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Enumerated:
    """Indices of all canonical configurations, and what is true of each of them.

    indices : (n, parameters); a parameter that doesn't exist has index 0
    exists : (n, parameters)
    costs : by limit, the exact cost, its least and its greatest value; each (n,)
    valid : whether the configuration is a network
    """

    gate: Gate
    indices: npt.NDArray[np.int32]
    exists: Bools
    costs: Mapping[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]
    valid: Bools

    def rejected_by(self, key: str, limit: float | None = None) -> Bools:
        least, _ = self.costs[key]
        return least > (self.limit(key) if limit is None else limit)

    def limit(self, key: str) -> float:
        return float(self.gate._limits[self.gate.cost_keys.index(key)][0].value)

    def infeasible(self, keys: Any = None) -> Bools:
        """Of the limits named, or of all."""
        out = ~self.valid
        for key in self.gate.cost_keys if keys is None else keys:
            out = out | self.rejected_by(key)
        return out

    @cached_property
    def verdicts(self) -> npt.NDArray[np.uint8]:
        feasible = self.valid.copy()
        for key, (_, most) in self.costs.items():
            feasible &= most <= self.limit(key)
        return np.where(self.infeasible(), INFEASIBLE, np.where(feasible, FEASIBLE, UNDECIDED)).astype(
            np.uint8
        )


def enumerated(gate: Gate) -> Enumerated:
    """All points of the space's grid, those that differ only in parameters that don't exist once."""
    coding = gate.architecture.coding
    sizes = [len(p.codes) for p in coding.parameters]
    total = int(np.prod(sizes, dtype=np.int64))
    kept, there, numbers = [], [], []
    for first in range(0, total, BLOCK):
        grid = np.unravel_index(np.arange(first, min(first + BLOCK, total)), sizes)
        index = np.stack(grid, axis=1).astype(np.int32)
        exists = existing(gate, index)
        canonical = np.all(exists | (index == 0), axis=1)
        index, exists = index[canonical], exists[canonical]
        columns = [np.asarray(p.codes)[index[:, j]] for j, p in enumerate(coding.parameters)]
        kept.append(index)
        there.append(exists)
        numbers.append(gate._judge.points([np.ascontiguousarray(c) for c in columns], True))
    n = {k: np.concatenate([block[k] for block in numbers]) for k in numbers[0]}
    costs = {}
    for key in gate.cost_keys:
        name = key.removesuffix("_device")
        if name == "macs":
            costs[key] = (n["macs"], n["macs"])
        elif name == "flash":
            most = n["parameter_bytes"] + n["flash_around"] + np.floor(n["flash_around"] / 2)
            costs[key] = (n["parameter_bytes"], most)
        else:
            assert name == "ram"
            most = n["ram_activations"] + n["ram_persistent"] + PERSISTENT_SLACK_BYTES
            costs[key] = (n["ram_activations"], most)
    return Enumerated(gate, np.concatenate(kept), np.concatenate(there), costs, n["valid"] == 1.0)


def existing(gate: Gate, index: npt.NDArray[np.int32]) -> Bools:
    """Whether each parameter exists, by the space's own conditions, evaluated once per combination that matters."""
    coding, space = gate.architecture.coding, gate.space
    out = np.ones(index.shape, dtype=bool)
    for j, p in enumerate(coding.parameters):
        when = space.parameters[p.name].condition
        if when is None:
            continue
        # All earlier ones may matter: what exists before it, and their values.
        before = np.where(out[:, :j], index[:, :j], -1)
        through = [i for i in coding.exists_through(p.name) if i < j]
        rows, back = np.unique(before[:, through], axis=0, return_inverse=True)
        holds = [
            when.holds(
                {
                    coding.parameters[i].name: coding.parameters[i].values[v]
                    for i, v in zip(through, row, strict=True)
                    if v >= 0
                }
            )
            for row in rows.tolist()
        ]
        out[:, j] = np.array(holds, dtype=bool)[back.reshape(-1)]
    return out


def grid_of(report: Any, sizes: list[int]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """The verdict that a paving gives each point of the space's grid, and by how many boxes it is covered."""
    region = np.full(sizes, 255, np.uint8)
    covered = np.zeros(sizes, np.int32)
    paving = report.paving
    for lo, hi, verdict in zip(paving.lo.tolist(), paving.hi.tolist(), paving.region.tolist(), strict=True):
        where = tuple(slice(a, b + 1) for a, b in zip(lo, hi, strict=True))
        region[where] = verdict
        covered[where] += 1
    return region, covered
