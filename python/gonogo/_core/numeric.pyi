"""
Outward-rounded arithmetic: intervals, elementary functions, kernels.
"""
from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import typing
__all__: list[str] = ['RightFactor', 'accuracy_ulp', 'affine', 'allow_vnni', 'available_instruction_sets', 'binary', 'conv2d', 'decimal_down', 'decimal_up', 'directed', 'dot_error', 'elementary', 'elementary_constants', 'elementary_seconds', 'environment', 'float_formats', 'function_error', 'has_vnni', 'instruction_set', 'integer_conv2d', 'matmul', 'neighbours', 'parse_decimal', 'rounding_error', 'select_dot', 'select_scale', 'self_test', 'set_environment', 'set_thread_count', 'thread_count', 'unary', 'use_instruction_set']
class RightFactor:
    """
    A float64 matrix, packed for the instruction set in use, to be multiplied from the left in plain round-to-nearest.
    """
    def __init__(self, b: typing.Any, transposed: bool = False) -> None:
        ...
    def multiply(self, a: typing.Any, c: typing.Any, accumulate: bool = False) -> None:
        """
        c = a @ b, or c += a @ b, in place. a: at least as many columns as b has rows, c: at least as many as b has; those beyond are neither read nor written.
        """
def accuracy_ulp(function: str) -> float:
    """
    The most by which an end of `elementary` lies outside the exact one, in units in the last place of the exact end.
    """
def affine(weights: typing.Any, lo: typing.Any, hi: typing.Any, bias_lo: typing.Any, bias_hi: typing.Any, weight_relative_uncertainty: typing.SupportsFloat | typing.SupportsIndex = 0.0, depthwise: bool = False) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]:
    """
    Bounds on x @ weights + bias over a box, by the midpoint and radius kernel. Returns (lower, upper) bounds.
    """
def allow_vnni(allowed: bool) -> None:
    """
    Test hook: false leaves AVX-512 VNNI unused.
    """
def available_instruction_sets() -> list[str]:
    """
    Those that this machine has, slowest first.
    """
def binary(operation: str, a_lo: typing.Any, a_hi: typing.Any, b_lo: typing.Any, b_hi: typing.Any) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]:
    """
    Enclosures of add, sub, mul, div, min, max, hull and intersect. Returns (lower, upper) bounds.
    """
