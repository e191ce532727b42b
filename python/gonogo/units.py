"""Numbers with units, in and out.

A limit becomes an exact rational, so that comparing it with a bound never rounds. A bound is printed outward: the
text of an upper bound never reads back below it.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

import numpy as np

from gonogo._core import numeric
from gonogo.errors import LimitError

_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*(.*?)\s*$", re.DOTALL)
_MAX_TEXT = 60

BYTES = {
    "B": Fraction(1),
    "kB": Fraction(10**3),
    "KB": Fraction(10**3),
    "KiB": Fraction(2**10),
    "MB": Fraction(10**6),
    "MiB": Fraction(2**20),
}
SECONDS = {
    "s": Fraction(1),
    "ms": Fraction(1, 10**3),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "μs": Fraction(1, 10**6),
}
JOULES = {
    "J": Fraction(1),
    "mJ": Fraction(1, 10**3),
    "uJ": Fraction(1, 10**6),
    "µJ": Fraction(1, 10**6),
    "μJ": Fraction(1, 10**6),
}
COUNT = {"": Fraction(1), "k": Fraction(10**3), "M": Fraction(10**6), "G": Fraction(10**9)}
PLAIN = {"": Fraction(1)}


def parse(text: str, units: dict[str, Fraction], what: str) -> Fraction:
    """The exact value, in base units, of e.g. ``"128 KiB"``.

    >>> parse("1.5 KiB", BYTES, "ram")
    Fraction(1536, 1)
    """
    match = _NUMBER.match(text) if len(text) <= _MAX_TEXT else None
    if match is None:
        raise LimitError(
            f"limit '{what}': {text[:_MAX_TEXT]!r} isn't a number with a unit; {_expected(units)}"
        )
    number, unit = match.groups()
    if unit not in units:
        said = f"unknown unit {unit!r}" if unit else "the unit is missing"
        raise LimitError(f"limit '{what}': {text!r}: {said}; {_expected(units)}")
    return Fraction(number) * units[unit]


def _expected(units: dict[str, Fraction]) -> str:
    names = [name for name in units if name and name not in ("KB", "µs", "μs", "µJ", "μJ")]
    if not names:
        return "write a plain number such as 0.1"
    optional = "optional unit" if "" in units else "units"
    return f"{optional}: {', '.join(names)}"


def up(value: float, digits: int = 4) -> str:
    """Decimal text that is never below `value`: how an upper bound is printed."""
    return _special(value) or numeric.decimal_up(value, digits)


def down(value: float, digits: int = 4) -> str:
    """Decimal text that is never above `value`: how a lower bound is printed."""
    return _special(value) or numeric.decimal_down(value, digits)


def _special(value: float) -> str | None:
    if math.isinf(value):
        return "unbounded" if value > 0 else "-unbounded"
    if math.isnan(value):
        raise ValueError("NaN is no bound")
    return None


def bytes_text(value: int) -> str:
    """An exact byte count, with KiB rounded up to a tenth beside it.

    >>> bytes_text(54385)
    '54385 B (53.2 KiB)'
    """
    if abs(value) < 1024:
        return f"{value} B"
    tenths = -(-value * 10 // 1024)
    return f"{value} B ({tenths // 10}.{tenths % 10} KiB)"


def scaled_text(value: float, base: str) -> str:
    """An estimate in seconds or joules with a handy prefix, to three digits.

    >>> scaled_text(0.0123, "s")
    '12.3 ms'
    """
    for factor, prefix in ((1.0, ""), (1e-3, "m"), (1e-6, "u")):
        if abs(value) >= factor or prefix == "u":
            return f"{value / factor:.3g} {prefix}{base}"
    raise AssertionError("unreachable")


def ratio_up(bound: float, witness: float) -> str:
    """How far apart a bracket's ends are at most, e.g. ``'1.82'``; a dash where there is no ratio."""
    if witness <= 0.0 or math.isinf(bound):
        return "-"
    return up(float(numeric.directed("div", np.array(bound), np.array(witness))[1]), 3)
