"""Hyper-parameters while an architecture is read: symbols that compute expressions and refuse to be decided."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NoReturn, Union

from gonogo import _core
from gonogo.errors import ArchitectureError

Expr = _core.Expr
Whole = Union[int, "Number"]

_UNKNOWN = (
    "a hyper-parameter's value isn't known while the architecture is read, so Python can't decide on it; "
    "write net.repeat(n) for range(n), `with net.when(condition):` for `if condition:`, "
    "net.select(condition, a, b) for `a if condition else b`, net.switch(choice, branches) for a table of cases, "
    "net.maximum and net.minimum for max and min, and & | ~ for `and`, `or`, `not`"
)


def expr(value: Any, what: str = "a size") -> Expr:
    """The expression of an int or a symbol."""
    if isinstance(value, (Number, Condition)):
        return value.expr
    if isinstance(value, Ratio):
        raise ArchitectureError(
            f"{what} must be a whole number, and {value} is a fraction; write math.floor(...), math.ceil(...) or "
            "net.round_to(..., 8)"
        )
    if isinstance(value, Text):
        raise ArchitectureError(
            f"{what} must be a whole number, and {value} is a choice of texts; write net.switch(choice, "
            "{text: lambda: ...}), or declare the numbers as a gonogo.Choice"
        )
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ArchitectureError(f"{what} must be a whole number, not {value!r}")
    return Expr(value.__index__())


class _Undecided:
    def _refuse(self) -> NoReturn:
        raise ArchitectureError(_UNKNOWN)

    def __bool__(self) -> bool:  # noqa: PLE0304  # never returns
        self._refuse()

    def __index__(self) -> int:  # noqa: PLE0305
        self._refuse()

    def __int__(self) -> int:
        self._refuse()

    def __float__(self) -> float:
        self._refuse()

    def __iter__(self) -> Any:
        self._refuse()

    def __hash__(self) -> int:  # noqa: PLE0309  # as the key of a dict
        self._refuse()


class Condition(_Undecided):  # equality is a condition here
    """Something that holds or doesn't: comparisons give it, & | ~ combine it."""

    __hash__ = _Undecided.__hash__  # lost where == is defined

    def __init__(self, expression: Expr) -> None:
        self.expr = expression

    def __and__(self, other: Condition) -> Condition:
        return Condition(self.expr * condition(other))

    def __or__(self, other: Condition) -> Condition:
        return Condition(self.expr.max(condition(other)))

    def __invert__(self) -> Condition:
        return Condition(Expr(1) - self.expr)

    __rand__, __ror__ = __and__, __or__

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return Condition(self.expr.equal(condition(other)))

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return ~(self == other)

    def __repr__(self) -> str:
        return f"<condition {self.expr}>"


def condition(value: Any) -> Expr:
    """The 0-or-1 expression of a condition or a bool."""
    if isinstance(value, Condition):
        return value.expr
    if isinstance(value, bool):
        return Expr(int(value))
    raise ArchitectureError(f"a condition is needed, such as h.layers > 1, not {value!r}")


class Number(_Undecided):
    """A whole number made from hyper-parameters."""

    __hash__ = _Undecided.__hash__  # lost where == is defined

    def __init__(self, expression: Expr) -> None:
        self.expr = expression

    @property
    def value(self) -> int | None:
        """The number itself, where it depends on no hyper-parameter."""
        return self.expr.value

    def __add__(self, other: Any) -> Any:
        return _combine(self, other, lambda a, b: a + b)

    def __sub__(self, other: Any) -> Any:
        return _combine(self, other, lambda a, b: a - b)

    def __rsub__(self, other: Any) -> Any:
        return _combine(self, other, lambda a, b: b - a)

    def __mul__(self, other: Any) -> Any:
        factor = _fraction(other)
        if factor is not None:
            return Ratio(self.expr * Expr(factor.numerator), factor.denominator)
        if isinstance(other, Ratio):
            return other * self
        return _combine(self, other, lambda a, b: a * b)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Number:
        return Number(Expr(0) - self.expr)

    def __pos__(self) -> Number:
        return self

    def __floordiv__(self, other: Any) -> Number:
        return Number(self.expr.floor_div(expr(other, "a divisor")))

    def __rfloordiv__(self, other: Any) -> Number:
        return Number(expr(other).floor_div(self.expr))

    def __mod__(self, other: Any) -> Number:
        divisor = expr(other, "a divisor")
        return Number(self.expr - divisor * self.expr.floor_div(divisor))

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, int) and not isinstance(other, bool) and other > 0:
            return Ratio(self.expr, other)
        raise ArchitectureError("h.x / h.y is no whole number; write h.x // h.y, or net.ceil_div(h.x, h.y)")

    def __rtruediv__(self, other: Any) -> Any:
        raise ArchitectureError("a / h.x is no whole number; write a // h.x, or net.ceil_div(a, h.x)")

    def __pow__(self, exponent: Any) -> Number:
        if not isinstance(exponent, int) or isinstance(exponent, bool) or not 0 <= exponent <= 8:
            raise ArchitectureError("only whole powers from 0 to 8 of a hyper-parameter")
        product = Expr(1)
        for _ in range(exponent):
            product = product * self.expr
        return Number(product)

    def __lt__(self, other: Any) -> Condition:
        return _compare(self, other, lambda a, b: a.less(b))

    def __gt__(self, other: Any) -> Condition:
        return _compare(self, other, lambda a, b: b.less(a))

    def __le__(self, other: Any) -> Condition:
        return ~self.__gt__(other)

    def __ge__(self, other: Any) -> Condition:
        return ~self.__lt__(other)

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return _compare(self, other, lambda a, b: a.equal(b))

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return ~(self == other)

    def __floor__(self) -> Number:
        return self

    __ceil__ = __floor__

    def __repr__(self) -> str:
        return f"<number {self.expr}>"