def conv2d(weights: typing.Any, lo: typing.Any, hi: typing.Any, strides: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex] = (1, 1), pads: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [0, 0, 0, 0], dilations: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex] = (1, 1), groups: typing.SupportsInt | typing.SupportsIndex = 1, layout: str = 'NCHW', bias_lo: typing.Any = None, bias_hi: typing.Any = None, weight_relative_uncertainty: typing.SupportsFloat | typing.SupportsIndex = 0.0) -> tuple:
    """
    Bounds on a 2-D convolution over a box: (lower, upper), arrays of the weights' dtype, float32 or float64, rounded outward. Layout NCHW: input [batch, channels, h, w], weights [out, channels / groups, h, w]. NHWC: input [batch, h, w, channels], weights [out, h, w, channels / groups], or [1, h, w, out] where groups == channels (depthwise). pads: top, left, bottom, right, with zeros. bias_lo, bias_hi: float64, one per output channel. True weights may differ from the given ones by weight_relative_uncertainty * |w|. Where an input that a window reads is NaN, empty or unbounded, or a sum overflows, the result is (-inf, inf). TypeError for other dtypes, ValueError for shapes that don't fit.
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
def dot_error(format: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex], terms: typing.SupportsInt | typing.SupportsIndex, sum_abs: typing.SupportsFloat | typing.SupportsIndex, *, sum_operands: typing.SupportsFloat | typing.SupportsIndex = ..., may_flush: bool = True, exact_products: bool = False, operands: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex] | None = None) -> float:
    """
    Upper bound on the error of a dot product that a device computes in a format (precision, least and greatest exponent), in any order, with or without fused multiply-adds; inf when it may overflow.
    """
def elementary(function: str, lo: typing.Any, hi: typing.Any, scalar: bool = False, out_lo: typing.Any = None, out_hi: typing.Any = None) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]:
    """
    Enclosures {f(x) : lo <= x <= hi} for float64 arrays of one shape: exp, expm1, exp2, log, log1p, log2, sin, cos, tanh, erf, sigmoid, softplus. Returns (lower, upper) bounds of that shape. Arguments outside the domain don't count; empty is (inf, -inf), in and out; NaN or lo > hi otherwise gives (-inf, inf). ValueError for an unknown function. With `scalar` one interval at a time, as the engines do, whatever the instruction set. `out_lo` and `out_hi`: float64 arrays of that shape to write to; they may be `lo` and `hi`.
    """
def elementary_constants() -> dict:
    """
    The constants that the proofs of the elementary functions rest on.
    """
def elementary_seconds(function: str, lo: typing.Any, hi: typing.Any, calls: typing.SupportsInt | typing.SupportsIndex) -> float:
    """
    For benchmarks: the least time of so many calls of the array kernel, in seconds of this thread's CPU time; set one thread.
    """
def environment() -> tuple[str, bool, bool]:
    """
    Rounding mode, flush-to-zero and denormals-are-zero of the calling thread.
    """
def function_error(format: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex], magnitude: typing.SupportsFloat | typing.SupportsIndex, ulps: typing.SupportsFloat | typing.SupportsIndex, *, may_flush: bool = True) -> float:
    """
    Upper bound on the error of a device's library function that is right to so many ulp; inf when it may overflow.
    """
def has_vnni() -> bool:
    """
    Whether integer kernels use AVX-512 VNNI.
    """
def instruction_set() -> str:
    """
    The instruction set of the array kernels: baseline or neon, avx2, avx512.
    """
def integer_conv2d(weights: typing.Any, lo: typing.Any, hi: typing.Any, lowest: typing.SupportsInt | typing.SupportsIndex, zero: typing.SupportsInt | typing.SupportsIndex, strides: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex] = (1, 1), pads: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [0, 0, 0, 0], dilations: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex] = (1, 1), groups: typing.SupportsInt | typing.SupportsIndex = 1, layout: str = 'NCHW', bias: typing.Any = None) -> tuple:
    """
    Exact int32 sums w (x - zero) + bias of a quantised convolution: (at x = lo, least and greatest over the box of integers [lo, hi]). lo, hi: int32 from lowest to lowest + 255; weights: int16 from -255 to 255; bias: int32, one per output channel. Layouts and padding (by `zero`) as conv2d. Sums that don't fit int32 come as their residues modulo 2^32. TypeError for other dtypes, ValueError for values or shapes that don't fit.
    """
def matmul(a: typing.Any, lo: typing.Any, hi: typing.Any, weight_relative_uncertainty: typing.SupportsFloat | typing.SupportsIndex = 0.0) -> tuple[numpy.ndarray, numpy.ndarray]:
    """
    Bounds (lower, upper) on a @ x for all x in [lo, hi], and all weights within the relative uncertainty of a.
    
    a: array [m, k]; lo, hi: [k, n], or [k] for bounds of shape [m]. All float32 or all float64 (TypeError otherwise), C-contiguous; the bounds have the same type. What isn't a bounded interval makes its column (-inf, inf), a weight that isn't finite its row, and a sum that overflows its element. ValueError for shapes that don't fit and an uncertainty outside 0 to 1. The bounds don't depend on the number of threads; their last digits depend on the instruction set.
    """
def neighbours(x: typing.Any) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]:
    """
    One step down and one step up.
    """
def parse_decimal(text: str) -> tuple[float, float]:
    """
    The closest float64 numbers below and above a decimal.
    """
def rounding_error(format: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex], magnitude: typing.SupportsFloat | typing.SupportsIndex, *, may_flush: bool = True) -> float:
    """
    Upper bound on the error of one rounding of a number of at most this magnitude; inf when it may overflow.
    """
def select_dot(a: typing.Any, below: typing.Any, above: typing.Any, weight: typing.Any) -> tuple[float, float]:
    """
    The sums of a * (below where a >= 0, else above), and of |a| * weight, in plain round-to-nearest.
    """
def select_scale(a: typing.Any, slope_below: typing.Any, slope_above: typing.Any, out: typing.Any, accumulate: bool = False) -> None:
    """
    out = a * (slope_below where a >= 0, else slope_above), or out += that, in place; `out` may be `a`.
    """
def self_test() -> str:
    """
    Empty when the machine keeps the assumptions, else what failed.
    """
def set_environment(rounding: str, flush_to_zero: bool, denormals_are_zero: bool) -> tuple[str, bool, bool]:
    """
    Test hook: changes the calling thread's floating-point environment and returns the former one. Nothing in gonogo needs it; it is there to prove that results don't depend on it.
    """
def set_thread_count(count: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    1 to 256. No result depends on it.
    """
def thread_count() -> int:
    """
    How many threads an array kernel may use.
    """
def unary(operation: str, lo: typing.Any, hi: typing.Any) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]:
    """
    Enclosures of one-argument operations on float64 arrays of ends: neg, abs, sqr, sqrt, exp, expm1, log, tanh, sigmoid. Returns (lower, upper) bounds.
    """
def use_instruction_set(name: str) -> None:
    """
    Test hook: choose another one. ValueError when this machine doesn't have it.
    """
float_formats: dict = {'float16': (11, -14, 15), 'bfloat16': (8, -126, 127), 'float32': (24, -126, 127), 'float64': (53, -1022, 1023)}
