"""`gonogo space` and `gonogo cost --layers --advice`: output, exit status, and errors that name the file."""

from __future__ import annotations

import json
from pathlib import Path

import gonogo as gg
import pytest
from gonogo import cli
from gonogo.architecture import read_script
from gonogo.errors import ArchitectureError
from gonogo.hpo import SpaceReport

TARGET = "stm32f746"
SCRIPT = """
import gonogo as gg

space = gg.Space(width=gg.Int(8, 64, step=8), kernel=gg.Choice(3, 5))

def build(h, net):
    x = net.conv2d(net.input(16, 16, 1), h.width, kernel=h.kernel)
    return net.dense(net.global_average_pool(x), 10)

def wide(h, net):
    x = net.conv2d(net.input(16, 16, 1), 8 * h.width, kernel=h.kernel)
    return net.dense(net.global_average_pool(x), 10)

ready = gg.Architecture(gg.Space(units=gg.Int(1, 4)), lambda h, net: net.dense(net.input(8), h.units))
"""


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    status = cli.main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return status, out, err


def fails(result: tuple[int, str, str], status: int, *said: str) -> None:
    assert result[0] == status, result
    assert result[1] == ""
    assert result[2].startswith("gonogo: ")
    assert result[2].count("\n") == 1
    for text in said:
        assert text in result[2]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "arch.py"
    path.write_text(SCRIPT)
    return path


def space(script: object, *limits: str) -> list[object]:
    return ["space", script, "--target", TARGET, *[a for limit in limits for a in ("--limit", limit)]]


def test_the_status_is_the_verdict(capsys: pytest.CaptureFixture[str], script: Path) -> None:
    status, out, err = run(capsys, *space(script, "macs=500k"))
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == "GO: something fits"
    status, out, _ = run(capsys, *space(script, "macs=1k"))
    assert (status, out.splitlines()[-1]) == (1, "NO-GO: nothing fits, proved")
    assert "width: nothing" in out
    assert "ruled out by macs" in out
    # No target is fast enough for this, but an estimate proves nothing.
    status, out, _ = run(capsys, *space(script, "latency=1us"))
    assert (status, out.splitlines()[-1][:9]) == (2, "UNDECIDED")


def test_the_profile_is_a_table(capsys: pytest.CaptureFixture[str], script: Path) -> None:
    # MACs: 256 positions x width x kernel^2, and the dense layer; 3x3 fits up to 48, 5x5 up to 16.
    _, out, _ = run(capsys, *space(script, "macs=118k"))
    rows = {tuple(line.split()[:2]): line.split()[-3:] for line in out.splitlines() if line.count("%") == 3}
    assert rows[("kernel", "3")] == ["75.0%", "0.0%", "25.0%"]
    assert ["25.0%", "0.0%", "75.0%"] in rows.values()
    assert rows[("width", "8")] == ["100.0%", "0.0%", "0.0%"]
    assert "width: 8 to 48\n" in out


def test_json_can_be_read_back(capsys: pytest.CaptureFixture[str], script: Path) -> None:
    status, out, _ = run(capsys, *space(script, "macs=118k"), "--json")
    report = SpaceReport.from_json(out)
    assert status == 0
    assert report.bounds["width"] == (8, 48)
    made = read_script(str(script))
    assert report.gate_hash == gg.Gate(made.space, made, target=TARGET, limits={"macs": "118 k"}).hash


def test_build_functions_by_name(capsys: pytest.CaptureFixture[str], script: Path) -> None:
    _, out, _ = run(capsys, *space(f"{script}:wide", "macs=942k"))
    assert "width: 8 to 48\n" in out
    _, out, _ = run(capsys, *space(f"{script}:ready", "macs=16"))
    assert "units: 1 to 2\n" in out


