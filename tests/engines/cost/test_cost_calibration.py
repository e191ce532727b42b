"""Own boards: calibration finds the factors that made the measurements, and bad files are refused by line."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import gonogo as gg
import pytest
from click.testing import CliRunner
from gonogo import _core, cli, targets
from gonogo.errors import TargetError
from gonogo.targets import Measurement, calibrate, read_measurements

BASE = "stm32l4r5zi"


@pytest.fixture(scope="module")
def rows(corpus: Path) -> list[Measurement]:
    """Networks whose times a made-up board gives: 1.5 times the base everywhere, dense layers 1.8 times."""
    known = targets.load(BASE)
    assert known.timing is not None
    made = []
    for model, family in (
        ("ad01_int8", "dense"),
        ("pretrainedResnet_quant", "resnet"),
        ("vww_96_int8", "mobilenet"),
    ):
        graph = gg.load(corpus / "cost" / "models" / f"{model}.tflite")
        cost = _core.cost(graph, known.core)
        factor = 1.8 if family == "dense" else 1.5
        made.append(Measurement(graph, factor * cost.latency_seconds[1], family))
    return made


@pytest.mark.corpus
def test_a_slower_board(rows: list[Measurement]) -> None:
    found = calibrate(rows, base=BASE, name="made", engine="e 1")
    for row in rows:
        lower, estimate, upper = _core.cost(row.graph, found.target.core).latency_seconds
        assert estimate == pytest.approx(row.seconds, rel=0.04)
        assert lower < row.seconds < upper
    assert found.target.coverage == 0.75
    assert (found.target.engine, found.target.networks, found.target.clock_hz) == ("e 1", 3, 120e6)
    assert dict(found.errors)["dense"] < -0.1  # dense layers aren't slower on the base


@pytest.mark.corpus
@pytest.mark.parametrize("base", [BASE, BASE + "+tflm"])
def test_the_planner_is_the_base_s(base: str, rows: list[Measurement]) -> None:
    """What another engine takes of RAM and flash isn't exact on the calibrated board either."""
    cost = gg.cost(rows[0].graph, calibrate(rows, base=base).target)
    tflm = base.endswith("+tflm")
    assert cost.core.ram_activation_standing == ("exact" if tflm else "estimated")
    assert (cost.floor("ram") is not None) == (cost.floor("flash") != 0) == tflm


@pytest.mark.corpus
def test_layers_of_one_network(rows: list[Measurement]) -> None:
    """Layers twice as slow as the base's, but for convolutions."""
    known, graph = targets.load(BASE), rows[2].graph
    assert known.timing is not None
    cost = _core.cost(graph, known.core)
    measured = [
        Measurement(graph, node.seconds * (3 if info.op == "conv2d" else 2), info.op, layer=i)
        for i, (node, info) in enumerate(zip(cost.nodes, graph.nodes, strict=True))
        if node.seconds
    ]
    found = calibrate(measured, base=known)
    assert found.target.timing is not None
    ratio = {s: v / known.timing.factors[s] for s, v in found.target.timing.factors.items()}
    assert ratio["conv_1x1"] == pytest.approx(3, rel=0.03)
    assert ratio["depthwise"] == pytest.approx(2, rel=0.03)


@pytest.mark.corpus
def test_the_other_clock_scales_and_the_text_reads_back(rows: list[Measurement], tmp_path: Path) -> None:
    half = calibrate(rows, base=BASE, clock_hz=60e6)
    full = calibrate(rows, base=BASE)
    assert half.target.timing is not None
    assert full.target.timing is not None
    for stage, value in half.target.timing.factors.items():
        assert value == pytest.approx(
            full.target.timing.factors[stage] / 2, rel=2e-3
        )  # four digits are written
    path = tmp_path / "mine.toml"
    path.write_text(half.text, encoding="utf-8")
    assert targets.load(path).timing == half.target.timing


