"""What limits leave of a space: bounds, a profile per value, a paving, and why nothing is left where nothing is."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from gonogo import _core, units
from gonogo.architecture import Coding
from gonogo.errors import SpaceError
from gonogo.hpo.gate import floats_of
from gonogo.results import Feasibility
from gonogo.space import Config, Int, Space

if TYPE_CHECKING:
    from gonogo.hpo.gate import Gate

REGIONS = ("feasible", "infeasible", "undecided")
_FIND_BOXES = 20_000
_NO_NETWORK = 2**64 - 1


@dataclass(frozen=True, eq=False)
class Paving:
    """Disjoint boxes that make up the space, each feasible, infeasible or undecided as a whole.

    Arrays, one row per box: `lo`, `hi` of shape (n, parameters), int32, indices of the first and last value in
    `values`; `volume` (n,), float64, configurations in it; `region` (n,), uint8, index into `REGIONS`; `broken`
    (n,), uint64, bits of the limits that rule the box out by themselves, all bits where its points are no networks;
    `exists` (n, parameters), uint8.
    """

    space: Space
    keys: tuple[str, ...]
    lo: np.ndarray
    hi: np.ndarray
    volume: np.ndarray
    region: np.ndarray
    broken: np.ndarray
    exists: np.ndarray

    @cached_property
    def coding(self) -> Coding:
        return Coding(self.space)

    @property
    def shares(self) -> dict[str, float]:
        """The share of the configurations that is feasible, infeasible, undecided."""
        total = self.volume.sum()
        return {name: float(self.volume[self.region == i].sum() / total) for i, name in enumerate(REGIONS)}

    def __len__(self) -> int:
        return len(self.volume)

    def boxes(self) -> Iterator[dict[str, Any]]:
        """Each box: its verdict, the limits that rule it out, its volume, and the values left of every parameter."""
        for i in range(len(self)):
            values = {
                p.name: tuple(p.values[self.lo[i, j] : self.hi[i, j] + 1])
                for j, p in enumerate(self.coding.parameters)
                if self.exists[i, j]
            }
            broken = int(self.broken[i])
            limits = (
                ("no network",)
                if broken == _NO_NETWORK
                else tuple(key for b, key in enumerate(self.keys) if broken >> b & 1)
            )
            yield {
                "verdict": REGIONS[self.region[i]],
                "limits": limits,
                "volume": float(self.volume[i]),
                "values": values,
            }

    def sample(self, rng: np.random.Generator, n: int) -> list[Config]:
        """`n` configurations that aren't proved infeasible by their box.

        Uniform over the configurations left; log-uniform in parameters declared with ``log=True``. Raises SpaceError
        when no box is left.
        """
        weights = self._weights
        if weights.size == 0 or weights[-1] <= 0.0:
            raise SpaceError("paving: the whole space is proved infeasible; there is nothing to draw")
        boxes = self._left[np.searchsorted(weights, rng.random(n) * weights[-1], side="right")]
        found = []
        floats = floats_of(self.space)
        for box in boxes:
            indices = [
                self._draw(j, int(self.lo[box, j]), int(self.hi[box, j]), rng)
                for j in range(self.lo.shape[1])
            ]
            config = self.coding.config(indices)
            for name in floats:
                config[name] = self.space.parameters[name].draw(rng, 1)[0]
            found.append(self.space.check(config))
        return found

    # ---- helpers

    @cached_property
    def _left(self) -> np.ndarray:
        return np.flatnonzero(self.region != REGIONS.index("infeasible"))

    @cached_property
    def _steps(self) -> list[np.ndarray]:
        """Per parameter: weights of its values, added up; a leading zero."""
        found = []
        for p in self.coding.parameters:
            codes = np.asarray(p.codes)
            weights = np.log((codes + 0.5) / (codes - 0.5)) if p.log else np.ones(len(codes))
            found.append(np.concatenate([[0.0], np.cumsum(weights)]))
        return found

    @cached_property
    def _weights(self) -> np.ndarray:
        """Of the boxes that are left, added up."""
        weights = np.ones(len(self._left))
        for j, steps in enumerate(self._steps):
            weights = weights * (steps[self.hi[self._left, j] + 1] - steps[self.lo[self._left, j]])
        return np.cumsum(weights)

    def _draw(self, j: int, lo: int, hi: int, rng: np.random.Generator) -> int:
        steps = self._steps[j]
        at = steps[lo] + rng.random() * (steps[hi + 1] - steps[lo])
        return int(np.clip(np.searchsorted(steps, at, side="right") - 1, lo, hi))


@dataclass(frozen=True)
class Core:
    """Why a region holds no configuration: limits and parameters none of which can be left out.

    `relaxations`: per limit, in its unit (bytes, seconds, joules, MACs), the value it would have to be raised to for
    the region to open, the others unchanged, and a configuration that it would let in; without an entry no raise of
    that limit alone opens the region. `together`: the least factor by which all limits would have to grow, and a
    configuration that this lets in; None where every configuration of the region is no network.
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


