"""The verbs: load, bound, error, cost, check. They ask the engines and compare; they compute nothing on a bound."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Union
from weakref import WeakKeyDictionary

import numpy as np

from gonogo import _core, targets
from gonogo import semantics as arithmetic
from gonogo.architecture import FixedArchitecture
from gonogo.box import Box
from gonogo.errors import BoxError, GonogoError, LimitError, UnsupportedOperatorError
from gonogo.limits import Limit, Limits, LimitValue
from gonogo.parts import split
from gonogo.results import (
    Array,
    BoundResult,
    CheckResult,
    CostResult,
    ErrorResult,
    LayerShare,
    LimitOutcome,
    Model,
    Progress,
    Provenance,
    Saturation,
    Standing,
    TensorBound,
    TensorError,
    Witness,
    frozen,
    judge,
)
from gonogo.threads import thread_count

if TYPE_CHECKING:
    from gonogo._core import Graph
    from gonogo.semantics import SemanticsLike
    from gonogo.targets import Target

ModelLike = Union[str, "os.PathLike[str]", "Graph", FixedArchitecture]
TargetLike = Union[str, "os.PathLike[str]", "Target"]
BoxLike = Union[Box, tuple[Any, Any], None]

PROFILES = ("tflm", "ort", "litert", "litert_ref", "xnnpack", "any")
# Multiply-accumulates that the search for a witness may spend; about a second.
DEFAULT_SEARCH = 500_000_000
METHODS = ("interval", "linear", "optimised")
# Wall time between two looks at the bracket while it narrows.
LOOK_SECONDS = 0.25


def load(path: str | os.PathLike[str]) -> Graph:
    """Reads a .tflite or .onnx model.

    Raises `ModelError` for a damaged file, `UnsupportedOperatorError` or `UnsupportedTypeError` for what isn't known;
    each names the file, the node and the cause.
    """
    from gonogo import loaders

    return loaders.load(path)


def bound(
    model: ModelLike,
    box: BoxLike | list[Box] = None,
    *,
    semantics: SemanticsLike = "real",
    tensor: str | None = None,
    method: str = "linear",
    budget: float = 0.0,
    watch: Callable[[int, int], None] | None = None,
) -> BoundResult:
    """Proved range of an output, or of the tensor named, over a box of inputs, or over each of many.

    Parameters
    ----------
    model : path or Graph
    box : Box, or a pair (lo, hi); without one, the whole range the model's inputs can represent. Many boxes: a list of
        Box, or a Box whose arrays have a leading axis (N, ``*input shape``); they are spread over threads
        (`set_thread_count`), and each gets the very numbers that it gets alone
    semantics : 'real' for exact real arithmetic on the model's weights, a profile such as 'tflm' for the integer
        kernels, a gonogo.Mixed, or what a float model becomes on the device: a gonogo.FixedPoint, or a text such as
        'fixed:8.6'
    method : 'interval' for interval propagation alone, 'linear' for linear bounds substituted back to the inputs: far
        sharper beyond two layers, and slower; 'optimised' for the same with slopes chosen for every bound by itself:
        sharper still, and some 10 to 40 times slower
    budget : seconds to spend, after the first bounds, on splitting the box; the range only ever narrows. For one box,
        and worth it for few inputs, as controllers have
    watch : called with how many of how many boxes are done, about four times a second, or with how much of the budget
        is spent, in per cent; an exception of it ends the call

    Returns
    -------
    BoundResult
        `lower` (lower bound on every element) and `upper` (upper bound), float64 arrays in the tensor's real units.
        Of many boxes, shapes (N, ``*tensor shape``): row k holds for every input in box k.

    Raises
    ------
    BoxError
        A box that doesn't fit the model, or isn't one; of many boxes it says which.
    ValueError
        A budget that is negative or not finite, or for many boxes.
    """
    chosen = arithmetic.parse(semantics)
    _not_negative("budget", budget)
    _one_of("method", method, METHODS)
    graph = _graph(model)
    # Numbers in a list are a pair's end, as ever; boxes in a list are many boxes.
    box, notes = (Box.stacked(box, graph), ()) if isinstance(box, list) else _box(box, graph)
    many = box.fit_many(graph)
    if many is not None and budget > 0.0:
        raise ValueError("budget: for one box only; bound many boxes one by one")
    if many is not None:
        found = _bound_many(graph, many, arithmetic.plain(chosen), tensor, method, watch)
    else:
        program = _program(graph, arithmetic.plain(chosen), tensor, method)
        found = split(program.run, *box.fit(graph), budget, watch)
    return BoundResult(
        tuple(TensorBound(name, frozen(lower), frozen(upper), bool(un)) for name, lower, upper, un in found),
        _provenance("bound", graph, None, box, semantics=str(chosen), assumptions=notes),
    )


def error(
    reference: ModelLike | None,
    deployed: ModelLike,
    box: BoxLike = None,
    *,
    profile: str = "tflm",
    semantics: SemanticsLike | None = None,
    tensor: str | None = None,
    search: int = DEFAULT_SEARCH,
    seed: int = 0,
    method: str = "linear",
    budget: float = 0.0,
    threshold: float | None = None,
    gap: float = 0.0,
    watch: Callable[[Progress], None] | None = None,
) -> ErrorResult:
    """Bracket on how far the deployed network can be from the reference, over a box of inputs.

    Parameters
    ----------
    reference : path or Graph, or None for the ideal real-valued execution of the deployed model's own weights
    deployed : path or Graph
    box : Box, or a pair (lo, hi); without one, the whole range the deployed model's inputs can represent
    profile : the integer kernels that run on the device: 'tflm' (TensorFlow Lite Micro), 'ort' (onnxruntime), 'litert',
        'litert_ref' or 'xnnpack' (LiteRT's built-in kernels, its reference kernels, its default delegate), or 'any':
        whichever of these, even another one at every operator
    semantics : what the device computes in, when it isn't integer kernels: 'real' (two versions of one model), a
        gonogo.FixedPoint, or a text such as 'fixed:8.6' (8 bits, 6 of them after the point); or a gonogo.Mixed, integer
        kernels with finer results among them. Comes before `profile`.
    tensor : the deployed model's tensor to bound; its outputs (and logits) by default
    search : multiply-accumulates to spend on the search for a witness; the bound doesn't depend on it
    method : 'interval' for interval propagation of the pair alone, 'linear' for linear bounds substituted back to the
        inputs: far sharper beyond two layers, and slower; 'optimised' for slopes chosen for every bound by itself:
        sharper still, and some 10 to 40 times slower
    budget : seconds to spend, after the first bracket, on what the limit of work left out of it and on splitting the
        box; the bracket only ever narrows
    threshold : stop as soon as "the error is at most this everywhere" is decided (`ErrorResult.within`)
    gap : without a threshold, stop where bound <= (1 + gap) * witness
    watch : called with the bracket after the first pass and about four times a second while it narrows

    Returns
    -------
    ErrorResult
        `bound`: upper bound on each element's error. `witness`: an input and the error it really reaches.
    """
    chosen = _semantics(semantics, profile)
    if not (isinstance(search, int) and 0 <= search < 2**62):
        raise ValueError(f"search: {search!r}; give a number of multiply-accumulates, 0 or more")
    if not (isinstance(seed, int) and 0 <= seed < 2**63):
        raise ValueError(f"seed: {seed!r}; give an integer, 0 or more")
    _one_of("method", method, METHODS)
    for name, value in (
        ("budget", budget),
        ("gap", gap),
        ("threshold", 0.0 if threshold is None else threshold),
    ):
        _not_negative(name, value)
    original = None if reference is None else _graph(reference)
    graph = _graph(deployed)
    box, notes = _box(box, graph)
    lo, hi = box.fit(graph)
    if original is not None:
        _same_inputs(original, graph)
    shapes = [a.shape for a in lo]
    start = time.monotonic()
    # The stub generator doesn't know that the reference may be None.
    session = _core.ErrorSession(
        original,  # type: ignore[arg-type]
        graph,
        lo,
        hi,
        arithmetic.plain(chosen),
        tensor,
        search,
        seed,
        method=method,
        threshold=threshold,
        gap=gap,
    )
    trace = [_look(session, start)]
    while True:
        if watch is not None:
            watch(trace[-1])
        left = budget - (time.monotonic() - start - trace[0].seconds)
        if left <= 0.0:
            break
        finished = session.advance(min(left, LOOK_SECONDS))
        trace.append(_look(session, start))
        if finished:
            break
    found = session.result()
    if original is None:
        notes = (
            *notes,
            "no reference given: it is the real-valued execution of the deployed model's own weights",
        )
    return ErrorResult(
        tensors=tuple(_tensor_error(t, shapes) for t in found.tensors),
        per_layer=tuple(LayerShare(s.name, s.op, float(s.share), float(s.alone)) for s in found.per_layer),
        saturation=tuple(
            Saturation(s.tensor, s.low_count, s.high_count, s.elements) for s in found.saturation
        ),
        notes=tuple(found.notes),
        provenance=_provenance(
            "error",
            graph,
            original,
            box,
            semantics=f"reference: real; deployed: {chosen}",
            assumptions=(*notes, *found.assumptions),
            options=(
                ("method", method),
                ("budget", f"{budget:g} s"),
                ("search", str(search)),
                ("seed", str(seed)),
            ),
        ),
        limited=(tensor,) if tensor is not None else tuple(graph.outputs),
        trace=tuple(trace),
        attributed=found.attributed,
    )


def cost(model: ModelLike, target: TargetLike) -> CostResult:
    """What the model costs on a target: exact MACs, parameters, flash and activation memory; estimated time.

    Parameters
    ----------
    model : path or Graph
    target : the name of a described target (`gonogo.targets.names()`), a path to a description, or a Target
    """
    graph = _graph(model)
    device = _target(target)
    return CostResult(_core.cost(graph, device.core), graph, device)


def check(
    reference: ModelLike | None,
    deployed: ModelLike,
    box: BoxLike = None,
    *,
    target: TargetLike | None = None,
    limits: Limits | Mapping[str, LimitValue] | None = None,
    profile: str = "tflm",
    semantics: SemanticsLike | None = None,
    tensor: str | None = None,
    search: int = DEFAULT_SEARCH,
    seed: int = 0,
    method: str = "linear",
    budget: float = 0.0,
    watch: Callable[[Progress], None] | None = None,
) -> CheckResult:
    """GO, NO-GO or UNDECIDED, and why.

    Each limit is feasible (proved, exact, or the estimate's upper end is within), infeasible (the witness or the
    lower end is beyond) or undecided. One infeasible limit is NO-GO; else one undecided limit is UNDECIDED. With a
    target, its own memories are limits too.
    """
    allowed = Limits.of(limits)
    if not allowed and target is None:
        raise LimitError("nothing to decide: give limits, a target, or both")
    needs_target = [name for name in allowed if name != "error"]
    if target is None and needs_target:
        raise LimitError(f"limit '{needs_target[0]}': needs a target; known: {', '.join(targets.names())}")
    graph = _graph(deployed)
    original = None if reference is None else _graph(reference)
    device = None if target is None else _target(target)
    spent = None if device is None else cost(graph, device)
    notes: tuple[str, ...] = ()
    found = None
    try:
        found = error(
            original,
            graph,
            box,
            profile=profile,
            semantics=semantics,
            tensor=tensor,
            search=search,
            seed=seed,
            method=method,
            budget=budget,
            threshold=float(allowed["error"].value) if "error" in allowed else None,
            watch=watch,
        )
    except UnsupportedOperatorError as problem:
        # Without an error limit the rest of the question can still be answered, and what is missing is said.
        if "error" in allowed:
            raise
        notes = (f"no error bound: {problem}",)
    outcomes = [] if found is None or "error" not in allowed else [_error_outcome(found, allowed["error"])]
    if spent is not None and device is not None:
        outcomes += cost_outcomes(spent, device, allowed)
        notes += spent.notes
    if found is not None:
        provenance, notes = found.provenance, notes + found.notes
    else:
        provenance = _provenance(
            "check", graph, original, box if isinstance(box, Box) else None, semantics=""
        )
    return CheckResult(
        tuple(outcomes),
        found,
        spent,
        replace(provenance, question="check", target="" if device is None else device.name),
        notes,
    )


# ---- helpers

# A graph's last few, ready for the next box: making one takes about as long as a box. They end with their graph.
_PROGRAMS: WeakKeyDictionary[Graph, dict[str, _core.BoundProgram]] = WeakKeyDictionary()
MOST_PROGRAMS = 4


def _program(graph: Graph, semantics: Any, tensor: str | None, method: str) -> _core.BoundProgram:
    programs = _PROGRAMS.setdefault(graph, {})
    key = repr((semantics, tensor, method))
    program = programs.get(key)
    if program is None:
        program = _core.BoundProgram(graph, semantics, tensor, method)
        while len(programs) >= MOST_PROGRAMS:
            programs.pop(next(iter(programs)), None)
        programs[key] = program
    return program


def _not_negative(name: str, value: Any) -> None:
    if not (isinstance(value, (int, float)) and 0.0 <= value < math.inf):
        raise ValueError(f"{name}: {value!r}; give a number, 0 or more")


def _bound_many(
    graph: Graph,
    boxes: tuple[list[Array], list[Array]],
    semantics: Any,
    tensor: str | None,
    method: str,
    watch: Callable[[int, int], None] | None,
) -> list[tuple[str, Array, Array, bool]]:
    """Name, lower and upper ends [box, ...], and whether something is unbounded, for each tensor.

    Slice after slice, so that an interrupt is heeded and `watch` sees how far the work is.
    """
    lo, hi = boxes
    count = len(lo[0])
    if count == 0:
        raise BoxError(f"{graph.source}: no boxes: the leading axis has length 0")
    program = _program(graph, semantics, tensor, method)
    slices = []
    first, size = 0, thread_count()
    while first < count:
        last = min(first + size, count)
        start = time.monotonic()
        slices.append(program.run([a[first:last] for a in lo], [a[first:last] for a in hi], first))
        if watch is not None:
            watch(last, count)
        # Slices that take about as long as two looks at the work are apart.
        spent = max(time.monotonic() - start, 1e-6)
        size = max(thread_count(), min(4 * size, int(size * LOOK_SECONDS / spent)))
        first = last
    return [
        (
            parts[0].tensor,
            np.concatenate([p.lower for p in parts]),
            np.concatenate([p.upper for p in parts]),
            any(p.unbounded for p in parts),
        )
        for parts in zip(*slices, strict=True)
    ]


def _look(session: _core.ErrorSession, start: float) -> Progress:
    found = session.result()
    return Progress(
        time.monotonic() - start,
        max(float(np.max(t.bound, initial=0.0)) for t in found.tensors),
        max(float(np.max(t.witness_value, initial=0.0)) for t in found.tensors),
        found.parts,
    )


def _error_outcome(found: ErrorResult, limit: Limit) -> LimitOutcome:
    low, high = found.witness.value, found.worst
    return LimitOutcome(
        "error", limit.value, limit.text, low, high, "measured", "proved", judge(limit.value, low, high)
    )


def cost_outcomes(spent: CostResult, device: Target, allowed: Limits) -> list[LimitOutcome]:
    own = {"ram": device.ram_bytes, "flash": device.flash_bytes}
    memories = Limits(**{name: _memory_text(size) for name, size in own.items() if size})
    outcomes = []
    for name, quantity in spent.limited().items():
        for limits, origin in ((allowed, "given"), (memories, "device")):
            if name not in limits:
                continue
            limit = limits[name]
            low, high = (0.0, math.inf) if quantity is None else (quantity.low, quantity.high)
            low_standing: Standing = "estimated" if quantity is None else quantity.standing
            high_standing = low_standing
            floor = spent.floor(name)
            if floor is not None and (floor > limit.value or floor > low):
                # What is certain comes first: the exact part alone may already be too much.
                low, low_standing = floor, "exact"
            feasibility = judge(limit.value, low, high)
            outcomes.append(
                LimitOutcome(
                    name, limit.value, limit.text, low, high, low_standing, high_standing, feasibility, origin
                )
            )
    return outcomes


def _memory_text(size: int) -> str:
    return f"{size // 1024} KiB" if size % 1024 == 0 else f"{size} B"


def _semantics(semantics: SemanticsLike | None, profile: str) -> str | arithmetic.Arithmetic:
    if semantics is not None:
        return arithmetic.parse(semantics)
    _one_of("profile", profile, PROFILES)
    return profile


def _one_of(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{what}: {value!r} isn't known; use one of {', '.join(known)}")


def _graph(model: ModelLike) -> Graph:
    if isinstance(model, _core.Graph):
        return model
    if isinstance(model, (str, os.PathLike)):
        return load(model)
    if isinstance(model, FixedArchitecture):
        return model.graph
    raise TypeError(
        f"model: {type(model).__name__} given; pass a path, what gonogo.load returned, or architecture.model(config)"
    )


def _target(target: TargetLike) -> Target:
    return targets.load(target) if isinstance(target, (str, os.PathLike)) else target


def _box(box: BoxLike, deployed: Graph) -> tuple[Box, tuple[str, ...]]:
    if box is None:
        whole = Box.whole_range(deployed)
        return whole, ("no box given: every input that the deployed model can represent is covered",)
    if isinstance(box, Box):
        return box, ()
    if isinstance(box, tuple) and len(box) == 2:
        return Box(box[0], box[1]), ()
    raise BoxError(f"box: {type(box).__name__} given; pass a gonogo.Box or a pair (lo, hi)")


def _same_inputs(reference: Graph, deployed: Graph) -> None:
    def counts(graph: Graph) -> list[int]:
        return [int(np.prod(graph.tensor(name).shape, dtype=np.int64)) for name in graph.inputs]

    if counts(reference) != counts(deployed):
        shapes = [[list(g.tensor(n).shape) for n in g.inputs] for g in (reference, deployed)]
        raise BoxError(
            f"{deployed.source}: inputs of shapes {shapes[1]}, but the reference {reference.source} has {shapes[0]}; "
            "both must take the same inputs"
        )


def _tensor_error(core: _core.TensorError, input_shapes: list[tuple[int, ...]]) -> TensorError:
    values = frozen(core.witness_value)
    element = int(np.argmax(values)) if values.size else 0
    witness = Witness(
        float(values.flat[element]) if values.size else 0.0,
        element,
        tuple(frozen(a.reshape(n)) for a, n in zip(core.witness_inputs, input_shapes, strict=False)),
    )
    result = TensorError(
        core.name,
        core.reference_name,
        frozen(core.bound),
        frozen(core.lower),
        frozen(core.upper),
        values,
        witness,
        core.method,
    )
    # Checked on every run: a witness above its bound would disprove the proof, and no answer is better than that one.
    if not bool(np.all(values <= result.bound)):
        raise GonogoError(
            f"tensor '{core.name}': a witness exceeds the bound; this is a soundness bug of gonogo, please report it"
        )
    return result


def _model(graph: Graph) -> Model:
    return Model(graph.source, graph.format, graph.file_bytes, graph.sha256)


@cache  # looking packages up takes longer than many a bound
def _versions() -> tuple[tuple[str, str], ...]:
    found = [("gonogo", _core.__version__), ("python", sys.version.split()[0])]
    for package in ("numpy", "onnx", "tflite"):
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:  # a partial installation still answers
            continue
    return tuple(found)


def _provenance(
    question: str,
    deployed: Graph,
    reference: Graph | None,
    box: Box | None,
    *,
    semantics: str,
    assumptions: tuple[str, ...] = (),
    options: tuple[tuple[str, str], ...] = (),
) -> Provenance:
    return Provenance(
        question=question,
        deployed=_model(deployed),
        reference=None if reference is None else _model(reference),
        semantics=semantics,
        box="" if box is None else box.origin,
        box_sha256="" if box is None else box.sha256,
        versions=_versions(),
        rounding=_core.rounding,
        assumptions=assumptions,
        options=options,
    )
