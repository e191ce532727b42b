"""Calls of the elementary functions by instruction set; "scalar" is the kernel of single numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from gonogo._core import numeric

from support.elementary import Floats

SETS = ["scalar", *numeric.available_instruction_sets()]


def enclosures(name: str, which: str, lo: Any, hi: Any) -> tuple[Floats, Floats]:
    lo, hi = np.ascontiguousarray(lo, np.float64), np.ascontiguousarray(hi, np.float64)
    if which == "scalar":
        return numeric.elementary(name, lo, hi, scalar=True)
    before = numeric.instruction_set()
    numeric.use_instruction_set(which)
    try:
        return numeric.elementary(name, lo, hi)
    finally:
        numeric.use_instruction_set(before)
