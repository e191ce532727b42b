"""Decisions: the rows of a data set whose argmax provably can't change between reference and deployed network.

The deployed network keeps the decision k over a box when, for every x in it and every other element j,

    reference_k(x) > reference_j(x)  and  deployed_k(x) > deployed_j(x).

The first follows from proved ranges of the reference. The second follows from proved ranges of the deployed network, or
from those of the reference and of the error e = deployed - reference:

    lower(reference_k) - upper(reference_j) > upper(e_j) - lower(e_k),

both sides rounded against the claim. A tie proves nothing: which of two equal elements argmax takes is up to the
device.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gonogo import analysis, units
from gonogo._core import numeric
from gonogo.box import Box
from gonogo.decision._data import DataLike, row_box, samples
from gonogo.decision._pair import Ends, Margins, Pair
from gonogo.errors import GonogoError
from gonogo.results import Array, ErrorResult, Provenance, frozen

if TYPE_CHECKING:
    from gonogo.analysis import ModelLike
    from gonogo.semantics import SemanticsLike


class Stability(enum.Enum):
    """What is known of one row's decision: it can't change, it does change somewhere, or neither is shown."""

    PROVED = "proved"
    REFUTED = "refuted"
    UNDECIDED = "undecided"


@dataclass(frozen=True, eq=False)
class RowDecision:
    """One row of the data, for every input of its box.

    winner : element that leads in the reference, provably so where `reference_margin` > 0
    reference_margin : lower bound on reference[winner] minus the largest other element, in output units
    deployed_margin : lower bound on the same of the deployed network; -inf where it wasn't needed
    witness : REFUTED only: an input of the box, one array per model input, at which the decisions differ
    """

    row: int
    verdict: Stability
    winner: int
    reference_margin: float
    deployed_margin: float
    witness: tuple[Array, ...] | None = None


@dataclass(frozen=True, eq=False)
class DecisionResult:
    """How many rows of a data set keep their decision, whatever the input in the row's box.

    `error` is the error bound that served all rows, where a box was given.
    """

    rows: tuple[RowDecision, ...]
    tensor: str
    reference_tensor: str
    provenance: Provenance
    error: ErrorResult | None = None
    outside: int = 0
    """Rows with a box that isn't inside the one given: no error bound holds there."""

    def count(self, verdict: Stability) -> int:
        """Exact number of rows with this verdict."""
        return sum(r.verdict is verdict for r in self.rows)

    @property
    def proved(self) -> int:
        """Exact number of rows whose decision provably can't change."""
        return self.count(Stability.PROVED)

    @property
    def refuted(self) -> int:
        """Exact number of rows with a witness: an input whose decision does change."""
        return self.count(Stability.REFUTED)

    @property
    def undecided(self) -> int:
        """Exact number of rows about which neither is known."""
        return self.count(Stability.UNDECIDED)

    @property
    def fraction(self) -> float:
        """Decision margin: lower bound on the fraction of rows whose decision can't change."""
        return _quotient(self.proved, len(self.rows), 0)

    @property
    def fraction_upper(self) -> float:
        """Upper bound on that fraction: all rows but the refuted ones."""
        return _quotient(len(self.rows) - self.refuted, len(self.rows), 1)

    @property
    def safe_margin(self) -> float | None:
        """Upper bound on the safe margin, output units; see `TensorError.safe_margin`. None without a box."""
        return None if self.error is None else self.error.tensor(self.tensor).safe_margin

    def __str__(self) -> str:
        return (
            f"{self.proved} of {len(self.rows)} decisions can't change (proved), {self.refuted} do (witness), "
            f"{self.undecided} undecided, for {self.provenance.box}"
        )


