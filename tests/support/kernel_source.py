"""Constants as they stand in the kernels' sources, so that a derivation can't use others than the code does."""

from __future__ import annotations

import re
from pathlib import Path

KERNELS = Path(__file__).parents[2] / "cpp/src/numeric/kernels"


def value(literal: str) -> float:
    literal = literal.strip()
    return float.fromhex(literal) if "0x" in literal else float(literal)


def coefficients(source: str, name: str) -> list[float]:
    """`constexpr double name[] = {...};`"""
    text = (KERNELS / source).read_text(encoding="utf-8")
    found = re.search(rf"constexpr double {name}\[\] = \{{([^}}]*)\}}", text)
    assert found is not None, name
    return [value(literal) for literal in found[1].split(",")]


def number(source: str, name: str) -> float:
    """`name = literal`"""
    text = (KERNELS / source).read_text(encoding="utf-8")
    found = re.search(rf"\b{name} = ([-+.\w]+)[;,]", text)
    assert found is not None, name
    return value(found[1])
