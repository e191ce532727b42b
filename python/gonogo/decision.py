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
import hashlib
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

import numpy as np
import numpy.typing as npt

from gonogo import _core, analysis, units
from gonogo import semantics as arithmetic
from gonogo._core import numeric
from gonogo.box import Box, exact_float64
from gonogo.errors import BoxError, GonogoError, ShapeError
from gonogo.files import npz_arrays, read_array
from gonogo.results import Array, ErrorResult, Provenance, frozen

if TYPE_CHECKING:
    from gonogo._core import Graph
    from gonogo.analysis import ModelLike
    from gonogo.semantics import SemanticsLike

DataLike = Union["str", "os.PathLike[str]", npt.NDArray[Any], Mapping[str, npt.NDArray[Any]]]
Ends = tuple[Array, Array]


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
    samples, name, digest = _samples(data, key, graph)
    shared = None
    whole: tuple[list[Array], list[Array]] | None = None
    if box is not None:
        shared_box = box if isinstance(box, Box) else Box(*box)
        shared = analysis.error(
            original, graph, shared_box, profile=profile, semantics=semantics, tensor=tensor, search=0,
            method=method,
        )  # fmt: skip
        whole = shared_box.fit(graph)
    first = _row_box(samples, 0, radius, clip, graph)
    pair = _Pair(original, graph, chosen, tensor, first, shared)
    generator = np.random.default_rng(seed)
    rows = []
    outside = 0
    for row in range(len(samples[0])):
        lo, hi = _row_box(samples, row, radius, clip, graph)
        inside = whole is not None and all(
            bool((a >= c).all() and (b <= d).all()) for a, b, c, d in zip(lo, hi, *whole, strict=True)
        )
        outside += whole is not None and not inside
        centre = [np.clip(s[row], a, b) for s, a, b in zip(samples, lo, hi, strict=True)]
        rows.append(_decide(pair, row, centre, lo, hi, method, points, generator, inside))
        if watch is not None:
            watch(row + 1, len(samples[0]))
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
    pair: _Pair,
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
    best = _Margins.nothing()
    point = all(bool((a == b).all()) for a, b in zip(lo, hi, strict=True))
    if pair.differs(centre):
        best = best.better(pair.margins(lo, hi, "interval", None))
        return best.row(row, Stability.REFUTED, tuple(frozen(c.copy()) for c in centre))
    if point and pair.shared is None:
        best = best.better(pair.margins_at(centre))
        if best.proved:
            return best.row(row, Stability.PROVED)
    levels = ["interval"] if method == "interval" or pair.shared is not None else ["interval", "linear"]
    for level in levels:
        difference: Callable[[], Ends] | None = None
        if inside:
            difference = pair.shared_difference
        elif pair.shared is None:
            difference = lambda level=level: pair.difference(lo, hi, level)  # noqa: E731
        best = best.better(pair.margins(lo, hi, level, difference))
        if best.proved:
            return best.row(row, Stability.PROVED)
    for _ in range(0 if point else points):
        # Corners mostly: networks of few units are nearly linear over a small box, and extreme there.
        share = [generator.random(a.shape) for a in lo]
        if generator.random() < 0.75:
            share = [np.rint(x) for x in share]
        tried = pair.offered([a + x * (b - a) for a, b, x in zip(lo, hi, share, strict=True)], lo, hi)
        if pair.differs(tried):
            return best.row(row, Stability.REFUTED, tuple(frozen(t) for t in tried))
    return best.row(row, Stability.UNDECIDED)


@dataclass(frozen=True)
class _Margins:
    """Lower bounds on the margins of the same winner."""

    winner: int
    reference: float
    deployed: float

    @classmethod
    def nothing(cls) -> _Margins:
        return cls(0, -math.inf, -math.inf)

    @property
    def proved(self) -> bool:
        return self.reference > 0.0 and self.deployed > 0.0

    def better(self, other: _Margins) -> _Margins:
        """Of two pairs that both hold, the one that says more; bounds on different winners don't mix."""
        if other.winner == self.winner:
            return _Margins(
                self.winner, max(self.reference, other.reference), max(self.deployed, other.deployed)
            )
        return max(self, other, key=lambda m: (m.proved, m.reference, m.deployed))

    def row(self, row: int, verdict: Stability, witness: tuple[Array, ...] | None = None) -> RowDecision:
        return RowDecision(row, verdict, self.winner, self.reference, self.deployed, witness)


