"""Both networks of a decision: what is proved of the scores that are decided on, over a box and at a point."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gonogo import _core
from gonogo import semantics as arithmetic
from gonogo._core import numeric
from gonogo.errors import ShapeError
from gonogo.results import Array, ErrorResult

if TYPE_CHECKING:
    from gonogo._core import Graph

Ends = tuple[Array, Array]


@dataclass(frozen=True)
class Margins:
    """Lower bounds on the margins of the same winner."""

    winner: int
    reference: float
    deployed: float

    @classmethod
    def nothing(cls) -> Margins:
        return cls(0, -math.inf, -math.inf)

    @property
    def proved(self) -> bool:
        return self.reference > 0.0 and self.deployed > 0.0

    def better(self, other: Margins) -> Margins:
        """Of two pairs that both hold, the one that says more; bounds on different winners don't mix."""
        if other.winner == self.winner:
            return Margins(
                self.winner, max(self.reference, other.reference), max(self.deployed, other.deployed)
            )
        return max(self, other, key=lambda m: (m.proved, m.reference, m.deployed))


class Pair:
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
    ) -> Margins:
        """The best that ranges, and the difference where they don't suffice, say over a box."""
        reference = self.reference(lo, hi, method)
        k, mine = _lead(reference)
        margin = float(mine.min())
        if margin <= 0.0:
            return Margins(
                k, margin, -math.inf
            )  # the reference itself isn't proved to decide alike everywhere
        apart = _against(self.device(lo, hi, method), k)
        if apart.min() <= 0.0 and difference is not None:
            low, high = difference()
            others = np.delete(high, k)
            moved = numeric.directed("sub", others, np.full(others.shape, low[k]))[1]
            apart = np.maximum(apart, numeric.directed("sub", mine, moved)[0])
        return Margins(k, margin, float(apart.min()))

    def margins_at(self, point: list[Array]) -> Margins:
        """At a single input, from what the device computes there: exact, unless a tie may be quantised either way."""
        if not self._exact or not self._read_one_way(point):
            return Margins.nothing()
        k, mine = _lead(self.reference(point, point, "interval"))
        ((low, high),) = self._evaluated(point)
        return Margins(k, float(mine.min()), float(_against((low, high), k).min()))

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
    """Float32 numbers at or below (direction -1), or at or above (1); the nearest ones, but for subnormal numbers."""
    with np.errstate(over="ignore"):
        near = values.astype(np.float32)
    wrong = near > values if direction < 0 else near < values
    moved = np.where(wrong, np.nextafter(near, np.float32(direction * np.inf)), near).astype(np.float64)
    # Another library may have left the processor in a mode that takes subnormal numbers for zero: the steps above can't
    # be trusted with them, and zero is told by its bits.
    zero = (values.view(np.int64) << 1) == 0
    small = (np.abs(values) < 2.0**-126) & ~zero
    return np.ascontiguousarray(np.where(small, direction * 2.0**-126, moved))
