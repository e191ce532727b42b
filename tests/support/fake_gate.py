"""A gate over a small space, by brute force: the surface of `gonogo.Gate`, with costs given as plain functions.

It shares no code with the gate's engine: the verdict is a comparison of two integers, and the space report is an
enumeration. Adapters are tested against it as well as against the gate itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from gonogo.hpo.checked import log_margin
from gonogo.limits import Limits
from gonogo.results import Feasibility, LimitOutcome
from gonogo.space import Config, Float, Int, Space

Cost = Callable[[Mapping[str, Any]], int]


@dataclass(frozen=True)
class FakeChecked:
    params: Config
    outcomes: tuple[LimitOutcome, ...]

    @property
    def infeasible(self) -> bool:
        return any(o.feasibility is Feasibility.INFEASIBLE for o in self.outcomes)

    @property
    def verdict(self) -> Feasibility:
        return Feasibility.INFEASIBLE if self.infeasible else Feasibility.FEASIBLE

    @property
    def margins(self) -> dict[str, float]:
        return {o.name: log_margin(o.low, o.limit) for o in self.outcomes}

    @property
    def deciding(self) -> LimitOutcome | None:
        return max(self.outcomes, key=lambda o: log_margin(o.low, o.limit), default=None)


@dataclass(frozen=True)
class FakePaving:
    """Feasible points, and a share of infeasible ones as undecided boxes would hold them."""

    space: Space
    points: tuple[Config, ...]

    def sample(self, rng: np.random.Generator, n: int) -> list[Config]:
        drawn = self.space.sample(rng, n)  # for the parameters that no cost depends on
        chosen = [self.points[int(i)] for i in rng.integers(0, len(self.points), n)]
        return [self.space.check({**d, **c}) for d, c in zip(drawn, chosen, strict=True)]


@dataclass(frozen=True)
class FakeReport:
    bounds: dict[str, tuple[Any, ...]]
    paving: FakePaving
    empty: bool


class FakeGate:
    """`costs` and `limits` by the same names; `cost_names` are the parameters that costs depend on."""

    def __init__(
        self, space: Space, costs: Mapping[str, Cost], limits: Mapping[str, int], cost_names: tuple[str, ...]
    ) -> None:
        self.space = space
        self.costs = dict(costs)
        self.limits = Limits.of({k: v if k == "macs" else f"{v} B" for k, v in limits.items()})
        self.cost_names = cost_names
        self.tightened = 0

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self.costs)

    @cached_property
    def hash(self) -> str:
        text = f"{self.space.hash} {self.limits} {[(k, f.__module__, f.__qualname__) for k, f in self.costs.items()]}"
        return hashlib.sha256(text.encode()).hexdigest()

    def check(self, params: Mapping[str, Any]) -> FakeChecked:
        config = self.space.check(params)
        return FakeChecked(config, tuple(self._outcome(name, config) for name in self.costs))

    def _outcome(self, name: str, config: Config) -> LimitOutcome:
        limit, cost = self.limits[name], self.costs[name](config)
        verdict = Feasibility.INFEASIBLE if Fraction(cost) > limit.value else Feasibility.FEASIBLE
        return LimitOutcome(name, limit.value, limit.text, cost, cost, "exact", "exact", verdict)

    def fits(self, config: Mapping[str, Any]) -> bool:
        return all(cost(config) <= self.limits[name].value for name, cost in self.costs.items())

    def tighten(self, *, seconds: float) -> FakeReport:
        self.tightened += 1
        part = Space(**{n: p for n, p in self.space.parameters.items() if n in self.cost_names})
        fitting = [c for c in part.enumerate() if self.fits(c)]
        wrong = [c for c in part.enumerate() if not self.fits(c)]
        bounds: dict[str, tuple[Any, ...]] = {}
        for name, p in self.space.parameters.items():
            if isinstance(p, Float):
                continue
            left = [v for v in p.values if name not in part or any(c.get(name) == v for c in fitting)]
            if isinstance(p, Int):
                bounds[name] = (min(left, default=p.lo), max(left, default=p.hi))
            else:
                bounds[name] = tuple(left)
        return FakeReport(bounds, FakePaving(self.space, tuple(fitting + wrong[: len(fitting)])), not fitting)
