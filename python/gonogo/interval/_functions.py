"""Functions of intervals, arrays of intervals, and of numbers taken as intervals."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Protocol, SupportsIndex, Union, cast, overload

import numpy as np
import numpy.typing as npt

from gonogo._core import interval as core
from gonogo._core import numeric
from gonogo.interval._array import IntervalArray
from gonogo.interval._numbers import Number, contiguous, enclose_array, refuse, require_exact
from gonogo.interval._scalar import Interval, operand

Scalar = Union[Interval, Number]
ArrayLike = Union[IntervalArray, npt.NDArray[Any]]


class UnaryFunction(Protocol):
    """A function of one interval, element by element for arrays."""

    @overload
    def __call__(self, x: Scalar) -> Interval: ...
    @overload
    def __call__(self, x: ArrayLike) -> IntervalArray: ...


class BinaryFunction(Protocol):
    """A function of two intervals, element by element under numpy's broadcasting when one is an array."""

    @overload
    def __call__(self, x: Scalar, y: Scalar) -> Interval: ...
    @overload
    def __call__(self, x: ArrayLike, y: Scalar | ArrayLike) -> IntervalArray: ...
    @overload
    def __call__(self, x: Scalar, y: ArrayLike) -> IntervalArray: ...


def lifted(x: Any) -> Interval | IntervalArray:
    """An interval, or an array of intervals, from what may stand for one."""
    if isinstance(x, (Interval, IntervalArray)):
        return x
    one = operand(x)
    if one is None and not isinstance(x, (np.ndarray, list, tuple)):
        raise refuse(x, "an interval, a number or an array of either")
    return IntervalArray(x) if one is None else one


def _unary(definition: Callable[[Any], Any]) -> UnaryFunction:
    name = definition.__name__.rstrip("_")

    @functools.wraps(definition)
    def function(x: Any) -> Any:
        return lifted(x)._unary(name)

    return cast(UnaryFunction, function)


def _binary(definition: Callable[[Any, Any], Any]) -> BinaryFunction:
    name = definition.__name__.rstrip("_")

    @functools.wraps(definition)
    def function(x: Any, y: Any) -> Any:
        if name.startswith("cancel"):
            require_exact(x)
            require_exact(y)
        a, b = lifted(x), lifted(y)
        return b._binary(name, a, swapped=True) if isinstance(b, IntervalArray) else a._binary(name, b)

    return cast(BinaryFunction, function)


# ---- arithmetic: tightest


@_unary
def recip(x: Any) -> Any:
    """1 / x for x != 0; tightest."""


@_unary
def sqr(x: Any) -> Any:
    """x * x; tightest."""


@_unary
def sqrt(x: Any) -> Any:
    """Square root of x >= 0; tightest."""


@_unary
def abs(x: Any) -> Any:
    """Absolute value; exact."""


@_unary
def sign(x: Any) -> Any:
    """-1, 0 or 1."""


@_unary
def ceil(x: Any) -> Any:
    """Least integer >= x."""


@_unary
def floor(x: Any) -> Any:
    """Greatest integer <= x."""


@_unary
def trunc(x: Any) -> Any:
    """x rounded to an integer towards zero."""


@_unary
def round_ties_to_even(x: Any) -> Any:
    """Nearest integer, an even one when two are equally near."""


@_unary
def round_ties_to_away(x: Any) -> Any:
    """Nearest integer, the one further from zero when two are equally near."""


@_binary
def min(x: Any, y: Any) -> Any:
    """The smaller number."""


@_binary
def max(x: Any, y: Any) -> Any:
    """The larger number."""


@_binary
def intersection(x: Any, y: Any) -> Any:
    """What both sets have in common."""


@_binary
def hull(x: Any, y: Any) -> Any:
    """The smallest interval that contains both (IEEE 1788's convexHull)."""


@_binary
def cancel_minus(x: Any, y: Any) -> Any:
    """The smallest z so that y + z contains x; entire when x is narrower than y."""


@_binary
def cancel_plus(x: Any, y: Any) -> Any:
    """cancel_minus(x, -y)."""


def fma(x: Scalar | ArrayLike, y: Scalar | ArrayLike, z: Scalar | ArrayLike) -> Any:
    """x * y + z with one rounding of each end; tightest. An IntervalArray when an operand is an array."""
    a, b, c = lifted(x), lifted(y), lifted(z)
    if isinstance(a, Interval) and isinstance(b, Interval) and isinstance(c, Interval):
        return Interval._made(core.fma(a._lo, a._hi, b._lo, b._hi, c._lo, c._hi))
    return IntervalArray(a).fma(b, c)


def pown(x: Scalar | ArrayLike, exponent: SupportsIndex) -> Any:
    """x to an integer power; tightest. x^0 = 1; for a negative exponent x != 0."""
    return lifted(x).pown(exponent)


# ---- elementary: within accuracy_ulp of the tightest


@_unary
def exp(x: Any) -> Any:
    """e^x."""


@_unary
def expm1(x: Any) -> Any:
    """e^x - 1."""


@_unary
def exp2(x: Any) -> Any:
    """2^x."""


@_unary
def log(x: Any) -> Any:
    """Natural logarithm of x > 0."""


@_unary
def log1p(x: Any) -> Any:
    """log(1 + x) for x > -1."""


@_unary
def log2(x: Any) -> Any:
    """Logarithm to the base 2 of x > 0."""


@_unary
def sin(x: Any) -> Any:
    """Sine of x in radians."""


@_unary
def cos(x: Any) -> Any:
    """Cosine of x in radians."""


@_unary
def tanh(x: Any) -> Any:
    """Hyperbolic tangent."""


@_unary
def erf(x: Any) -> Any:
    """Error function."""


@_unary
def sigmoid(x: Any) -> Any:
    """1 / (1 + e^-x)."""


@_unary
def softplus(x: Any) -> Any:
    """log(1 + e^x)."""


def accuracy_ulp(function: str) -> float:
    """The most by which an end of an elementary function lies outside the exact one, in units in the last place of
    the exact end. ValueError for a function that isn't one of them."""
    return numeric.accuracy_ulp(function)


# ---- reductions of numbers: formed exactly, rounded once to nearest


def _flat(x: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """All elements; NaN and infinities are allowed here."""
    array = np.array(x, dtype=object) if isinstance(x, (list, tuple)) else np.asarray(x)
    if array.dtype == object and all(type(element) is float for element in array.ravel()):
        array = array.astype(np.float64)
    if array.dtype == np.float64:
        return contiguous(array).ravel()
    lower, upper = enclose_array(array)
    if lower is not upper and lower.tobytes() != upper.tobytes():
        raise TypeError("expected float64 numbers, or integers up to 2**53")
    return lower.ravel()


def sum_nearest(x: npt.ArrayLike) -> float:
    """The sum of all elements, correctly rounded; NaN for NaN and for infinities of both signs."""
    return core.sum(_flat(x))


def sum_abs_nearest(x: npt.ArrayLike) -> float:
    """The sum of absolute values, correctly rounded; NaN for NaN."""
    return core.sum_abs(_flat(x))


def sum_square_nearest(x: npt.ArrayLike) -> float:
    """The sum of squares, correctly rounded; NaN for NaN."""
    return core.sum_square(_flat(x))


def dot_nearest(x: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """The sum of products, correctly rounded; NaN for NaN and 0 * inf. ValueError for unequal lengths."""
    return core.dot(_flat(x), _flat(y))