def decision_margin(
    reference: ModelLike | None,
    deployed: ModelLike,
    data: DataLike,
    *,
    radius: float = 0.0,
    clip: tuple[float, float] | None = None,
    box: Box | tuple[Any, Any] | None = None,
    key: str | None = None,
    profile: str = "tflm",
    semantics: SemanticsLike | None = None,
    tensor: str | None = None,
    method: str = "linear",
    points: int = 16,
    seed: int = 0,
    watch: Callable[[int, int], None] | None = None,
) -> DecisionResult:
    """The fraction of a data set whose argmax provably can't change, and the rows where it does.

    Parameters
    ----------
    reference, deployed, profile, semantics, method : as in `gonogo.error`
    data : array [rows, *input shape] in the model's input units (a batch dimension of 1 may be left out), a mapping
        of such arrays by input name, or the path of a .npy or .npz file
    radius : every input within this distance of a row in every element is covered; 0 for the rows themselves
    clip : cuts the rows' boxes to (lo, hi)
    box : with one, a single error bound over it serves every row (cheap), instead of one per row (sharper). Rows
        that aren't inside are proved only where ranges alone suffice.
    key : the array to read from a .npz file
    tensor : the deployed model's tensor that is decided on, one vector of scores; its first output by default
    points : how many inputs of a row's box, besides the row itself, are tried for a change of the decision
    seed : of their choice
    watch : called with (rows done, rows) after each row

    Returns
    -------
    DecisionResult
        `fraction`: lower bound on the fraction that keeps its argmax. `rows`: verdict and margins, one by one.

    Raises
    ------
    BoxError : data of the wrong shape or type, NaN, no rows, a negative radius
    ShapeError : the tensor isn't one vector of at least two scores
    ValueError : an unknown method, profile or semantics; a negative number of points
    """
    if not (isinstance(points, int) and points >= 0):
        raise ValueError(f"points: {points!r}; give a number of inputs, 0 or more")
    chosen = analysis._semantics(semantics, profile)
    analysis._one_of("method", method, analysis.METHODS)
    graph = analysis._graph(deployed)
    original = None if reference is None else analysis._graph(reference)
    if original is not None:
        analysis._same_inputs(original, graph)
    values, name, digest = samples(data, key, graph)
    shared = None
    whole: tuple[list[Array], list[Array]] | None = None
    if box is not None:
        shared_box = box if isinstance(box, Box) else Box(*box)
        shared = analysis.error(
            original, graph, shared_box, profile=profile, semantics=semantics, tensor=tensor, search=0,
            method=method,
        )  # fmt: skip
        whole = shared_box.fit(graph)
    first = row_box(values, 0, radius, clip, graph)
    pair = Pair(original, graph, chosen, tensor, first, shared)
    generator = np.random.default_rng(seed)
    rows = []
    outside = 0
    for row in range(len(values[0])):
        lo, hi = row_box(values, row, radius, clip, graph)
        inside = whole is not None and all(
            bool((a >= c).all() and (b <= d).all()) for a, b, c, d in zip(lo, hi, *whole, strict=True)
        )
        outside += whole is not None and not inside
        centre = [np.clip(s[row], a, b) for s, a, b in zip(values, lo, hi, strict=True)]
        rows.append(_decide(pair, row, centre, lo, hi, method, points, generator, inside))
        if watch is not None:
            watch(row + 1, len(values[0]))
    origin = f"{len(rows)} rows of {name}, radius {radius!r}" + (
        f", clipped to [{clip[0]!r}, {clip[1]!r}]" if clip else ""
    )
    notes = () if shared is None else (f"one error bound serves every row: over {shared.provenance.box}",)
    provenance = analysis._provenance(
        "decision", graph, original, None, semantics=f"reference: real; deployed: {chosen}",
        assumptions=(*notes, *pair.assumptions),
        options=(("method", method), ("points", str(points)), ("seed", str(seed))),
    )  # fmt: skip
    return DecisionResult(
        tuple(rows),
        pair.name,
        pair.reference_name,
        replace(provenance, box=origin, box_sha256=digest),
        shared,
        outside,
    )


# ---- one row


def _decide(
    pair: Pair,
    row: int,
    centre: list[Array],
    lo: list[Array],
    hi: list[Array],
    method: str,
    points: int,
    generator: np.random.Generator,
    inside: bool,
) -> RowDecision:
    """From the cheapest argument to the dearest, until one of them decides."""
    best = Margins.nothing()
    point = all(bool((a == b).all()) for a, b in zip(lo, hi, strict=True))
    if pair.differs(centre):
        best = best.better(pair.margins(lo, hi, "interval", None))
        return _row(row, best, Stability.REFUTED, tuple(frozen(c.copy()) for c in centre))
    if point and pair.shared is None:
        best = best.better(pair.margins_at(centre))
        if best.proved:
            return _row(row, best, Stability.PROVED)
    levels = ["interval"] if method == "interval" or pair.shared is not None else ["interval", method]
    for level in levels:
        difference: Callable[[], Ends] | None = None
        if inside:
            difference = pair.shared_difference
        elif pair.shared is None:
            difference = lambda level=level: pair.difference(lo, hi, level)  # noqa: E731
        best = best.better(pair.margins(lo, hi, level, difference))
        if best.proved:
            return _row(row, best, Stability.PROVED)
    for _ in range(0 if point else points):
        # Corners mostly: networks of few units are nearly linear over a small box, and extreme there.
        share = [generator.random(a.shape) for a in lo]
        if generator.random() < 0.75:
            share = [np.rint(x) for x in share]
        tried = pair.offered([a + x * (b - a) for a, b, x in zip(lo, hi, share, strict=True)], lo, hi)
        if pair.differs(tried):
            return _row(row, best, Stability.REFUTED, tuple(frozen(t) for t in tried))
    return _row(row, best, Stability.UNDECIDED)


def _row(
    row: int, known: Margins, verdict: Stability, witness: tuple[Array, ...] | None = None
) -> RowDecision:
    return RowDecision(row, verdict, known.winner, known.reference, known.deployed, witness)


def _quotient(part: int, whole: int, end: int) -> float:
    # Adding zero makes a zero that was rounded down a plain one.
    return float(numeric.directed("div", np.array(float(part)), np.array(float(whole)))[end]) + 0.0


def fraction_text(result: DecisionResult) -> str:
    """The decision margin in percent, rounded down: a lower bound."""
    if not result.rows:
        raise GonogoError("no rows, no fraction")
    return units.down(_quotient(100 * result.proved, len(result.rows), 0)) + " %"
