"""Reports: outward text, JSON that keeps every guarantee, nothing left out."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from gonogo import report
from gonogo.results import BoundResult, CheckResult, Provenance, TensorBound
from support.results import make_error, make_outcome, make_result

THIRDS = [math.ldexp(1.0 / 3.0, k) for k in (-60, -3, 0, 9, 40)]


def decimals(text: str) -> object:
    return json.loads(text, parse_float=lambda s: Fraction(Decimal(s)), parse_int=Fraction)


@pytest.mark.soundness
def test_json_bounds_are_outward() -> None:
    result = make_result(make_error(THIRDS, [v / 2 for v in THIRDS]))
    data = decimals(report.to_json(result))["tensors"][0]  # type: ignore[index]
    strictly = 0
    for value, bound, lower, witness in zip(
        THIRDS, data["bound"], data["lower"], data["witness"], strict=True
    ):
        assert bound >= Fraction(value)
        assert lower <= -Fraction(value)
        assert witness <= Fraction(value) / 2
        strictly += bound > Fraction(value)
        # To nearest, about half of these would fall below.
        assert bound > Fraction(value)
    assert strictly


def test_json_is_json() -> None:
    result = make_result(make_error([math.inf, 1.0], [0.25, 0.5]))
    data = json.loads(report.to_json(result))
    assert data["bound"]["value"] is None
    assert data["tensors"][0]["bound"] == [None, 1]
    assert data["provenance"]["deployed"]["sha256"] == "ab" * 32
    assert data["notes"] == ["a note"]
    assert json.loads(report.to_json(result, indent=None)) == data
    assert report.to_json(result, indent=None).count("\n") == 1


def test_text_names_everything() -> None:
    result = make_result(make_error([1.0 / 3.0], [0.1]))
    text = report.to_text(result)
    for part in (
        "d.tflite",
        "r.tflite",
        "file box.json",
        "0.3334",
        "conv2d",
        "75.0%",
        "a note",
        "an assumption",
        "1 low",
    ):
        assert part in text


def test_check_text_ends_with_the_verdict() -> None:
    outcomes = (
        make_outcome("ram", Fraction(2048), 1000, 1000),
        make_outcome("error", Fraction(1, 2), 0.1, 0.75),
    )
    result = CheckResult(
        outcomes, make_result(make_error([0.75], [0.1])), None, Provenance("check", None), ("seen",)
    )
    text = report.to_text(result)
    assert text.splitlines()[-1].startswith("UNDECIDED: error lies between 0.1")
    assert "seen" in text
    assert str(result).startswith("UNDECIDED (error decides)")
    data = json.loads(report.to_json(result))
    assert (data["verdict"], data["deciding"]) == ("UNDECIDED", "error")
    assert data["limits"][1]["high"] == {"value": 0.75, "standing": "exact"}


def test_bound_text_shows_ranges() -> None:
    tensors = (TensorBound("y", np.array([-1.0 / 3.0] * 40), np.array([1.0 / 3.0] * 40), False),)
    text = report.to_text(BoundResult(tensors, Provenance("bound", None)))
    assert "-0.3334" in text
    assert "and 8 more" in text


def test_a_build_without_rounding_says_so() -> None:
    result = BoundResult(
        (TensorBound("y", np.zeros(1), np.zeros(1), False),), Provenance("bound", None, rounding="none")
    )
    assert "nothing here is proved" in report.to_text(result)


def test_what_is_no_result() -> None:
    for function in (report.to_text, report.to_json):
        with pytest.raises(TypeError):
            function(object())


def test_plots(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    error = make_result(make_error([1.0, 2.0], [0.5, 0.5]))
    bound = BoundResult((TensorBound("y", np.zeros(2), np.ones(2), False),), Provenance("bound", None))
    check = CheckResult((), error, None, Provenance("check", None))
    for index, result in enumerate((error, bound, check)):
        report.plot(result, str(tmp_path / f"{index}.svg"))
        assert (tmp_path / f"{index}.svg").stat().st_size > 1000
    with pytest.raises(TypeError):
        report.plot(object(), str(tmp_path / "x.svg"))
    with pytest.raises(TypeError):
        report.plot(CheckResult((), None, None, Provenance("check", None)), str(tmp_path / "x.svg"))