def test_the_picture(capsys: pytest.CaptureFixture[str], script: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert run(capsys, *space(script, "macs=118k"), "--plot", tmp_path / "x.svg")[0] == 0
    assert "<svg" in (tmp_path / "x.svg").read_text()


def test_wrong_scripts_name_file_and_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    good = SCRIPT.splitlines()
    for text, *said in (
        ("space = (", "arch.py, line 1"),
        ("\n\nnothing_of_the_kind", "arch.py, line 3: NameError"),
        ("x = 1", "no function 'build'; define `space = gonogo.Space(...)`"),
        ("def net(h, net): pass", "no function 'build'; its functions: net; choose one with"),
        ("def build(h, net): pass", "no `space`"),
        ("space = {}\ndef build(h, net): pass", "`space` is a dict"),
        ("\n".join([*good[:3], "space = gg.Space()"]), "arch.py, line 4", "no parameters"),
        (SCRIPT.replace("h.kernel", "h.kernal", 1), "arch.py, line 7", "did you mean h.kernel"),
        (
            SCRIPT.replace("x = net.conv2d", "if h.width > 8: pass\n    x = net.conv2d", 1),
            "line 7",
            "net.when",
        ),
    ):
        path = tmp_path / "arch.py"
        path.write_text(text)
        fails(run(capsys, *space(path, "macs=1k")), 65, "arch.py", *said)


def test_wrong_use(capsys: pytest.CaptureFixture[str], script: Path, tmp_path: Path) -> None:
    fails(run(capsys, *space(tmp_path / "absent.py", "macs=1k")), 66, "absent.py")
    fails(run(capsys, *space(tmp_path / "arch.txt", "macs=1k")), 65, "give FILE.py or FILE.py:NAME")
    fails(run(capsys, *space(script, "ram=64")), 64, "'ram'", "KiB")
    fails(run(capsys, *space(script, "size=64")), 64, "no limit is called 'size'")
    fails(run(capsys, "space", script, "--target", "stm32"), 64, "no target 'stm32'")
    fails(run(capsys, "space", script), 64, "--target")
    fails(run(capsys, *space(script, "macs=1k"), "--seconds", "0"), 64, "--seconds")


def test_a_script_may_import_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "front_neighbour.py").write_text("WIDTHS = (1, 2)\n")
    path = tmp_path / "arch.py"
    path.write_text(
        "import gonogo as gg\nfrom front_neighbour import WIDTHS\nspace = gg.Space(units=gg.Choice(*WIDTHS))\n"
        "def build(h, net):\n    return net.dense(net.input(8), h.units)\n"
    )
    assert read_script(str(path)).space.size == 2
    with pytest.raises(ArchitectureError, match="not a Python file"):
        read_script(str(tmp_path / "front_neighbour"))


# ---- cost


def test_layers_and_advice(capsys: pytest.CaptureFixture[str], deployed_path: str) -> None:
    command = ["cost", deployed_path, "--target", TARGET]
    plain = run(capsys, *command)[1]
    _, out, _ = run(capsys, *command, "--layers", "--advice")
    assert out.startswith(plain)
    cost = gg.cost(deployed_path, TARGET)
    rows = [line.split() for line in out[len(plain) :].splitlines()]
    macs = {" ".join(row[:2]): row[3] for row in rows if len(row) > 4 and row[2] in ("conv2d", "dense")}
    assert macs == {"0 conv": "4,608", "2 pointwise": "2,048", "5 logits": "640"}
    assert "no order needs less (proved)" in out
    data = json.loads(run(capsys, *command, "--layers", "--advice", "--json")[1])
    assert sum(layer["macs"] for layer in data["layers"]) == cost.core.macs == data["macs"]["value"]
    assert cost.latency is not None
    assert sum(layer["seconds"] for layer in data["layers"]) == pytest.approx(cost.latency.value)
    assert data["advice"]["peak_bytes"] == data["advice"]["at_least_bytes"] == cost.core.ram_live_bytes
    assert "layers" not in json.loads(run(capsys, *command, "--json")[1])


def test_layers_without_a_latency(capsys: pytest.CaptureFixture[str], reference_path: str) -> None:
    _, out, _ = run(capsys, "cost", reference_path, "--target", TARGET, "--layers")
    assert "unknown" in out.split("Layers")[1]


def test_a_better_order_is_spelt_out() -> None:
    from gonogo.advice import OrderAdvice
    from gonogo.report import cost_text

    advice = OrderAdvice("net", (1, 0, 2), ("b", "a", "c"), 100, 2048, 90)
    space = gg.Space(width=gg.Int(1, 2))
    model = gg.Architecture(space, lambda h, net: net.dense(net.input(8), h.width)).model({"width": 1})
    text = cost_text(gg.cost(model, TARGET), advice=advice)
    assert "2048 B (2.0 KiB) alive at the peak in the file's order, 100 B in another" in text
    assert "no order needs less than 90 B (proved)" in text
    assert text.endswith("the order: 1 b, 0 a, 2 c\n")
