"""The command line as scripts see it: exit status, stdout, and one line on stderr."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from gonogo import cli

TARGET = "stm32f746+tflm"
QUICK = ["--search", "200000"]


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    status = cli.main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return status, out, err


@pytest.fixture
def pair(reference_path: str, deployed_path: str) -> list[str]:
    return [reference_path, deployed_path]


@pytest.fixture
def box(demo: Path) -> list[str]:
    return ["--box", str(demo / "digits_box.json")]


def test_demo(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "demo")
    assert status == 0
    assert err == ""
    assert out.splitlines()[-1].startswith("GO")


def test_go_no_go_and_undecided(capsys: pytest.CaptureFixture[str], pair: list[str], box: list[str]) -> None:
    base = ["check", *pair, *box, *QUICK, "--json"]
    status, out, err = run(capsys, *base, "--limit", "error=1e9", "--target", TARGET, "--limit", "ram=1MiB")
    assert (status, json.loads(out)["verdict"], err) == (0, "GO", "")
    status, out, _ = run(capsys, *base, "--limit", "error=1e-12")
    assert (status, json.loads(out)["verdict"], json.loads(out)["deciding"]) == (1, "NO-GO", "error")
    data = json.loads(out)
    low, high = data["error"]["witness"]["value"], data["error"]["bound"]["value"]
    assert low < high
    status, out, _ = run(capsys, *base, "--limit", f"error={(low + high) / 2!r}")
    assert (status, json.loads(out)["verdict"]) == (2, "UNDECIDED")
    status, out, _ = run(capsys, *base, "--target", TARGET, "--limit", "ram=1KiB", "--limit", "error=1e9")
    assert (status, json.loads(out)["deciding"]) == (1, "ram")


def test_without_reference_and_without_box(capsys: pytest.CaptureFixture[str], deployed_path: str) -> None:
    status, out, _ = run(capsys, "check", deployed_path, "--limit", "error=1e9", *QUICK)
    assert status == 0
    assert "no reference given" in out
    assert "no box given" in out
    assert "whole range" in out


def test_error_and_bound_and_cost_and_targets(
    capsys: pytest.CaptureFixture[str], pair: list[str], box: list[str]
) -> None:
    status, out, _ = run(capsys, "error", *pair, *box, *QUICK)
    assert status == 0
    assert "at most (proved)" in out
    for semantics in ("real", "tflm"):
        status, out, _ = run(capsys, "bound", pair[1], *box, "--semantics", semantics, "--json")
        data = json.loads(out)
        assert status == 0
        assert all(a <= b for t in data["tensors"] for a, b in zip(t["lower"], t["upper"], strict=True))
    status, out, _ = run(capsys, "bound", pair[0], *box)
    assert status == 0
    status, out, _ = run(capsys, "cost", pair[1], "--target", TARGET, "--json")
    assert status == 0
    assert json.loads(out)["macs"]["standing"] == "exact"
    status, out, _ = run(capsys, "cost", pair[1], "--target", TARGET)
    assert status == 0
    status, out, _ = run(capsys, "targets")
    assert status == 0
    assert TARGET.removesuffix("+tflm") in out
    status, out, _ = run(capsys, "targets", "--json")
    assert TARGET.removesuffix("+tflm") in [row["name"] for row in json.loads(out)]


def test_boxes_of_every_kind(capsys: pytest.CaptureFixture[str], pair: list[str], tmp_path: Path) -> None:
    sample = np.zeros((1, 8, 8, 1), np.float32)
    np.save(tmp_path / "x.npy", sample)
    np.save(
        tmp_path / "many.npy", np.random.default_rng(1).uniform(0, 1, (20, 1, 8, 8, 1)).astype(np.float32)
    )
    np.savez(tmp_path / "box.npz", lo=sample, hi=sample + 0.1)
    for arguments in (
        ["--around", tmp_path / "x.npy", "--radius", "0.01", "--clip", "0", "1"],
        ["--data", tmp_path / "many.npy", "--percentiles", "5", "95"],
        ["--data", tmp_path / "many.npy"],
        ["--box", tmp_path / "box.npz"],
    ):
        status, _, err = run(capsys, "error", *pair, *arguments, *QUICK)
        assert (status, err) == (0, ""), err


def test_plot(capsys: pytest.CaptureFixture[str], pair: list[str], box: list[str], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert run(capsys, "error", *pair, *box, *QUICK, "--plot", tmp_path / "p.png")[0] == 0
    assert (tmp_path / "p.png").exists()


def damaged(tmp_path: Path, name: str, data: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def test_wrong_use_is_64(
    capsys: pytest.CaptureFixture[str], pair: list[str], box: list[str], tmp_path: Path
) -> None:
    for arguments in (
        ["check"],
        ["frobnicate"],
        ["check", *pair],
        ["check", *pair, pair[0], "--target", TARGET],
        ["check", *pair, "--limit", "ram=1KiB"],
        ["check", *pair, "--target", TARGET, "--limit", "ram=5 ms"],
        ["check", *pair, "--target", TARGET, "--limit", "ram"],
        ["check", *pair, "--target", TARGET, "--limit", "colour=5"],
        ["check", *pair, "--target", "stm32f74", "--limit", "error=1"],
        ["check", *pair, "--target", TARGET, "--profile", "fast"],
        ["check", *pair, "--target", TARGET, "--search", "-1"],
        ["error", *pair, *box, "--radius", "0.1"],
        ["error", *pair, *box, "--data", "x.npy"],
        ["error", *pair, "--clip", "0", "1"],
        ["error", *pair, "--percentiles", "0", "1"],
        ["cost", pair[1]],
        ["cost", pair[1], "--target", "nowhere"],
        ["cost", pair[1], "--target", tmp_path / "no.toml"],
    ):
        assert_fails(run(capsys, *arguments), 64, arguments)


def test_missing_files_are_66(capsys: pytest.CaptureFixture[str], pair: list[str], tmp_path: Path) -> None:
    absent = tmp_path / "absent.tflite"
    for arguments in (
        ["bound", absent],
        ["cost", absent, "--target", TARGET],
        ["error", absent, pair[1]],
        ["error", *pair, "--box", tmp_path / "absent.json"],
        ["error", *pair, "--data", tmp_path / "absent.npy"],
        ["error", *pair, "--around", tmp_path / "absent.npy", "--radius", "1"],
    ):
        _, _, err = assert_fails(run(capsys, *arguments), 66, arguments)
        assert "absent" in err


def test_damaged_input_is_65(capsys: pytest.CaptureFixture[str], pair: list[str], tmp_path: Path) -> None:
    good = Path(pair[1]).read_bytes()
    boxes = ["{", '{"lo": 1, "hi": 0}', '{"lo": [1, 2], "hi": [3, 4]}', '{"elsewhere": {"lo": 0, "hi": 1}}']
    for arguments in (
        ["bound", damaged(tmp_path, "cut.tflite", good[: len(good) // 2])],
        ["bound", damaged(tmp_path, "empty.tflite", b"")],
        ["bound", damaged(tmp_path, "text.tflite", b"hello" * 100)],
        ["bound", damaged(tmp_path, "text.onnx", b"hello" * 100)],
        ["bound", damaged(tmp_path, "model.bin", b"hello" * 100)],
        *[["error", *pair, "--box", damaged(tmp_path, f"{i}.json", b.encode())] for i, b in enumerate(boxes)],
        ["error", *pair, "--box", damaged(tmp_path, "x.npz", b"PK\x03\x04")],
        ["bound", pair[1], "--tensor", "no_such_tensor"],
    ):
        assert_fails(run(capsys, *arguments), 65, arguments)


def assert_fails(result: tuple[int, str, str], expected: int, arguments: object) -> tuple[int, str, str]:
    status, out, err = result
    assert status == expected, (arguments, err)
    assert out == "", arguments
    assert err.count("\n") == 1, (arguments, err)
    assert err.startswith("gonogo: "), arguments
    assert "Traceback" not in err
    return result


def test_an_internal_error_is_one_line_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("gonogo.analysis.cost", broken)
    assert_fails(run(capsys, "cost", __file__, "--target", TARGET), 70, "broken")


def test_interruption(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gonogo.analysis.cost", interrupted)
    assert run(capsys, "cost", __file__, "--target", TARGET)[0] == 130


def test_help_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], ["check", "-h"], ["--version"]):
        status, out, _ = run(capsys, *arguments)
        assert status == 0
        assert out


def test_the_process_itself(deployed_path: str) -> None:
    command = [sys.executable, "-m", "gonogo", "check", deployed_path, "--limit", "error=1e-9", *QUICK]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == ""
    assert "NO-GO" in done.stdout


def test_a_closed_pipe_keeps_the_verdict(deployed_path: str) -> None:
    command = f"'{sys.executable}' -m gonogo check '{deployed_path}' --limit error=1e9 --search 1000"
    for end in ("| true", "> /dev/null"):
        script = f"{command} {end}; echo ${{PIPESTATUS[0]}}"
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
        assert done.stderr == ""
        assert done.stdout.strip() == "0"
