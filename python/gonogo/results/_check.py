"""Limits against what is known of them: three verdicts."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from gonogo import units
from gonogo.results._basis import Provenance, Standing

if TYPE_CHECKING:
    from gonogo.results._bounds import ErrorResult
    from gonogo.results._cost import CostResult


class Feasibility(enum.Enum):
    """Three answers, always. Only a proved one may reject."""

    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    UNDECIDED = "undecided"


class Verdict(enum.Enum):
    """The answer to the whole question; the value is the command line's exit status."""

    GO = 0
    NO_GO = 1
    UNDECIDED = 2

    def __str__(self) -> str:
        return self.name.replace("_", "-")


@dataclass(frozen=True)
class LimitOutcome:
    """One limit against what is known: the quantity lies in [low, high]."""

    name: str
    limit: Fraction
    limit_text: str
    low: float
    high: float
    low_standing: Standing
    high_standing: Standing
    feasibility: Feasibility
    origin: str = "given"

    @property
    def margin(self) -> float:
        """Limit minus upper end, for ordering and display: positive when there is room. Formed as a rational."""
        if self.high == float("inf"):
            return -float("inf")
        return float(self.limit - Fraction(self.high))


def judge(limit: Fraction, low: float, high: float) -> Feasibility:
    """Where a quantity known to lie in [low, high] stands against a limit. Comparisons only, and exact ones.

    >>> judge(Fraction(1, 10), 0.05, 0.2).value
    'undecided'
    """
    if high <= limit:
        return Feasibility.FEASIBLE
    if low > limit:
        return Feasibility.INFEASIBLE
    return Feasibility.UNDECIDED


@dataclass(frozen=True, eq=False)
class CheckResult:
    """GO, NO-GO or UNDECIDED, with the limit that decides and everything it rests on."""

    outcomes: tuple[LimitOutcome, ...]
    error: ErrorResult | None
    cost: CostResult | None
    provenance: Provenance
    notes: tuple[str, ...] = field(default=())

    @property
    def verdict(self) -> Verdict:
        return self.verdict_of(self.outcomes)

    @staticmethod
    def verdict_of(outcomes: tuple[LimitOutcome, ...]) -> Verdict:
        found = {o.feasibility for o in outcomes}
        if Feasibility.INFEASIBLE in found:
            return Verdict.NO_GO
        if Feasibility.UNDECIDED in found or not found:
            return Verdict.UNDECIDED
        return Verdict.GO

    @property
    def deciding(self) -> LimitOutcome | None:
        """The limit that decides: the worst of the worst kind, by margin relative to the limit."""
        return self.deciding_of(self.outcomes)

    @staticmethod
    def deciding_of(outcomes: tuple[LimitOutcome, ...]) -> LimitOutcome | None:
        order = (Feasibility.INFEASIBLE, Feasibility.UNDECIDED, Feasibility.FEASIBLE)
        for kind in order:
            group = [o for o in outcomes if o.feasibility is kind]
            if group:
                return min(group, key=_relative_margin)
        return None

    def lines(self) -> Iterator[str]:
        """The verdict and why, one line per limit."""
        deciding = self.deciding
        yield str(self.verdict) + (f" ({deciding.name} decides)" if deciding else " (no limits given)")
        for outcome in self.outcomes:
            yield "  " + outcome_text(outcome)

    def __str__(self) -> str:
        return "\n".join(self.lines())


def _relative_margin(outcome: LimitOutcome) -> float:
    return outcome.margin / float(outcome.limit) if outcome.limit else outcome.margin


def outcome_text(outcome: LimitOutcome) -> str:
    """One line: the limit, the range the quantity lies in, and where that leaves it."""
    low, high = ends_text(outcome)
    known = f"= {high}" if outcome.low == outcome.high else f"in [{low}, {high}]"
    return f"{outcome.name} {known}, limit {outcome.limit_text}: {outcome.feasibility.value}"


def ends_text(outcome: LimitOutcome) -> tuple[str, str]:
    """Both ends of what is known, printed outward where they are bounds."""
    if outcome.name == "error":
        return units.down(outcome.low), units.up(outcome.high)
    if outcome.name in ("ram", "flash", "flash_model"):
        return units.bytes_text(int(outcome.low)), units.bytes_text(int(outcome.high))
    base = {"latency": "s", "energy": "J"}.get(outcome.name)
    if base:
        return units.scaled_text(outcome.low, base), units.scaled_text(outcome.high, base)
    return f"{int(outcome.low):,}", f"{int(outcome.high):,}"
