"""The gate over a space: every configuration judged in microseconds, and whole regions at once.

The build function is read once (`gonogo.architecture`); its costs become expressions in the hyper-parameters, which the
core evaluates at a configuration or over a box of them. Only what is proved rejects: an exact count beyond its limit.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from gonogo import _core, analysis, targets
from gonogo.architecture import Architecture
from gonogo.errors import LimitError, SpaceError
from gonogo.hpo.checked import MAX_MARGIN, Judgement
from gonogo.limits import KINDS, Limit, Limits, LimitValue
from gonogo.results import PERSISTENT_SLACK_BYTES, CostResult, Feasibility, LimitOutcome, judge
from gonogo.space import Config, Float, Space

if TYPE_CHECKING:
    from gonogo.hpo.space_report import Core, SpaceReport
    from gonogo.targets import Target

COSTS = ("ram", "flash", "flash_model", "latency", "energy", "macs")
_VERDICTS = {f.value: f for f in Feasibility}
_ESTIMATED = ("latency", "energy")


class GateChecked(Judgement):
    """One configuration against the gate's limits. What the costs are is worked out when asked for."""

    __slots__ = ("_core", "_gate", "_outcomes", "params")

    def __init__(self, gate: Gate, params: Config, core: _core.Judged) -> None:
        self._gate, self.params, self._core = gate, params, core
        self._outcomes: tuple[LimitOutcome, ...] | None = None

    @property
    def infeasible(self) -> bool:
        """Whether the configuration is to be rejected."""
        return self._core.infeasible

    @property
    def verdict(self) -> Feasibility:
        return _VERDICTS[self._core.verdict]

    @property
    def outcomes(self) -> tuple[LimitOutcome, ...]:
        """One per limit, in the gate's order; none where the configuration is no network: see `broken`."""
        if self._outcomes is None:
            count = len(self._gate._limits) if self.is_network else 0
            self._outcomes = tuple(self._gate._outcome(i, self._core.ends(i)) for i in range(count))
        return self._outcomes

    @property
    def is_network(self) -> bool:
        """Whether the layers fit together at all; if not, `broken` says where they don't."""
        return self._core.is_network

    @property
    def broken(self) -> str:
        return self._core.broken()

    @property
    def margins(self) -> dict[str, float]:
        """log(cost / limit) of every limit, in the gate's fixed order; positive means infeasible."""
        return super().margins if self.is_network else dict.fromkeys(self._gate.cost_keys, MAX_MARGIN)

    @property
    def numbers(self) -> dict[str, float]:
        """The counts behind the costs, by name."""
        return self._core.numbers

    def __str__(self) -> str:
        return super().__str__() if self.is_network else f"infeasible: no network\n  {self.broken}"


