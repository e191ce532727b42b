"""What limits leave of a space, as a result: bounds, a profile per value, the paving, and why nothing is left."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from gonogo import units
from gonogo.errors import SpaceError
from gonogo.hpo.paving import REGIONS, Paving
from gonogo.results import Feasibility
from gonogo.space import Config, Int, Space


@dataclass(frozen=True)
class Core:
    """Why a region holds no configuration: limits and parameters none of which can be left out.

    `relaxations`: per limit, in its unit (bytes, seconds, joules, MACs), the value it would have to be raised to for
    the region to open, the others unchanged, and a configuration that it would let in; without an entry no raise of
    that limit alone opens the region, or the budget of boxes didn't suffice to prove the least one. `together`: the
    least factor by which all limits would have to grow, and a configuration that this lets in; None where every
    configuration of the region is no network, or, again, the least factor isn't proved.
    """

    limits: tuple[str, ...]
    parameters: tuple[str, ...]
    relaxations: Mapping[str, tuple[float, Config]]
    together: tuple[float, Config] | None

    def __str__(self) -> str:
        what = " and ".join(self.limits) or "the layers' shapes"
        where = f" with {' and '.join(self.parameters)} as given" if self.parameters else ""
        lines = [f"ruled out by {what}{where}"]
        for key, (value, config) in self.relaxations.items():
            shown = ", ".join(f"{k}={v!r}" for k, v in config.items())
            lines.append(f"  {key}: {_quantity(key, value)} would let in {shown}")
        if not self.relaxations and self.together is not None:
            factor, config = self.together
            shown = ", ".join(f"{k}={v!r}" for k, v in config.items())
            lines.append(
                f"  no limit alone opens it; all of them {factor:.4g} times as high would let in {shown}"
            )
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class SpaceReport:
    """What the limits leave of a space. Everything said to be proved infeasible is.

    bounds : per parameter, the first and last value of an Int, or the values of a Choice, that some configuration has
        that isn't infeasible. Parameters of kind Float aren't in it.
    unchanged : parameters whose bounds are those of the space
    exact : parameters whose bounds are proved to be the tightest; those of the others may be too wide, never too narrow
    profile : per parameter, an array of shape (values, 3): the share of the configurations with that value which is
        feasible, infeasible, undecided
    paving : the boxes; also a sampler
    core : why nothing is left, if nothing is
    empty : the whole space is proved infeasible
    """

    space: Space
    gate_hash: str
    bounds: Mapping[str, tuple[Any, ...]]
    unchanged: tuple[str, ...]
    exact: tuple[str, ...]
    paving: Paving
    core: Core | None
    empty: bool
    evaluated: int
    seconds: float = field(compare=False, default=0.0)

    @cached_property
    def profile(self) -> dict[str, np.ndarray]:
        paving, found = self.paving, {}
        for j, p in enumerate(paving.coding.parameters):
            change = np.zeros((len(p.values) + 1, 3))
            there = paving.exists[:, j] == 1
            share = paving.volume / (paving.hi[:, j] - paving.lo[:, j] + 1)
            np.add.at(change, (paving.lo[there, j], paving.region[there]), share[there])
            np.add.at(change, (paving.hi[there, j] + 1, paving.region[there]), -share[there])
            table = np.maximum(np.cumsum(change[:-1], axis=0), 0.0)
            totals = table.sum(axis=1, keepdims=True)
            found[p.name] = np.divide(table, totals, out=np.zeros_like(table), where=totals > 0)
        return found

    @property
    def shares(self) -> dict[str, float]:
        return self.paving.shares

    @property
    def verdict(self) -> Feasibility:
        """Feasible: some configuration is proved to fit. Infeasible: none does, proved. Else undecided."""
        found = set(self.paving.region.tolist())
        if REGIONS.index("feasible") in found:
            return Feasibility.FEASIBLE
        nothing_left = self.empty or found <= {REGIONS.index("infeasible")}
        return Feasibility.INFEASIBLE if nothing_left else Feasibility.UNDECIDED

    def to_json(self) -> str:
        """The report as text; `from_json` reads it. Times aren't in it."""
        paving = self.paving
        core = self.core
        return json.dumps(
            {
                "format": "gonogo space report 1",
                "space": json.loads(self.space.to_json()),
                "gate": self.gate_hash,
                "bounds": {k: list(v) for k, v in self.bounds.items()},
                "unchanged": list(self.unchanged),
                "exact": list(self.exact),
                "keys": list(paving.keys),
                "paving": {
                    name: getattr(paving, name).tolist()
                    for name in ("lo", "hi", "volume", "region", "broken", "exists")
                },
                "core": core
                and {
                    "limits": list(core.limits),
                    "parameters": list(core.parameters),
                    "relaxations": {k: [v, c] for k, (v, c) in core.relaxations.items()},
                    "together": core.together and list(core.together),
                },
                "empty": self.empty,
                "evaluated": self.evaluated,
            },
            sort_keys=True,
        )

    @classmethod
    def from_json(cls, text: str) -> SpaceReport:
        """The report that `to_json` wrote; SpaceError for anything else."""
        try:
            data = json.loads(text)
            if data["format"] != "gonogo space report 1":
                raise SpaceError(f"space report: format {data['format']!r} isn't known")
            space = Space.from_json(json.dumps(data["space"]))
            types = {
                "lo": np.int32,
                "hi": np.int32,
                "volume": np.float64,
                "region": np.uint8,
                "broken": np.uint64,
                "exists": np.uint8,
            }
            arrays = {name: np.array(data["paving"][name], dtype=t) for name, t in types.items()}
            core = data["core"]
            return cls(
                space,
                data["gate"],
                {k: tuple(v) for k, v in data["bounds"].items()},
                tuple(data["unchanged"]),
                tuple(data["exact"]),
                Paving(space, tuple(data["keys"]), **arrays),
                core
                and Core(
                    tuple(core["limits"]),
                    tuple(core["parameters"]),
                    {k: (v, c) for k, (v, c) in core["relaxations"].items()},
                    core["together"] and tuple(core["together"]),
                ),
                data["empty"],
                data["evaluated"],
            )
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, SpaceError):
                raise
            raise SpaceError(f"space report: can't be read: {error}") from error

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the report's text."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def __str__(self) -> str:
        shares = self.shares
        lines = [
            f"{self.space.size:,} configurations: "
            + ", ".join(f"{shares[name]:.1%} {name}" for name in REGIONS)
            + f" ({self.evaluated:,} boxes)"
        ]
        for name, bounds in self.bounds.items():
            if not bounds:
                text = "nothing"
            elif isinstance(self.space[name], Int):
                text = f"{bounds[0]} to {bounds[1]}"
            else:
                text = ", ".join(map(repr, bounds))
            lines.append(f"  {name}: {text}{' (unchanged)' if name in self.unchanged else ''}")
        if self.core is not None:
            lines.append(str(self.core))
        return "\n".join(lines)


# ---- helpers


def _quantity(key: str, value: float) -> str:
    name = key.removesuffix("_device")
    if name in ("ram", "flash", "flash_model"):
        return units.bytes_text(int(value))
    base = {"latency": "s", "energy": "J"}.get(name)
    return units.scaled_text(value, base) if base else f"{value:,.0f} MACs"
