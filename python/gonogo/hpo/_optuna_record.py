"""What a trial of Optuna carries: constraints in a fixed order, and attributes that say where they come from."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Union

from gonogo.hpo.checked import MAX_MARGIN, AnyChecked, AnyGate, judge_error, key_of, log_margin
from gonogo.results import ErrorResult, LimitOutcome, outcome_text
from gonogo.space import Choice, Config, Float, Space

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import Trial

Values = Union[float, Sequence[float]]
PREFIX = "gonogo:"


def need_optuna() -> Any:
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


# ---- the space, in Optuna's words


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """The space's parameters as Optuna's distributions, conditional ones included."""
    kinds = need_optuna().distributions
    found: dict[str, BaseDistribution] = {}
    for name, p in space.parameters.items():
        if isinstance(p, Choice):
            found[name] = kinds.CategoricalDistribution(p.values)
        elif isinstance(p, Float):
            found[name] = kinds.FloatDistribution(p.lo, p.hi, log=p.log)
        else:
            found[name] = kinds.IntDistribution(p.lo, p.values[-1], log=p.log, step=p.step)
    return found


def suggest(trial: Trial, space: Space) -> Config:
    """Asks the trial for every parameter of the space; the configuration has those that exist in it.

    Asked again, a trial gives the same values, so an objective may call this too.
    """
    return space.check(suggest_all(trial, distributions(space)))


def suggest_all(trial: Trial, asked: Mapping[str, BaseDistribution]) -> dict[str, Any]:
    """The value of every distribution, by name."""
    kinds = need_optuna().distributions
    params: dict[str, Any] = {}
    for name, d in asked.items():
        if isinstance(d, kinds.CategoricalDistribution):
            params[name] = trial.suggest_categorical(name, d.choices)
        elif isinstance(d, kinds.IntDistribution):
            params[name] = trial.suggest_int(name, d.low, d.high, step=d.step, log=d.log)
        elif isinstance(d, kinds.FloatDistribution):
            params[name] = trial.suggest_float(name, d.low, d.high, step=d.step, log=d.log)
        else:
            raise TypeError(f"suggest: {name!r}: {type(d).__name__} isn't one of Optuna's distributions")
    return params


# ---- recording


def record_cost(trial: Trial, checked: AnyChecked) -> None:
    """Puts the gate's margins on a trial, as constraints and as user attributes. For ask-and-tell loops."""
    need_optuna()
    for key, margin in checked.margins.items():
        set_margin(trial, key, margin)
    trial.set_user_attr(PREFIX + "verdict", checked.verdict.value)
    if is_network(checked):
        trial.set_user_attr(PREFIX + "limits", {key_of(o): _outcome(o) for o in checked.outcomes})
    if checked.infeasible:
        trial.set_user_attr(PREFIX + "rejected", reason(checked))


def record_error(trial: Trial, gate: AnyGate, found: Sequence[ErrorResult]) -> None:
    """Puts the proved error bound on a trial; the margin is that of the bound, log(bound / limit).

    Without results, for a trial that wasn't trained, the margin is 0: nothing is known.
    """
    need_optuna()
    outcome = judge_error(gate.limits, found) if found else None
    if "error" in gate.limits:
        set_margin(trial, "error", log_margin(outcome.high, outcome.limit) if outcome else 0.0)
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


def record_failure(trial: Trial, gate: AnyGate, error: Exception) -> None:
    """The reason, and the largest margin wherever there is none yet: what failed never counts as feasible."""
    fill_margins(trial, gate, MAX_MARGIN)
    trial.set_user_attr(PREFIX + "failure", f"{type(error).__name__}: {error}")


def fill_margins(trial: Trial, gate: AnyGate, margin: float) -> None:
    """The margin for every key that has none yet."""
    there = trial.constraints
    for key in gate.keys:
        if key not in there:
            set_margin(trial, key, margin)


def set_margin(trial: Trial, key: str, margin: float) -> None:
    trial.set_constraint(key, margin)
    trial.set_user_attr(f"{PREFIX}margin:{key}", margin)


def is_network(checked: AnyChecked) -> bool:
    """Whether the configuration's layers fit together; if not, its costs have no meaning."""
    return bool(getattr(checked, "is_network", True))


def reason(checked: AnyChecked) -> str:
    """Why the configuration is rejected, in one line."""
    if not is_network(checked):
        return f"no network: {getattr(checked, 'broken', '')}"
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
