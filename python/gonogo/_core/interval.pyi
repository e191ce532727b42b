"""
IEEE 1788 intervals as pairs of numbers and of arrays.
"""
from __future__ import annotations
import numpy
import numpy.typing
import typing
__all__: list[str] = ['abs', 'add', 'binary_array', 'cancel_minus', 'cancel_plus', 'ceil', 'cos', 'disjoint', 'div', 'dot', 'equal', 'erf', 'exp', 'exp2', 'expm1', 'floor', 'fma', 'fma_array', 'from_mid_rad', 'hull', 'inf', 'interior', 'intersection', 'is_common', 'is_empty', 'is_entire', 'is_member', 'is_singleton', 'less', 'log', 'log1p', 'log2', 'mag', 'make', 'make_array', 'max', 'mid', 'mid_rad', 'mig', 'min', 'mul', 'neg', 'number_array', 'overlap', 'overlap_array', 'overlap_names', 'parse', 'pown', 'pown_array', 'precedes', 'rad', 'recip', 'relation_array', 'round_ties_to_away', 'round_ties_to_even', 'sigmoid', 'sign', 'sin', 'softplus', 'sqr', 'sqrt', 'state_array', 'strict_less', 'strict_precedes', 'sub', 'subset', 'sum', 'sum_abs', 'sum_array', 'sum_square', 'sup', 'tanh', 'text', 'trunc', 'unary_array', 'wid']
def abs(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    |x|
    """
def add(a_lo: typing.SupportsFloat | typing.SupportsIndex, a_hi: typing.SupportsFloat | typing.SupportsIndex, b_lo: typing.SupportsFloat | typing.SupportsIndex, b_hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    a + b
    """
def binary_array(operation: str, a_lo: typing.Any, a_hi: typing.Any, b_lo: typing.Any, b_hi: typing.Any) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]:
    """
    An operation of two intervals by its name here, on arrays of one shape; one of a single element is repeated. Returns (lower, upper).
    """
