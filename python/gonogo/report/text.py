"""Results as text for people: what was asked, what is known and how well, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator

from gonogo import units
from gonogo.decision import DecisionResult, Stability, fraction_text
from gonogo.hpo import SpaceReport
from gonogo.report import cost_lines
from gonogo.report.tables import shortened, table
from gonogo.results import (
    BoundResult,
    CheckResult,
    CostResult,
    ErrorResult,
    Feasibility,
    LimitOutcome,
    Provenance,
    TensorError,
    ends_text,
)
from gonogo.whatif import WhatIfResult

MAX_ROWS = 8
_MARKS = {Feasibility.FEASIBLE: "ok", Feasibility.INFEASIBLE: "NO", Feasibility.UNDECIDED: "?"}


def to_text(result: object) -> str:
    """A result as plain text."""
    if isinstance(result, CheckResult):
        lines = _check(result)
    elif isinstance(result, ErrorResult):
        lines = _error(result)
    elif isinstance(result, BoundResult):
        lines = _bound(result)
    elif isinstance(result, CostResult):
        lines = _cost(result)
    elif isinstance(result, DecisionResult):
        lines = _decisions(result)
    elif isinstance(result, WhatIfResult):
        lines = _what_if(result)
    elif isinstance(result, SpaceReport):
        lines = cost_lines.space_lines(result)
    else:
        raise TypeError(f"{type(result).__name__} isn't a result")
    return "\n".join(lines) + "\n"


def _check(result: CheckResult) -> Iterator[str]:
    yield from _asked(result.provenance)
    if result.error is not None:
        yield ""
        yield from _error_body(result.error)
    if result.cost is not None:
        yield ""
        yield from _cost_body(result.cost)
    if result.outcomes:
        yield ""
        yield "Limits"
        rows: list[tuple[str, ...]] = [("", "", "at least", "at most", "limit", "")]
        rows += [_outcome_row(o) for o in result.outcomes]
        yield from table(rows, frozenset({2, 3, 4}))
    yield from _remarks(result.notes, result.provenance.assumptions)
    yield ""
    deciding = result.deciding
    yield f"{result.verdict}" + (f": {_why(deciding)}" if deciding else "")


def _outcome_row(o: LimitOutcome) -> tuple[str, ...]:
    low, high = ends_text(o)
    if o.high == float("inf"):
        low, high = ("unknown", "unknown") if o.name != "error" else (low, high)
    origin = "" if o.origin == "given" else f" ({o.origin})"
    return (_MARKS[o.feasibility], o.name + origin, low, high, o.limit_text, o.feasibility.value)


def _why(o: LimitOutcome) -> str:
    low, high = ends_text(o)
    if o.high == float("inf") and o.low == 0.0 and o.name != "error":
        return f"{o.name} isn't known on this target, so its limit of {o.limit_text} is undecided"
    if o.feasibility is Feasibility.FEASIBLE:
        return f"every limit holds; {o.name} is the closest, {high} of {o.limit_text} ({o.high_standing})"
    if o.feasibility is Feasibility.INFEASIBLE:
        return f"{o.name} is at least {low} ({o.low_standing}), the limit is {o.limit_text}"
    return f"{o.name} lies between {low} ({o.low_standing}) and {high} ({o.high_standing}), the limit is {o.limit_text}"


def _error(result: ErrorResult) -> Iterator[str]:
    yield from _asked(result.provenance)
    yield ""
    yield from _error_body(result)
    yield from _remarks(result.notes, result.provenance.assumptions)


def _error_body(result: ErrorResult) -> Iterator[str]:
    yield f"Error |deployed - reference| in {result.unit}, worst case over the box"
    rows: list[tuple[str, ...]] = [("tensor", "at least (witness)", "at most (proved)", "ratio at most", "")]
    rows += [_error_row(t) for t in result.tensors]
    yield from table(rows, frozenset({1, 2, 3}))
    if result.per_layer:
        shares = sorted(result.per_layer, key=lambda s: -s.share)[:MAX_ROWS]
        yield ""
        yield "Where the bound comes from"
        yield from table([(f"{s.share:6.1%}", s.op, shortened(s.name)) for s in shares])
        if len(result.per_layer) > MAX_ROWS:
            yield f"  and {len(result.per_layer) - MAX_ROWS} smaller"
    touched = [s for s in result.saturation if s.low_count or s.high_count]
    if touched:
        yield ""
        yield "Activations that some input of the box may saturate"
        yield from table(
            [
                (shortened(s.tensor), f"{s.low_count} low", f"{s.high_count} high", f"of {s.elements}")
                for s in touched[:MAX_ROWS]
            ],
            frozenset({1, 2}),
        )
        if len(touched) > MAX_ROWS:
            yield f"  and {len(touched) - MAX_ROWS} more"


def _error_row(t: TensorError) -> tuple[str, ...]:
    ratio = units.ratio_up(t.worst, t.witness.value)
    return (shortened(t.name), units.down(t.witness.value), units.up(t.worst), ratio, t.method)


def _bound(result: BoundResult) -> Iterator[str]:
    yield from _asked(result.provenance)
    yield ""
    for tensor in result.tensors:
        yield f"Range of {shortened(tensor.name)}, proved"
        low, high = tensor.lower.ravel(), tensor.upper.ravel()
        shown = min(low.size, 4 * MAX_ROWS)
        rows = [("element", "at least", "at most")]
        rows += [(str(i), units.down(float(low[i])), units.up(float(high[i]))) for i in range(shown)]
        yield from table(rows, frozenset({0, 1, 2}))
        if shown < low.size:
            ends = units.down(float(low.min())), units.up(float(high.max()))
            yield f"  and {low.size - shown} more; all lie in [{ends[0]}, {ends[1]}]"
    yield from _remarks((), result.provenance.assumptions)


def _cost(result: CostResult) -> Iterator[str]:
    yield from _asked(result.provenance)
    yield ""
    yield from _cost_body(result)
    yield from _remarks(result.notes, ())


def _cost_body(result: CostResult) -> Iterator[str]:
    yield f"Cost on {result.target}"
    rows = []
    for name, quantity in result.quantities().items():
        if quantity is None:
            rows.append((name.replace("_", " "), "unknown", ""))
            continue
        value, _, standing = str(quantity).rpartition(", ")
        rows.append(
            (name.replace("_", " "), value, standing + (f"; {quantity.note}" if quantity.note else ""))
        )
    yield from table(rows)


def _decisions(result: DecisionResult) -> Iterator[str]:
    yield from _asked(result.provenance)
    yield ""
    yield f"Decisions (argmax of {shortened(result.tensor)}), for every input in the box of each row"
    rows = [
        ("can't change", str(result.proved), "proved"),
        ("change", str(result.refuted), "witness"),
        ("undecided", str(result.undecided), ""),
    ]
    yield from table(rows, frozenset({1}))
    yield f"  decision margin: at least {fraction_text(result)} of {len(result.rows)} rows"
    if result.safe_margin is not None:
        yield f"  safe margin: a lead of more than {units.up(result.safe_margin)} in the reference can't be lost"
    if result.outside:
        yield f"  {result.outside} rows lie outside the box of the error bound"
    open_rows = sorted(
        (r for r in result.rows if r.verdict is not Stability.PROVED),
        key=lambda r: (r.verdict is not Stability.REFUTED, r.reference_margin, r.row),
    )
    if open_rows:
        yield ""
        yield "Rows that aren't proved, changes first"
        cells: list[tuple[str, ...]] = [("row", "winner", "reference leads by at least", "")]
        for r in open_rows[:MAX_ROWS]:
            cells.append((str(r.row), str(r.winner), units.down(r.reference_margin), r.verdict.value))
        yield from table(cells, frozenset({0, 1, 2}))
        if len(open_rows) > MAX_ROWS:
            yield f"  and {len(open_rows) - MAX_ROWS} more"
    yield from _remarks((), result.provenance.assumptions)


def _what_if(result: WhatIfResult) -> Iterator[str]:
    yield from _asked(result.base.provenance)
    yield ""
    yield f"Error |deployed - reference| in {result.base.unit}, worst case over the box"
    rows: list[tuple[str, ...]] = [("", "", "share", "at most (proved)", "of the bound")]
    rows.append(("as deployed", "", "", units.up(result.base.worst), ""))
    for case in result.cases:
        share = "" if case.share is None else f"{case.share:.1%}"
        ratio = units.ratio_up(case.error.worst, result.base.worst)
        rows.append((shortened(case.name), case.change, share, units.up(case.error.worst), ratio))
    yield from table(rows, frozenset({2, 3, 4}))
    yield from _remarks((*result.notes, *result.base.notes), result.base.provenance.assumptions)


def _asked(p: Provenance) -> Iterator[str]:
    rows = []
    if p.deployed is not None:
        rows.append(
            (
                "deployed" if p.question in ("check", "error", "decision") else "model",
                _model(p, deployed=True),
            )
        )
    if p.reference is not None:
        rows.append(("reference", _model(p, deployed=False)))
    if p.semantics:
        rows.append(("semantics", p.semantics))
    if p.box:
        rows.append(("box", p.box))
    if p.target:
        rows.append(("target", p.target))
    yield from table(rows)
    if p.rounding not in ("", "outward"):
        yield "  WARNING: built without outward rounding; nothing here is proved"


def _model(p: Provenance, *, deployed: bool) -> str:
    model = p.deployed if deployed else p.reference
    assert model is not None
    digest = f", sha256 {model.sha256[:12]}" if model.sha256 else ""
    return f"{model.source} ({model.file_bytes} B{digest})"


def _remarks(notes: tuple[str, ...], assumptions: tuple[str, ...]) -> Iterator[str]:
    for title, texts in (("Assumptions", assumptions), ("Notes", notes)):
        if texts:
            yield ""
            yield title
            for text in dict.fromkeys(texts):
                yield f"  - {text}"
