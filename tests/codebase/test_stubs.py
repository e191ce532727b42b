"""python/gonogo/_core/*.pyi is what pybind11-stubgen writes for the module that is installed.

To refresh: python tests/codebase/test_stubs.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

STUBS = Path(__file__).resolve().parents[2] / "python" / "gonogo" / "_core"


def generate() -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pybind11_stubgen", "gonogo._core", "-o", folder, "--exit-code"],
            check=True,
            capture_output=True,
            text=True,
        )
        written = Path(folder) / "gonogo" / "_core"
        return {
            p.relative_to(written).as_posix(): p.read_text(encoding="utf-8") for p in written.rglob("*.pyi")
        }


def test_the_stubs_are_current() -> None:
    pytest.importorskip("pybind11_stubgen")
    kept = {p.relative_to(STUBS).as_posix(): p.read_text(encoding="utf-8") for p in STUBS.rglob("*.pyi")}
    assert generate() == kept, "the module's interface changed: run 'python tests/codebase/test_stubs.py'"


if __name__ == "__main__":
    for old in STUBS.rglob("*.pyi"):
        old.unlink()
    for name, text in generate().items():
        (STUBS / name).parent.mkdir(parents=True, exist_ok=True)
        (STUBS / name).write_text(text, encoding="utf-8")
