"""Time of interval matrix products as a multiple of numpy's plain product of the same type and size.

    python benchmarks/affine.py [--quick]

For every instruction set that the machine has: float32 and float64 at 1024^3 and 8192 x 8192 times one vector, on one
thread. Both contenders alternate; the least time of each counts, as the one least disturbed. numpy's BLAS picks
its best kernels and uses one thread. The time is the whole call's: conversion to midpoint and radius, packing,
error bound, outward rounding. Then the same product on two threads, on the wall clock. `width`: the mean over the
exact hull's, for relative radius 1e-4. The last line has the four ratios on the best instruction set.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.pop("OPENBLAS_CORETYPE", None)
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from gonogo._core import numeric

LIMITS = {
    ("float32", "matrix"): 2.2,
    ("float64", "matrix"): 2.4,
    ("float32", "vector"): 1.7,
    ("float64", "vector"): 1.7,
}
SHAPES = {"matrix": (1024, 1024, 1024), "vector": (8192, 8192, 1)}


def best(repeats: int, clock: Callable[[], float], *calls: Callable[[], object]) -> list[float]:
    """The least time of each call; they take turns."""
    least = [float("inf")] * len(calls)
    for _ in range(repeats):
        for i, call in enumerate(calls):
            start = clock()
            call()
            least[i] = min(least[i], clock() - start)
    return least


def operands(dtype: Any, m: int, k: int, n: int) -> tuple[Any, Any, Any, Any]:
    r = np.random.default_rng(1)
    a = (r.normal(size=(m, k)) / np.sqrt(k)).astype(dtype)
    x = r.normal(size=(k, n)).astype(dtype)
    radius = np.abs(x) * dtype(1e-4)
    return a, x, x - radius, x + radius


def excess(a: Any, lo: Any, hi: Any) -> float:
    """Width of the bounds over that of the hull, on a few rows."""
    a = a[:16].copy()
    low, high = numeric.matmul(a, lo, hi)
    hull = np.abs(a.astype(float)) @ (hi.astype(float) - lo.astype(float))
    return float((high.astype(float) - low).sum() / hull.sum())


def measure(dtype: Any, shape: tuple[int, int, int], repeats: int) -> tuple[float, str]:
    """The ratio and a line about it."""
    m, k, n = shape
    a, x, lo, hi = operands(dtype, m, k, n)

    def product() -> Any:
        return numeric.matmul(a, lo, hi)

    numeric.set_thread_count(1)
    ours, plain = best(repeats, time.thread_time, product, lambda: np.matmul(a, x))
    numeric.set_thread_count(2)
    (two,) = best(repeats, time.perf_counter, product)
    line = (
        f"{np.dtype(dtype).name} {m} x {k} x {n}: {ours * 1e3:7.2f} ms, {2e-9 * m * k * n / ours:5.1f} GFLOP/s of "
        f"the plain product; numpy {plain * 1e3:6.2f} ms, ratio {ours / plain:5.2f}; two threads "
        f"{two * 1e3:7.2f} ms; width {excess(a, lo, hi):.4f}"
    )
    return ours / plain, line


def main() -> int:
    quick = "--quick" in sys.argv[1:]
    ratios = {}
    for name in numeric.available_instruction_sets():
        numeric.use_instruction_set(name)
        for dtype in (np.float32, np.float64):
            for kind, (m, k, n) in SHAPES.items():
                shape = (m // 4, k // 4, max(n // 4, 1)) if quick else (m, k, n)
                repeats = 3 if quick or name == "baseline" else 20
                ratios[np.dtype(dtype).name, kind], line = measure(dtype, shape, repeats)
                print(f"{name:8} {line}", flush=True)
    found = [f"{' '.join(key)} {ratios[key]:.2f} (<= {limit})" for key, limit in LIMITS.items()]
    print("ratio " + "; ".join(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
