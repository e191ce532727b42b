"""What an interval and an array of intervals can both do."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, SupportsIndex

from gonogo.interval._numbers import exponent_of

if TYPE_CHECKING:
    from typing_extensions import Self


class Operations:
    """Functions and operators, each giving the smallest interval that float64 ends allow, or for the elementary
    functions one that is wider by at most the stated number of units in the last place.

    Numbers outside a function's domain don't count: the square root of [-1, 4] is [0, 2], that of [-2, -1] is empty.
    """

    __slots__ = ()

    @abstractmethod
    def _unary(self, operation: str) -> Self: ...

    @abstractmethod
    def _binary(self, operation: str, other: Any, swapped: bool = False) -> Any: ...

    @abstractmethod
    def _power(self, exponent: int) -> Self: ...

    # ---- operators

    def __pos__(self) -> Self:
        return self

    def __neg__(self) -> Self:
        return self._unary("neg")

    def __abs__(self) -> Self:
        return self._unary("abs")

    def __pow__(self, exponent: SupportsIndex) -> Self:
        """Integer powers only."""
        if type(exponent) is not int and not hasattr(exponent, "__index__"):
            return NotImplemented
        return self._power(exponent_of(exponent))

    def __bool__(self) -> bool:
        raise TypeError(
            "an interval is neither true nor false; ask is_empty(), contains zero: 0 in x, or a relation"
        )

    # ---- arithmetic

    def recip(self) -> Self:
        """1 / x for x != 0."""
        return self._unary("recip")

    def sqr(self) -> Self:
        """x * x: narrower than the product of two unrelated numbers."""
        return self._unary("sqr")

    def sqrt(self) -> Self:
        """Square root of the numbers >= 0."""
        return self._unary("sqrt")

    def pown(self, exponent: SupportsIndex) -> Self:
        """x to an integer power. x^0 = 1; for a negative exponent the numbers x != 0 count."""
        return self._power(exponent_of(exponent))

    def abs(self) -> Self:
        """Absolute value."""
        return self._unary("abs")

    def sign(self) -> Self:
        """-1, 0 or 1."""
        return self._unary("sign")

    def ceil(self) -> Self:
        """Least integer >= x."""
        return self._unary("ceil")

    def floor(self) -> Self:
        """Greatest integer <= x."""
        return self._unary("floor")

    def trunc(self) -> Self:
        """x rounded to an integer towards zero."""
        return self._unary("trunc")

    def round_ties_to_even(self) -> Self:
        """Nearest integer, an even one when two are equally near."""
        return self._unary("round_ties_to_even")

    def round_ties_to_away(self) -> Self:
        """Nearest integer, the one further from zero when two are equally near."""
        return self._unary("round_ties_to_away")

    # ---- elementary functions

    def exp(self) -> Self:
        """e^x."""
        return self._unary("exp")

    def expm1(self) -> Self:
        """e^x - 1."""
        return self._unary("expm1")

    def exp2(self) -> Self:
        """2^x."""
        return self._unary("exp2")

    def log(self) -> Self:
        """Natural logarithm of the numbers > 0."""
        return self._unary("log")

    def log1p(self) -> Self:
        """log(1 + x) of the numbers > -1."""
        return self._unary("log1p")

    def log2(self) -> Self:
        """Logarithm to the base 2 of the numbers > 0."""
        return self._unary("log2")

    def sin(self) -> Self:
        """Sine of x in radians."""
        return self._unary("sin")

    def cos(self) -> Self:
        """Cosine of x in radians."""
        return self._unary("cos")

    def tanh(self) -> Self:
        """Hyperbolic tangent."""
        return self._unary("tanh")

    def erf(self) -> Self:
        """Error function 2 / sqrt(pi) times the integral of e^-t^2 from 0 to x."""
        return self._unary("erf")

    def sigmoid(self) -> Self:
        """1 / (1 + e^-x)."""
        return self._unary("sigmoid")

    def softplus(self) -> Self:
        """log(1 + e^x)."""
        return self._unary("softplus")

    # ---- two operands

    def min(self, other: Any) -> Any:
        """The smaller of a number here and one of `other`."""
        return self._with("min", other)

    def max(self, other: Any) -> Any:
        """The larger of a number here and one of `other`."""
        return self._with("max", other)

    def intersection(self, other: Any) -> Any:
        """What both sets have in common."""
        return self._with("intersection", other)

    def hull(self, other: Any) -> Any:
        """The smallest interval that contains both."""
        return self._with("hull", other)

    def cancel_minus(self, other: Any) -> Any:
        """The smallest z so that other + z contains this interval; entire when this one is narrower than `other`."""
        return self._with("cancel_minus", other)

    def cancel_plus(self, other: Any) -> Any:
        """`cancel_minus` of -other."""
        return self._with("cancel_plus", other)

    def _with(self, operation: str, other: Any) -> Any:
        result = self._binary(operation, other)
        if result is NotImplemented:
            raise TypeError(f"{operation}: expected an interval or a number, not {type(other).__name__}")
        return result

    def __and__(self, other: Any) -> Any:
        """`intersection`"""
        return self._binary("intersection", other)

    def __or__(self, other: Any) -> Any:
        """`hull`"""
        return self._binary("hull", other)
