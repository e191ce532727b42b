"""Finding what limits leave of a space: a branch and prune over boxes, by the core."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from gonogo import _core
from gonogo.errors import SpaceError
from gonogo.hpo.paving import Paving
from gonogo.hpo.space_report import Core, SpaceReport
from gonogo.space import Int, Space

if TYPE_CHECKING:
    from gonogo.hpo.gate import Gate

_FIND_BOXES = 20_000


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
    *arrays, evaluated = search.pave(boxes, left, watch)
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
        value, point, proved = search.least(box, i, boxes)
        if point is not None and proved and math.isfinite(value):
            relaxations[gate.cost_keys[i]] = (value, gate.architecture.coding.config(point))
    factor, point, proved = search.least(box, None, boxes)
    found = None if point is None or not proved else (factor, gate.architecture.coding.config(point))
    return Core(tuple(gate.cost_keys[i] for i in limits), tuple(kept), relaxations, found)
