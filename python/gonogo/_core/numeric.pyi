"""
Outward-rounded arithmetic: intervals, elementary functions, kernels.
"""
from __future__ import annotations
import numpy
import numpy.typing
import typing
__all__: list[str] = ['affine', 'binary', 'decimal_down', 'decimal_up', 'directed', 'elementary_constants', 'environment', 'neighbours', 'parse_decimal', 'self_test', 'set_environment', 'unary']
def affine(weights: typing.Any, lo: typing.Any, hi: typing.Any, bias_lo: typing.Any, bias_hi: typing.Any, weight_relative_uncertainty: typing.SupportsFloat | typing.SupportsIndex = 0.0, depthwise: bool = False) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]:
    """
    Bounds on x @ weights + bias over a box, by the midpoint and radius kernel. Returns (lower, upper) bounds.
    """
def binary(operation: str, a_lo: typing.Any, a_hi: typing.Any, b_lo: typing.Any, b_hi: typing.Any) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]:
    """
    Enclosures of add, sub, mul, div, min, max, hull and intersect. Returns (lower, upper) bounds.
    """
def decimal_down(x: typing.SupportsFloat | typing.SupportsIndex, digits: typing.SupportsInt | typing.SupportsIndex) -> str:
    """
    The greatest decimal of so many significant digits that is <= x.
    """
def decimal_up(x: typing.SupportsFloat | typing.SupportsIndex, digits: typing.SupportsInt | typing.SupportsIndex) -> str:
    """
    The least decimal of so many significant digits that is >= x.
    """
def directed(operation: str, a: typing.Any, b: typing.Any) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]:
    """
    add, sub, mul or div of numbers, rounded down and up.
    """
def elementary_constants() -> dict:
    """
    The proved error constants of the elementary functions.
    """
def environment() -> tuple[str, bool, bool]:
    """
    Rounding mode, flush-to-zero and denormals-are-zero of the calling thread.
    """
def neighbours(x: typing.Any) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]:
    """
    One step down and one step up.
    """
def parse_decimal(text: str) -> tuple[float, float]:
    """
    The closest float64 numbers below and above a decimal.
    """
def self_test() -> str:
    """
    Empty when the machine keeps the assumptions, else what failed.
    """
def set_environment(rounding: str, flush_to_zero: bool, denormals_are_zero: bool) -> tuple[str, bool, bool]:
    """
    Test hook: changes the calling thread's floating-point environment and returns the former one. Nothing in gonogo needs it; it is there to prove that results don't depend on it.
    """
def unary(operation: str, lo: typing.Any, hi: typing.Any) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]:
    """
    Enclosures of one-argument operations on float64 arrays of ends: neg, abs, sqr, sqrt, exp, expm1, log, tanh, sigmoid. Returns (lower, upper) bounds.
    """
