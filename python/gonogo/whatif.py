"""What if: the error bound again, with one thing changed on the device, so that an attribution is checked by doing it.

`ErrorResult.per_layer` says where a bound comes from. Whether a finer layer pays is another question: errors cancel,
grow and saturate on their way. Here each change is made and the whole bound computed anew; every number is a bound on a
device that can be built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, get_args

import numpy as np

from gonogo import analysis, units
from gonogo._core import numeric
from gonogo.results import ErrorResult
from gonogo.semantics import FixedLayer, FixedPoint, Kept, Mixed, Word

if TYPE_CHECKING:
    from gonogo._core import Graph
    from gonogo.analysis import BoxLike, ModelLike
    from gonogo.semantics import Arithmetic, SemanticsLike

MAX_BITS = 53

KEPT: dict[Kept, str] = {"int16": "16-bit results", "real": "real-valued results"}


@dataclass(frozen=True, eq=False)
class Case:
    """One change, and the error bracket with it.

    name : the layer, or what else was changed
    change : in words
    share : of the attribution of the unchanged bound, between 0 and 1; None where it has no such part
    """

    name: str
    change: str
    error: ErrorResult
    share: float | None = None


@dataclass(frozen=True, eq=False)
class WhatIfResult:
    """The bound as deployed, and with each change; `notes` says what couldn't be tried, and why."""

    base: ErrorResult
    cases: tuple[Case, ...]
    notes: tuple[str, ...] = ()

    def ratio(self, case: Case) -> float:
        """The bound with a change over the bound without it, rounded up; below 1 where the change pays."""
        if self.base.worst == 0.0 or not np.isfinite(self.base.worst):
            return float("nan")
        return float(numeric.directed("div", np.array(case.error.worst), np.array(self.base.worst))[1])

    @property
    def best(self) -> Case | None:
        """The layer that pays most: the case of a single layer with the least bound."""
        layers = [c for c in self.cases if c.share is not None]
        return min(layers, key=lambda c: c.error.worst, default=None)

    def __str__(self) -> str:
        lines = [f"error at most {units.up(self.base.worst)} as deployed"]
        lines += [f"{c.name}: at most {units.up(c.error.worst)} with {c.change}" for c in self.cases]
        return "\n".join(lines)


