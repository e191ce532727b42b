"""Proved ranges, and brackets of errors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gonogo import units
from gonogo._core import numeric
from gonogo.results._basis import Array, Provenance, Standing, frozen


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
