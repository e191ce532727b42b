"""numpy's functions on intervals: each goes to the function of the same meaning here."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from gonogo.interval import _functions as f
from gonogo.interval._array import IntervalArray
from gonogo.interval._functions import lifted
from gonogo.interval._numbers import require_exact


def _lifting(operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """An operator with both operands as intervals, so that numpy isn't asked again."""
    return lambda a, b: operation(lifted(a), lifted(b))


def _power(x: Any, exponent: Any) -> Any:
    if isinstance(exponent, np.ndarray) and exponent.ndim > 0:
        raise TypeError("one integer exponent for all elements, not an array of them")
    return f.pown(x, exponent)


def _matmul(a: Any, b: Any) -> Any:
    if isinstance(a, IntervalArray):
        return a.__matmul__(b)
    return b.__rmatmul__(a) if isinstance(b, IntervalArray) else NotImplemented


def _comparing(operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Comparisons of sets with numbers: those must be float64 numbers, or the answer would be about others."""

    def compare(a: Any, b: Any) -> Any:
        require_exact(a)
        require_exact(b)
        return operation(lifted(a), lifted(b))

    return compare


HANDLERS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: _lifting(operator.add),
    np.subtract: _lifting(operator.sub),
    np.multiply: _lifting(operator.mul),
    np.true_divide: _lifting(operator.truediv),
    np.matmul: _matmul,
    np.power: _power,
    np.negative: operator.neg,
    np.positive: operator.pos,
    np.absolute: f.abs,
    np.fabs: f.abs,
    np.reciprocal: f.recip,
    np.square: f.sqr,
    np.sqrt: f.sqrt,
    np.sign: f.sign,
    np.ceil: f.ceil,
    np.floor: f.floor,
    np.trunc: f.trunc,
    np.rint: f.round_ties_to_even,
    np.minimum: f.min,
    np.maximum: f.max,
    np.exp: f.exp,
    np.expm1: f.expm1,
    np.exp2: f.exp2,
    np.log: f.log,
    np.log1p: f.log1p,
    np.log2: f.log2,
    np.sin: f.sin,
    np.cos: f.cos,
    np.tanh: f.tanh,
    np.equal: _comparing(operator.eq),
    np.not_equal: _comparing(operator.ne),
    np.less: _lifting(operator.lt),
    np.less_equal: _lifting(operator.le),
    np.greater: _lifting(operator.gt),
    np.greater_equal: _lifting(operator.ge),
}


def dispatch(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """The protocol behind ``np.exp(x)`` and ``array + x``; NotImplemented, so TypeError, for all that isn't here."""
    handler = HANDLERS.get(ufunc)
    if handler is None or method != "__call__" or options:
        return NotImplemented
    return handler(*inputs)
