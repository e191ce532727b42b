"""The gate: what a configuration would cost, judged against the limits before anything is trained.

Only what is proved rejects: an exact quantity (MACs, a file's flash, the activation part of RAM, the constants alone)
beyond its limit. An estimate rejects only where the caller allows it by name, and then only when its whole interval
lies beyond the limit. Everything else is feasible or undecided, and passes.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Union

from gonogo import _core, analysis, loaders, targets
from gonogo.errors import GonogoError, LimitError
from gonogo.limits import Limits, LimitValue
from gonogo.results import CheckResult, CostResult, ErrorResult, Feasibility, LimitOutcome, Verdict, judge

if TYPE_CHECKING:
    from gonogo._core import Graph
    from gonogo.targets import Target

Params = Mapping[str, Any]
# What a model builder may return: a graph, the path of a model file, or the bytes of one.
Built = Union["Graph", str, "os.PathLike[str]", bytes]

COSTS = ("ram", "flash", "latency", "energy", "macs")
# Logarithms of cost / limit are cut here, so that samplers never meet an infinity.
MAX_MARGIN = 50.0
# The least margin that says "beyond": the logarithm of a ratio next to 1 may round to nothing, the verdict may not.
MIN_MARGIN = 1e-12
_FEASIBILITY = {
    Verdict.GO: Feasibility.FEASIBLE,
    Verdict.NO_GO: Feasibility.INFEASIBLE,
    Verdict.UNDECIDED: Feasibility.UNDECIDED,
}


class BuildError(GonogoError):
    """The function that makes a configuration's model failed, or returned something else."""


def log_margin(value: float, limit: Fraction) -> float:
    """log(value / limit), within [-50, 50]: positive exactly when `value` is beyond the limit.

    >>> log_margin(64.0, Fraction(64)), log_margin(128.0, Fraction(64)) > 0
    (0.0, True)
    """
    if math.isinf(value):
        return MAX_MARGIN if value > 0 else -MAX_MARGIN
    exact = Fraction(value)
    if exact == limit:
        return 0.0
    if exact <= 0:
        return -MAX_MARGIN
    if limit == 0:
        return MAX_MARGIN
    ratio = exact / limit
    size = max(MIN_MARGIN, min(abs(math.log(ratio.numerator) - math.log(ratio.denominator)), MAX_MARGIN))
    return size if exact > limit else -size


def key_of(outcome: LimitOutcome) -> str:
    """The name under which a limit's margin is recorded: 'ram', or 'ram_device' for the device's own memory."""
    return outcome.name if outcome.origin == "given" else f"{outcome.name}_{outcome.origin}"


def cost_margin(outcome: LimitOutcome) -> float:
    """The log-margin of one cost limit, positive exactly when the limit is infeasible.

    It is that of the quantity's lower end, the least it can be. What nothing is known about has margin 0, and so has
    an estimate beyond the limit that may not reject.
    """
    if outcome.low <= 0.0 and math.isinf(outcome.high):
        return 0.0
    margin = log_margin(outcome.low, outcome.limit)
    return margin if outcome.feasibility is Feasibility.INFEASIBLE else min(margin, 0.0)


@dataclass(frozen=True, eq=False)
class Checked:
    """One configuration against the gate's limits: three-valued verdict, margins, and the limit that decides."""

    params: dict[str, Any]
    result: CheckResult
    cost: CostResult

    @property
    def verdict(self) -> Feasibility:
        return _FEASIBILITY[self.result.verdict]

    @property
    def infeasible(self) -> bool:
        """Whether the configuration is to be rejected."""
        return self.verdict is Feasibility.INFEASIBLE

    @property
    def outcomes(self) -> tuple[LimitOutcome, ...]:
        return self.result.outcomes

    @property
    def deciding(self) -> LimitOutcome | None:
        """The limit that decides: of several that reject, one by an exact count, and the one furthest beyond."""
        rejecting = [o for o in self.outcomes if o.feasibility is Feasibility.INFEASIBLE]
        if rejecting:
            return max(rejecting, key=lambda o: (o.low_standing == "exact", cost_margin(o)))
        return self.result.deciding

    @property
    def margins(self) -> dict[str, float]:
        """log(cost / limit) of every limit, in the gate's fixed order; positive means infeasible."""
        return {key_of(o): cost_margin(o) for o in self.outcomes}

    def __str__(self) -> str:
        return "\n".join([self.verdict.value, *list(self.result.lines())[1:]])


