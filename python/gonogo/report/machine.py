"""JSON for machines. Bounds are written outward with 17 digits, so that reading them never loses the guarantee."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

from gonogo import units
from gonogo.advice import OrderAdvice
from gonogo.decision import DecisionResult
from gonogo.hpo import SpaceReport
from gonogo.report.drawings import layer_seconds
from gonogo.results import (
    Array,
    BoundResult,
    CheckResult,
    CostResult,
    ErrorResult,
    LimitOutcome,
    Provenance,
    Quantity,
    TensorError,
)
from gonogo.whatif import WhatIfResult

DIGITS = 17


class Number:
    """A number as it shall stand in the text."""

    def __init__(self, text: str) -> None:
        self.text = text


def _upper(value: float) -> object:
    return None if math.isinf(value) else Number(units.up(value, DIGITS))


def _lower(value: float) -> object:
    return None if math.isinf(value) else Number(units.down(value, DIGITS))


def _uppers(values: Array) -> list[object]:
    return [_upper(float(v)) for v in values.ravel()]


def _lowers(values: Array) -> list[object]:
    return [_lower(float(v)) for v in values.ravel()]


def to_json(result: object, *, indent: int | None = 2) -> str:
    """A result as JSON. An unbounded end is null. Every number stands beside its standing."""
    if isinstance(result, SpaceReport):
        return result.to_json() + "\n"  # what SpaceReport.from_json reads
    return "".join(_write(to_data(result), indent, 0)) + "\n"


def to_data(result: object) -> object:
    if isinstance(result, CheckResult):
        return _check(result)
    if isinstance(result, ErrorResult):
        return {**_error(result), "provenance": _provenance(result.provenance)}
    if isinstance(result, BoundResult):
        tensors = [
            {
                "name": t.name,
                "unbounded": t.unbounded,
                "shape": list(t.lower.shape),
                "lower": _lowers(t.lower),
                "upper": _uppers(t.upper),
            }
            for t in result.tensors
        ]
        return {"standing": result.standing, "tensors": tensors, "provenance": _provenance(result.provenance)}
    if isinstance(result, CostResult):
        return {**_cost(result), "provenance": _provenance(result.provenance)}
    if isinstance(result, DecisionResult):
        return {**_decisions(result), "provenance": _provenance(result.provenance)}
    if isinstance(result, WhatIfResult):
        return {**_what_if(result), "provenance": _provenance(result.base.provenance)}
    if isinstance(result, (dict, list, str, int, float)) or result is None:
        return result
    raise TypeError(f"{type(result).__name__} isn't a result")


def _check(result: CheckResult) -> dict[str, object]:
    deciding = result.deciding
    return {
        "verdict": str(result.verdict),
        "deciding": None if deciding is None else deciding.name,
        "limits": [_outcome(o) for o in result.outcomes],
        "error": None if result.error is None else _error(result.error),
        "cost": None if result.cost is None else _cost(result.cost),
        "notes": list(result.notes),
        "provenance": _provenance(result.provenance),
    }


def _outcome(o: LimitOutcome) -> dict[str, object]:
    return {
        "name": o.name,
        "limit": o.limit_text,
        "origin": o.origin,
        "feasibility": o.feasibility.value,
        "low": {"value": _lower(o.low), "standing": o.low_standing},
        "high": {"value": _upper(o.high), "standing": o.high_standing},
    }


def _error(result: ErrorResult) -> dict[str, object]:
    return {
        "unit": result.unit,
        "bound": {"value": _upper(result.worst), "standing": "proved"},
        "witness": {"value": _lower(result.witness.value), "standing": "measured"},
        "tensors": [_tensor(t) for t in result.tensors],
        "attributed": result.attributed or None,
        "per_layer": [
            {
                "name": s.name,
                "op": s.op,
                "share": s.share,
                "alone": None if math.isnan(s.alone) else _upper(s.alone),
            }
            for s in result.per_layer
        ],
        "per_operator": result.per_operator,
        "saturation": [
            {"tensor": s.tensor, "low": s.low_count, "high": s.high_count, "elements": s.elements}
            for s in result.saturation
        ],
        "notes": list(result.notes),
    }


def _tensor(t: TensorError) -> dict[str, object]:
    return {
        "name": t.name,
        "reference_name": t.reference_name,
        "method": t.method,
        "shape": list(t.bound.shape),
        "bound": _uppers(t.bound),
        "lower": _lowers(t.lower),
        "upper": _uppers(t.upper),
        "witness": _lowers(t.witness_values),
        "witness_element": t.witness.element,
    }


def _decisions(result: DecisionResult) -> dict[str, object]:
    margin = result.safe_margin
    return {
        "tensor": result.tensor,
        "rows": len(result.rows),
        "proved": result.proved,
        "refuted": result.refuted,
        "undecided": result.undecided,
        "outside": result.outside,
        "decision_margin": {"value": _lower(result.fraction), "standing": "proved"},
        "safe_margin": None if margin is None else {"value": _upper(margin), "standing": "proved"},
        "by_row": [
            {
                "verdict": r.verdict.value,
                "winner": r.winner,
                "reference_margin": _lower(r.reference_margin),
                "deployed_margin": _lower(r.deployed_margin),
                # The input itself, flattened, one list per model input: every digit, so that it can be fed again.
                "witness": None if r.witness is None else [a.ravel().tolist() for a in r.witness],
            }
            for r in result.rows
        ],
    }


def _what_if(result: WhatIfResult) -> dict[str, object]:
    return {
        "base": _error(result.base),
        "cases": [
            {"name": c.name, "change": c.change, "share": c.share, "error": _error(c.error)}
            for c in result.cases
        ],
        "notes": list(result.notes),
    }


def _cost(result: CostResult) -> dict[str, object]:
    return {
        "target": result.target,
        **{name: _quantity(q) for name, q in result.quantities().items()},
        "notes": list(result.notes),
    }


def layers(result: CostResult) -> list[dict[str, object]]:
    """Every operator with its counts; seconds are estimated, null where not known."""
    return [
        {
            "name": node.name,
            "op": node.op,
            "macs": counted.macs,
            "other_operations": counted.other_operations,
            "parameter_bytes": counted.parameter_bytes,
            "seconds": seconds,
        }
        for node, counted, seconds in zip(
            result.graph.nodes, result.core.nodes, layer_seconds(result), strict=True
        )
    ]


def advice(found: OrderAdvice) -> dict[str, object]:
    """A better order, as advice; not what the arena is."""
    return {
        "order": list(found.names),
        "peak_bytes": found.peak_bytes,
        "given_bytes": found.given_bytes,
        "at_least_bytes": found.at_least_bytes,
    }


def _quantity(q: Quantity | None) -> object:
    if q is None:
        return None
    data: dict[str, object] = {"value": q.value, "unit": q.unit, "standing": q.standing}
    if q.low != q.high:
        data |= {"low": q.low, "high": q.high}
    return data | ({"note": q.note} if q.note else {})


def _provenance(p: Provenance) -> dict[str, object]:
    data: dict[str, Any] = {
        "question": p.question,
        "deployed": None if p.deployed is None else dict(p.deployed.__dict__),
        "reference": None if p.reference is None else dict(p.reference.__dict__),
        "semantics": p.semantics,
        "box": p.box,
        "box_sha256": p.box_sha256,
        "target": p.target,
        "versions": dict(p.versions),
        "rounding": p.rounding,
        "assumptions": list(p.assumptions),
        "options": dict(p.options),
    }
    return {key: value for key, value in data.items() if value not in ("", None, {}, [])}


def _write(data: object, indent: int | None, depth: int) -> Iterable[str]:
    """JSON text. The standard encoder can't be told how to write a number, hence this one."""
    if isinstance(data, Number):
        yield data.text
    elif isinstance(data, float):
        yield json.dumps(data) if math.isfinite(data) else "null"
    elif isinstance(data, dict) and data:
        yield from _items("{", "}", [(json.dumps(str(k)) + ": ", v) for k, v in data.items()], indent, depth)
    elif isinstance(data, list) and data:
        flat = indent is None or not any(isinstance(v, (dict, list)) for v in data)
        yield from _items("[", "]", [("", v) for v in data], None if flat else indent, depth)
    else:
        yield json.dumps(data)


def _items(
    start: str, end: str, items: list[tuple[str, object]], indent: int | None, depth: int
) -> Iterable[str]:
    new = "" if indent is None else "\n" + " " * (indent * (depth + 1))
    yield start
    for index, (key, value) in enumerate(items):
        yield ("," if index else "") + (new or (" " if index else "")) + key
        yield from _write(value, indent, depth + 1)
    yield ("" if indent is None else "\n" + " " * (indent * depth)) + end
