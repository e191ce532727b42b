"""The bundled pair of models."""

from __future__ import annotations

from pathlib import Path

import gonogo
import pytest

DEMO = Path(gonogo.__file__).parent / "demo"


@pytest.fixture(scope="session")
def demo() -> Path:
    return DEMO


@pytest.fixture(scope="session")
def deployed_path() -> str:
    return str(DEMO / "digits_int8.tflite")


@pytest.fixture(scope="session")
def reference_path() -> str:
    return str(DEMO / "digits_float32.tflite")
