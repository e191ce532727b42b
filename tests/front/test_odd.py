"""Boxes from named ranges: outward, in the order asked for, and refused by name."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gonogo import Box, cli
from gonogo.errors import BoxError

TOML = """
[temperature]
lo = -40
hi = 85.1
unit = "degC"
mean = 20.3
std = 12.7

[pressure]
lo = 80.1
hi = 1.1e2
unit = "kPa"

[humidity]
lo = 0.1
hi = 0.1
"""
CSV = """feature,lo,hi,unit,mean,std
temperature,-40,85.1,degC,20.3,12.7
pressure, 80.1, 1.1e2, kPa,,
humidity,0.1,0.1,,,
"""
JSON = """{"temperature": {"lo": -40, "hi": 85.1, "unit": "degC", "mean": 20.3, "std": 12.7},
           "pressure": {"lo": 80.1, "hi": 1.1e2, "unit": "kPa"},
           "humidity": {"lo": 0.1, "hi": 0.1}}"""
FORMS = {"a.toml": TOML, "a.csv": CSV, "a.json": JSON}


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.mark.soundness
@pytest.mark.parametrize("name", FORMS)
def test_what_was_written_is_inside(tmp_path: Path, name: str) -> None:
    box = Box.from_odd(write(tmp_path, name, FORMS[name]))
    lo, hi = ([Fraction(float(v)) for v in ends[0]] for ends in (box.lo, box.hi))
    mean, std = Fraction("20.3"), Fraction("12.7")
    tenth = Fraction("0.1")
    exact = [((Fraction(-40) - mean) / std, (Fraction("85.1") - mean) / std)]
    exact += [(Fraction("80.1"), Fraction(110)), (tenth, tenth)]
    for low, high, (least, most) in zip(lo, hi, exact, strict=True):
        assert low <= least
        assert most <= high
        assert float(high - most) + float(least - low) < 1e-12
    assert "temperature [-40, 85.1" in box.origin
    assert "degC" in box.origin
    assert "kPa" in box.origin


def test_the_model_s_order() -> None:
    ranges = {"a": (0, 1), "b": {"lo": 2, "hi": "3", "unit": "m"}, "c": (4.0, 5.0, "s")}
    assert Box.from_odd(ranges).lo[0].tolist() == [0, 2, 4]
    box = Box.from_odd(ranges, ["c", "a"])
    assert (box.lo[0].tolist(), box.hi[0].tolist()) == ([4, 0], [5, 1])
    many = Box.from_odd({f"x{i}": (0, i) for i in range(9)})
    assert "and 5 more" in many.origin


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ({}, "no features"),
        ({"a": (2, 1)}, "'a'.*above"),
        ({"a": (float("nan"), 1)}, "'a', lo.*finite"),
        ({"a": (0, float("inf"))}, "'a', hi.*finite"),
        ({"a": ("zero", 1)}, "'a', lo.*zero"),
        ({"a": (True, 1)}, "'a', lo"),
        ({"a": (None, 1)}, "'a', lo"),
        ({"a": 3}, "lo, hi"),
        ({"a": (0,)}, "lo, hi"),
        ({"a": {"lo": 0}}, "expected"),
        ({"a": {"lo": 0, "hi": 1, "low": 2}}, "low"),
        ({"a": {"lo": 0, "hi": 1, "unit": 3}}, "unit"),
        ({"a": {"lo": 0, "hi": 1, "mean": 3}}, "mean with std"),
        ({"a": {"lo": 0, "hi": 1, "mean": 3, "std": 0}}, "positive"),
        ({"a": {"lo": 0, "hi": 1, "mean": 3, "std": "1e-320"}}, "float64"),
    ],
)
def test_what_is_refused(ranges: Any, message: str) -> None:
    with pytest.raises(BoxError, match=message):
        Box.from_odd(ranges)


@pytest.mark.parametrize(("order", "message"), [(["a", "x"], "'x'"), (["a", "a"], "twice"), ([], "no range")])
def test_wrong_order(order: list[str], message: str) -> None:
    with pytest.raises(BoxError, match=message):
        Box.from_odd({"a": (0, 1)}, order)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.toml", "[a\n"),
        ("a.toml", "[a]\nlo = nan\nhi = 1\n"),
        ("a.toml", "a = 3\n"),
        ("a.json", "[]"),
        ("a.json", '{"a": {"lo": 0, "hi": 1}, "a": {"lo": 0, "hi": 1}}'),
        ("a.json", '{"a": {"lo": NaN, "hi": 1}}'),
        ("a.csv", "feature,hi,lo\na,1,0\n"),
        ("a.csv", "feature,lo,hi\na,0\n"),
        ("a.csv", "feature,lo,hi\na,,1\n"),
        ("a.csv", "feature,lo,hi\na,0,1\na,0,1\n"),
        ("a.csv", "\xff"),
        ("a.txt", "a 0 1"),
    ],
)
def test_broken_files(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(BoxError, match=name):
        Box.from_odd(write(tmp_path, name, text))


def test_percentiles_of_an_array() -> None:
    data = np.arange(101.0).reshape(-1, 1)[::-1]
    box = Box.from_data(data, (5, 95))
    assert (box.lo[0].tolist(), box.hi[0].tolist()) == ([5.0], [95.0])
    assert "an array (101 samples)" in box.origin
    assert data[0, 0] == 100.0  # sorted in a copy
    with pytest.raises(BoxError, match="nan"):
        Box.from_data(np.array([[0.0], [np.nan]]))


def test_from_the_command_line(
    tmp_path: Path, deployed_path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = write(tmp_path, "odd.toml", "[a]\nlo = 0\nhi = 1\n")
    assert cli.main(["bound", deployed_path, "--odd", str(odd)]) == cli.DATA
    assert "shape" in capsys.readouterr().err
    assert cli.main(["bound", deployed_path, "--odd", str(odd), "--data", "x.npy"]) == cli.USAGE