# ---- making a report


def search_of(gate: Gate) -> _core.SpaceSearch:
    coding = gate.architecture.coding
    return _core.SpaceSearch(
        gate._judge,
        [list(p.places) for p in coding.parameters],
        [coding.exists_through(p.name) for p in coding.parameters],
    )


def tighten(
    gate: Gate, *, seconds: float, boxes: int, progress: Callable[[float], Any] | None
) -> SpaceReport:
    start = time.monotonic()
    coding = gate.architecture.coding
    search = search_of(gate)
    point, proved = search.find(None, _FIND_BOXES)
    empty = point is None and proved
    bounds, exact = _bounds(gate, search, start + seconds / 2.0, empty)
    unchanged = tuple(name for name, left in bounds.items() if left == _of_space(gate.space, name))

    def watch(evaluated: int, share: float) -> bool:
        if progress is not None:
            progress(share)
        return True

    left = max(seconds - (time.monotonic() - start), 0.0)
    *arrays, evaluated = search.pave(None, boxes, left, watch)
    paving = Paving(gate.space, gate.cost_keys, *arrays)
    core = _core_of(gate, search, None, (), _FIND_BOXES) if empty else None
    assert len(coding.parameters) == paving.lo.shape[1]
    return SpaceReport(
        gate.space,
        gate.hash,
        bounds,
        unchanged,
        exact,
        paving,
        core,
        empty,
        int(evaluated),
        time.monotonic() - start,
    )


def explain(gate: Gate, region: Mapping[str, Any], boxes: int) -> Core | None:
    coding = gate.architecture.coding
    box = [(0, len(p.values) - 1) for p in coding.parameters]
    names = [p.name for p in coding.parameters]
    for name, wanted in region.items():
        if name not in names:
            raise SpaceError(
                f"region: no parameter '{name}' that a cost depends on; there are: {', '.join(names)}"
            )
        p = coding.parameters[names.index(name)]
        ends = wanted if isinstance(wanted, tuple) else (wanted, wanted)
        if len(ends) != 2:
            raise SpaceError(f"region: {name}={wanted!r}; give a value, or (first, last)")
        first, last = (p.index_of(gate.space[name].canonical(v)) for v in ends)
        if first > last:
            raise SpaceError(f"region: {name}={wanted!r}: the first value is beyond the last")
        box[names.index(name)] = (first, last)
    search = search_of(gate)
    point, proved = search.find(box, boxes)
    if point is not None or not proved:
        return None
    return _core_of(gate, search, box, tuple(region), boxes)


# ---- helpers


def _of_space(space: Space, name: str) -> tuple[Any, ...]:
    p = space[name]
    return (p.values[0], p.values[-1]) if isinstance(p, Int) else tuple(p.values)  # type: ignore[union-attr]


