"""Writes cpp/src/numeric/kernels/error_function_table.cpp. A test holds the file against this text."""

from __future__ import annotations

from pathlib import Path

from flint import arb, ctx

FIRST, LAST = 16, 384
HEAD = """// Written by scripts/elementary/make_error_function_table.py: erf and its derivative at 16/64 ... 384/64.
#include "error_function_table.hpp"

namespace gonogo::numeric {

// clang-format off
extern const double error_function_table[] = {
"""
TAIL = """};
// clang-format on

}  // namespace gonogo::numeric
"""


def nearest(x: arb) -> str:
    """The binary64 number nearest to x, as a literal."""
    low, high = float(x.lower()), float(x.upper())
    assert low == high, x  # arb's precision decides the rounding
    return low.hex()


def text() -> str:
    ctx.prec = 256
    numbers = []
    for j in range(FIRST, LAST + 1):
        r = arb(j) / 64
        numbers += [nearest(r.erf()), nearest(2 / arb.pi().sqrt() * (-r * r).exp())]
    lines = ["    " + ", ".join(numbers[i : i + 4]) + "," for i in range(0, len(numbers), 4)]
    return HEAD + "\n".join(lines) + "\n" + TAIL


if __name__ == "__main__":
    path = Path(__file__).parents[2] / "cpp/src/numeric/kernels/error_function_table.cpp"
    path.write_text(text(), encoding="utf-8")
