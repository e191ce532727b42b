"""The interval community's shared test suite (ITF1788): every case of the operations that exist here.

Its results are the tightest binary64 intervals. The four basic operations, squares and roots must equal them;
elementary functions must contain them, with ends at most five units in the last place further out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gonogo import _core
from gonogo._core import numeric

INF = np.inf
# Operation and the least number of cases that the suite has for it.
TIGHT = {"add": 26, "sub": 26, "mul": 100, "div": 250, "sqr": 10, "sqrt": 10, "neg": 8, "abs": 8, "min": 8}
TIGHT["max"] = 8
CLOSE = {"exp": 12, "log": 15, "tanh": 8}
SUITE = "libieeep1788_elem.itl"

Ends = tuple[float, float]


def number(text: str) -> float:
    text = text.strip()
    if "x" in text.lower():
        return float.fromhex(text)
    return {"infinity": INF, "+infinity": INF, "-infinity": -INF}.get(text.lower()) or float(text)


def ends(text: str) -> Ends | None:
    """None for the empty set and for NaI."""
    inner = text.strip("[]").strip()
    if inner in ("empty", "nai"):
        return None
    if inner == "entire":
        return -INF, INF
    low, high = inner.split(",")
    return number(low), number(high)


def cases(path: Path, operation: str) -> Iterator[tuple[list[Ends | None], Ends | None]]:
    """Undecorated `operation [a] [b] = [c];` lines."""
    line = re.compile(rf"^\s*{operation}\s+((?:\[[^\]]*\]\s*)+)=\s*(\[[^\]]*\])\s*;")
    for text in path.read_text().splitlines():
        match = line.match(text)
        if match:
            yield [ends(part) for part in re.findall(r"\[[^\]]*\]", match[1])], ends(match[2])


def evaluate(operation: str, operands: list[Ends]) -> Ends:
    arrays = [np.array([end]) for pair in operands for end in pair]
    low, high = (numeric.unary if len(operands) == 1 else numeric.binary)(operation, *arrays)
    return float(low[0]), float(high[0])


def run(folder: Path, operation: str) -> Iterator[tuple[list[Any], Ends, Ends]]:
    for operands, expected in cases(folder / SUITE, operation):
        pairs = [pair for pair in operands if pair is not None]
        if expected is not None and len(pairs) == len(operands):  # empty sets have no counterpart here
            yield pairs, expected, evaluate(operation, pairs)


@pytest.mark.corpus
@pytest.mark.parametrize("operation", TIGHT)
def test_basic_operations_are_tightest(operation: str, corpus: Path) -> None:
    if _core.rounding == "none":
        pytest.skip("the negative control isn't tight")
    count = 0
    for operands, expected, found in run(corpus / "itl", operation):
        if operation == "div" and operands[1][0] < 0 < operands[1][1]:  # coarser by design: unbounded
            assert found[0] <= expected[0] <= expected[1] <= found[1]
        else:
            assert found == expected, (operation, operands)
        count += 1
    assert count >= TIGHT[operation]


@pytest.mark.corpus
@pytest.mark.parametrize("operation", CLOSE)
def test_elementary_functions_contain_the_tightest(operation: str, corpus: Path) -> None:
    if _core.rounding == "none":
        pytest.skip("the negative control doesn't enclose")
    count = 0
    for operands, expected, found in run(corpus / "itl", operation):
        assert found[0] <= expected[0], (operation, operands)
        assert expected[1] <= found[1], (operation, operands)
        for a, b in zip(found, expected, strict=True):
            if np.isfinite(a) and np.isfinite(b):
                assert abs(a - b) <= 5 * math.ulp(b), (operation, operands)
        count += 1
    assert count >= CLOSE[operation]