class _Pair:
    """Both networks, and what is proved of the tensors that are decided on."""

    def __init__(
        self,
        original: Graph | None,
        deployed: Graph,
        chosen: str | arithmetic.Arithmetic,
        tensor: str | None,
        first: tuple[list[Array], list[Array]],
        shared: ErrorResult | None,
    ) -> None:
        self.original, self.deployed, self.chosen = original, deployed, chosen
        self.plain = arithmetic.plain(chosen)
        self.tensor = tensor
        self.shared = shared
        session = self._session(*first, "interval")
        found = session.tensors[0]
        self.name, self.reference_name = found.name, found.reference_name
        self.assumptions = tuple(session.assumptions)
        shape = found.bound.shape
        if found.bound.size < 2 or sum(n != 1 for n in shape) != 1:
            raise ShapeError(
                f"{deployed.source}: tensor '{self.name}' has shape {list(shape)}; a decision needs one vector of "
                "two or more scores; name such a tensor"
            )
        self._runner: _core.DeviceRunner | None = None
        if self.name in deployed.outputs and self.plain != "real":
            self._runner = _core.DeviceRunner(deployed, self.plain)
        # One evaluation, computed exactly: then it says all there is to say about a point.
        self._exact = (
            self._runner is not None
            and self._runner.variants == 1
            and self.plain != "any"
            and isinstance(chosen, (str, arithmetic.FixedPoint))
        )

    def _session(self, lo: list[Array], hi: list[Array], method: str) -> _core.ErrorResult:
        return _core.ErrorSession(
            self.original,  # type: ignore[arg-type]
            self.deployed, lo, hi, self.plain, self.tensor, 0, 0, attribute=False, method=method,
        ).result()  # fmt: skip

    # ---- ranges, each a pair of flat arrays over the elements decided on

    def reference(self, lo: list[Array], hi: list[Array], method: str) -> Ends:
        """Range of the reference, and of its value at the float32 numbers that the device reads instead."""
        low, high = self._settled(lo, hi)
        graph = self.deployed if self.original is None else self.original
        shapes = [tuple(graph.tensor(n).shape) for n in graph.inputs]
        low, high = (
            [np.ascontiguousarray(a.reshape(s)) for a, s in zip(ends, shapes, strict=True)]
            for ends in (low, high)
        )
        return _flat(_core.bound(graph, low, high, "real", self.reference_name, method)[0])

    def device(self, lo: list[Array], hi: list[Array], method: str) -> Ends:
        return _flat(_core.bound(self.deployed, lo, hi, self.plain, self.name, method)[0])

    def difference(self, lo: list[Array], hi: list[Array], method: str) -> Ends:
        """Enclosure of deployed - reference."""
        return _flat(self._session(lo, hi, method).tensors[0])

    def shared_difference(self) -> Ends:
        assert self.shared is not None
        return _flat(self.shared.tensor(self.name))

    def _settled(self, lo: list[Array], hi: list[Array]) -> tuple[list[Array], list[Array]]:
        if self.plain == "real" or isinstance(self.chosen, arithmetic.FixedPoint):
            return lo, hi
        low, high = [], []
        for name, a, b in zip(self.deployed.inputs, lo, hi, strict=True):
            single = self.deployed.tensor(name).quantization is None
            low.append(_single(a, -1) if single else a)
            high.append(_single(b, 1) if single else b)
        return low, high

    # ---- what follows from them

    def margins(
        self, lo: list[Array], hi: list[Array], method: str, difference: Callable[[], Ends] | None
    ) -> _Margins:
        """The best that ranges, and the difference where they don't suffice, say over a box."""
        reference = self.reference(lo, hi, method)
        k, mine = _lead(reference)
        margin = float(mine.min())
        if margin <= 0.0:
            return _Margins(
                k, margin, -math.inf
            )  # the reference itself isn't proved to decide alike everywhere
        apart = _against(self.device(lo, hi, method), k)
        if apart.min() <= 0.0 and difference is not None:
            low, high = difference()
            others = np.delete(high, k)
            moved = numeric.directed("sub", others, np.full(others.shape, low[k]))[1]
            apart = np.maximum(apart, numeric.directed("sub", mine, moved)[0])
        return _Margins(k, margin, float(apart.min()))

    def margins_at(self, point: list[Array]) -> _Margins:
        """At a single input, from what the device computes there: exact, unless a tie may be quantised either way."""
        if not self._exact or not self._read_one_way(point):
            return _Margins.nothing()
        k, mine = _lead(self.reference(point, point, "interval"))
        ((low, high),) = self._evaluated(point)
        return _Margins(k, float(mine.min()), float(_against((low, high), k).min()))

    def offered(self, point: list[Array], lo: list[Array], hi: list[Array]) -> list[Array]:
        """Inputs of the box near those given, and such as the device can be given, where the box has any."""
        step = self._exact_step()
        found = []
        for x, a, b in zip(point, lo, hi, strict=True):
            near = x.astype(np.float32).astype(np.float64) if step is None else np.rint(x / step) * step
            found.append(np.where((a <= near) & (near <= b), near, np.clip(x, a, b)))
        return found

    def _exact_step(self) -> float | None:
        """Distance between the only inputs there are, if the semantics says so."""
        if not (isinstance(self.chosen, arithmetic.FixedPoint) and self.chosen.input_exact):
            return None
        word = self.chosen.input or self.chosen.activations
        return math.ldexp(1.0, -word.fraction_bits) / self.chosen.input_gain

    def differs(self, point: list[Array]) -> bool:
        """Whether the decisions provably differ at an input: no element can lead in both networks."""
        step = self._exact_step()
        if step is not None and any(bool((np.rint(x / step) * step != x).any()) for x in point):
            return False  # an input that never occurs shows nothing
        leaders = _leaders(self.reference(point, point, "interval"))
        if not (leaders & _leaders(self.device(point, point, "interval"))).any():
            return True
        return any(not (leaders & _leaders(found)).any() for found in self._evaluated(point))

    def _evaluated(self, point: list[Array]) -> list[Ends]:
        if self._runner is None:
            return []
        index = self.deployed.outputs.index(self.name)
        found = [self._runner(point, variant)[index] for variant in range(self._runner.variants)]
        return [(np.ravel(low), np.ravel(high)) for low, high in found]

    def _read_one_way(self, point: list[Array]) -> bool:
        for name in self.deployed.inputs:
            found = _core.bound(self.deployed, point, point, self.plain, name, "interval")[0]
            if not bool((found.lower == found.upper).all()):
                return False
        return True


