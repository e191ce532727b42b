"""Output ranges by splitting: what holds over every part of a box holds over the box.

Nothing is computed on a bound here. Parts are halved, the engine bounds them, and of their ranges the least lower and
the greatest upper end are taken (Theorem 50 in docs/soundness.md, with nothing cut off).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gonogo.errors import BoxError
from gonogo.results import Array

TRIED = 6  # inputs that a part is halved along, one at a time; the best pair of halves is kept
CHOSEN = 8  # parts at a time


@dataclass
class Part:
    """`lo`, `hi`: its ends [all inputs]; `lower`, `upper`: proved ends [all elements] of the outputs over it."""

    lo: Array
    hi: Array
    lower: Array
    upper: Array
    whole: bool = False  # nothing is left to halve


Engine = Callable[[Array, Array], tuple[Array, Array]]  # ends [parts, inputs] to ends [parts, elements]


class Splitting:
    """The parts of one box, the ones that decide an end of the range split first; `lower` and `upper` only narrow."""

    def __init__(self, engine: Engine, lo: Array, hi: Array) -> None:
        lower, upper = engine(lo[None], hi[None])
        self._engine = engine
        self._width = hi - lo
        self.parts = [Part(lo, hi, lower[0], upper[0])]

    @property
    def lower(self) -> Array:
        ends: Array = np.array([p.lower for p in self.parts]).min(axis=0)
        return ends

    @property
    def upper(self) -> Array:
        ends: Array = np.array([p.upper for p in self.parts]).max(axis=0)
        return ends

    def run(self, seconds: float, watch: Callable[[int, int], None] | None = None) -> None:
        start = time.monotonic()
        while (spent := time.monotonic() - start) < seconds and self.round():
            if watch is not None:
                watch(int(100 * spent / seconds), 100)

    def round(self) -> bool:
        """Halves the parts that hold the range open. False: none of them can be halved."""
        chosen = self._chosen()
        tries = []
        for part, side in chosen:
            tries += [(part, side, k) for k in self._inputs(part)]
            part.whole = not tries or tries[-1][0] is not part
        if not tries:
            return False
        pairs = self._bounded([_halves(part, k) for part, _, k in tries])
        best: dict[int, tuple[float, list[Part]]] = {}
        for (part, (element, up), _), pair in zip(tries, pairs, strict=True):
            if pair is None:
                part.whole = True
                continue
            worst = max(p.upper[element] if up else -p.lower[element] for p in pair)
            if id(part) not in best or worst < best[id(part)][0]:
                best[id(part)] = (worst, pair)
        kept = [p for p in self.parts if id(p) not in best]
        self.parts = kept + [p for _, pair in best.values() for p in pair]
        return True

    def _chosen(self) -> list[tuple[Part, tuple[int, bool]]]:
        """Parts that an end of the range rests on, of the widest elements first; with that element and side."""
        lower = np.array([p.lower for p in self.parts])
        upper = np.array([p.upper for p in self.parts])
        with np.errstate(invalid="ignore"):
            widths = np.nan_to_num(upper.max(axis=0) - lower.min(axis=0), nan=np.inf)
        chosen: dict[int, tuple[Part, tuple[int, bool]]] = {}
        for element in np.argsort(-widths, kind="stable")[:CHOSEN]:
            for up, ends in ((False, lower[:, element]), (True, -upper[:, element])):
                part = self.parts[int(np.argmin(ends))]
                if not part.whole:
                    chosen.setdefault(id(part), (part, (int(element), up)))
        return list(chosen.values())[:CHOSEN]

    def _inputs(self, part: Part) -> list[int]:
        """Those that can be halved, the widest first, as shares of the box's own width."""
        middle = 0.5 * part.lo + 0.5 * part.hi
        able = np.flatnonzero((middle > part.lo) & (middle < part.hi))
        share = (part.hi - part.lo)[able] / self._width[able]
        return [int(able[i]) for i in np.argsort(-share, kind="stable")[:TRIED]]

    def _bounded(self, pairs: list[list[Part]]) -> list[list[Part] | None]:
        """With the engine's ends, met with those of what was halved; None where the engine takes a half for no box."""
        halves = [h for pair in pairs for h in pair]
        try:
            lower, upper = self._engine(np.array([h.lo for h in halves]), np.array([h.hi for h in halves]))
        except BoxError:
            return [None] if len(pairs) == 1 else [self._bounded([pair])[0] for pair in pairs]
        for h, low, high in zip(halves, lower, upper, strict=True):
            h.lower, h.upper = np.maximum(h.lower, low), np.minimum(h.upper, high)
        return list(pairs)


def _halves(part: Part, k: int) -> list[Part]:
    middle = 0.5 * part.lo[k] + 0.5 * part.hi[k]
    hi, lo = part.hi.copy(), part.lo.copy()
    hi[k] = lo[k] = middle
    return [Part(part.lo, hi, part.lower, part.upper), Part(lo, part.hi, part.lower, part.upper)]


def split(
    run: Callable[[list[Array], list[Array]], Any],
    lo: list[Array],
    hi: list[Array],
    seconds: float,
    watch: Callable[[int, int], None] | None,
) -> list[tuple[str, Array, Array, bool]]:
    """Name, lower and upper ends, and whether something is unbounded, for each tensor that `run` bounds.

    `run` takes boxes with a leading axis, one array per input, as BoundProgram.run does; `lo`, `hi` are one box.
    """
    shapes = [a.shape for a in lo]
    cuts = np.cumsum([a.size for a in lo])[:-1]
    template: list[Any] = []

    def arrays(flat: Array) -> list[Array]:
        return [
            piece.reshape(len(flat), *shape)
            for piece, shape in zip(np.split(flat, cuts, axis=1), shapes, strict=True)
        ]

    def engine(low: Array, high: Array) -> tuple[Array, Array]:
        found = run(arrays(low), arrays(high))
        template[:] = found
        ends = [
            [np.asarray(getattr(f, side)).reshape(len(low), -1) for f in found] for side in ("lower", "upper")
        ]
        return np.concatenate(ends[0], axis=1), np.concatenate(ends[1], axis=1)

    splitting = Splitting(
        engine, np.concatenate([a.ravel() for a in lo]), np.concatenate([a.ravel() for a in hi])
    )
    splitting.run(seconds, watch)
    result, first = [], 0
    for f in template:
        shape = f.lower.shape[1:]
        last = first + int(np.prod(shape))
        lower, upper = (e[first:last].reshape(shape) for e in (splitting.lower, splitting.upper))
        result.append(
            (f.tensor, lower, upper, not bool(np.isfinite(lower).all() and np.isfinite(upper).all()))
        )
        first = last
    return result
