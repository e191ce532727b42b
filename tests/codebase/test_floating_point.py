"""Nothing in the build or the sources may loosen floating-point arithmetic."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

LOOSE_FLAGS = re.compile(
    r"(?<![\w-])(?:-Ofast|-ffast-math|-funsafe-math-optimizations|-fassociative-math|-freciprocal-math|"
    r"-ffinite-math-only|-fno-signed-zeros|-ffp-contract=(?:fast|on)|-march=native|-mtune=native|/fp:fast)"
)
# Code that changes the process's rounding; only the environment guard may, and it puts everything back.
STATE_CHANGES = re.compile(
    r"\b(fesetround|fesetenv|feholdexcept|_mm_setcsr|_MM_SET_\w+|__builtin_ia32_ldmxcsr)\b"
)
LIBM = re.compile(r"std::(exp|expm1|log|log1p|tanh|sinh|cosh|pow|erf|sin|cos|tan|atan)\s*\(")


def code_lines(text: str) -> list[str]:
    return [line.split("//")[0] for line in text.splitlines()]


def build_files(root: Path) -> list[Path]:
    files = [root / "CMakeLists.txt", root / "CMakePresets.json", root / "pyproject.toml"]
    files += [p for p in (root / "cpp").rglob("*") if p.suffix == ".cmake" or p.name == "CMakeLists.txt"]
    assert len(files) > 6
    return files


def test_no_loose_flag_in_the_build(root: Path) -> None:
    for path in build_files(root):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert not LOOSE_FLAGS.search(line.split("#")[0]), (
                f"{path.relative_to(root)}:{number}: {line.strip()}"
            )


def test_every_compile_command_is_strict(root: Path) -> None:
    databases = sorted(root.glob("build/*/compile_commands.json"))
    if not databases:
        pytest.skip("no build folder with compile commands")
    for database in databases:
        for entry in json.loads(database.read_text(encoding="utf-8")):
            if "/cpp/tests/consumer/" in entry["file"]:
                continue
            command = entry["command"]
            assert "-ffp-contract=off" in command, entry["file"]
            assert not LOOSE_FLAGS.search(command), entry["file"]


def test_the_process_state_is_left_alone(root: Path) -> None:
    for path in sorted((root / "cpp").rglob("*.[ch]pp")):
        inside = path.relative_to(root / "cpp").as_posix()
        if inside.startswith("tests/") or "numeric/environment" in inside:
            continue
        for number, line in enumerate(code_lines(path.read_text(encoding="utf-8")), 1):
            assert not STATE_CHANGES.search(line), f"{inside}:{number}: {line.strip()}"


def test_no_libm_transcendental_in_trusted_code(root: Path) -> None:
    for path in sorted((root / "cpp").rglob("*.[ch]pp")):
        inside = path.relative_to(root / "cpp").as_posix()
        if inside.startswith("tests/"):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            # A line may say "libm: why": its last bits don't matter there, or a runtime's own call is mirrored.
            if LIBM.search(line.split("//")[0]) and "libm:" not in line:
                pytest.fail(f"{inside}:{number}: {line.strip()}")


@pytest.mark.parametrize("flag", ["-Ofast", "-ffast-math", "-ffp-contract=fast", "-march=native"])
def test_the_pattern_finds_loose_flags(flag: str) -> None:
    assert LOOSE_FLAGS.search(f"g++ -O2 {flag} -c a.cpp")


def test_the_pattern_passes_strict_flags() -> None:
    assert not LOOSE_FLAGS.search("g++ -O3 -ffp-contract=off -fno-fast-math -c a.cpp")
