"""What the engines found, frozen: numbers with unit, standing and provenance.

Standing is one of four words. *exact*: equal to the true value. *proved*: a bound that holds by proof. *estimated*:
from a calibrated model, with an interval. *measured*: read off something that ran; a witness is measured, by the
exact arithmetic of the deployed kernels.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from gonogo import units
from gonogo._core import __version__ as core_version
from gonogo._core import numeric

if TYPE_CHECKING:
    from gonogo._core import Cost, Graph
    from gonogo.targets import Target

Standing = Literal["exact", "proved", "estimated", "measured"]
Array = npt.NDArray[np.float64]

# How far the estimate of the interpreter's persistent memory has been from measured arenas, at most.
PERSISTENT_SLACK_BYTES = 128
# Activations of engines that overlap, fuse or recompute, against TensorFlow Lite Micro's plan: least and most.
# docs/cost-model.md has the figures; cpp/src/engines/cost/judge.cpp the same numbers.
OTHER_PLANNERS = (0.25, 2.5)


def frozen(array: Array) -> Array:
    """The array, from now on read-only."""
    array.flags.writeable = False
    return array


@dataclass(frozen=True)
class Model:
    """Which file a result is about."""

    source: str
    format: str
    file_bytes: int
    sha256: str


@dataclass(frozen=True)
class Provenance:
    """Everything a result rests on, enough to ask the same question again."""

    question: str
    deployed: Model | None
    reference: Model | None = None
    semantics: str = ""
    box: str = ""
    box_sha256: str = ""
    target: str = ""
    versions: tuple[tuple[str, str], ...] = ()
    rounding: str = ""
    assumptions: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Quantity:
    """A number with its unit and standing; `low` and `high` enclose it as far as the standing carries."""

    value: float
    unit: str
    standing: Standing
    low: float
    high: float
    note: str = ""

    @classmethod
    def exact(cls, value: int, unit: str, note: str = "") -> Quantity:
        return cls(value, unit, "exact", value, value, note)

    def __str__(self) -> str:
        if self.unit == "B":
            text = units.bytes_text(int(self.value))
            if self.low != self.high:
                text += f" ({int(self.low):,} to {int(self.high):,} B)"
        elif self.unit in ("s", "J"):
            text = units.scaled_text(self.value, self.unit)
            if self.low != self.high:
                low, high = (units.scaled_text(v, self.unit) for v in (self.low, self.high))
                text += f" ({low} to {high})"
        else:
            text = f"{self.value:,} {self.unit}".strip()
        return f"{text}, {self.standing}"


@dataclass(frozen=True, eq=False)
class TensorBound:
    """Proved range of one tensor: `lower` and `upper` hold for each element and every input in the box."""

    name: str
    lower: Array
    upper: Array
    unbounded: bool


@dataclass(frozen=True, eq=False)
class BoundResult:
    """Proved ranges of a model's outputs, or of one tensor; the first one's also as attributes."""

    tensors: tuple[TensorBound, ...]
    provenance: Provenance
    standing: Standing = "proved"

    @property
    def tensor(self) -> str:
        return self.tensors[0].name

    @property
    def lower(self) -> Array:
        """Lower bound on each element of the first tensor."""
        return self.tensors[0].lower

    @property
    def upper(self) -> Array:
        """Upper bound on each element of the first tensor."""
        return self.tensors[0].upper

    @property
    def unbounded(self) -> bool:
        """Whether some element of some tensor has no finite bound."""
        return any(t.unbounded for t in self.tensors)

    def __str__(self) -> str:
        low, high = units.down(float(self.lower.min())), units.up(float(self.upper.max()))
        return f"{self.tensor}: within [{low}, {high}], proved, for {self.provenance.box}"


@dataclass(frozen=True, eq=False)
class Witness:
    """A concrete input and the error it really reaches: a lower bound on the worst case."""

    value: float
    element: int
    inputs: tuple[Array, ...]
    standing: Standing = "measured"


@dataclass(frozen=True, eq=False)
class TensorError:
    """Bracket on the error of one tensor, element by element: witness <= worst case <= bound.

    `lower` and `upper` enclose the signed difference, deployed minus reference.
    """

    name: str
    reference_name: str
    bound: Array
    lower: Array
    upper: Array
    witness_values: Array
    witness: Witness
    method: str

    @property
    def worst(self) -> float:
        """Upper bound on the error of every element."""
        return float(self.bound.max())

    @property
    def safe_margins(self) -> Array:
        """Upper bound on the safe margin of each element k, flat, in output units.

        Where the reference's element k leads every other element by more than this, the deployed element k leads too,
        anywhere in the box: max over j of upper[j] - lower[k], rounded up.
        """
        low, high = self.lower.ravel(), self.upper.ravel()
        if high.size < 2:
            return np.zeros(high.size)
        last = np.argsort(high)
        others = np.where(np.arange(high.size) == last[-1], high[last[-2]], high[last[-1]])
        return frozen(numeric.directed("sub", others, low)[1])

    @property
    def safe_margin(self) -> float:
        """Upper bound on the safe margin: a larger lead in the reference, and the argmax provably can't change.

        In output units: the largest of `safe_margins`. At most twice the largest error bound.
        """
        return float(self.safe_margins.max(initial=0.0))


@dataclass(frozen=True)
class LayerShare:
    """How much of the error bound entered at one node, as a share of the whole.

    `alone`: upper bound on the error of `ErrorResult.attributed`, in output units, if this node alone computed as
    deployed and all others exactly, by interval propagation; NaN where unknown. `share` is that over the sum of all.
    """

    name: str
    op: str
    share: float
    alone: float = math.nan


@dataclass(frozen=True)
class Saturation:
    """How many elements of an activation the box can drive to the ends of its integer range."""

    tensor: str
    low_count: int
    high_count: int
    elements: int


@dataclass(frozen=True)
class Progress:
    """The bracket at one moment of the work: [witness, bound] only ever narrows."""

    seconds: float
    bound: float
    witness: float
    parts: int
    """How many parts the box is split into."""


@dataclass(frozen=True, eq=False)
class ErrorResult:
    """How far the deployed network's outputs can be from the reference's, over the box.

    `tensors` holds the model's outputs first, then others worth knowing, such as the logits before a softmax.
    """

    tensors: tuple[TensorError, ...]
    per_layer: tuple[LayerShare, ...]
    saturation: tuple[Saturation, ...]
    notes: tuple[str, ...]
    provenance: Provenance
    limited: tuple[str, ...] = ()
    unit: str = "output units"
    trace: tuple[Progress, ...] = ()
    """The first bracket, and one entry per moment of splitting."""
    attributed: str = ""
    """The tensor that `per_layer` is about: the logits where there are any, else the first output."""

    @property
    def per_operator(self) -> dict[str, float]:
        """Shares of `per_layer` summed by operator, the largest first."""
        found: dict[str, float] = {}
        for s in self.per_layer:
            found[s.op] = found.get(s.op, 0.0) + s.share
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def within(self, threshold: float) -> bool | None:
        """Whether the error is at most `threshold` everywhere: proved, refuted by the witness, or undecided (None)."""
        if self.worst <= threshold:
            return True
        return False if self.witness.value > threshold else None

    @property
    def _judged(self) -> tuple[TensorError, ...]:
        found = tuple(t for t in self.tensors if t.name in self.limited)
        # An output without a bound of its own (a decision such as argmax) is judged by all that there is.
        return found if len(found) == len(self.limited) else self.tensors

    @property
    def bound(self) -> Array:
        """Proved upper bound on the error of each element of the first output."""
        return self.tensors[0].bound

    @property
    def worst(self) -> float:
        """Proved upper bound on the error of every element of every output: what a limit is compared with."""
        return max(t.worst for t in self._judged)

    @property
    def witness(self) -> Witness:
        """The largest error of an output that was found."""
        return max((t.witness for t in self._judged), key=lambda w: w.value)

    def tensor(self, name: str) -> TensorError:
        for t in self.tensors:
            if name in (t.name, t.reference_name):
                return t
        raise KeyError(f"no result for tensor {name!r}; there are {[t.name for t in self.tensors]}")

    def __str__(self) -> str:
        return (
            f"error at most {units.up(self.worst)} (proved), at least {units.down(self.witness.value)} (witness), "
            f"for {self.provenance.box}"
        )


class CostResult:
    """What a model costs on a target. A quantity that can't be stated is None, and `notes` says why.

    `core` holds everything the engine counted: per node, per operator, parts of the persistent memory.
    """

    __slots__ = ("core", "graph", "target_description")

    core: Cost
    graph: Graph
    target_description: Target

    def __init__(self, core: Cost, graph: Graph, target: Target) -> None:
        object.__setattr__(self, "core", core)
        object.__setattr__(self, "graph", graph)
        object.__setattr__(self, "target_description", target)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a result doesn't change")

    @property
    def target(self) -> str:
        return self.target_description.name

    @property
    def macs(self) -> Quantity:
        """Multiply-accumulates of one inference."""
        return Quantity.exact(self.core.macs, "MAC")

    @property
    def parameters(self) -> Quantity:
        """Bytes of all constants."""
        return Quantity.exact(self.core.parameter_bytes, "B")

    @property
    def flash(self) -> Quantity:
        """Bytes in flash: the model, and the kernels and runtime that run it. `flash_parts` has them one by one."""
        model, code = self.core.flash_model_bytes, self.core.flash_code_bytes
        low, value, high = (m + c for m, c in zip(model, code, strict=True))
        if low == high and "exact" == self.core.flash_model_standing == self.core.flash_code_standing:
            return Quantity.exact(value, "B", "the model file and the code size that the target states")
        note = f"{model[1]} B model + {code[1]} B code, {self.core.flash_code_standing}"
        return Quantity(value, "B", "estimated", low, high, note)

    @property
    def flash_parts(self) -> dict[str, Quantity]:
        """What lies in flash: 'model', as the engine stores it, and 'code', the kernels and the runtime."""
        return {
            "model": self._bytes(
                self.core.flash_model_bytes, self.core.flash_model_standing, "the model file"
            ),
            "code": self._bytes(
                self.core.flash_code_bytes, self.core.flash_code_standing, "as the target states"
            ),
        }

    @staticmethod
    def _bytes(ends: tuple[int, int, int], standing: str, exact: str) -> Quantity:
        if standing == "exact":
            return Quantity.exact(ends[1], "B", exact)
        note = "assumed: not measured for this engine" if standing == "assumed" else ""
        return Quantity(ends[1], "B", "estimated", ends[0], ends[2], note)

    @property
    def ram_activations(self) -> Quantity | None:
        """Bytes of the arena that hold activations and scratch buffers."""
        size = self.core.ram_activation_bytes
        if size is None:
            return None
        if self.core.ram_activation_standing == "exact":
            return Quantity.exact(size, "B", "the planner's own result")
        return Quantity(size, "B", "estimated", size, size)

    @property
    def ram(self) -> Quantity | None:
        """Bytes of the arena: activations and the interpreter's persistent structures."""
        activation, persistent = self.core.ram_activation_bytes, self.core.ram_persistent_bytes
        if activation is None or persistent is None:
            return None
        if not self.target_description.core.plans_as_tflm:
            least, most = OTHER_PLANNERS
            high = math.ceil(activation * most) + persistent + PERSISTENT_SLACK_BYTES
            note = (
                f"{self.target_description.engine or 'the engine'} plans otherwise than TensorFlow Lite Micro"
            )
            return Quantity(
                activation + persistent, "B", "estimated", math.floor(activation * least), high, note
            )
        low, high = activation + max(0, persistent - PERSISTENT_SLACK_BYTES), activation + persistent
        note = f"{activation} B activations + {persistent} B persistent within {PERSISTENT_SLACK_BYTES} B"
        return Quantity(high, "B", "estimated", low, high + PERSISTENT_SLACK_BYTES, note)

    @property
    def latency(self) -> Quantity | None:
        """Seconds for one inference."""
        return self._bracket(self.core.latency_seconds, "s")

    @property
    def energy(self) -> Quantity | None:
        """Joules for one inference."""
        return self._bracket(self.core.energy_joules, "J")

    def _bracket(self, ends: tuple[float, float, float] | None, unit: str) -> Quantity | None:
        if ends is None:
            return None
        target = self.target_description
        if self.core.latency_standing != "estimated" or target.coverage is None:
            note = "coefficients assumed, not measured on this core"
        else:
            note = f"interval of {target.coverage:.0%} coverage, from {target.networks} measured networks"
        return Quantity(ends[1], unit, "estimated", ends[0], ends[2], note)

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self.core.notes)

    @property
    def provenance(self) -> Provenance:
        g = self.graph
        return Provenance(
            "cost",
            Model(g.source, g.format, g.file_bytes, g.sha256),
            target=self.target,
            versions=(("gonogo", core_version),),
        )

    def quantities(self) -> dict[str, Quantity | None]:
        """Everything, by name, in the order it is shown."""
        return {
            "macs": self.macs,
            "parameters": self.parameters,
            "flash": self.flash,
            "flash_model": self.flash_parts["model"],
            "flash_code": self.flash_parts["code"],
            "ram": self.ram,
            "ram_activations": self.ram_activations,
            "latency": self.latency,
            "energy": self.energy,
        }

    def limited(self) -> dict[str, Quantity | None]:
        """What a limit can be put on."""
        return {
            "ram": self.ram,
            "flash": self.flash,
            "flash_model": self.flash_parts["model"],
            "latency": self.latency,
            "energy": self.energy,
            "macs": self.macs,
        }

    def floor(self, name: str) -> int | None:
        """The part of a quantity that is exact, if only a part of it is."""
        if name == "ram" and self.core.ram_activation_standing == "exact":
            return self.core.ram_activation_bytes
        if name == "flash_model":
            return self.core.flash_model_floor_bytes
        if name == "flash":
            stated = self.core.flash_code_standing == "exact"
            return self.core.flash_model_floor_bytes + (self.core.flash_code_bytes[0] if stated else 0)
        return None

    def __str__(self) -> str:
        return "\n".join(f"{name}: {quantity or 'unknown'}" for name, quantity in self.quantities().items())


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