class Gate:
    """Judges configurations by their cost on a target, before training.

    Parameters
    ----------
    model_of : makes the model of a configuration: a Graph, a path, or the bytes of a .tflite or .onnx file. It must
        have the shapes and types of what will be deployed, but needs no weights
        (`GraphBuilder.constant_without_values`).
    target : the name of a described target, the path of a description, or a Target
    limits : as for `gonogo.check`. With the target's own memories these make `keys`; 'error' is judged after training.
    reject_on_estimates : names of limits (such as 'latency') that may also reject on an estimate, namely when its
        whole interval lies beyond the limit. By default no estimate rejects.

    A gate has no state besides these; it can be pickled when `model_of` can.
    """

    def __init__(
        self,
        model_of: Callable[[Params], Built],
        *,
        target: analysis.TargetLike,
        limits: Limits | Mapping[str, LimitValue] | None = None,
        reject_on_estimates: Iterable[str] = (),
    ) -> None:
        if not callable(model_of):
            raise TypeError(f"model_of: {type(model_of).__name__} given; pass a function of the parameters")
        self.model_of = model_of
        self.limits = Limits.of(limits)
        self._target = target
        self._device: Target | None = None
        if isinstance(reject_on_estimates, str):
            reject_on_estimates = (reject_on_estimates,)
        self.reject_on_estimates = tuple(reject_on_estimates)
        own = {"ram": self.target.ram_bytes, "flash": self.target.flash_bytes}
        limited = [name for name in COSTS if name in self.limits or own.get(name)]
        for name in self.reject_on_estimates:
            if name not in limited:
                raise LimitError(
                    f"reject_on_estimates: no limit on {name!r}; there are: {', '.join(limited) or 'none'}"
                )
        if not limited and "error" not in self.limits:
            raise LimitError("nothing to decide: give limits, or a target that states its memories")
        self.cost_keys: tuple[str, ...] = tuple(
            key
            for name in COSTS
            for key, there in ((name, name in self.limits), (f"{name}_device", bool(own.get(name))))
            if there
        )

    @property
    def keys(self) -> tuple[str, ...]:
        """The names of all margins, in the order in which they are always recorded."""
        return (*self.cost_keys, "error") if "error" in self.limits else self.cost_keys

    @property
    def target(self) -> Target:
        if self._device is None:
            where = self._target
            self._device = targets.load(where) if isinstance(where, (str, os.PathLike)) else where
        return self._device

    def check(self, params: Params) -> Checked:
        """The verdict on one configuration.

        Raises `BuildError` when its model can't be made, and gonogo's other errors when the model can't be read or its
        cost can't be counted: no answer is better than "feasible".
        """
        spent = analysis.cost(self._model(params), self.target)
        outcomes = tuple(self._ruled(o) for o in analysis.cost_outcomes(spent, self.target, self.limits))
        if tuple(key_of(o) for o in outcomes) != self.cost_keys:
            raise AssertionError(f"limits {[key_of(o) for o in outcomes]} instead of {self.cost_keys}")
        provenance = replace(spent.provenance, question="gate")
        return Checked(dict(params), CheckResult(outcomes, None, spent, provenance, spent.notes), spent)

    def judge_error(self, found: Iterable[ErrorResult]) -> LimitOutcome | None:
        """The error limit against the brackets found over one box or several; None without such a limit."""
        if "error" not in self.limits:
            return None
        results, limit = list(found), self.limits["error"]
        low, high = max(r.witness.value for r in results), max(r.worst for r in results)
        return LimitOutcome(
            "error", limit.value, limit.text, low, high, "measured", "proved", judge(limit.value, low, high)
        )

    # ---- helpers

    def _ruled(self, outcome: LimitOutcome) -> LimitOutcome:
        """An estimate that may not reject leaves the question open."""
        proved = outcome.low_standing == "exact" or outcome.name in self.reject_on_estimates
        if outcome.feasibility is Feasibility.INFEASIBLE and not proved:
            return replace(outcome, feasibility=Feasibility.UNDECIDED)
        return outcome

    def _model(self, params: Params) -> Graph:
        shown = _shown(params)
        try:
            built = self.model_of(params)
        except Exception as error:
            text = " ".join(str(error).split())
            raise BuildError(
                f"model of {shown}: {type(error).__name__}{': ' if text else ''}{text}"
            ) from error
        if isinstance(built, bytes):
            # TensorFlow Lite files carry a mark of their own, so the name decides for ONNX only.
            return loaders.load_bytes(built, f"model of {shown}.onnx")
        if isinstance(built, _core.Graph):
            return built
        if isinstance(built, (str, os.PathLike)):
            return loaders.load(built)
        raise BuildError(
            f"model of {shown}: {type(built).__name__} returned; return a Graph, a path, or a model file's bytes"
        )

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__, _device=None)
        if not isinstance(self._target, (str, os.PathLike)):
            # A device holds compiled data, which doesn't travel; its name does.
            if (
                self._target.name not in targets.names()
                or targets.load(self._target.name) is not self._target
            ):
                raise TypeError(
                    "a gate with a Target of your own can't be pickled; give the gate its path instead"
                )
            state["_target"] = self._target.name
        return state


def _shown(params: Params) -> str:
    text = ", ".join(f"{name}={value!r}" for name, value in params.items())
    return f"({text if len(text) <= 200 else text[:200] + '...'})"
