"""The ITF1788 suite against `gonogo.Interval`: which assertions are run, how, and why the others aren't."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import gonogo
import numpy as np
from gonogo import interval
from gonogo.errors import IntervalError

from support.itl import Assertion, Ends, Nai, Name, Value, assertions

Interval = gonogo.Interval


def unary(name: str) -> Callable[..., Any]:
    return getattr(interval, name)


def binary(name: str) -> Callable[..., Any]:
    return getattr(interval, name)


def method(name: str) -> Callable[..., Any]:
    return lambda *operands: getattr(operands[0], name)(*operands[1:])


def number(name: str) -> Callable[..., Any]:
    return lambda x: getattr(x, name)


def nums_to_interval(lower: float, upper: float) -> Any:
    return Interval(lower, upper)


# Name in the suite -> what computes it here.
TIGHTEST: dict[str, Callable[..., Any]] = {
    "pos": lambda x: +x,
    "neg": lambda x: -x,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "fma": interval.fma,
    "pown": lambda x, n: x ** int(n),
    "roundTiesToEven": unary("round_ties_to_even"),
    "roundTiesToAway": unary("round_ties_to_away"),
    "intersection": lambda a, b: a & b,
    "convexHull": lambda a, b: a | b,
    "cancelMinus": binary("cancel_minus"),
    "cancelPlus": binary("cancel_plus"),
    "intervalPart": lambda x: x,
    "b-textToInterval": Interval,
    "d-textToInterval": Interval,
    "b-numsToInterval": nums_to_interval,
    "d-numsToInterval": nums_to_interval,
    **{name: unary(name) for name in ("abs", "recip", "sqr", "sqrt", "sign", "ceil", "floor", "trunc")},
    **{name: binary(name) for name in ("min", "max")},
}
ELEMENTARY = {name: unary(name) for name in ("exp", "exp2", "log", "log2", "sin", "cos", "tanh")}
EXACT: dict[str, Callable[..., Any]] = {
    "isEmpty": method("is_empty"),
    "isEntire": method("is_entire"),
    "isSingleton": method("is_singleton"),
    "isCommonInterval": method("is_common"),
    "isMember": lambda x, a: bool(np.isfinite(x)) and x in a,
    "strictLess": method("strict_less"),
    "strictPrecedes": method("strict_precedes"),
    "overlap": method("overlap"),
    **{name: method(name) for name in ("equal", "subset", "less", "precedes", "interior", "disjoint")},
    **{name: number(name) for name in ("inf", "sup", "mid", "rad", "wid", "mag", "mig")},
    "midRad": method("mid_rad"),
    "sum_nearest": interval.sum_nearest,
    "sum_abs_nearest": interval.sum_abs_nearest,
    "sum_sqr_nearest": interval.sum_square_nearest,
    "dot_nearest": interval.dot_nearest,
}
OFFERED = {**TIGHTEST, **ELEMENTARY, **EXACT}
# What can't pass without outward rounding.
ROUNDED = {
    *("add", "sub", "mul", "div", "recip", "sqr", "sqrt", "fma", "pown", "cancelMinus", "cancelPlus"),
    *("b-textToInterval", "d-textToInterval"),
    *ELEMENTARY,
}
DECORATIONS = {"newDec", "setDec", "decorationPart", "isNaI"}


def left_out(a: Assertion) -> str:
    """Why an assertion isn't run; empty when it is."""
    if a.operation in DECORATIONS:
        return "decorations aren't offered"
    if "Rev" in a.operation:
        return "reverse operations aren't offered"
    if a.operation not in OFFERED:
        return "function not offered"
    if any(isinstance(v, Nai) for v in a.operands):
        return "NaI exists with decorations only"
    if a.operation == "d-textToInterval" and isinstance(a.operands[0], str):
        text = a.operands[0].strip().lower()
        if "_" in text or "nai" in text:
            return "decorations aren't offered"
    return ""


def operand(value: Value) -> Any:
    if isinstance(value, Ends):
        return Interval.empty() if value.empty else Interval(value.lo, value.hi)
    if isinstance(value, tuple):
        return np.array(value)
    assert not isinstance(value, Nai)
    return value.text if isinstance(value, Name) else value


def same_number(found: float, expected: float) -> bool:
    if math.isnan(expected):
        return math.isnan(found)
    return found == expected and (found != 0 or math.copysign(1, found) == math.copysign(1, expected))


def same_ends(found: Any, expected: Ends) -> bool:
    return bool(found.lower == expected.lo and found.upper == expected.hi)


def place(x: float) -> Fraction:
    return Fraction(x) if math.isfinite(x) else Fraction(2) ** 1024 * (1 if x > 0 else -1)


def close(found: Any, expected: Ends, ulps: float) -> bool:
    """Contains the tightest result, with ends at most so many units in the last place further out."""
    if expected.empty or not (found.lower <= expected.lo and expected.hi <= found.upper):
        return same_ends(found, expected)
    return all(
        a == b or abs(place(a) - place(b)) <= Fraction(ulps) * Fraction(math.ulp(min(abs(b), 1.7e308)))
        for a, b in ((found.lower, expected.lo), (found.upper, expected.hi))
        if not (math.isinf(b) and a == b)
    )


def passes(a: Assertion) -> bool:
    """Runs an assertion. An undefined operation is an error here; a possibly undefined one has its value."""
    compute = OFFERED[a.operation]
    operands = [operand(v) for v in a.operands]
    expected = a.results[0]
    if a.signal == "UndefinedOperation":
        try:
            compute(*operands)
        except IntervalError:
            return True
        return False
    found = compute(*operands)
    if a.operation in ELEMENTARY:
        assert isinstance(expected, Ends)
        return close(found, expected, interval.accuracy_ulp(a.operation))
    if isinstance(expected, Ends):
        return same_ends(found, expected)
    if isinstance(expected, Name):
        return str(found).lower() == expected.text.lower()
    if len(a.results) > 1:
        return all(same_number(x, float(y)) for x, y in zip(found, a.results, strict=True))  # type: ignore[arg-type]
    assert isinstance(expected, float)
    return same_number(found, expected)


@dataclass
class Count:
    """One operation in one file."""

    total: int = 0
    run: int = 0
    passed: int = 0
    reasons: dict[str, int] = field(default_factory=dict)


def all_assertions(folder: Path) -> Iterator[Assertion]:
    for path in sorted(folder.glob("*.itl")):
        yield from assertions(path)


def tally(folder: Path) -> dict[tuple[str, str], Count]:
    counts: dict[tuple[str, str], Count] = {}
    for a in all_assertions(folder):
        count = counts.setdefault((a.operation, a.file), Count())
        count.total += 1
        reason = left_out(a)
        if reason:
            count.reasons[reason] = count.reasons.get(reason, 0) + 1
        else:
            count.run += 1
            count.passed += passes(a)
    return counts


__all__ = ["Assertion", "Count", "all_assertions", "left_out", "passes", "tally"]
