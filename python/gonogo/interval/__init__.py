"""Interval arithmetic after IEEE 1788 (set-based, bare intervals on float64): a library of its own.

>>> from gonogo import Interval, interval
>>> x = Interval("[0.1, 0.2]")
>>> 1 / x
Interval('[4.9999999999999991, 10.000000000000002]')
>>> interval.exp(x) in interval.exp(Interval(0, 1))
True

`Interval` is one interval, `IntervalArray` an array of them; the functions here take both, and numbers and
numpy arrays too. Every result contains all true results, in every process state and on every number of threads.
Arithmetic, square root, integer powers and sums are the tightest possible; an elementary function's ends lie at
most `accuracy_ulp` units in the last place outside, and an array's may differ from a single interval's within
that. docs/conformance.md lists what of the standard is there and what isn't.
"""

from gonogo.interval._array import IntervalArray
from gonogo.interval._functions import (
    abs,
    accuracy_ulp,
    cancel_minus,
    cancel_plus,
    ceil,
    cos,
    dot_nearest,
    erf,
    exp,
    exp2,
    expm1,
    floor,
    fma,
    hull,
    intersection,
    log,
    log1p,
    log2,
    max,
    min,
    pown,
    recip,
    round_ties_to_away,
    round_ties_to_even,
    sigmoid,
    sign,
    sin,
    softplus,
    sqr,
    sqrt,
    sum_abs_nearest,
    sum_nearest,
    sum_square_nearest,
    tanh,
    trunc,
)
from gonogo.interval._scalar import Interval

__all__ = [
    "Interval",
    "IntervalArray",
    "abs",
    "accuracy_ulp",
    "cancel_minus",
    "cancel_plus",
    "ceil",
    "cos",
    "dot_nearest",
    "erf",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "fma",
    "hull",
    "intersection",
    "log",
    "log1p",
    "log2",
    "max",
    "min",
    "pown",
    "recip",
    "round_ties_to_away",
    "round_ties_to_even",
    "sigmoid",
    "sign",
    "sin",
    "softplus",
    "sqr",
    "sqrt",
    "sum_abs_nearest",
    "sum_nearest",
    "sum_square_nearest",
    "tanh",
    "trunc",
]
