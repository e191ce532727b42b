"""The gate in an Optuna study (Optuna 5 or later): no proposal that can't fit, and the error bound after training.

    gate = gg.Gate(space, build, target="stm32f746", limits={"flash": "64 KiB", "error": 0.5})
    study = optuna.create_study(sampler=gg.hpo.optuna.FeasibleSampler(gate, TPESampler()))
    study.optimize(gate.wrap(objective), n_trials=100)

Every trial, rejected or not, carries the same constraints in the same order (`gate.keys`): the logarithm of
cost / limit, which Optuna takes as feasible at 0 and below. The same numbers are user attributes, with the rest of the
verdict. Importing this module doesn't import Optuna; using it does.
"""

from __future__ import annotations

import importlib
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Union

from gonogo import analysis
from gonogo.box import Box
from gonogo.hpo._bounding import Bounding, boxes_of, graph_of
from gonogo.hpo._optuna_record import (
    PREFIX,
    Values,
    distributions,
    fill_margins,
    need_optuna,
    reason,
    record_cost,
    record_error,
    record_failure,
    suggest,
    suggest_all,
)
from gonogo.hpo.checked import AnyChecked, AnyGate, Checked
from gonogo.hpo.model_gate import ModelGate
from gonogo.results import CostResult
from gonogo.space import Space

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import Trial

    from gonogo.hpo._optuna_sampler import FeasibleSampler, GateMismatchError

__all__ = [
    "CostMismatchWarning",
    "FeasibleSampler",
    "GateMismatchError",
    "GatedObjective",
    "Trained",
    "WrappedObjective",
    "distributions",
    "record_cost",
    "record_error",
    "suggest",
]

Suggest = Union[Callable[["Trial"], Mapping[str, Any]], Mapping[str, "BaseDistribution"], Space]
_NEED_OPTUNA = ("FeasibleSampler", "GateMismatchError")


def __getattr__(name: str) -> object:
    if name in _NEED_OPTUNA:
        need_optuna()
        return getattr(importlib.import_module("gonogo.hpo._optuna_sampler"), name)
    raise AttributeError(f"module 'gonogo.hpo.optuna' has no attribute {name!r}")


class CostMismatchWarning(UserWarning):
    """The trained model costs something else than the one the gate judged: the gate's verdict was about another net."""


@dataclass(frozen=True)
class Trained:
    """What a training hands back.

    `values` goes to the study (several for several objectives), or is a function that makes it of the error bound;
    `deployed` is the quantised model, a path or a Graph; `reference` its float original, or None for the deployed
    model's own weights in real arithmetic.
    """

    values: Values | Callable[[float], Values]
    deployed: analysis.ModelLike
    reference: analysis.ModelLike | None = None


class _Gated:
    """The part of every objective before training: ask, judge, record, reject."""

    def __init__(self, gate: AnyGate, suggest: Suggest, rejected_values: Values | None) -> None:
        need_optuna()
        self.gate = gate
        self.suggest = suggest
        self.rejected_values = rejected_values

    def __call__(self, trial: Trial) -> Values:
        optuna = need_optuna()
        self._same_gate(trial)
        try:
            checked = self.gate.check(_suggested(self.suggest, trial))
        except Exception as error:
            record_failure(trial, self.gate, error)
            raise
        record_cost(trial, checked)
        if checked.infeasible:
            fill_margins(trial, self.gate, 0.0)
            if self.rejected_values is not None:
                return self.rejected_values
            raise optuna.TrialPruned(reason(checked))
        try:
            values = self._train(trial, checked)
        except optuna.TrialPruned:
            fill_margins(trial, self.gate, 0.0)
            raise
        except Exception as error:
            record_failure(trial, self.gate, error)
            raise
        fill_margins(trial, self.gate, 0.0)
        return values

    def _train(self, trial: Trial, checked: AnyChecked) -> Values:
        raise NotImplementedError

    def _same_gate(self, trial: Trial) -> None:
        if hasattr(self.gate, "hash"):
            importlib.import_module("gonogo.hpo._optuna_sampler").claim(trial.study, self.gate)


class WrappedObjective(_Gated):
    """`objective` behind a gate: what ``gate.wrap(objective)`` makes.

    The trial is asked for every parameter of the gate's space and judged before `objective` runs; its margins are
    recorded. An infeasible configuration, which only an enqueued trial or a sampler of another kind can bring, is
    pruned, or completed with `rejected_values`. The objective gets its configuration by ``suggest(trial, gate.space)``,
    or asks the trial itself.
    """

    def __init__(
        self, gate: AnyGate, objective: Callable[[Trial], Values], *, rejected_values: Values | None = None
    ) -> None:
        super().__init__(gate, gate.space, rejected_values)  # type: ignore[attr-defined]  # a gate over a space
        self.objective = objective

    def _train(self, trial: Trial, checked: AnyChecked) -> Values:
        return self.objective(trial)


