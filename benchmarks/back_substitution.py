"""Time of the products of backward bound propagation as a multiple of numpy's of the same sizes.

    python benchmarks/back_substitution.py [--quick]

For every instruction set that the machine has, float64, one thread: many rows times one factor that was packed
before, which is how bound propagation uses it. Sizes: the layers of small control networks, dense layers, and
convolutions as products. Both contenders write to an array that exists, and alternate; the least time of each counts,
as the one least disturbed. numpy's BLAS picks its best kernels and uses one thread. Then rows through element-wise
relations, in nanoseconds per element. The last line has the ratios on the best instruction set.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

os.environ.pop("OPENBLAS_CORETYPE", None)
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from gonogo._core import numeric

# (m, k, n)
SHAPES = [
    (1, 50, 50),
    (20, 50, 50),
    (256, 50, 50),
    (5000, 50, 50),
    (256, 5, 50),
    (256, 50, 5),
    (512, 256, 256),
    (200, 100, 784),
    (200, 784, 100),
    (500, 784, 784),
    (10000, 8, 72),
    (2000, 32, 288),
    (500, 128, 1152),
]
ROWS = (784, 20000)


def best(repeats: int, calls: int, *contenders: Callable[[], object]) -> list[float]:
    """The least time of a call of each, `calls` of them at a time; they take turns."""
    least = [float("inf")] * len(contenders)
    for _ in range(repeats):
        for i, contender in enumerate(contenders):
            start = time.thread_time()
            for _ in range(calls):
                contender()
            least[i] = min(least[i], (time.thread_time() - start) / calls)
    return least


def product(shape: tuple[int, int, int], repeats: int) -> tuple[float, str]:
    """The ratio and a line about it."""
    m, k, n = shape
    r = np.random.default_rng(1)
    a, b, c = r.normal(size=(m, k)), r.normal(size=(k, n)), np.zeros((m, n))
    factor = numeric.RightFactor(b)
    calls = max(1, 4_000_000 // (m * k * n))
    ours, plain = best(repeats, calls, lambda: factor.multiply(a, c), lambda: np.matmul(a, b, out=c))
    line = (
        f"{m:5} x {k:3} x {n:4}: {ours * 1e6:9.2f} us, {2e-9 * m * k * n / ours:5.1f} GFLOP/s; "
        f"numpy {plain * 1e6:9.2f} us, ratio {ours / plain:5.2f}"
    )
    return ours / plain, line


def relations(n: int, repeats: int) -> str:
    r = np.random.default_rng(1)
    a, below, above, weight, out = r.normal(size=(5, n))
    dot, scale, add = best(
        repeats,
        max(1, 200_000 // n),
        lambda: numeric.select_dot(a, below, above, weight),
        lambda: numeric.select_scale(a, below, above, out),
        lambda: numeric.select_scale(a, below, above, out, True),
    )
    return (
        f"rows of {n:5}: select_dot {dot / n * 1e9:.2f}, select_scale {scale / n * 1e9:.2f}, added to what is there "
        f"{add / n * 1e9:.2f} ns per element, Python's call included"
    )


def main() -> int:
    repeats = 5 if "--quick" in sys.argv[1:] else 100
    ratios = {}
    for name in numeric.available_instruction_sets():
        numeric.use_instruction_set(name)
        for shape in SHAPES:
            ratios[shape], line = product(shape, repeats)
            print(f"{name:8} {line}", flush=True)
        for n in ROWS:
            print(f"{name:8} {relations(n, repeats)}", flush=True)
    print("ratio " + "; ".join(f"{m}x{k}x{n} {ratio:.2f}" for (m, k, n), ratio in ratios.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
