"""Libraries that spoil the process's floating-point environment, in processes of their own.

`import codac` (its GAOL back end) leaves the rounding mode upward; shared objects linked with -ffast-math switch
FTZ and DAZ on as they are loaded. gonogo must compute the same beside them, and leave the environment as they set it.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# Operands come from a file: a spoilt numpy would make other ones.
PROBE = """
import json, sys, threading
import numpy as np
{before}
import gonogo
from gonogo._core import numeric
{after}

data = np.load(sys.argv[1])
lo, hi, w, x, moderate = (data[name] for name in ("lo", "hi", "w", "x", "moderate"))
tiny = np.frombuffer(np.ones(w.shape[1], dtype=np.int64).tobytes())

def results():
    ends = [*numeric.binary("mul", lo, hi, lo, hi), *numeric.binary("add", lo, hi, lo, hi)]
    ends += [*numeric.affine(w, x, x, tiny, tiny)]
    for name in ("exp", "log", "sin", "tanh", "erf", "softplus"):
        ends += numeric.elementary(name, moderate, moderate)
    ends += numeric.matmul(np.ascontiguousarray(w.T), x, x)
    array = gonogo.IntervalArray(lo, hi)
    for result in (array * array, array / array, array.sqr(), gonogo.interval.fma(array, array, array)):
        ends += [result.lower, result.upper]
    ends.append(np.array(numeric.parse_decimal("1e-320")))
    return [part.tobytes().hex() for part in ends]

before = numeric.environment()
here = results()
elsewhere = []
worker = threading.Thread(target=lambda: elsewhere.append(results()))
worker.start(), worker.join()
print(json.dumps([before, numeric.environment(), here, here == elsewhere[0]]))
"""


@pytest.fixture(scope="module")
def operands_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(5)
    a, b = (np.ldexp(rng.standard_normal(4000), rng.integers(-1060, 900, 4000)) for _ in range(2))
    path = tmp_path_factory.mktemp("operands") / "operands.npz"
    w, x = np.ldexp(rng.standard_normal((30, 4)), -530), np.ldexp(rng.standard_normal(30), -530)
    np.savez(path, lo=np.minimum(a, b), hi=np.maximum(a, b), w=w, x=x, moderate=np.clip(a, -745, 745))
    return path


def probe(operands: Path, *, before: str = "", after: str = "") -> Any:
    text = PROBE.replace("{before}", before).replace("{after}", after)
    command = [sys.executable, "-c", text, str(operands)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def undisturbed(operands_file: Path) -> Any:
    before, after, results, same = probe(operands_file)
    assert before == after == ["nearest", False, False]
    assert same
    return results


@pytest.mark.parametrize("order", ["first", "last"])
def test_codac_leaves_rounding_upward(operands_file: Path, undisturbed: Any, order: str) -> None:
    if importlib.util.find_spec("codac") is None:
        pytest.skip("codac isn't installed")
    where = "before" if order == "first" else "after"
    before, after, results, same = probe(operands_file, **{where: "import codac"})
    assert before[0] == "up", "codac no longer leaves the rounding mode upward: this test has lost its point"
    assert after == before
    assert same
    assert results == undisturbed


def test_a_library_linked_with_fast_math(operands_file: Path, undisturbed: Any, tmp_path: Path) -> None:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    source, library = tmp_path / "fast.c", tmp_path / "libfast.so"
    source.write_text("double twice(double x) { return 2.0 * x; }\n")
    subprocess.run([compiler, "-shared", "-fPIC", "-Ofast", "-o", library, source], check=True)
    before, after, results, same = probe(
        operands_file, before=f"import ctypes; ctypes.CDLL({str(library)!r})"
    )
    if not (before[1] or before[2]):
        # Newer compilers leave the environment alone: do what the older ones did.
        spoil = "numeric.set_environment('nearest', True, True)"
        before, after, results, same = probe(operands_file, after=spoil)
    assert before == after == ["nearest", True, True]
    assert same
    assert results == undisturbed