def _lead(ends: Ends) -> tuple[int, Array]:
    """The element with the largest lower end, and lower bounds on its distance from each other element."""
    k = int(np.argmax(ends[0]))
    return k, _against(ends, k)


def _against(ends: Ends, k: int) -> Array:
    """Lower bounds on element k minus each other element, in the order of the others."""
    others = np.delete(ends[1], k)
    return numeric.directed("sub", np.full(others.shape, ends[0][k]), others)[0]


def _leaders(ends: Ends) -> npt.NDArray[np.bool_]:
    """The elements that may be the largest, or share that place."""
    found: npt.NDArray[np.bool_] = ends[1] >= ends[0].max()
    return found


def _flat(found: Any) -> Ends:
    return np.ravel(found.lower), np.ravel(found.upper)


def _single(values: Array, direction: int) -> Array:
    """The nearest float32 numbers at or below (direction -1), or at or above (1)."""
    with np.errstate(over="ignore"):
        near = values.astype(np.float32)
    wrong = near > values if direction < 0 else near < values
    moved = np.nextafter(near, np.float32(direction * np.inf))
    return np.ascontiguousarray(np.where(wrong, moved, near), dtype=np.float64)


def _quotient(part: int, whole: int, end: int) -> float:
    # Adding zero makes a zero that was rounded down a plain one.
    return float(numeric.directed("div", np.array(float(part)), np.array(float(whole)))[end]) + 0.0


# ---- data


def _samples(data: DataLike, key: str | None, graph: Graph) -> tuple[list[Array], str, str]:
    """One array [rows, *input shape] per model input, where they come from, and their hash."""
    name = "an array"
    if isinstance(data, (str, os.PathLike)):
        path = Path(data)
        name = path.name
        if path.suffix.lower() == ".npz" and key is None and len(graph.inputs) > 1:
            data = npz_arrays(path)
        else:
            data = read_array(path, key)
    if isinstance(data, Mapping):
        if set(data) != set(graph.inputs):
            raise BoxError(
                f"{graph.source}: data for inputs {sorted(data)}, the model has {list(graph.inputs)}"
            )
        arrays: Sequence[Any] = [data[n] for n in graph.inputs]
    else:
        arrays = [data]
    if len(arrays) != len(graph.inputs):
        raise BoxError(
            f"{graph.source}: one array of data given, the model has inputs {list(graph.inputs)}; give them by name"
        )
    samples = [
        _rows(array, tuple(graph.tensor(n).shape), f"{name}, input '{n}'")
        for n, array in zip(graph.inputs, arrays, strict=True)
    ]
    if len({len(s) for s in samples}) != 1:
        raise BoxError(f"data: the inputs have {[len(s) for s in samples]} rows; give as many for each")
    digest = hashlib.sha256()
    for s in samples:
        digest.update(repr(s.shape).encode() + s.astype("<f8").tobytes())
    return samples, name, digest.hexdigest()


def _rows(values: object, shape: tuple[int, ...], what: str) -> Array:
    array = exact_float64(values, what)
    for expected in (shape, shape[1:] if shape[:1] == (1,) else shape):
        if array.ndim == len(expected) + 1 and array.shape[1:] == expected:
            if len(array) == 0:
                raise BoxError(f"{what}: no rows")
            return array.reshape((len(array), *shape))
    raise BoxError(
        f"{what}: array of shape {list(array.shape)}; expected [rows, {', '.join(str(n) for n in shape)}]"
    )


def _row_box(
    samples: list[Array], row: int, radius: float, clip: tuple[float, float] | None, graph: Graph
) -> tuple[list[Array], list[Array]]:
    try:
        return Box.around([s[row] for s in samples], radius, clip).fit(graph)
    except BoxError as problem:
        raise BoxError(f"row {row}: {problem}") from None


def fraction_text(result: DecisionResult) -> str:
    """The decision margin in percent, rounded down: a lower bound."""
    if not result.rows:
        raise GonogoError("no rows, no fraction")
    return units.down(_quotient(100 * result.proved, len(result.rows), 0)) + " %"
