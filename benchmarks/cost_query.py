"""Time of one cost query on a loaded model, against the limit of 50 microseconds.

    python benchmarks/cost_query.py [model.tflite ...]

Without arguments: the model that comes with the package, and the corpus's visual wake words model when it is there.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import gonogo as gg
from gonogo import _core, targets

LIMIT_SECONDS = 50e-6
TARGET = "stm32f746"


def best(call: Callable[[], object], repeats: int = 7, number: int = 2000) -> float:
    """Seconds per call: the least mean over a few runs, which is the one least disturbed."""
    means = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(number):
            call()
        means.append((time.perf_counter() - start) / number)
    return min(means)


def models() -> list[Path]:
    if len(sys.argv) > 1:
        return [Path(a) for a in sys.argv[1:]]
    root = Path(__file__).resolve().parents[1]
    corpus = Path(os.environ.get("GONOGO_CORPUS", root.parent / "shared" / "data"))
    found = sorted((root / "python" / "gonogo" / "demo").glob("*int8*.tflite"))
    return found + [p for p in [corpus / "cost" / "models" / "vww_96_int8.tflite"] if p.exists()]


def main() -> int:
    device = targets.load(TARGET)
    slow = False
    for path in models():
        graph = gg.load(path)
        for name, call in (
            ("gg.cost(model, name)", lambda graph=graph: gg.cost(graph, TARGET)),
            ("_core.cost", lambda graph=graph: _core.cost(graph, device.core)),
        ):
            seconds = best(call)
            slow |= seconds > LIMIT_SECONDS
            print(
                f"{path.name}, {len(graph.nodes)} nodes: {name} {seconds * 1e6:.1f} us, "
                f"{seconds / LIMIT_SECONDS:.2f} of the limit of {LIMIT_SECONDS * 1e6:.0f} us"
            )
        first = []
        for _ in range(20):
            fresh = gg.load(path)
            start = time.perf_counter()
            gg.cost(fresh, TARGET)
            first.append(time.perf_counter() - start)
        print(f"{path.name}: first query after loading {min(first) * 1e6:.1f} us")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
