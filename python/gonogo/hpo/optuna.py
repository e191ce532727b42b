"""The gate in an Optuna study (Optuna 5 or later): reject before training, record the error bound after it.

    gate = gg.hpo.Gate(model_of, target="stm32f746", limits={"flash": "64 KiB", "error": 0.5})
    objective = gg.hpo.optuna.GatedObjective(gate, suggest, train, box=box)
    study.optimize(objective, n_trials=100)

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
from typing import TYPE_CHECKING, Any, Union

from gonogo import _core, analysis
from gonogo.box import Box
from gonogo.hpo.gate import MAX_MARGIN, Checked, Gate, key_of, log_margin
from gonogo.results import CostResult, ErrorResult, LimitOutcome, outcome_text

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import Trial

    from gonogo._core import Graph

Suggest = Union[Callable[["Trial"], Mapping[str, Any]], Mapping[str, "BaseDistribution"]]
Values = Union[float, Sequence[float]]
PREFIX = "gonogo:"


class CostMismatchWarning(UserWarning):
    """The trained model costs something else than the one the gate judged: the gate's verdict was about another net."""


@dataclass(frozen=True)
class Trained:
    """What a training hands back.

    `values` goes to the study (several for several objectives); `deployed` is the quantised model, a path or a Graph;
    `reference` its float original, or None for the deployed model's own weights in real arithmetic.
    """

    values: Values
    deployed: analysis.ModelLike
    reference: analysis.ModelLike | None = None


class GatedObjective:
    """An objective for ``study.optimize`` that trains only what may fit.

    Parameters
    ----------
    gate : judges a configuration's cost; its limits are the constraints
    suggest : asks the trial for the configuration and returns it as a mapping; or Optuna distributions by name
    train : ``train(trial, checked) -> Trained``; `checked` holds `params`, `cost` and the verdict
    box : where the error bound must hold; several boxes: on each of them. Without one, wherever the deployed model's
        inputs can be. `profile`, `tensor`, `search` and `seed` are those of `gonogo.error`.
    rejected_values : what a rejected configuration returns instead of being pruned. For samplers that learn from
        completed trials only (GP, NSGA-II): without it, GP proposes the same region again and again.

    An infeasible configuration raises ``optuna.TrialPruned``. When a model can't be built, a training fails or an error
    can't be bounded, the reason becomes user attribute ``gonogo:failure`` and is raised: the trial fails, and is never
    feasible.
    """

    def __init__(
        self,
        gate: Gate,
        suggest: Suggest,
        train: Callable[[Trial, Checked], Trained],
        *,
        box: Box | Sequence[Box] | None = None,
        profile: str = "tflm",
        tensor: str | None = None,
        search: int = analysis.DEFAULT_SEARCH,
        seed: int = 0,
        rejected_values: Values | None = None,
    ) -> None:
        _optuna()
        if profile not in analysis.PROFILES:
            raise ValueError(f"profile: {profile!r} isn't known; use one of {', '.join(analysis.PROFILES)}")
        self.gate = gate
        self.suggest = suggest
        self.train = train
        self.boxes: tuple[Box | None, ...] = (
            (box,) if box is None or isinstance(box, Box) else tuple(box) or (None,)
        )
        self.profile = profile
        self.tensor = tensor
        self.search = search
        self.seed = seed
        self.rejected_values = rejected_values

    def __call__(self, trial: Trial) -> Values:
        optuna = _optuna()
        params = _suggested(self.suggest, trial)
        try:
            checked = self.gate.check(params)
        except Exception as error:
            _record_failure(trial, self.gate, error)
            raise
        record_cost(trial, checked)
        if checked.infeasible:
            record_error(trial, self.gate, ())
            if self.rejected_values is not None:
                return self.rejected_values
            raise optuna.TrialPruned(_reason(checked))
        try:
            trained = self.train(trial, checked)
            if not isinstance(trained, Trained):
                raise TypeError(
                    f"train: {type(trained).__name__} returned; return a gonogo.hpo.optuna.Trained"
                )
            deployed = _graph(trained.deployed)
            found = self._error(trained.reference, deployed)
            real = analysis.cost(deployed, self.gate.target)
        except optuna.TrialPruned:
            record_error(trial, self.gate, ())
            raise
        except Exception as error:
            _record_failure(trial, self.gate, error)
            raise
        record_error(trial, self.gate, found)
        _compare_costs(trial, checked.cost, real)
        return trained.values

    def _error(self, reference: analysis.ModelLike | None, deployed: Graph) -> list[ErrorResult]:
        original = None if reference is None else _graph(reference)
        return [
            analysis.error(
                original,
                deployed,
                box,
                profile=self.profile,
                tensor=self.tensor,
                search=self.search,
                seed=self.seed,
            )
            for box in self.boxes
        ]


