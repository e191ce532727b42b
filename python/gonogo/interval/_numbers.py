"""From Python's and numpy's numbers to float64 ends, exactly or outward; all rounding is the core's."""

from __future__ import annotations

import operator
from decimal import Decimal
from fractions import Fraction
from typing import SupportsIndex, Union

import numpy as np
import numpy.typing as npt

from gonogo._core import interval as core
from gonogo.errors import IntervalError

Floats = npt.NDArray[np.float64]
Ends = tuple[float, float]
Number = Union[int, float, Fraction, Decimal, "np.integer[npt.NBitBase]", "np.floating[npt.NBitBase]"]

_EXACT_INT = 2**53
_LONGEST = 13_000  # bits that fit into the text of a literal
_HUGE = 1100  # a number of so many bits is beyond every float


def refuse(value: object, wanted: str = "a real number") -> TypeError:
    return TypeError(f"expected {wanted}, not {type(value).__name__}")


def _rational(numerator: int, denominator: int) -> Ends:
    if denominator == 1 and numerator.bit_length() > _HUGE:
        return core.parse("1e400" if numerator > 0 else "-1e400")
    if numerator.bit_length() + denominator.bit_length() > _LONGEST:
        raise IntervalError(f"a fraction of more than {_LONGEST} bits")
    return core.parse(f"{numerator}/{denominator}")


def is_number(value: object) -> bool:
    """Whether `enclose` takes it and it isn't text. A truth value is no number."""
    if isinstance(value, (bool, np.bool_)):
        return False
    return isinstance(value, (int, float, Fraction, Decimal, np.integer, np.floating))


def enclose(value: object) -> Ends:
    """The greatest float64 <= value and the least >= it; infinities stay as they are.

    Raises:
        IntervalError: NaN, or text that is no number.
        TypeError: a truth value, a complex number, or no number at all.
    """
    if isinstance(value, (bool, np.bool_)):
        raise refuse(value)
    if isinstance(value, (float, np.float16, np.float32)):
        exact = float(value)
        if exact != exact:
            raise IntervalError("NaN is no real number")
        return exact, exact
    if isinstance(value, (int, np.integer)):
        whole = operator.index(value)
        if -_EXACT_INT <= whole <= _EXACT_INT:
            return float(whole), float(whole)
        return _rational(whole, 1)
    if isinstance(value, Fraction):
        return _rational(value.numerator, value.denominator)
    if isinstance(value, Decimal):
        if value.is_nan():
            raise IntervalError("NaN is no real number")
        return core.parse(str(value)) if value.is_finite() else enclose(float(value))
    if isinstance(value, np.floating):  # wider than float64
        if not np.isfinite(value):
            return enclose(float(value))
        return _rational(*value.as_integer_ratio())
    if isinstance(value, str):
        if "[" in value or "?" in value:
            raise IntervalError(f"{value[:40]!r} is an interval where a number is expected")
        if value[value[:1] in ("+", "-") :].lower() in ("inf", "infinity"):
            return enclose(-float("inf") if value[0] == "-" else float("inf"))
        return core.parse(value)
    raise refuse(value)


def is_exact(value: object) -> bool:
    """Whether all numbers in it, however nested, are float64 numbers; intervals and literals stand for themselves."""
    if is_number(value):
        low, high = enclose(value)
        return low == high
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "OU":
            return is_exact(value.tolist())
        lower, upper = enclose_array(value)
        return lower is upper or bool((lower == upper).all())
    return all(map(is_exact, value)) if isinstance(value, (list, tuple)) else True


def require_exact(value: object) -> None:
    """For what compares sets or takes one out of another: an outward rounded operand would give a wrong answer."""
    if not is_exact(value):
        raise IntervalError(
            f"{str(value)[:40]} isn't a float64 number; make it an interval first: Interval(...)"
        )


def ends_of(lower: object, upper: object) -> Ends:
    """The smallest interval with all numbers from `lower` to `upper`; IntervalError when they are in wrong order."""
    low, high = enclose(lower), enclose(upper)
    if not core.less(*low, *high):
        raise IntervalError(f"the lower end {lower} is above the upper end {upper}")
    return core.make(low[0], high[1])


def exponent_of(value: SupportsIndex) -> int:
    """An integer exponent that the core takes."""
    if isinstance(value, (bool, np.bool_)):
        raise refuse(value, "an integer exponent")
    whole = value if type(value) is int else operator.index(value)
    if not -(2**63) < whole < 2**63:
        raise OverflowError("the exponent needs more than 64 bits")
    return whole


def contiguous(array: npt.ArrayLike) -> Floats:
    """As float64 in C order, whatever the number of dimensions."""
    values = np.asarray(array, dtype=np.float64)
    return np.ascontiguousarray(values).reshape(values.shape)


def enclose_array(value: object) -> tuple[Floats, Floats]:
    """The same for every element of an array or of nested sequences."""
    # Not numpy's choice of type for a list: it would round large integers beside a float.
    array = np.array(value, dtype=object) if isinstance(value, (list, tuple)) else np.asarray(value)
    kind = array.dtype.kind
    if kind == "b" or kind == "c":
        raise TypeError(f"expected an array of real numbers, not of {array.dtype}")
    exact = array.dtype in (np.float64, np.float32, np.float16) or (
        kind in "iu" and (array.size == 0 or (array.min() >= -_EXACT_INT and array.max() <= _EXACT_INT))
    )
    if exact:
        same = contiguous(array)
        return same, same
    pairs = [enclose(x) for x in array.ravel()]
    lower, upper = (np.array([p[k] for p in pairs], dtype=np.float64).reshape(array.shape) for k in (0, 1))
    return lower, upper