class Ratio(_Undecided):
    """A fraction: an expression over a whole number. Decimals are taken as written: 0.35 is 35/100."""

    __hash__ = _Undecided.__hash__  # lost where == is defined

    def __init__(self, numerator: Expr, denominator: int) -> None:
        self.numerator, self.denominator = numerator, denominator

    def __mul__(self, other: Any) -> Any:
        factor = _fraction(other)
        if factor is not None:
            return Ratio(self.numerator * Expr(factor.numerator), self.denominator * factor.denominator)
        if isinstance(other, Ratio):
            return Ratio(self.numerator * other.numerator, self.denominator * other.denominator)
        return Ratio(self.numerator * expr(other), self.denominator)

    __rmul__ = __mul__

    def _compared(self, other: Any, rule: Callable[[Expr, Expr], Expr]) -> Condition:
        if isinstance(other, Ratio):
            return Condition(
                rule(self.numerator * Expr(other.denominator), other.numerator * Expr(self.denominator))
            )
        value = _fraction(other)
        if value is None:
            return Condition(rule(self.numerator, expr(other) * Expr(self.denominator)))
        return Condition(
            rule(self.numerator * Expr(value.denominator), Expr(value.numerator * self.denominator))
        )

    def __lt__(self, other: Any) -> Condition:
        return self._compared(other, lambda a, b: a.less(b))

    def __gt__(self, other: Any) -> Condition:
        return self._compared(other, lambda a, b: b.less(a))

    def __le__(self, other: Any) -> Condition:
        return ~self.__gt__(other)

    def __ge__(self, other: Any) -> Condition:
        return ~self.__lt__(other)

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return self._compared(other, lambda a, b: a.equal(b))

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return ~(self == other)

    def __floor__(self) -> Number:
        return Number(self.numerator.floor_div(Expr(self.denominator)))

    def __ceil__(self) -> Number:
        return Number(self.numerator.ceil_div(Expr(self.denominator)))

    def __repr__(self) -> str:
        return f"<fraction {self.numerator} / {self.denominator}>"


class Text(_Undecided):
    """A choice that isn't a number: it can be compared with its values, nothing else."""

    __hash__ = _Undecided.__hash__  # lost where == is defined

    def __init__(self, name: str, index: Expr, values: tuple[Any, ...], removed: tuple[Any, ...]) -> None:
        self._name, self._index, self._values, self._removed = name, index, values, removed

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        for i, value in enumerate(self._values):
            if type(value) is type(other) and value == other:
                return Condition(self._index.equal(Expr(i)))
        if self.never(other):
            return Condition(Expr(0))
        raise ArchitectureError(f"'{self._name}' is never {other!r}; its values are {self._values!r}")

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return ~(self == other)

    def never(self, value: object) -> bool:
        """Whether it is a value that the parameter had before its space was tightened."""
        return any(type(gone) is type(value) and gone == value for gone in self._removed)

    @property
    def values(self) -> tuple[Any, ...]:
        return self._values

    def __repr__(self) -> str:
        return f"<choice {self._name}>"


# ---- helpers


def _fraction(value: Any) -> Fraction | None:
    """A float or Fraction as the decimal that it was written as; None for anything else."""
    if isinstance(value, float):
        return Fraction(repr(value))
    return value if isinstance(value, Fraction) else None


def _combine(a: Number, b: Any, rule: Callable[[Expr, Expr], Expr]) -> Any:
    if isinstance(b, Ratio):
        raise ArchitectureError("a fraction is added to nothing but after math.floor(...) or math.ceil(...)")
    return Number(rule(a.expr, expr(b)))


def _compare(a: Number, b: Any, rule: Callable[[Expr, Expr], Expr]) -> Condition:
    if isinstance(b, Ratio):
        return Condition(rule(a.expr * Expr(b.denominator), b.numerator))
    value = _fraction(b)
    if value is not None:
        return Condition(rule(a.expr * Expr(value.denominator), Expr(value.numerator)))
    return Condition(rule(a.expr, expr(b)))
