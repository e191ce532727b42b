"""Plots: what is drawn is what the result holds, and matplotlib is only needed for them."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from gonogo import Box, cli, report
from gonogo.decision import DecisionResult, RowDecision, Stability
from gonogo.results import BoundResult, ErrorResult, LayerShare, Progress, Provenance, TensorBound
from gonogo.whatif import Case, WhatIfResult
from support.results import make_error, make_result

PNG = b"\x89PNG\r\n\x1a\n"


def narrowed(bounds: tuple[float, ...] = (2.0, 1.5, 1.25)) -> ErrorResult:
    error = make_result(make_error([1.0, 2.0], [0.5, 0.25]))
    trace = tuple(Progress(float(i), b, 0.5, 1 << i) for i, b in enumerate(bounds))
    return ErrorResult(**{**error.__dict__, "trace": trace})


def decisions(error: ErrorResult | None = None) -> DecisionResult:
    kinds = (Stability.PROVED, Stability.PROVED, Stability.REFUTED, Stability.UNDECIDED)
    at = (np.array([[0.1, 0.2]]),)
    rows = tuple(
        RowDecision(i, k, 0, 1.0 - i, -math.inf, at if k is Stability.REFUTED else None)
        for i, k in enumerate(kinds)
    )
    return DecisionResult(
        rows, "y", "y", Provenance("decision", None, box="4 rows"), error, int(error is not None)
    )


def tried() -> WhatIfResult:
    base = make_result(make_error([1.0], [0.5]))
    finer = make_result(make_error([0.25], [0.125]))
    return WhatIfResult(
        base, (Case("first", "8 more bits", finer, 0.75), Case("exact weights", "none", finer)), ("a note",)
    )


def test_bars_of_an_error() -> None:
    pytest.importorskip("matplotlib")
    bracket, shares = report.figure(make_result(make_error([1.0, 2.0], [0.5, 0.25]))).axes
    bound, witness = bracket.containers
    assert [b.get_height() for b in bound] == [1.0, 2.0]
    assert [b.get_height() for b in witness] == [0.5, 0.25]
    assert [b.get_width() for b in shares.patches] == [25.0, 75.0]
    assert [t.get_text() for t in shares.get_yticklabels()] == ["second", "first"]


def test_layers_of_the_same_short_name_keep_their_bars() -> None:
    pytest.importorskip("matplotlib")
    error = make_result(make_error([1.0], [0.5]))
    layers = tuple(LayerShare(f"{i}" + "x" * 40, "dense", 0.25) for i in range(4))
    shares = report.figure(ErrorResult(**{**error.__dict__, "per_layer": layers})).axes[1]
    assert len({b.get_y() for b in shares.patches}) == 4


def test_the_bracket_against_time() -> None:
    pytest.importorskip("matplotlib")
    figure = report.figure(narrowed())
    assert len(figure.axes) == 3
    bound, witness = figure.axes[2].get_lines()
    assert bound.get_xdata().tolist() == [0.0, 1.0, 2.0]
    assert bound.get_ydata().tolist() == [2.0, 1.5, 1.25]
    assert witness.get_ydata().tolist() == [0.5] * 3
    assert len(report.figure(make_result(make_error([1.0], [0.5]))).axes) == 2  # one moment is no curve


def test_unbounded_is_said() -> None:
    pytest.importorskip("matplotlib")
    bracket = report.figure(make_result(make_error([math.inf, 1.0], [0.5, 0.5]))).axes[0]
    assert [t.get_text() for t in bracket.texts] == ["unbounded"]
    report.figure(narrowed((math.inf, 1.0)))


def test_rows_of_decisions() -> None:
    pytest.importorskip("matplotlib")
    (axes,) = report.figure(decisions()).axes
    assert len(axes.patches) == 4
    assert [t.get_text() for t in axes.get_legend().get_texts()] == [
        "can't change: 2",
        "changes: 1",
        "undecided: 1",
    ]
    (axes,) = report.figure(decisions(make_result(make_error([0.5, 0.25], [0.1, 0.1])))).axes
    assert axes.get_lines()[0].get_ydata()[0] == 0.75


def test_cases_of_what_if() -> None:
    pytest.importorskip("matplotlib")
    bars = report.figure(tried()).axes[1].patches
    assert [b.get_width() for b in bars] == [0.25, 0.25, 1.0]


def test_files(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    bound = BoundResult((TensorBound("y", np.zeros(2), np.ones(2), False),), Provenance("bound", None))
    for i, result in enumerate((narrowed(), decisions(), tried(), bound)):
        report.plot(result, str(tmp_path / f"{i}.png"))
        assert (tmp_path / f"{i}.png").read_bytes().startswith(PNG)


def test_without_matplotlib_the_way_to_get_it_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, deployed_path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [n for n in sys.modules if n.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'gonogo\[plot\]'"):
        report.figure(decisions())
    path = str(tmp_path / "x.png")
    assert cli.main(["bound", deployed_path, "--method", "interval", "--plot", path]) == cli.UNSUPPORTED
    assert "pip install 'gonogo[plot]'" in capsys.readouterr().err


# ---- the same results as text and JSON


def test_decisions_as_text_and_json() -> None:
    text = report.to_text(decisions(make_result(make_error([1 / 3, 0.25], [0.1, 0.1]))))
    for part in (
        "can't change  2",
        "change        1",
        "at least 50 % of 4 rows",
        "more than 0.5834",
        "1 rows lie",
    ):
        assert part in text
    assert text.index("refuted") < text.index("-2  undecided")  # what changes comes first
    data = json.loads(report.to_json(decisions()))
    assert (data["proved"], data["refuted"], data["undecided"]) == (2, 1, 1)
    assert data["decision_margin"] == {"value": 0.5, "standing": "proved"}
    assert data["safe_margin"] is None
    assert data["by_row"][2] == {
        "verdict": "refuted",
        "winner": 0,
        "reference_margin": -1,
        "deployed_margin": None,
        "witness": [[0.1, 0.2]],
    }
    assert data["by_row"][0]["witness"] is None
    assert "2 of 4 decisions can't change" in str(decisions())


def test_what_if_as_text_and_json() -> None:
    text = report.to_text(tried())
    for part in ("as deployed", "8 more bits", "75.0%", "0.25", "a note"):
        assert part in text
    data = json.loads(report.to_json(tried()))
    assert [c["name"] for c in data["cases"]] == ["first", "exact weights"]
    assert data["cases"][0]["error"]["bound"]["value"] == 0.25
    assert data["base"]["per_operator"] == {"conv2d": 0.75, "dense": 0.25}
    assert data["base"]["per_layer"][0]["alone"] is None


def test_the_commands(demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pair = [str(demo / f"digits_{kind}.tflite") for kind in ("float32", "int8")]
    box = Box.from_file(demo / "digits_box.json")
    np.save(tmp_path / "rows.npy", np.stack([(box.lo[0] + box.hi[0])[0] / 2] * 2))
    rows = ["--data", str(tmp_path / "rows.npy"), "--radius", "0.001", "--clip", "0", "1"]
    assert cli.main(["decisions", *pair, *rows]) == 0
    assert "can't change  2  proved" in capsys.readouterr().out
    wide = [*rows[:2], "--radius", "0.5", "--method", "interval"]
    assert cli.main(["decisions", *pair, *wide, "--json"]) in (1, 2)
    capsys.readouterr()
    whole = ["--box", str(demo / "digits_box.json")]
    assert cli.main(["decisions", *pair, *rows, *whole]) == 0
    assert "one error bound serves every row" in capsys.readouterr().out
    assert cli.main(["decisions", *pair, "--data", "missing.npy"]) == cli.NO_INPUT
    capsys.readouterr()
    tried = ["whatif", *pair, *whole, "--tensor", "logits", "--method", "interval"]
    assert cli.main([*tried, "--layer", "conv", "--finer", "real"]) == 0
    text = capsys.readouterr().out
    assert "exact arithmetic" in text
    assert "real-valued results" in text
    assert cli.main([*tried, "--keep", "conv=int16", "--keep", "input=real"]) == 0
    assert "conv + input" in capsys.readouterr().out
    assert cli.main([*tried, "--keep", "conv"]) == cli.USAGE
    assert "give NAME=int16 or NAME=real" in capsys.readouterr().err
    assert cli.main(["whatif", pair[0], *whole, "--layer", "conv", "--semantics", "float32"]) == cli.USAGE
    assert "no words to choose" in capsys.readouterr().err
