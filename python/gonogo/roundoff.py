"""How far a device's floating-point arithmetic can be from exact arithmetic, whatever order it adds in.

The bounds hold for every order of summation, any number of partial sums, lanes and threads, with or without fused
multiply-adds, and, unless ``may_flush`` is false, with or without flushing of subnormal numbers (FTZ, DAZ). The
device rounds to nearest. They are theorems 36 and 37 of docs/soundness.md; gonogo's own rounding isn't in them.

>>> dot_error("float32", terms=1024, sum_abs=3.0, sum_operands=500.0) < 2e-4
True
>>> dot_error("float16", terms=10, sum_abs=65500.0, may_flush=False)  # a partial sum may overflow
inf
"""

from __future__ import annotations

import math
from typing import Literal

from gonogo._core import numeric

Format = Literal["float16", "bfloat16", "float32", "float64"]


def _parameters(format: str) -> tuple[int, int, int]:
    formats: dict[str, tuple[int, int, int]] = numeric.float_formats
    if format not in formats:
        raise ValueError(f"format {format!r}: expected one of {', '.join(formats)}")
    return formats[format]


def dot_error(
    format: Format,
    terms: int,
    sum_abs: float,
    *,
    sum_operands: float = math.inf,
    may_flush: bool = True,
    exact_products: bool = False,
    operands: Format | None = None,
) -> float:
    """Upper bound on |computed - exact| of a dot product that a device accumulates in the format.

    Args:
        format: the accumulator's format.
        terms: number of products, plus one for a bias.
        sum_abs: upper bound on the sum of the products' absolute values, the bias's included.
        sum_operands: upper bound on the sum of the operands' absolute values, or 0 when none of them is below the
            smallest normal number of its format. Needed with ``may_flush``, where such operands may count as zero;
            otherwise unused.
        may_flush: whether the device may flush subnormal results or operands to zero.
        exact_products: every product is a number of the format (float16 or bfloat16 products summed in float32), or
            there are no products, only a sum.
        operands: the format that operands are stored in, the accumulator's by default. Needed with
            ``exact_products`` and ``may_flush``: float16 operands below 2^-14 may be flushed.

    Returns:
        The bound, in the units of the products; ``inf`` when an overflow can't be excluded, or when ``sum_operands`` is
        needed and missing.

    Raises:
        ValueError: unknown format, ``terms`` outside 0 to 2^40, a negative or NaN sum, a missing
            operand format.
    """
    return numeric.dot_error(
        _parameters(format),
        terms,
        sum_abs,
        sum_operands=sum_operands,
        may_flush=may_flush,
        exact_products=exact_products,
        operands=None if operands is None else _parameters(operands),
    )


def rounding_error(format: Format, magnitude: float, *, may_flush: bool = True) -> float:
    """Upper bound on the error of rounding a number of at most this magnitude to the format.

    Returns:
        The bound, in the units of the number; ``inf`` when the magnitude exceeds the format.

    Raises:
        ValueError: unknown format, a negative or NaN magnitude.
    """
    return numeric.rounding_error(_parameters(format), magnitude, may_flush=may_flush)


def function_error(format: Format, magnitude: float, ulps: float, *, may_flush: bool = True) -> float:
    """Upper bound on the error of a device's library function whose results are right to so many ulp of the
    exact ones.

    Args:
        format: the format of the result.
        magnitude: upper bound on the magnitude of the exact result.
        ulps: the library's stated accuracy in units in the last place, at least 0.5.
        may_flush: whether subnormal results may become zero.

    Returns:
        The bound, in the units of the result; ``inf`` when an overflow can't be excluded.

    Raises:
        ValueError: unknown format, a negative or NaN magnitude, ``ulps`` below 0.5.
    """
    return numeric.function_error(_parameters(format), magnitude, ulps, may_flush=may_flush)
