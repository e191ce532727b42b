"""Time of `import gonogo` in a fresh interpreter, against the limit of 0.15 s.

python benchmarks/import_time.py
"""

from __future__ import annotations

import subprocess
import sys

LIMIT_SECONDS = 0.15
REPEATS = 20
CODE = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def best(module: str) -> float:
    """Seconds of the import alone: the least of several fresh interpreters, the one least disturbed."""
    return min(
        float(
            subprocess.run(
                [sys.executable, "-c", CODE.format(module)], capture_output=True, text=True, check=True
            ).stdout
        )
        for _ in range(REPEATS)
    )


def main() -> int:
    seconds, numpy = best("gonogo"), best("numpy")
    print(
        f"import gonogo: {seconds * 1e3:.1f} ms, {seconds / LIMIT_SECONDS:.2f} of the limit of "
        f"{LIMIT_SECONDS * 1e3:.0f} ms, {seconds / numpy:.2f} of 'import numpy' ({numpy * 1e3:.1f} ms)"
    )
    return 1 if seconds > LIMIT_SECONDS else 0


if __name__ == "__main__":
    sys.exit(main())