def _bounds(
    gate: Gate, search: _core.SpaceSearch, until: float, empty: bool
) -> tuple[dict[str, tuple[Any, ...]], tuple[str, ...]]:
    coding = gate.architecture.coding
    bounds: dict[str, tuple[Any, ...]] = {}
    exact: list[str] = []
    for j, p in enumerate(coding.parameters):
        if empty:
            bounds[p.name] = ()
            exact.append(p.name)
            continue
        slabs = _Slabs(search, [len(q.values) for q in coding.parameters], j, until)
        if isinstance(gate.space[p.name], Int):
            first, last = slabs.end(upwards=True), slabs.end(upwards=False)
            bounds[p.name] = (p.values[first], p.values[last])
        else:
            left = {p.values[i] for i in range(len(p.values)) if slabs.may_hold(i, i)}
            bounds[p.name] = tuple(v for v in p.declared if v in left)
        if slabs.certain:
            exact.append(p.name)
    return bounds, tuple(exact)


class _Slabs:
    """Whether the space holds a configuration with parameter j between two of its values."""

    def __init__(self, search: _core.SpaceSearch, sizes: list[int], j: int, until: float) -> None:
        self.search, self.sizes, self.j, self.until = search, sizes, j, until
        self.certain = True
        self.found = 0

    def may_hold(self, first: int, last: int) -> bool:
        """False: proved not to. Leaves the value found in `found`."""
        if time.monotonic() > self.until:
            self.certain = False
            self.found = first
            return True
        box = [(0, n - 1) for n in self.sizes]
        box[self.j] = (first, last)
        point, proved = self.search.find(box, _FIND_BOXES, 0, self.j)
        if point is None and not proved:
            self.certain = False
            self.found = first
            return True
        if point is None:
            return False
        self.found = point[self.j]
        return True

    def end(self, *, upwards: bool) -> int:
        """The least (else the greatest) value that may be left. Where nothing is left, that of the space."""
        first, last = 0, self.sizes[self.j] - 1
        if not self.may_hold(first, last):
            return first if upwards else last
        if upwards:
            last = max(self.found, first)
            while first < last:
                middle = (first + last) // 2
                if self.may_hold(first, middle):
                    last = self.found if self.certain else first
                else:
                    first = middle + 1
            return first
        first = min(self.found, last) if self.certain else last
        while first < last:
            middle = (first + last + 1) // 2
            if self.may_hold(middle, last):
                first = self.found if self.certain else last
            else:
                last = middle - 1
        return last


def _core_of(
    gate: Gate,
    search: _core.SpaceSearch,
    box: list[tuple[int, int]] | None,
    given: tuple[str, ...],
    boxes: int,
) -> Core:
    def is_empty(masked: int, where: list[tuple[int, int]] | None) -> bool:
        point, proved = search.find(where, boxes, masked)
        return point is None and proved

    masked = 0
    for i in range(len(gate._limits)):
        if is_empty(masked | 1 << i, box):
            masked |= 1 << i
    names = [p.name for p in gate.architecture.coding.parameters]
    sizes = [len(p.values) for p in gate.architecture.coding.parameters]
    kept = list(given)
    where = box
    for name in given:
        assert where is not None
        wider = list(where)
        wider[names.index(name)] = (0, sizes[names.index(name)] - 1)
        if is_empty(masked, wider):
            where = wider
            kept.remove(name)
    limits = [i for i in range(len(gate._limits)) if not masked >> i & 1]
    relaxations = {}
    for i in limits:
        value, point, _ = search.least(box, i, boxes)
        if point is not None and math.isfinite(value):
            relaxations[gate.cost_keys[i]] = (value, gate.architecture.coding.config(point))
    factor, point, _ = search.least(box, None, boxes)
    found = None if point is None else (factor, gate.architecture.coding.config(point))
    return Core(tuple(gate.cost_keys[i] for i in limits), tuple(kept), relaxations, found)


def _quantity(key: str, value: float) -> str:
    name = key.removesuffix("_device")
    if name in ("ram", "flash"):
        return units.bytes_text(int(value))
    base = {"latency": "s", "energy": "J"}.get(name)
    return units.scaled_text(value, base) if base else f"{value:,.0f} MACs"
