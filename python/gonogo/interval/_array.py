"""Arrays of intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Union

import numpy as np
import numpy.typing as npt

from gonogo._core import interval as core
from gonogo.errors import IntervalError, UndecidedError
from gonogo.interval._matmul import times_weights, weights_of, weights_times
from gonogo.interval._numbers import (
    Floats,
    Number,
    contiguous,
    enclose_array,
    is_number,
    require_exact,
)
from gonogo.interval._relations import Relations
from gonogo.interval._scalar import Interval
from gonogo.interval._shape import Shaped

if TYPE_CHECKING:
    from typing_extensions import Self

Booleans = npt.NDArray[np.bool_]
Other = Union["IntervalArray", Interval, Number, npt.NDArray[Any]]


class IntervalArray(Shaped, Relations[Booleans]):
    """Intervals in an array of any shape: two float64 arrays of ends, `lower` and `upper`.

    An array of intervals never changes. It is made from

    - numbers: an array, or nested sequences. Integers beyond 2**53, wide floats, Fractions and Decimals are rounded
      outward, everything else is exact;
    - two arrays, lower and upper ends, which may be infinite; an element (inf, -inf) is the empty set;
    - nested sequences of Interval and of literals: ``IntervalArray(["[1, 2]", "0.1"])``.

    Operators and functions work element by element under numpy's broadcasting, with intervals, numbers and arrays of
    either; ``x @ weights`` and ``weights @ x`` with a float64 matrix. numpy's own functions of the same names work too.

    Comparisons with ``==``, ``<``, ``<=`` give an array of truth values when every element is decided, else they raise
    UndecidedError; `equal`, `subset`, `precedes` and the like compare sets and always answer.

    Raises:
        IntervalError: an element whose lower end is above the upper one, or NaN.
        TypeError: truth values, complex numbers.
        ValueError: shapes that don't fit together.

    >>> x = IntervalArray([0.0, 1.0], [1.0, 3.0])
    >>> print(x * x + 1)
    [[1, 2] [2, 10]]
    """

    __slots__ = ("_hi", "_lo")
    _lo: Floats
    _hi: Floats

    def __new__(cls, value: Other | npt.ArrayLike, upper: npt.ArrayLike | None = None) -> Self:
        if upper is not None:
            lows, highs = enclose_array(value), enclose_array(upper)
            if lows[0] is not lows[1] or highs[0] is not highs[1]:  # rounded ends may hide a wrong order
                ordered = np.less_equal(lows[0], highs[0]) & np.less_equal(lows[1], highs[1])
                if not (ordered | (np.isposinf(lows[0]) & np.isneginf(highs[1]))).all():
                    raise IntervalError("an element's lower end is above its upper end")
            low, high = np.broadcast_arrays(lows[0], highs[1])
            return cls._made(core.make_array(contiguous(low), contiguous(high)))
        if isinstance(value, IntervalArray):
            return cls._made((value._lo, value._hi))
        if isinstance(value, Interval):
            return cls._made((np.array(value.lower), np.array(value.upper)))
        if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.dtype.kind in "OU"):
            return cls._from_elements(value)
        return cls._made(core.make_array(*enclose_array(value)))

    @classmethod
    def _from_elements(cls, value: Any) -> Self:
        if isinstance(value, np.ndarray):
            value = value.tolist()
        lower, upper = _collect(value)
        return cls._made(core.make_array(contiguous(lower), contiguous(upper)))

    @classmethod
    def _made(cls, ends: tuple[Floats, Floats]) -> Self:
        x = object.__new__(cls)
        for name, array in zip(("_lo", "_hi"), ends, strict=True):
            array.flags.writeable = False
            object.__setattr__(x, name, array)
        return x

    @classmethod
    def from_mid_rad(cls, mid: npt.ArrayLike, rad: npt.ArrayLike) -> Self:
        """The numbers at most `rad` away from `mid`, element by element, rounded outward. IntervalError for rad < 0."""
        least, most = enclose_array(rad)
        if not (least >= 0.0).all():
            raise IntervalError("a radius is negative or NaN")
        around = cls._made(core.make_array(contiguous(-most), contiguous(most)))
        low, high = enclose_array(mid)
        return cls._made(core.make_array(contiguous(low), contiguous(high))) + around  # type: ignore[return-value]

    # ---- numbers, each a float64 array of this shape

    @property
    def lower(self) -> Floats:
        """The lower ends, read-only; inf for the empty set."""
        return self._lo.view()

    @property
    def upper(self) -> Floats:
        """The upper ends, read-only; -inf for the empty set."""
        return self._hi.view()

    def _number(self, name: str) -> Floats:
        return core.number_array(name, self._lo, self._hi)

    @property
    def mid(self) -> Floats:
        """Midpoints, to nearest; 0 for entire, the greatest float64 or its negative for half-lines, NaN for empty."""
        return self._number("mid")

    @property
    def rad(self) -> Floats:
        """The least r, rounded up, so that [mid - r, mid + r] contains the interval; NaN for empty."""
        return self._number("rad")

    @property
    def wid(self) -> Floats:
        """upper - lower, rounded up; NaN for empty."""
        return self._number("wid")

    @property
    def mag(self) -> Floats:
        """Greatest absolute values; NaN for empty."""
        return self._number("mag")

    @property
    def mig(self) -> Floats:
        """Least absolute values; NaN for empty."""
        return self._number("mig")

    @property
    def inf(self) -> Floats:
        """The lower ends as IEEE 1788 wants them: zero is -0.0."""
        return self._number("inf")

    @property
    def sup(self) -> Floats:
        """The upper ends as IEEE 1788 wants them: zero is +0.0."""
        return self._number("sup")

    def mid_rad(self) -> tuple[Floats, Floats]:
        """`mid` and `rad`."""
        return self.mid, self.rad

    # ---- arithmetic

    def _unary(self, operation: str) -> Self:
        return self._made(core.unary_array(operation, self._lo, self._hi))

    def _binary(self, operation: str, other: Any, swapped: bool = False) -> Any:
        x = _array_of(other)
        if x is None:
            return NotImplemented
        if operation.startswith("cancel"):
            require_exact(other)
        a, b = fitted(x, self) if swapped else fitted(self, x)
        return self._made(core.binary_array(operation, a._lo, a._hi, b._lo, b._hi))

    def _power(self, exponent: int) -> Self:
        return self._made(core.pown_array(self._lo, self._hi, exponent))

    def fma(self, factor: Other, addend: Other) -> IntervalArray:
        """self * factor + addend with one rounding of each end."""
        a, b, c = fitted(self, IntervalArray(factor), IntervalArray(addend))
        return self._made(core.fma_array(a._lo, a._hi, b._lo, b._hi, c._lo, c._hi))

    def __add__(self, other: Other) -> IntervalArray:
        return self._binary("add", other)  # type: ignore[no-any-return]

    def __sub__(self, other: Other) -> IntervalArray:
        return self._binary("sub", other)  # type: ignore[no-any-return]

    def __mul__(self, other: Other) -> IntervalArray:
        return self._binary("mul", other)  # type: ignore[no-any-return]

    def __truediv__(self, other: Other) -> IntervalArray:
        return self._binary("div", other)  # type: ignore[no-any-return]

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: Other) -> IntervalArray:
        return self._binary("sub", other, swapped=True)  # type: ignore[no-any-return]

    def __rtruediv__(self, other: Other) -> IntervalArray:
        return self._binary("div", other, swapped=True)  # type: ignore[no-any-return]

    def __matmul__(self, other: npt.NDArray[Any]) -> Any:
        """x @ w for a matrix or vector of float64 numbers: an enclosure by midpoint and radius, not the tightest."""
        w = weights_of(other)
        return NotImplemented if w is None else times_weights(self, w)

    def __rmatmul__(self, other: npt.NDArray[Any]) -> Any:
        """w @ x, likewise."""
        w = weights_of(other)
        return NotImplemented if w is None else weights_times(w, self)

    def sum(self, axis: int | None = None) -> Any:
        """The sum along an axis, or of all elements as an Interval; tightest, whatever the order."""
        if axis is None:
            return self.ravel().sum(axis=0)
        ends = [np.moveaxis(e, axis, 0) for e in (self._lo, self._hi)]
        shape = ends[0].shape
        columns = int(np.prod(shape[1:]))
        flat = (np.ascontiguousarray(e).reshape(shape[0], columns) for e in ends)
        return self._made(core.sum_array(*flat)).reshape(shape[1:])[()]

    # ---- sets, element by element

    def _state(self, name: str) -> Booleans:
        return core.state_array(name, self._lo, self._hi)

    def _relation(self, name: str, other: Other) -> Booleans:
        require_exact(other)
        a, b = fitted(self, IntervalArray(other))
        return core.relation_array(name, a._lo, a._hi, b._lo, b._hi)

    def contains(self, other: Other) -> Booleans:
        """Every number of `other` is here. Exact for every kind of number."""
        return IntervalArray(other)._relation("subset", self)

    def overlap(self, other: Other) -> npt.NDArray[np.str_]:
        """How the two lie to each other, by its name in IEEE 1788."""
        require_exact(other)
        a, b = fitted(self, IntervalArray(other))
        return np.array(core.overlap_names)[core.overlap_array(a._lo, a._hi, b._lo, b._hi)]

    # ---- comparisons that answer only when all numbers agree

    def _decided(self, other: Any, sign: str, holds: str, fails: str) -> Any:
        x = _array_of(other)
        if x is None:
            return NotImplemented
        if sign == "==":
            require_exact(other)
        true, false = self._relation(holds, x), x._relation(fails, self)
        if sign != "==":
            nothing = self.is_empty() | x.is_empty()
            true, false = true & ~nothing, false & ~nothing
        if not np.all(true | false):
            where = tuple(int(i) for i in np.argwhere(~(true | false))[0])
            raise UndecidedError(
                f"x {sign} y holds for some numbers of element {list(where)} and not for others; "
                "use precedes, strict_precedes, less, subset or equal to compare sets"
            )
        return true

    def __lt__(self, other: Other) -> Booleans:
        return self._decided(other, "<", "strict_precedes", "precedes")  # type: ignore[no-any-return]

    def __le__(self, other: Other) -> Booleans:
        return self._decided(other, "<=", "precedes", "strict_precedes")  # type: ignore[no-any-return]

    def __gt__(self, other: Other) -> Booleans:
        x = _array_of(other)
        return NotImplemented if x is None else x < self

    def __ge__(self, other: Other) -> Booleans:
        x = _array_of(other)
        return NotImplemented if x is None else x <= self

    def __eq__(self, other: object) -> Booleans:  # type: ignore[override]
        return self._decided(other, "==", "equal", "disjoint")  # type: ignore[no-any-return]

    def __ne__(self, other: object) -> Booleans:  # type: ignore[override]
        decided = self.__eq__(other)
        return NotImplemented if decided is NotImplemented else ~decided

    __hash__ = None  # type: ignore[assignment]


def _collect(value: Any) -> tuple[Any, Any]:
    """Lower and upper ends of nested sequences of intervals, numbers and literals, nested alike."""
    if isinstance(value, (list, tuple)):
        pairs = [_collect(v) for v in value]
        return [p[0] for p in pairs], [p[1] for p in pairs]
    if isinstance(value, IntervalArray):
        return value.lower, value.upper
    if isinstance(value, np.ndarray):
        return enclose_array(value)
    x = value if isinstance(value, Interval) else Interval(value)
    return x.lower, x.upper


def _array_of(value: object) -> IntervalArray | None:
    """An array of intervals from what an operator may meet; None for anything else."""
    if isinstance(value, IntervalArray):
        return value
    if isinstance(value, (Interval, np.ndarray)) or is_number(value):
        return IntervalArray(value)  # type: ignore[arg-type]
    return None


def fitted(*arrays: IntervalArray) -> tuple[IntervalArray, ...]:
    """The arrays in one shape; those of a single element may stay as they are, because the core repeats them."""
    widest = max(arrays, key=lambda a: (a.size != 1, a.ndim))
    if all(a.shape == widest.shape or (a.size == 1 and a.ndim <= widest.ndim) for a in arrays):
        return arrays
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    return tuple(
        a if a.shape == shape else a._each(np.broadcast_to(a._lo, shape), np.broadcast_to(a._hi, shape))
        for a in arrays
    )
