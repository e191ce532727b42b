"""Products of arrays of intervals with matrices of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gonogo._core import numeric
from gonogo.interval._numbers import Floats, enclose_array

if TYPE_CHECKING:
    from gonogo.interval._array import IntervalArray


def weights_of(value: object) -> Floats | None:
    """A matrix or vector of float64 numbers; None for what isn't an array."""
    if not isinstance(value, np.ndarray):
        return None
    lower, upper = enclose_array(value)
    if lower is not upper:
        raise TypeError(f"a matrix of {value.dtype} whose numbers are no float64 numbers")
    if value.ndim not in (1, 2):
        raise ValueError(f"a matrix or vector of numbers is needed, not an array of shape {value.shape}")
    return lower


def _check(left: tuple[int, ...], right: tuple[int, ...], inner: tuple[int, int]) -> None:
    if inner[0] != inner[1]:
        raise ValueError(f"shapes {left} and {right} don't fit in a matrix product")


def weights_times(w: Floats, x: IntervalArray) -> Any:
    """w @ x; x has one or two dimensions."""
    if x.ndim not in (1, 2):
        raise ValueError(f"w @ x needs x of one or two dimensions, not shape {x.shape}")
    _check(w.shape, x.shape, (w.shape[-1], x.shape[0]))
    matrix = w if w.ndim == 2 else w.reshape(1, -1)
    result = x._made(numeric.matmul(np.ascontiguousarray(matrix), x.lower, x.upper))
    return result if w.ndim == 2 else result[0]


def times_weights(x: IntervalArray, w: Floats) -> Any:
    """x @ w; leading dimensions of x stay."""
    if x.ndim == 0:
        raise ValueError("x @ w needs x of one dimension or more")
    _check(x.shape, w.shape, (x.shape[-1], w.shape[0]))
    rows = x.reshape(int(np.prod(x.shape[:-1])), x.shape[-1])
    result = weights_times(np.ascontiguousarray(w.T), rows.T)
    if w.ndim == 1:
        return result.reshape(x.shape[:-1])[()]
    return result.T.reshape(*x.shape[:-1], w.shape[1])