def cancel_minus(a_lo: typing.SupportsFloat | typing.SupportsIndex, a_hi: typing.SupportsFloat | typing.SupportsIndex, b_lo: typing.SupportsFloat | typing.SupportsIndex, b_hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    Smallest z with b + z containing a; entire when a is narrower than b.
    """
def cancel_plus(a_lo: typing.SupportsFloat | typing.SupportsIndex, a_hi: typing.SupportsFloat | typing.SupportsIndex, b_lo: typing.SupportsFloat | typing.SupportsIndex, b_hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    Smallest z with -b + z containing a; entire when a is narrower than b.
    """
def ceil(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    Least integer >= x.
    """
def cos(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    Cosine of x in radians.
    """
def disjoint(a_lo: typing.SupportsFloat | typing.SupportsIndex, a_hi: typing.SupportsFloat | typing.SupportsIndex, b_lo: typing.SupportsFloat | typing.SupportsIndex, b_hi: typing.SupportsFloat | typing.SupportsIndex) -> bool:
    """
    No number in common.
    """
def div(a_lo: typing.SupportsFloat | typing.SupportsIndex, a_hi: typing.SupportsFloat | typing.SupportsIndex, b_lo: typing.SupportsFloat | typing.SupportsIndex, b_hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    a / b for b != 0.
    """
def dot(x: typing.Any, y: typing.Any) -> float:
    """
    Sum of products, formed exactly and rounded to nearest.
    """
def equal(a_lo: typing.SupportsFloat | typing.SupportsIndex, a_hi: typing.SupportsFloat | typing.SupportsIndex, b_lo: typing.SupportsFloat | typing.SupportsIndex, b_hi: typing.SupportsFloat | typing.SupportsIndex) -> bool:
    """
    The same set.
    """
def erf(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    Error function.
    """
def exp(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    e^x
    """
def exp2(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    2^x
    """
def expm1(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    e^x - 1
    """
def floor(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    Greatest integer <= x.
    """
def fma(a_lo: typing.SupportsFloat | typing.SupportsIndex, a_hi: typing.SupportsFloat | typing.SupportsIndex, b_lo: typing.SupportsFloat | typing.SupportsIndex, b_hi: typing.SupportsFloat | typing.SupportsIndex, c_lo: typing.SupportsFloat | typing.SupportsIndex, c_hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    a * b + c
    """
def fma_array(a_lo: typing.Any, a_hi: typing.Any, b_lo: typing.Any, b_hi: typing.Any, c_lo: typing.Any, c_hi: typing.Any) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]:
    """
    a * b + c on arrays. Returns (lower, upper).
    """
def from_mid_rad(mid: typing.SupportsFloat | typing.SupportsIndex, rad: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    Smallest interval with all numbers that far from mid; IntervalError.
    """
def hull(a_lo: typing.SupportsFloat | typing.SupportsIndex, a_hi: typing.SupportsFloat | typing.SupportsIndex, b_lo: typing.SupportsFloat | typing.SupportsIndex, b_hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    Smallest interval that contains both.
    """
def inf(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> float:
    """
    The lower end; a zero is -0. Infinity for the empty set.
    """
def interior(a_lo: typing.SupportsFloat | typing.SupportsIndex, a_hi: typing.SupportsFloat | typing.SupportsIndex, b_lo: typing.SupportsFloat | typing.SupportsIndex, b_hi: typing.SupportsFloat | typing.SupportsIndex) -> bool:
    """
    All of a is in the interior of b.
    """
def intersection(a_lo: typing.SupportsFloat | typing.SupportsIndex, a_hi: typing.SupportsFloat | typing.SupportsIndex, b_lo: typing.SupportsFloat | typing.SupportsIndex, b_hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    What both have in common.
    """
def is_common(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> bool:
    """
    Bounded and not empty.
    """
def is_empty(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> bool:
    """
    No number at all.
    """
def is_entire(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> bool:
    """
    All real numbers.
    """
def is_member(x: typing.SupportsFloat | typing.SupportsIndex, lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> bool:
    """
    The real number x is in the interval.
    """
def is_singleton(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> bool:
    """
    Just one number.
    """
def less(a_lo: typing.SupportsFloat | typing.SupportsIndex, a_hi: typing.SupportsFloat | typing.SupportsIndex, b_lo: typing.SupportsFloat | typing.SupportsIndex, b_hi: typing.SupportsFloat | typing.SupportsIndex) -> bool:
    """
    a's ends are <= those of b.
    """
def log(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    Natural logarithm of x > 0.
    """
def log1p(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    log(1 + x) for x > -1.
    """
def log2(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    Logarithm to the base 2 of x > 0.
    """
def mag(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> float:
    """
    Greatest absolute value; NaN for the empty set.
    """
def make(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    Checks two ends; IntervalError.
    """
def make_array(lo: typing.Any, hi: typing.Any) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]:
    """
    Copies arrays of ends, checking them; (inf, -inf) is the empty set. IntervalError.
    """
def max(a_lo: typing.SupportsFloat | typing.SupportsIndex, a_hi: typing.SupportsFloat | typing.SupportsIndex, b_lo: typing.SupportsFloat | typing.SupportsIndex, b_hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    The larger number.
    """
def mid(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> float:
    """
    The midpoint, rounded to nearest: 0 for entire, +-MAX for half-lines, NaN for the empty set.
    """
def mid_rad(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    Midpoint and radius.
    """
def mig(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> float:
    """
    Least absolute value; NaN for the empty set.
    """
def min(a_lo: typing.SupportsFloat | typing.SupportsIndex, a_hi: typing.SupportsFloat | typing.SupportsIndex, b_lo: typing.SupportsFloat | typing.SupportsIndex, b_hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    The smaller number.
    """
def mul(a_lo: typing.SupportsFloat | typing.SupportsIndex, a_hi: typing.SupportsFloat | typing.SupportsIndex, b_lo: typing.SupportsFloat | typing.SupportsIndex, b_hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    a * b
    """
def neg(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    -x
    """
def number_array(operation: str, lo: typing.Any, hi: typing.Any) -> numpy.typing.NDArray[numpy.float64]:
    """
    inf, sup, mid, rad, wid, mag or mig of each interval.
    """
def overlap(a_lo: typing.SupportsFloat | typing.SupportsIndex, a_hi: typing.SupportsFloat | typing.SupportsIndex, b_lo: typing.SupportsFloat | typing.SupportsIndex, b_hi: typing.SupportsFloat | typing.SupportsIndex) -> str:
    """
    Which of the sixteen ways two intervals lie to each other, by the name in IEEE 1788.
    """
def overlap_array(a_lo: typing.Any, a_hi: typing.Any, b_lo: typing.Any, b_hi: typing.Any) -> numpy.typing.NDArray[numpy.uint8]:
    """
    Places in `overlap_names`.
    """
def parse(text: str) -> tuple[float, float]:
    """
    The smallest interval with what a literal of IEEE 1788, or a number, stands for; IntervalError.
    """
def pown(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex, exponent: typing.SupportsInt | typing.SupportsIndex) -> tuple[float, float]:
    """
    x to an integer power; x != 0 when it is negative.
    """
def pown_array(lo: typing.Any, hi: typing.Any, exponent: typing.SupportsInt | typing.SupportsIndex) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]:
    """
    Integer powers. Returns (lower, upper).
    """
def precedes(a_lo: typing.SupportsFloat | typing.SupportsIndex, a_hi: typing.SupportsFloat | typing.SupportsIndex, b_lo: typing.SupportsFloat | typing.SupportsIndex, b_hi: typing.SupportsFloat | typing.SupportsIndex) -> bool:
    """
    Every number of a is <= every number of b.
    """
def rad(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> float:
    """
    The least r so that [mid - r, mid + r] contains x; NaN for the empty set.
    """
def recip(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    1 / x for x != 0.
    """
def relation_array(operation: str, a_lo: typing.Any, a_hi: typing.Any, b_lo: typing.Any, b_hi: typing.Any) -> numpy.typing.NDArray[numpy.bool]:
    """
    A relation by its name here, element by element.
    """
def round_ties_to_away(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    Nearest integer, ties away from zero.
    """
def round_ties_to_even(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    Nearest integer, ties to even.
    """
def sigmoid(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    1 / (1 + e^-x)
    """
def sign(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    -1, 0 or 1.
    """
def sin(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    Sine of x in radians.
    """
def softplus(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    log(1 + e^x)
    """
def sqr(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    x * x
    """
def sqrt(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    Square root of x >= 0.
    """
def state_array(operation: str, lo: typing.Any, hi: typing.Any) -> numpy.typing.NDArray[numpy.bool]:
    """
    is_empty, is_entire, is_common or is_singleton of each interval.
    """
def strict_less(a_lo: typing.SupportsFloat | typing.SupportsIndex, a_hi: typing.SupportsFloat | typing.SupportsIndex, b_lo: typing.SupportsFloat | typing.SupportsIndex, b_hi: typing.SupportsFloat | typing.SupportsIndex) -> bool:
    """
    a's ends are < those of b, or unbounded like them.
    """
def strict_precedes(a_lo: typing.SupportsFloat | typing.SupportsIndex, a_hi: typing.SupportsFloat | typing.SupportsIndex, b_lo: typing.SupportsFloat | typing.SupportsIndex, b_hi: typing.SupportsFloat | typing.SupportsIndex) -> bool:
    """
    Every number of a is < every number of b.
    """
def sub(a_lo: typing.SupportsFloat | typing.SupportsIndex, a_hi: typing.SupportsFloat | typing.SupportsIndex, b_lo: typing.SupportsFloat | typing.SupportsIndex, b_hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    a - b
    """
def subset(a_lo: typing.SupportsFloat | typing.SupportsIndex, a_hi: typing.SupportsFloat | typing.SupportsIndex, b_lo: typing.SupportsFloat | typing.SupportsIndex, b_hi: typing.SupportsFloat | typing.SupportsIndex) -> bool:
    """
    All of a is in b.
    """
def sum(x: typing.Any) -> float:
    """
    Sum of float64 numbers, formed exactly and rounded to nearest.
    """
def sum_abs(x: typing.Any) -> float:
    """
    Sum of absolute values, formed exactly and rounded to nearest.
    """
def sum_array(lo: typing.Any, hi: typing.Any) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]:
    """
    Sums along the first of two dimensions, each rounded once. Returns (lower, upper).
    """
def sum_square(x: typing.Any) -> float:
    """
    Sum of squares, formed exactly and rounded to nearest.
    """
def sup(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> float:
    """
    The upper end. -infinity for the empty set.
    """
def tanh(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    Hyperbolic tangent.
    """
def text(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex, digits: typing.SupportsInt | typing.SupportsIndex = 17) -> str:
    """
    A literal that contains the interval.
    """
def trunc(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> tuple[float, float]:
    """
    x rounded towards zero.
    """
def unary_array(operation: str, lo: typing.Any, hi: typing.Any) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]:
    """
    An operation of one interval by its name here, on float64 arrays of ends. Returns (lower, upper).
    """
def wid(lo: typing.SupportsFloat | typing.SupportsIndex, hi: typing.SupportsFloat | typing.SupportsIndex) -> float:
    """
    The width, rounded up; NaN for the empty set.
    """
overlap_names: tuple = ('bothEmpty', 'firstEmpty', 'secondEmpty', 'before', 'meets', 'overlaps', 'starts', 'containedBy', 'finishes', 'equals', 'finishedBy', 'contains', 'startedBy', 'overlappedBy', 'metBy', 'after')
