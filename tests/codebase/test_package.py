"""Promises about the package as a whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import gonogo


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, json, gonogo; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    loaded = set(json.loads(python(code)))
    assert not loaded & {"onnx", "tflite", "click", "rich", "optuna", "matplotlib", "scipy"}


def test_every_public_name_resolves() -> None:
    for name in gonogo.__all__:
        assert getattr(gonogo, name) is not None


def test_dir_lists_the_public_names() -> None:
    assert set(gonogo.__all__) <= set(dir(gonogo))


def test_the_version_is_written_once(root: Path) -> None:
    assert f'version = "{gonogo.__version__}"' in (root / "cpp/include/gonogo/version.hpp").read_text()


def test_no_file_is_huge(root: Path) -> None:
    """Headers near 150 lines and sources near 300 are the aim; beyond these limits a file must be split."""
    limits = {".hpp": 300, ".cpp": 600, ".py": 600}
    for folder in ("cpp", "python", "tests"):
        for path in (root / folder).rglob("*"):
            if path.suffix in limits and path.is_file():
                lines = len(path.read_text(encoding="utf-8").splitlines())
                assert lines <= limits[path.suffix], f"{path.relative_to(root)} has {lines} lines"


def test_errors_are_also_the_builtins_users_expect() -> None:
    from gonogo import errors

    expected = {
        "ModelError": ValueError,
        "UnsupportedOperatorError": NotImplementedError,
        "UnsupportedTypeError": TypeError,
        "ShapeError": ValueError,
        "QuantizationError": ValueError,
        "OverflowRiskError": ArithmeticError,
        "BoxError": ValueError,
        "TargetError": LookupError,
        "LimitError": ValueError,
        "IntervalError": ValueError,
        "UndecidedError": ValueError,
        "SpaceError": ValueError,
        "ArchitectureError": ValueError,
    }
    assert set(expected) | {"GonogoError"} == set(errors.__all__)
    for name, builtin in expected.items():
        cls = getattr(errors, name)
        assert issubclass(cls, errors.GonogoError)
        assert issubclass(cls, builtin)
        assert cls.__doc__
