"""One interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Union

import numpy as np

from gonogo._core import interval as core
from gonogo.errors import IntervalError, UndecidedError
from gonogo.interval._numbers import Ends, Number, enclose, ends_of, is_exact, is_number, require_exact
from gonogo.interval._operations import Operations
from gonogo.interval._relations import Relations

if TYPE_CHECKING:
    from typing_extensions import Self

_add, _sub, _mul, _div = core.add, core.sub, core.mul, core.div

IntervalLike = Union["Interval", Number]


class Interval(Operations, Relations[bool]):
    """All real numbers from `lower` to `upper`, both float64; or no number at all (the empty set).

    An interval never changes. It is made from

    - a number: int, float, Fraction, Decimal or a numpy scalar. What isn't a float64 number itself lies between two
      of them, which become the ends;
    - two numbers, or texts of numbers: lower and upper end, rounded outward where need be. They may be infinite;
    - text: every literal of IEEE 1788, such as ``"[1, 2]"``, ``"[0.1]"``, ``"[1/3, 0x1.8p1]"``, ``"[2,]"``,
      ``"[entire]"``, ``"[empty]"``, ``"3.56?1"``, and a number by itself. Decimals are read outward: the interval
      contains the number that is written, not the float64 number next to it.

    Operations are those of IEEE 1788's set-based intervals: the result contains every result for numbers of the
    operands, and is the smallest such float64 interval (elementary functions: see `gonogo.interval.accuracy_ulp`).

    Comparisons with ``==``, ``<``, ``<=`` answer when the answer holds for all numbers of both, or when both are the
    same set; else they raise UndecidedError. `equal`, `subset`, `precedes` and the like compare sets and always answer.

    Raises:
        IntervalError: a lower end above the upper end, NaN, an infinity that isn't on its own side, text that is no
            literal.
        TypeError: a truth value, a complex number, anything that isn't a number.

    >>> Interval("0.1") + Interval(2)
    Interval('[2.0999999999999996, 2.1000000000000001]')
    >>> 0.5 in Interval(0, 1)
    True
    """

    __slots__ = ("_hi", "_lo")
    _lo: float
    _hi: float

    def __new__(cls, value: IntervalLike | str, upper: Number | str | None = None) -> Self:
        if type(value) is float and (upper is None or type(upper) is float):
            return cls._made(core.make(value, value if upper is None else upper))
        if upper is not None:
            return cls._made(ends_of(value, upper))
        if isinstance(value, Interval):
            return cls._made((value._lo, value._hi))
        return cls._made(core.parse(value) if isinstance(value, str) else core.make(*enclose(value)))

    @classmethod
    def _made(cls, ends: Ends) -> Self:
        x = object.__new__(cls)
        _set_lo(x, ends[0])
        _set_hi(x, ends[1])
        return x

    @classmethod
    def empty(cls) -> Self:
        """No number at all."""
        return cls._made((float("inf"), -float("inf")))

    @classmethod
    def entire(cls) -> Self:
        """All real numbers."""
        return cls._made((-float("inf"), float("inf")))

    @classmethod
    def from_mid_rad(cls, mid: Number, rad: Number) -> Self:
        """The smallest interval with all numbers at most `rad` away from `mid`; IntervalError for a negative radius.

        Numbers that aren't float64 numbers count with both their neighbours.
        """
        (low, high), (least, most) = enclose(mid), enclose(rad)
        if low == high and least == most:
            return cls._made(core.from_mid_rad(low, most))
        core.from_mid_rad(low, least)  # refuses what isn't a radius
        return cls._made((core.from_mid_rad(low, most)[0], core.from_mid_rad(high, most)[1]))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("an interval never changes")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("an interval never changes")

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self._lo, self._hi)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    # ---- numbers

    @property
    def lower(self) -> float:
        """The lower end; -inf when unbounded below, +inf for the empty set."""
        return self._lo

    @property
    def upper(self) -> float:
        """The upper end; +inf when unbounded above, -inf for the empty set."""
        return self._hi

    @property
    def inf(self) -> float:
        """The lower end as IEEE 1788 wants it: zero is -0.0."""
        return core.inf(self._lo, self._hi)

    @property
    def sup(self) -> float:
        """The upper end as IEEE 1788 wants it: zero is +0.0."""
        return core.sup(self._lo, self._hi)

    @property
    def mid(self) -> float:
        """The midpoint, to nearest; 0 for entire, +-the greatest float64 for half-lines; NaN for empty."""
        return core.mid(self._lo, self._hi)

    @property
    def rad(self) -> float:
        """The least number r, rounded up, so that [mid - r, mid + r] contains the interval; NaN for empty."""
        return core.rad(self._lo, self._hi)

    @property
    def wid(self) -> float:
        """upper - lower, rounded up; NaN for empty."""
        return core.wid(self._lo, self._hi)

    @property
    def mag(self) -> float:
        """The greatest absolute value; NaN for empty."""
        return core.mag(self._lo, self._hi)

    @property
    def mig(self) -> float:
        """The least absolute value; NaN for empty."""
        return core.mig(self._lo, self._hi)

    def mid_rad(self) -> tuple[float, float]:
        """`mid` and `rad`."""
        return core.mid_rad(self._lo, self._hi)

    # ---- arithmetic

    def _unary(self, operation: str) -> Self:
        return self._made(getattr(core, operation)(self._lo, self._hi))

    def _binary(self, operation: str, other: Any, swapped: bool = False) -> Any:
        x = operand(other)
        if x is None:
            return NotImplemented if swapped else _through_array(self, operation, other)
        if operation.startswith("cancel"):
            require_exact(other)
        a, b = (x, self) if swapped else (self, x)
        return self._made(getattr(core, operation)(a._lo, a._hi, b._lo, b._hi))

    def _power(self, exponent: int) -> Self:
        return self._made(core.pown(self._lo, self._hi, exponent))

    # Written out: they are what speed matters for.
    def __add__(self, other: IntervalLike) -> Interval:
        x = other if type(other) is Interval else operand(other)
        return NotImplemented if x is None else _result(_add(self._lo, self._hi, x._lo, x._hi))

    def __sub__(self, other: IntervalLike) -> Interval:
        x = other if type(other) is Interval else operand(other)
        return NotImplemented if x is None else _result(_sub(self._lo, self._hi, x._lo, x._hi))

    def __mul__(self, other: IntervalLike) -> Interval:
        x = other if type(other) is Interval else operand(other)
        return NotImplemented if x is None else _result(_mul(self._lo, self._hi, x._lo, x._hi))

    def __truediv__(self, other: IntervalLike) -> Interval:
        x = other if type(other) is Interval else operand(other)
        return NotImplemented if x is None else _result(_div(self._lo, self._hi, x._lo, x._hi))

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: IntervalLike) -> Interval:
        x = operand(other)
        return NotImplemented if x is None else x - self

    def __rtruediv__(self, other: IntervalLike) -> Interval:
        x = operand(other)
        return NotImplemented if x is None else x / self

    # ---- sets

    def _state(self, name: str) -> bool:
        return bool(getattr(core, name)(self._lo, self._hi))

    def __contains__(self, x: IntervalLike) -> bool:
        """Whether a number, or all of another interval, is in this one. Exact for every kind of number."""
        if isinstance(x, Interval):
            return x.subset(self)
        low, high = enclose(x)  # the number, or its two neighbours: no end lies between those
        if low == float("inf") or high == -float("inf"):
            return False
        return core.subset(low, high, self._lo, self._hi)

    def contains(self, x: IntervalLike) -> bool:
        """``x in self``."""
        return x in self

    def _relation(self, name: str, other: IntervalLike) -> bool:
        x = operand(other)
        if x is None:
            raise TypeError(f"expected an interval or a number, not {type(other).__name__}")
        require_exact(other)
        return bool(getattr(core, name)(self._lo, self._hi, x._lo, x._hi))

    def certainly_equal(self, other: IntervalLike) -> bool:
        """Both are the same single number."""
        return self.is_singleton() and self.equal(other)

    def overlap(self, other: IntervalLike) -> str:
        """How the two lie to each other, by its name in IEEE 1788: ``"before"``, ``"meets"``, ``"overlaps"``..."""
        x = operand(other)
        if x is None:
            raise TypeError(f"expected an interval or a number, not {type(other).__name__}")
        require_exact(other)
        return core.overlap(self._lo, self._hi, x._lo, x._hi)

    # ---- comparisons that answer only when all numbers agree

    def _decided(self, other: object, sign: str, holds: str, fails: str) -> bool:
        x = operand(other)
        if x is None:
            return NotImplemented  # type: ignore[no-any-return]
        if not (self.is_empty() or x.is_empty()):
            if self._relation(holds, x):
                return True
            if x._relation(fails, self):
                return False
        raise UndecidedError(
            f"{self} {sign} {x} holds for some numbers and not for others; "
            "use precedes, strict_precedes, less, subset or equal to compare sets"
        )

    def __lt__(self, other: IntervalLike) -> bool:
        return self._decided(other, "<", "strict_precedes", "precedes")

    def __le__(self, other: IntervalLike) -> bool:
        return self._decided(other, "<=", "precedes", "strict_precedes")

    def __gt__(self, other: IntervalLike) -> bool:
        x = operand(other)
        return NotImplemented if x is None else x < self

    def __ge__(self, other: IntervalLike) -> bool:
        x = operand(other)
        return NotImplemented if x is None else x <= self

    def __eq__(self, other: object) -> bool:
        x = operand(other)
        if x is None:
            return NotImplemented
        if is_exact(other):
            if self.equal(x):
                return True
            if self.disjoint(x):
                return False
        elif other not in self:  # type: ignore[operator]
            return False
        raise UndecidedError(
            f"{self} == {x} holds for some numbers and not for others; use equal, disjoint or overlap to compare sets"
        )

    def __hash__(self) -> int:
        # A single number equals that number, so it must hash like it.
        return hash(self._lo) if self.is_singleton() else hash((self._lo, self._hi))

    # ---- text and numpy

    def __str__(self) -> str:
        return core.text(self._lo, self._hi)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __array__(self, dtype: object = None, copy: object = None) -> Any:
        raise TypeError("an interval isn't one number; use IntervalArray, or its lower, upper or mid")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        from gonogo.interval._ufuncs import dispatch

        return dispatch(ufunc, method, inputs, options)


_set_lo = Interval.__dict__["_lo"].__set__
_set_hi = Interval.__dict__["_hi"].__set__
_new = object.__new__


def _result(ends: Ends) -> Interval:
    x = _new(Interval)
    _set_lo(x, ends[0])
    _set_hi(x, ends[1])
    return x


def _restored(lower: float, upper: float) -> Interval:
    """Unpickles: the empty set too, which has no numbers to be made from."""
    return Interval(lower, upper) if lower <= upper else Interval.empty()


def operand(value: object) -> Interval | None:
    """An interval or a number as an interval; None for anything else."""
    kind = type(value)
    if kind is Interval:
        return value  # type: ignore[return-value]
    if kind is float and value - value == 0.0:  # type: ignore[operator]
        return _result((value, value))  # type: ignore[arg-type]
    if kind is int and -(2**53) <= value <= 2**53:  # type: ignore[operator]
        exact = float(value)  # type: ignore[arg-type]
        return _result((exact, exact))
    if isinstance(value, Interval):
        return value
    if not is_number(value):
        return None
    ends = enclose(value)
    if ends[0] == ends[1] and ends[0] in (float("inf"), -float("inf")):
        raise IntervalError("an infinity is no number")
    return _result(ends)


def _through_array(x: Interval, operation: str, other: object) -> Any:
    """An interval with an array of intervals."""
    from gonogo.interval._array import IntervalArray

    return IntervalArray(x)._binary(operation, other)
