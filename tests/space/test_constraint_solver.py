"""Bounds and cores against OR-Tools' CP-SAT, which gets the counts as formulas of its own."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from gonogo.architecture import Layer, Net
from gonogo.hpo.gate import Gate
from gonogo.space import Choice, Int, Space

cp_model = pytest.importorskip("ortools.sat.python.cp_model", reason="needs OR-Tools: pip install ortools")

SPACE = Space(
    side=Int(6, 24, step=2), width=Int(1, 60), kernel=Choice(1, 3, 5), units=Int(1, 200), depth=Int(0, 3)
)
DOMAINS = {
    "side": range(6, 25, 2),
    "width": range(1, 61),
    "kernel": (1, 3, 5),
    "units": range(1, 201),
    "depth": range(4),
}
SMALL, LARGE = {"macs": 150_000, "flash": 16_000}, {"macs": 2_000_000, "flash": 60_000}


def build(h: Any, net: Net) -> Layer:
    x = net.conv2d(net.input(h.side, h.side, 3, bits=32), h.width, h.kernel)
    for _ in net.repeat(h.depth):
        x = net.conv2d(x, h.width, 1)
    return net.dense(net.dense(net.global_average_pool(x), h.units), 10)


class Solver:
    """The same space with macs and parameters written out by hand."""

    def __init__(self, limits: dict[str, int], fixed: dict[str, tuple[int, int]]) -> None:
        self.model = m = cp_model.CpModel()
        self.v = {
            n: m.new_int_var_from_domain(cp_model.Domain.from_values(list(d)), n) for n, d in DOMAINS.items()
        }
        v = self.v
        for name, (lo, hi) in fixed.items():
            m.add(v[name] >= lo)
            m.add(v[name] <= hi)
        pixels = self.product(v["side"], v["side"])
        taps = self.product(v["kernel"], v["kernel"])
        squares = self.product(v["width"], v["width"])
        inner = self.product(v["depth"], squares)
        dense = self.product(v["width"], v["units"])
        first = self.product(taps, v["width"])  # times 3
        macs = self.product(pixels, 3 * first + inner) + dense + 10 * v["units"]
        # Weights and biases, and two axes of the mean.
        words = (
            3 * first
            + inner
            + v["width"]
            + self.product(v["depth"], v["width"])
            + dense
            + 11 * v["units"]
            + 12
        )
        self.costs = {"macs": macs, "flash": 4 * words}
        for key, limit in limits.items():
            m.add(self.costs[key] <= limit)

    def product(self, a: Any, b: Any) -> Any:
        out = self.model.new_int_var(0, 10**9, "")
        self.model.add_multiplication_equality(out, [a, b])
        return out

    def solve(self, minimise: Any = None) -> int | None:
        """The least value of an expression, or 0 without one; None: nothing satisfies the constraints."""
        if minimise is not None:
            self.model.minimize(minimise)
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        status = solver.solve(self.model)
        if status == cp_model.INFEASIBLE:
            return None
        assert status == cp_model.OPTIMAL
        return round(solver.objective_value) if minimise is not None else 0


def gate_of(limits: dict[str, int]) -> Gate:
    texts = {key: f"{value} B" if key == "flash" else value for key, value in limits.items()}
    return Gate(SPACE, build, target="host64", limits=texts)  # type: ignore[arg-type]


@pytest.mark.parametrize("limits", [SMALL, LARGE], ids=["small", "large"])
def test_bounds_agree(limits: dict[str, int]) -> None:
    report = gate_of(limits).tighten(seconds=60.0)
    assert report.exact == SPACE.names
    for name in SPACE.names:
        solver = Solver(limits, {})
        least, most = solver.solve(solver.v[name]), solver.solve(-solver.v[name])
        assert least is not None
        assert most is not None
        assert (min(report.bounds[name]), max(report.bounds[name])) == (least, -most)


REGIONS: list[dict[str, tuple[int, int]]] = [
    {"side": (20, 24), "kernel": (5, 5)},
    {"width": (40, 60), "depth": (2, 3)},
    {"units": (150, 200), "width": (20, 60)},
    {"side": (16, 24), "width": (30, 60), "units": (100, 200)},
    {"depth": (3, 3), "width": (30, 60), "kernel": (3, 5)},
    {"units": (200, 200)},
]


@pytest.mark.parametrize("region", REGIONS, ids="-".join)
@pytest.mark.parametrize("limits", [SMALL, LARGE], ids=["small", "large"])
def test_cores_agree(limits: dict[str, int], region: dict[str, tuple[int, int]]) -> None:
    core = gate_of(limits).explain(boxes=1_000_000, **region)
    assert (core is None) == (Solver(limits, region).solve() is not None)
    if core is None:
        return
    kept = {name: region[name] for name in core.parameters}
    named = {key: limits[key] for key in core.limits}
    assert Solver(named, kept).solve() is None
    for fewer in itertools.combinations(named, len(named) - 1):
        assert Solver({k: named[k] for k in fewer}, kept).solve() is not None
    for names in itertools.combinations(kept, max(len(kept) - 1, 0)):
        assert not kept or Solver(named, {n: kept[n] for n in names}).solve() is not None
    for key, (value, _) in core.relaxations.items():
        others = Solver({k: v for k, v in limits.items() if k != key}, region)
        assert others.solve(others.costs[key]) == value