class Gate:
    """Judges configurations of a space by their cost on a target, before anything is trained.

    Parameters
    ----------
    space : the hyper-parameters (`gonogo.Space`)
    build : build(h, net), which draws the architecture, or an `Architecture`
    target : the name of a described target, the path of a description, or a Target
    limits : as for `gonogo.check`; the target's own memories count too. These make `keys`. 'error' is judged after
        training.
    reject_on_estimates : names of limits (such as 'latency') that may also reject on an estimate, namely when its whole
        interval lies beyond the limit. By default no estimate rejects.
    risk : the same for latency and energy at a stated risk: they may reject if the target's intervals hold with
        probability at least 1 - risk.

    Raises ArchitectureError, SpaceError, ShapeError, LimitError and TargetError. A gate has no state; it can be pickled
    when `build` can.
    """

    def __init__(
        self,
        space: Space,
        build: Callable[..., Any] | Architecture,
        *,
        target: analysis.TargetLike,
        limits: Limits | Mapping[str, LimitValue] | None = None,
        reject_on_estimates: Iterable[str] = (),
        risk: float | None = None,
    ) -> None:
        self.architecture = build if isinstance(build, Architecture) else Architecture(space, build)
        if self.architecture.space != space:
            raise SpaceError("space: the architecture was made for another space")
        self.space = space
        self.limits = Limits.of(limits)
        self._given_target = target
        self.target: Target = targets.load(target) if isinstance(target, (str, os.PathLike)) else target
        if isinstance(reject_on_estimates, str):
            reject_on_estimates = (reject_on_estimates,)
        self.risk = risk
        self._limits = self._all_limits()
        self.reject_on_estimates = (*reject_on_estimates, *self._at_risk())
        named = {limit.name for limit, _ in self._limits}
        for name in self.reject_on_estimates:
            if name not in named:
                raise LimitError(
                    f"reject_on_estimates: no limit on {name!r}; there are: {', '.join(sorted(named)) or 'none'}"
                )
        if not self._limits and "error" not in self.limits:
            raise LimitError("nothing to decide: give limits, or a target that states its memories")
        coding = self.architecture.coding
        self._coding = coding
        self._judge = _core.Judge(
            self.architecture.graph,
            self.target.core,
            [(p.name, list(p.codes)) for p in coding.parameters],
            [coding.exists(p.name) for p in coding.parameters],
            [
                (limit.name, _number(limit), limit.name in self.reject_on_estimates)
                for limit, _ in self._limits
            ],
            float(PERSISTENT_SLACK_BYTES),
        )
        self._plain = len(space.names) == len(coding.parameters)

    # ---- a configuration

    def check(self, config: Mapping[str, Any]) -> GateChecked:
        """The verdict on one configuration; SpaceError for one that isn't in the space."""
        if self._plain and type(config) is dict and len(config) == len(self._coding.parameters):
            core = self._judge.of_integers(config)
            if core is not None:
                return GateChecked(self, config, core)
        canonical = self.space.check(config)
        return GateChecked(self, canonical, self._judge.of_values(self._coding.codes(canonical)))

    def cost(self, config: Mapping[str, Any]) -> CostResult:
        """Everything that `gonogo.cost` says about the configuration's network, built for the purpose."""
        return analysis.cost(self.architecture.model(config), self.target)

    def batch(self, columns: Mapping[str, Any], *, plan: bool = True) -> dict[str, np.ndarray]:
        """Counts of many configurations at once: arrays of values by parameter in, float64 arrays by count out.

        `columns` holds one array of numbers per parameter (position in the choice for texts, 0 and 1 for bools), all of
        one length n. Out, each of shape (n,): valid (1 where the configuration is a network), macs, other_operations,
        parameter_bytes, flash_around (bytes a converter adds), flash_code (bytes of kernels and runtime, before the
        engine's interval), ram_activations, ram_live, ram_persistent (bytes), cycles (estimate, before the target's
        scale), timed (1 where all kernels are). ``plan=False`` leaves the memory planner out, and with it the two
        activation counts.
        """
        arrays = []
        for p in self._coding.parameters:
            if p.name not in columns:
                raise SpaceError(f"columns: parameter '{p.name}' is missing")
            column = np.asarray(columns[p.name], dtype=np.float64)
            codes = np.asarray(p.codes)
            if p.kind == "fraction":
                column = np.rint(column * p.denominator)
            at = np.clip(np.searchsorted(codes, column), 0, len(codes) - 1)
            wrong = np.flatnonzero(codes[at] != column)
            if wrong.size:
                value = np.ravel(columns[p.name])[wrong[0]]
                raise SpaceError(f"columns: parameter '{p.name}', row {wrong[0]}: {value!r} isn't allowed")
            arrays.append(np.ascontiguousarray(column))
        if len({a.shape for a in arrays}) > 1 or any(a.ndim != 1 for a in arrays):
            raise SpaceError("columns: one-dimensional arrays of one length are needed")
        return dict(self._judge.points(arrays, plan))

    # ---- the whole space

    def tighten(
        self, *, seconds: float = 2.0, boxes: int = 500_000, progress: Callable[[float], Any] | None = None
    ) -> SpaceReport:
        """What the limits leave of the space: bounds, profile, paving, and the core where nothing is left.

        Work ends after `seconds`, or after so many boxes; the same number of boxes gives the same report.
        `progress(share)` is told the decided share of the space from time to time. See `SpaceReport`.
        """
        from gonogo.hpo.tightening import tighten

        return tighten(self, seconds=seconds, boxes=boxes, progress=progress)

    def explain(self, *, boxes: int = 100_000, **region: Any) -> Core | None:
        """Why a region holds no configuration: `gate.explain(width=256)`, `gate.explain(width=(128, 256))`.

        The smallest sets of limits and of the named parameters that rule it out by themselves, and how far each limit
        would have to be raised. None if the region does hold one, or the budget of boxes didn't suffice.
        """
        from gonogo.hpo.tightening import explain

        return explain(self, region, boxes)

    def wrap(self, objective: Callable[..., Any], **options: Any) -> Any:
        """The objective behind the gate, for ``study.optimize``: see `gonogo.hpo.optuna.WrappedObjective`."""
        from gonogo.hpo.optuna import WrappedObjective

        return WrappedObjective(self, objective, **options)

    # ---- what it is

    @property
    def cost_keys(self) -> tuple[str, ...]:
        return tuple(
            limit.name if origin == "given" else f"{limit.name}_{origin}" for limit, origin in self._limits
        )

    @property
    def keys(self) -> tuple[str, ...]:
        """The names of all margins, in the order in which they are always recorded."""
        return (*self.cost_keys, "error") if "error" in self.limits else self.cost_keys

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the space, the costs as functions of it, and the limits: equal for gates that judge alike."""
        parts = [
            self.space.hash,
            self._judge.text,
            self.target.name,
            repr(
                [
                    (key, str(limit.value))
                    for key, (limit, _) in zip(self.cost_keys, self._limits, strict=True)
                ]
            ),
            repr(("error", str(self.limits["error"].value)) if "error" in self.limits else None),
            repr(sorted(self.reject_on_estimates)),
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def __getstate__(self) -> dict[str, Any]:
        target = self._given_target
        if not isinstance(target, (str, os.PathLike)):
            if not targets.is_bundled(target):
                raise TypeError(
                    "a gate with a Target of your own can't be pickled; give the gate its path instead"
                )
            target = target.name
        return {
            "space": self.space,
            "architecture": self.architecture,
            "target": target,
            "limits": self.limits,
            "reject": tuple(n for n in self.reject_on_estimates if n not in self._at_risk()),
            "risk": self.risk,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(  # type: ignore[misc]
            state["space"],
            state["architecture"],
            target=state["target"],
            limits=state["limits"],
            reject_on_estimates=state["reject"],
            risk=state["risk"],
        )

    def __repr__(self) -> str:
        return f"<gonogo.Gate '{self.architecture.name}' on {self.target.name}: {', '.join(self.keys)}>"

    # ---- helpers

    def _all_limits(self) -> list[tuple[Limit, str]]:
        own = {"ram": self.target.ram_bytes, "flash": self.target.flash_bytes}
        found = []
        for name in COSTS:
            if name in self.limits:
                found.append((self.limits[name], "given"))
            size = own.get(name)
            if size:
                found.append((Limits(**{name: analysis._memory_text(size)})[name], "device"))
        return found

    def _at_risk(self) -> tuple[str, ...]:
        if self.risk is None:
            return ()
        if not 0.0 < self.risk < 1.0:
            raise LimitError(f"risk: {self.risk}; give a probability between 0 and 1")
        names = tuple(n for n in _ESTIMATED if n in self.limits)
        coverage = self.target.coverage
        if names and (coverage is None or coverage < 1.0 - self.risk):
            stated = (
                "states no coverage" if coverage is None else f"holds with probability {coverage:.0%} only"
            )
            raise LimitError(
                f"risk: the interval of target '{self.target.name}' {stated}; calibrate it, or name the limits in "
                "reject_on_estimates"
            )
        return names

    def _outcome(self, i: int, ends: tuple[float, float, float]) -> LimitOutcome:
        limit, origin = self._limits[i]
        floor, low, high = ends
        low_standing: Any = "exact" if limit.name == "macs" else "estimated"
        high_standing = low_standing
        if floor > limit.value or floor > low:
            low, low_standing = floor, "exact"
        feasibility = judge(limit.value, low, high)
        proved = low_standing == "exact" or limit.name in self.reject_on_estimates
        if feasibility is Feasibility.INFEASIBLE and not proved:
            feasibility = Feasibility.UNDECIDED
        return LimitOutcome(
            limit.name, limit.value, limit.text, low, high, low_standing, high_standing, feasibility, origin
        )


def _number(limit: Limit) -> float:
    """The limit as the core compares it: counts are whole numbers, so the whole part of the limit decides."""
    if KINDS[limit.name][1] in ("B", "MAC", ""):
        return float(math.floor(limit.value))
    nearest = float(limit.value)
    return nearest if Fraction(nearest) <= limit.value else math.nextafter(nearest, -math.inf)


def floats_of(space: Space) -> list[str]:
    """Names of the parameters that no cost depends on."""
    return [name for name, p in space.parameters.items() if isinstance(p, Float)]
