"""What a gate says about one configuration, and the margins that search engines are told.

A margin is log(cost / limit): positive exactly when that limit rejects, which is how Optuna reads constraints.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from gonogo.limits import Limits
from gonogo.results import (
    CheckResult,
    CostResult,
    ErrorResult,
    Feasibility,
    LimitOutcome,
    Verdict,
    judge,
    outcome_text,
)
from gonogo.space import Config, Space

Params = Mapping[str, Any]

# Logarithms of cost / limit are cut here, so that samplers never meet an infinity.
MAX_MARGIN = 50.0
# The least margin that says "beyond": the logarithm of a ratio next to 1 may round to nothing, the verdict may not.
MIN_MARGIN = 1e-12
_FEASIBILITY = {
    Verdict.GO: Feasibility.FEASIBLE,
    Verdict.NO_GO: Feasibility.INFEASIBLE,
    Verdict.UNDECIDED: Feasibility.UNDECIDED,
}


class AnyChecked(Protocol):
    """What the adapters need to know about a configuration."""

    @property
    def verdict(self) -> Feasibility: ...
    @property
    def infeasible(self) -> bool: ...
    @property
    def margins(self) -> Mapping[str, float]: ...
    @property
    def outcomes(self) -> tuple[LimitOutcome, ...]: ...
    @property
    def deciding(self) -> LimitOutcome | None: ...


class AnyGate(Protocol):
    """Either gate: over a space, or over a function that makes models."""

    @property
    def keys(self) -> tuple[str, ...]: ...
    @property
    def limits(self) -> Limits: ...
    def check(self, params: Params, /) -> AnyChecked: ...


class Paving(Protocol):
    """The part of a space that isn't proved infeasible."""

    def sample(self, rng: np.random.Generator, n: int, /) -> list[Config]: ...


class Report(Protocol):
    """What `Gate.tighten` found."""

    @property
    def bounds(self) -> Mapping[str, tuple[Any, ...]]: ...
    @property
    def paving(self) -> Paving: ...
    @property
    def empty(self) -> bool: ...


class SpaceGate(AnyGate, Protocol):
    """A gate that knows its space."""

    @property
    def space(self) -> Space: ...
    @property
    def hash(self) -> str: ...
    def tighten(self, *, seconds: float) -> Report: ...


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


class Judgement:
    """What follows from the outcomes of a configuration's limits."""

    @property
    def outcomes(self) -> tuple[LimitOutcome, ...]:
        raise NotImplementedError

    @property
    def verdict(self) -> Feasibility:
        return _FEASIBILITY[CheckResult.verdict_of(self.outcomes)]

    @property
    def infeasible(self) -> bool:
        """Whether the configuration is to be rejected."""
        return self.verdict is Feasibility.INFEASIBLE

    @property
    def deciding(self) -> LimitOutcome | None:
        """The limit that decides: of several that reject, one by an exact count, and the one furthest beyond."""
        rejecting = [o for o in self.outcomes if o.feasibility is Feasibility.INFEASIBLE]
        if rejecting:
            return max(rejecting, key=lambda o: (o.low_standing == "exact", cost_margin(o)))
        return CheckResult.deciding_of(self.outcomes)

    @property
    def margins(self) -> dict[str, float]:
        """log(cost / limit) of every limit, in the gate's fixed order; positive means infeasible."""
        return {key_of(o): cost_margin(o) for o in self.outcomes}

    def __str__(self) -> str:
        return "\n".join([self.verdict.value, *("  " + outcome_text(o) for o in self.outcomes)])


@dataclass(frozen=True, eq=False)
class Checked(Judgement):
    """One configuration's model against the gate's limits: verdict, margins, and the limit that decides."""

    params: dict[str, Any]
    result: CheckResult
    cost: CostResult

    @property
    def outcomes(self) -> tuple[LimitOutcome, ...]:
        return self.result.outcomes


def judge_error(limits: Limits, found: Iterable[ErrorResult]) -> LimitOutcome | None:
    """The error limit against the brackets found over one box or several; None without such a limit."""
    if "error" not in limits:
        return None
    results, limit = list(found), limits["error"]
    low, high = max(r.witness.value for r in results), max(r.worst for r in results)
    return LimitOutcome(
        "error", limit.value, limit.text, low, high, "measured", "proved", judge(limit.value, low, high)
    )