class GatedObjective(_Gated):
    """An objective for ``study.optimize`` that trains only what may fit, and bounds the error of what it trained.

    Parameters
    ----------
    gate : judges a configuration's cost; its limits are the constraints
    suggest : asks the trial for the configuration and returns it as a mapping; or a Space; or Optuna distributions by
        name
    train : ``train(trial, checked) -> Trained``; `checked` holds `params`, `cost` and the verdict
    box : where the error bound must hold; several boxes: on each of them. Without one, wherever the deployed model's
        inputs can be. `profile`, `tensor`, `search`, `seed` and `method` are those of `gonogo.error`.
    budget : seconds per trial, over all boxes, for narrowing the bracket on the error by splitting; with a limit on
        the error, only until it's decided. What a clock ends, another run may end elsewhere.
    rejected_values : what a rejected configuration returns instead of being pruned. For samplers that learn from
        completed trials only (GP, NSGA-II): without it, GP proposes the same region again and again. `FeasibleSampler`
        needs none.

    An infeasible configuration raises ``optuna.TrialPruned``. When a model can't be built, a training fails or an error
    can't be bounded, the reason becomes user attribute ``gonogo:failure`` and is raised: the trial fails, and is never
    feasible. A model file that was bounded before (same SHA-256, same boxes) isn't bounded again.
    """

    def __init__(
        self,
        gate: AnyGate,
        suggest: Suggest,
        train: Callable[[Trial, Any], Trained],
        *,
        box: Box | Sequence[Box] | None = None,
        profile: str = "tflm",
        tensor: str | None = None,
        search: int = analysis.DEFAULT_SEARCH,
        seed: int = 0,
        method: str = "linear",
        budget: float = 0.0,
        rejected_values: Values | None = None,
    ) -> None:
        super().__init__(gate, suggest, rejected_values)
        self.train = train
        threshold = _at_most(gate.limits["error"].value) if "error" in gate.limits else None
        self.bounding = Bounding(boxes_of(box), profile, tensor, search, seed, method, budget, threshold)

    def _train(self, trial: Trial, checked: AnyChecked) -> Values:
        trained = self.train(trial, checked)
        if not isinstance(trained, Trained):
            raise TypeError(f"train: {type(trained).__name__} returned; return a gonogo.hpo.optuna.Trained")
        deployed = graph_of(trained.deployed)
        found = self.bounding(trained.reference, deployed)
        values = trained.values(max(r.worst for r in found)) if callable(trained.values) else trained.values
        record_error(trial, self.gate, found)
        if isinstance(self.gate, ModelGate) and isinstance(checked, Checked):
            _compare_costs(trial, checked.cost, analysis.cost(deployed, self.gate.target))
        return values


# ---- helpers


def _at_most(limit: Fraction) -> float:
    """The largest float that isn't beyond the limit."""
    nearest = float(limit)
    return nearest if Fraction(nearest) <= limit else math.nextafter(nearest, 0.0)


def _suggested(suggest: Suggest, trial: Trial) -> dict[str, Any]:
    if isinstance(suggest, Space):
        return suggest.check(suggest_all(trial, distributions(suggest)))
    if callable(suggest):
        params = suggest(trial)
        if not isinstance(params, Mapping):
            raise TypeError(f"suggest: {type(params).__name__} returned; return the parameters as a mapping")
        return dict(params)
    return suggest_all(trial, suggest)


def _compare_costs(trial: Trial, judged: CostResult, real: CostResult) -> None:
    """The network deployed must be the one that was judged: the counts that training can't change are compared."""
    counts: dict[str, tuple[int | None, int | None]] = {
        "MACs": (judged.core.macs, real.core.macs),
        "parameter bytes": (judged.core.parameter_bytes, real.core.parameter_bytes),
    }
    if judged.graph.format == real.graph.format:  # formats order their nodes differently
        counts["bytes of activations"] = (judged.core.ram_activation_bytes, real.core.ram_activation_bytes)
    differences = [f"{what} {a} judged, {b} deployed" for what, (a, b) in counts.items() if a != b]
    if differences:
        text = f"trial {trial.number}: {'; '.join(differences)}: the gate's model_of makes another network"
        trial.set_user_attr(PREFIX + "cost_mismatch", text)
        warnings.warn(text, CostMismatchWarning, stacklevel=4)