@pytest.mark.corpus
def test_one_family_is_too_few(rows: list[Measurement]) -> None:
    with pytest.raises(TargetError, match="1 family of networks: measure networks of at least two"):
        calibrate(rows[:1], base=BASE)
    with pytest.raises(TargetError, match="no cycles per instruction to start from"):
        calibrate(rows, base="esp32s3")


@pytest.mark.corpus
def test_float_networks_are_refused_by_row(corpus: Path) -> None:
    graph = gg.load(corpus / "cost" / "models" / "ad01_fp32.tflite")
    row = Measurement(graph, 1.0, "ad", place="mine.csv line 2")
    other = Measurement(graph, 1.0, "other")
    with pytest.raises(TargetError, match=r"mine.csv line 2: .*no timing for float32 kernels"):
        calibrate([row, other], base=BASE)


@pytest.mark.corpus
def test_from_the_command_line(rows: list[Measurement], corpus: Path, tmp_path: Path) -> None:
    models = corpus / "cost" / "models"
    names = ("ad01_int8", "pretrainedResnet_quant", "vww_96_int8")
    lines = [f"{models / name}.tflite,{row.seconds * 1e3},ms" for name, row in zip(names, rows, strict=True)]
    (tmp_path / "rows.csv").write_text("model,latency,unit\n" + "\n".join(lines), encoding="utf-8")
    out = tmp_path / "mine.toml"
    run = CliRunner().invoke(
        cli.cli, ["calibrate", str(tmp_path / "rows.csv"), "--base", BASE, "--out", str(out)]
    )
    assert run.exit_code == 0, run.output
    assert "coverage 75%" in run.output
    assert gg.cost(gg.load(models / "ad01_int8.tflite"), target=str(out)).latency.value == pytest.approx(
        rows[0].seconds, rel=0.05
    )


@pytest.fixture
def bad(tmp_path: Path) -> Callable[[str], None]:
    def read(text: str) -> None:
        (tmp_path / "net.tflite").write_bytes(b"")
        path = tmp_path / "rows.csv"
        path.write_text(text, encoding="utf-8")
        read_measurements(path, lambda _: SMALL)

    return read


class SMALL:
    """Stands for a graph of two nodes."""

    nodes = ("a", "b")


HEAD = "model,latency,unit,layer\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no column model and no column latency and no column unit; the first line must name"),
        ("model,latency\nnet.tflite,3", "no column unit"),
        (
            HEAD + "net.tflite,3,ms,\nnet.tflite,3,minutes,",
            "rows.csv line 3: unit 'minutes' isn't one of s, ms, us",
        ),
        (HEAD + "net.tflite,3,,", "line 2: unit '' isn't one of"),
        (HEAD + "net.tflite,fast,ms,", "line 2: latency 'fast' isn't a number"),
        (HEAD + "net.tflite,-3,ms,", "line 2: latency -3 must be positive"),
        (HEAD + "net.tflite,nan,ms,", "line 2: latency nan must be positive"),
        (HEAD + ",3,ms,", "line 2: no model: write the path"),
        (HEAD + "other.tflite,3,ms,", "line 2: no file"),
        (HEAD + "net.tflite,3,ms,2", "line 2: layer '2' isn't the index of a node: 0 to 1"),
        (HEAD + "net.tflite,3,ms,conv", "line 2: layer 'conv' isn't the index"),
    ],
)
def test_bad_rows(bad: Callable[[str], None], text: str, says: str) -> None:
    with pytest.raises(TargetError, match=re.escape(says)):
        bad(text)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="none.csv"):
        read_measurements(tmp_path / "none.csv", lambda _: SMALL)
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(TargetError, match="bytes.csv"):
        read_measurements(tmp_path / "bytes.csv", lambda _: SMALL)


def test_units() -> None:
    assert {k: math.log10(v) for k, v in targets.calibration.SECONDS.items()} == {
        "s": 0,
        "ms": -3,
        "us": -6,
        "µs": -6,
    }