def what_if(
    reference: ModelLike | None,
    deployed: ModelLike,
    box: BoxLike = None,
    *,
    layers: Sequence[str] | None = None,
    keep: Mapping[str, Kept] | None = None,
    finer: Kept = "int16",
    extra_bits: int = 8,
    profile: str = "tflm",
    semantics: SemanticsLike | None = None,
    tensor: str | None = None,
    search: int = 0,
    seed: int = 0,
    method: str = "linear",
    watch: Callable[[str], None] | None = None,
) -> WhatIfResult:
    """Error bounds with one thing changed at a time: a layer kept finer, exact arithmetic, exact weights.

    Parameters
    ----------
    reference, deployed, box, profile, semantics, tensor, search, seed, method : as in `gonogo.error`
    layers : nodes to keep finer one at a time, 'input' for the input's quantiser; by default all that the bound comes
        from, the largest first. Fixed point and integer profiles only
    keep : integer profiles only: what these nodes keep all at once, 'int16' or 'real' (see `gonogo.Mixed`). It takes
        the place of the layers one at a time, unless they are named too
    finer : integer profiles: what one layer at a time keeps
    extra_bits : fixed point: by how much a layer's words grow, all of them behind the point
    watch : called with the name of each case before it is tried

    Returns
    -------
    WhatIfResult
        `base` and, per case, `error`: brackets in output units; `error.bound` is an upper bound on the changed device.

    Raises
    ------
    ValueError : a semantics that can't keep a layer finer, a layer that isn't there, extra_bits below 1
    GonogoError : as `gonogo.error`; QuantizationError for a node that has nothing to keep
    """
    chosen = analysis._semantics(semantics, profile)
    integers = isinstance(chosen, Mixed) or chosen in analysis.PROFILES
    if not (isinstance(extra_bits, int) and 1 <= extra_bits <= 45):
        raise ValueError(f"extra_bits: {extra_bits!r}; give 1 to 45")
    analysis._one_of("finer", finer, get_args(Kept))
    if layers is not None and not (integers or isinstance(chosen, FixedPoint)):
        raise ValueError(
            f"layers: {chosen} has no words to choose layer by layer; give an integer profile or a gonogo.FixedPoint, "
            "or leave layers out"
        )
    if keep is not None and not integers:
        raise ValueError(f"keep: {chosen} has no 8-bit results to keep finer; give an integer profile")
    graph = analysis._graph(deployed)
    original = None if reference is None else analysis._graph(reference)
    _known("layers", layers or (), graph)
    _known("keep", keep or (), graph)

    def bracket(against: Graph | None, now: str | Arithmetic) -> ErrorResult:
        named = isinstance(now, str) and now != "real"
        return analysis.error(
            against, graph, box, profile=str(now) if named else profile, semantics=None if named else now,
            tensor=tensor, search=search, seed=seed, method=method,
        )  # fmt: skip

    base = bracket(original, chosen)
    shares = {s.name: s.share for s in base.per_layer}
    notes: list[str] = []
    cases = []

    def attempt(
        name: str, change: str, against: Graph | None, now: str | Arithmetic, share: float | None = None
    ) -> None:
        if watch is not None:
            watch(name)
        cases.append(Case(name, change, bracket(against, now), share))

    if original is not None and chosen != "real":
        attempt("exact arithmetic", "the deployed file's weights in real arithmetic", original, "real")
        attempt("exact weights", "a reference that has the deployed file's weights", None, chosen)
    if isinstance(chosen, FixedPoint):
        for name in _wanted(layers, shares, graph):
            wider = widened(chosen, name, extra_bits)
            attempt(name, f"{extra_bits} more bits", original, wider, shares.get(name, 0.0))
    elif integers:
        if keep:
            change = ", ".join(KEPT[kept] for kept in sorted(set(keep.values())))
            share = shares.get(next(iter(keep)), 0.0) if len(keep) == 1 else None
            attempt(" + ".join(keep), change, original, _mixed(chosen, keep), share)
        for name in _wanted(layers, shares, graph) if keep is None or layers is not None else ():
            attempt(name, KEPT[finer], original, _mixed(chosen, {name: finer}), shares.get(name, 0.0))
    else:
        notes.append(
            "no layer was kept finer: only integer profiles and fixed point have words to choose layer by layer; "
            "`per_layer` says what each layer would contribute alone"
        )
    return WhatIfResult(base, tuple(cases), tuple(notes))


def _mixed(chosen: str | Arithmetic, keep: Mapping[str, Kept]) -> Mixed:
    """The same arithmetic, with these nodes kept finer too."""
    if isinstance(chosen, Mixed):
        return replace(chosen, keep={**chosen.keep, **keep})
    return Mixed(keep, profile=str(chosen))


def widened(semantics: FixedPoint, name: str, extra_bits: int) -> FixedPoint:
    """The same arithmetic with longer words at one node, or at the input ('input'): same range, finer steps.

    >>> word = widened(FixedPoint.uniform(8, 4), "dense", 8).layers["dense"].output
    >>> str(word)
    's16.12'
    """
    if name == "input":
        return replace(semantics, input=_longer(semantics.input or semantics.activations, extra_bits))
    own = semantics.layers.get(name, FixedLayer())
    output = None if own.exact_output else _longer(own.output or semantics.activations, extra_bits)
    layer = replace(
        own,
        weights=_longer(own.weights or semantics.weights, extra_bits),
        bias=_longer(own.bias or semantics.bias or semantics.weights, extra_bits),
        output=output,
    )
    return replace(semantics, layers={**semantics.layers, name: layer})


def _longer(word: Word, extra_bits: int) -> Word:
    more = min(extra_bits, MAX_BITS - word.bits, 128 - word.fraction_bits)
    return Word(word.bits + more, word.fraction_bits + more, word.signed)


def _known(what: str, names: Iterable[str], graph: Graph) -> None:
    nodes = {n.name for n in graph.nodes}
    for name in names:
        if name not in nodes and name != "input":
            raise ValueError(
                f"{what}: {graph.source} has no node {name!r}; nodes: {', '.join(sorted(nodes))}"
            )


def _wanted(layers: Sequence[str] | None, shares: dict[str, float], graph: Graph) -> Sequence[str]:
    if layers is not None:
        return layers
    # Operators with a result of their own. Below a thousandth there is nothing to gain, and every case costs a bound.
    nodes = {n.name for n in graph.nodes if n.op not in ("reshape", "identity", "dequantize")}
    worth = [n for n, share in shares.items() if share >= 1e-3 and (n in nodes or n == "input")]
    return sorted(worth, key=lambda n: -shares[n])