def record_cost(trial: Trial, checked: Checked) -> None:
    """Puts the gate's margins on a trial, as constraints and as user attributes. For ask-and-tell loops."""
    _optuna()
    for key, margin in checked.margins.items():
        _set_margin(trial, key, margin)
    trial.set_user_attr(PREFIX + "verdict", checked.verdict.value)
    trial.set_user_attr(PREFIX + "limits", {key_of(o): _outcome(o) for o in checked.outcomes})
    if checked.infeasible:
        trial.set_user_attr(PREFIX + "rejected", _reason(checked))


def record_error(trial: Trial, gate: Gate, found: Sequence[ErrorResult]) -> None:
    """Puts the proved error bound on a trial; the margin is that of the bound, log(bound / limit).

    Without results, for a trial that wasn't trained, the margin is 0: nothing is known.
    """
    _optuna()
    outcome = gate.judge_error(found) if found else None
    if "error" in gate.limits:
        _set_margin(trial, "error", log_margin(outcome.high, outcome.limit) if outcome else 0.0)
    if not found:
        return
    worst, reached = max(found, key=lambda r: r.worst), max(found, key=lambda r: r.witness.value)
    trial.set_user_attr(PREFIX + "error_bound", worst.worst)
    trial.set_user_attr(PREFIX + "error_witness", reached.witness.value)
    about = worst.provenance
    trial.set_user_attr(
        PREFIX + "error",
        {
            "bound": worst.worst,
            "bound_standing": "proved",
            "bound_box": about.box,
            "witness": reached.witness.value,
            "witness_standing": reached.witness.standing,
            "witness_box": reached.provenance.box,
            "witness_element": reached.witness.element,
            "boxes_sha256": [r.provenance.box_sha256 for r in found],
            "limit": outcome.limit_text if outcome else None,
            "feasibility": outcome.feasibility.value if outcome else None,
            "semantics": about.semantics,
            "deployed_sha256": about.deployed.sha256 if about.deployed else None,
            "reference_sha256": about.reference.sha256 if about.reference else None,
            "rounding": about.rounding,
            "options": dict(about.options),
        },
    )


# ---- helpers


def _optuna() -> Any:
    """Optuna itself, or an ImportError that says how to get it."""
    try:
        module = importlib.import_module("optuna")
    except ImportError as error:
        raise ImportError(
            "gonogo.hpo.optuna needs Optuna, which isn't installed: pip install 'gonogo[hpo]'"
        ) from error
    if not hasattr(module.trial.Trial, "set_constraint"):
        raise ImportError(
            f"gonogo.hpo.optuna needs Optuna 5 or later, {module.__version__} is installed: "
            "pip install --upgrade 'gonogo[hpo]'"
        )
    return module


def _graph(model: analysis.ModelLike) -> Graph:
    return model if isinstance(model, _core.Graph) else analysis.load(model)


def _suggested(suggest: Suggest, trial: Trial) -> dict[str, Any]:
    if callable(suggest):
        params = suggest(trial)
        if not isinstance(params, Mapping):
            raise TypeError(f"suggest: {type(params).__name__} returned; return the parameters as a mapping")
        return dict(params)
    kinds = _optuna().distributions
    params = {}
    for name, d in suggest.items():
        if isinstance(d, kinds.CategoricalDistribution):
            params[name] = trial.suggest_categorical(name, d.choices)
        elif isinstance(d, kinds.IntDistribution):
            params[name] = trial.suggest_int(name, d.low, d.high, step=d.step, log=d.log)
        elif isinstance(d, kinds.FloatDistribution):
            params[name] = trial.suggest_float(name, d.low, d.high, step=d.step, log=d.log)
        else:
            raise TypeError(f"suggest: {name!r}: {type(d).__name__} isn't one of Optuna's distributions")
    return params


def _set_margin(trial: Trial, key: str, margin: float) -> None:
    trial.set_constraint(key, margin)
    trial.set_user_attr(f"{PREFIX}margin:{key}", margin)


def _record_failure(trial: Trial, gate: Gate, error: Exception) -> None:
    """The reason, and the largest margin wherever there is none yet: what failed never counts as feasible."""
    for key in gate.keys:
        if key not in trial.constraints:
            _set_margin(trial, key, MAX_MARGIN)
    trial.set_user_attr(PREFIX + "failure", f"{type(error).__name__}: {error}")


def _reason(checked: Checked) -> str:
    deciding = checked.deciding
    assert deciding is not None
    return f"{outcome_text(deciding)} ({deciding.low_standing})"


def _outcome(outcome: LimitOutcome) -> dict[str, Any]:
    """An outcome for storage, whose numbers must be finite."""
    return {
        "feasibility": outcome.feasibility.value,
        "low": outcome.low,
        "high": None if math.isinf(outcome.high) else outcome.high,
        "low_standing": outcome.low_standing,
        "high_standing": outcome.high_standing,
        "limit": outcome.limit_text,
        "origin": outcome.origin,
    }


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
        warnings.warn(text, CostMismatchWarning, stacklevel=3)
