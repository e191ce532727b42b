"""Elementary functions of float64 intervals: nanoseconds per interval (two ends), one thread, CPU time of that thread.

python benchmarks/elementary.py [rounds]

For every function and instruction set of this machine: arrays that stay in the cache (4,096 intervals; numpy: 32,768
points) and arrays from memory (1,000,000). In the same run, alternating: numpy's function at one point per element,
which proves nothing, and the interval functions of mpmath (rigorous, arbitrary precision). The limits hold for AVX-512
in the cache. Last line: time of the interval exponential over numpy's for points, with the best instruction set.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable

import mpmath
import numpy as np
from gonogo._core import numeric

LIMITS = {"exp": 1.5, "tanh": 4.0, "sigmoid": 4.0, "erf": 4.0}  # nanoseconds, AVX-512, in the cache
RANGES = {"log": (0.01, 100), "log1p": (-0.9, 100), "log2": (0.01, 100)}
FUNCTIONS = [
    "exp",
    "expm1",
    "exp2",
    "log",
    "log1p",
    "log2",
    "sin",
    "cos",
    "tanh",
    "erf",
    "sigmoid",
    "softplus",
]
CACHED, LARGE = 4096, 1_000_000
RIGOROUS_PEERS = ("exp", "log", "sin", "cos")  # mpmath.iv's own
SETS = numeric.available_instruction_sets()
Floats = np.ndarray
PEERS: dict[str, Callable[..., object]] = {
    name: getattr(np, name) for name in ("exp", "expm1", "exp2", "log", "log1p", "log2", "sin", "cos", "tanh")
}


def call_seconds(call: Callable[[], object]) -> float:
    start = time.thread_time_ns()
    call()
    return (time.thread_time_ns() - start) * 1e-9


def boxes(name: str, size: int) -> tuple[Floats, Floats]:
    lo = np.random.default_rng(1).uniform(*RANGES.get(name, (-5.0, 5.0)), size)
    return lo, lo + np.abs(lo) / 100


def measure(name: str, rounds: int) -> dict[str, float]:
    """Least nanoseconds per element. Contenders take turns, so that what else runs here meets all of them."""
    small, large = boxes(name, CACHED), boxes(name, LARGE)
    out = np.empty(LARGE), np.empty(LARGE)
    points, values = large[0][: 8 * CACHED].copy(), np.empty(8 * CACHED)
    single = small[0][:2048].copy(), small[1][:2048].copy()
    exact = [
        mpmath.iv.mpf([a, b]) for a, b in zip(small[0][:50].tolist(), small[1][:50].tolist(), strict=True)
    ]
    best: dict[str, float] = {}

    def meet(label: str, seconds: float, elements: int) -> None:
        best[label] = min(best.get(label, math.inf), seconds / elements * 1e9)

    for _ in range(rounds):
        for which in SETS:
            numeric.use_instruction_set(which)
            meet(f"{which} cache", numeric.elementary_seconds(name, *small, calls=400), CACHED)
            numeric.elementary(name, *large, out_lo=out[0], out_hi=out[1])  # faults the pages in
            seconds = call_seconds(lambda: numeric.elementary(name, *large, out_lo=out[0], out_hi=out[1]))
            meet(f"{which} memory", seconds, LARGE)
        for _ in range(5):
            meet("scalar", call_seconds(lambda: numeric.elementary(name, *single, scalar=True)), 2048)
        if name in PEERS:
            for _ in range(20):
                meet("numpy cache", call_seconds(lambda: PEERS[name](points, out=values)), points.size)
            meet("numpy memory", call_seconds(lambda: PEERS[name](large[0], out=out[0])), LARGE)
        if name in RIGOROUS_PEERS:
            meet("mpmath.iv", call_seconds(lambda: [getattr(mpmath.iv, name)(x) for x in exact]), len(exact))
    return best


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    mpmath.iv.prec = 53
    numeric.set_thread_count(1)
    before, failed = numeric.instruction_set(), 0
    top = SETS[-1]
    exponential = {}
    print("ns per interval: cached / from memory; numpy per point; stated accuracy per end in ulp")
    for name in FUNCTIONS:
        ns = measure(name, rounds)
        numeric.use_instruction_set(before)
        if name == "exp":
            exponential = ns
        parts = [f"{which} {ns[f'{which} cache']:6.2f} /{ns[f'{which} memory']:6.2f}" for which in SETS]
        parts.append(f"scalar {ns['scalar']:5.1f}")
        if name in PEERS:
            parts.append(f"numpy {ns['numpy cache']:5.2f} /{ns['numpy memory']:5.2f}")
        if "mpmath.iv" in ns:
            parts.append(f"mpmath.iv {ns['mpmath.iv']:.0f}")
        verdict = ""
        if name in LIMITS and top == "avx512":
            good = ns["avx512 cache"] <= LIMITS[name]
            failed += not good
            verdict = f"  limit {LIMITS[name]}: {'kept' if good else 'MISSED'}"
        print(f"{name:9}{'  '.join(parts)}  {numeric.accuracy_ulp(name)} ulp{verdict}", flush=True)
    ratio = exponential[f"{top} cache"] / exponential["numpy cache"]
    print(f"ratio {ratio:.2f}  (interval exp, {top}, over numpy.exp per point)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
