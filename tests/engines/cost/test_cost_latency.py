"""The instruction model against executed instructions, and latency against the measurements it was fitted to."""

from __future__ import annotations

import importlib
import math
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gonogo as gg
import pytest
from gonogo import _core, targets

if TYPE_CHECKING:
    from .conftest import GraphOf, Row

COUNTED = {"conv2d", "depthwise_conv2d", "dense", "add", "softmax", "max_pool2d", "average_pool2d"}
NETS = {"ad": "ad01_int8", "ic": "pretrainedResnet_quant", "vww": "vww_96_int8"}
CORES = {
    "stm32g0b1re": "m0p",
    "stm32l4r5zi": "m4",
    "stm32f746": "m7",
    "cortex-m55": "m55",
}


@pytest.mark.corpus
@pytest.mark.parametrize(("target", "column"), CORES.items())
def test_instructions_of_whole_models(
    target: str, column: str, graph_of: GraphOf, rows: Callable[[str], list[Row]], recurrent: tuple[str, ...]
) -> None:
    """Sums over the operators that were counted: depthwise layers of one channel into several were not."""
    errors = []
    for row in rows("cmsisnn_qemu_model_totals.csv"):
        model = row["model"]
        if model in (*recurrent, "tflm_micro_speech_quantized", "tflm_person_detect") or "ssd" in model:
            continue
        graph = graph_of(model)
        cost = _core.cost(graph, targets.load(target).core)
        sums = [n.instructions for n, info in zip(cost.nodes, graph.nodes, strict=True) if info.op in COUNTED]
        errors.append(math.log(sum(sums) / float(row[f"{column}_insns"])))
    assert len(errors) == 36
    assert statistics.mean(map(abs, errors)) < 0.003
    assert max(map(abs, errors)) < 0.01


@pytest.mark.corpus
@pytest.mark.parametrize("target", [t for t in targets.names() if t.startswith(("stm32", "nrf"))])
def test_measured_networks_lie_inside_their_interval(
    target: str, graph_of: GraphOf, corpus: Path, root: Path
) -> None:
    """Not a validation (the factors were fitted to these rows), but it catches a wrong clock, unit or row."""
    device = targets.load(target)
    rows = [r for r in tool("latency_rows", root).mlperf_rows(corpus / "cost") if wanted(r.data, target)]
    for row in rows:
        path = corpus / "cost" / "models" / f"{row.model}.tflite"
        cost = _core.cost(gg.load(path), device.core)
        lower, estimate, upper = cost.latency_seconds
        assert device.clock_hz is not None
        assert lower < estimate < upper
        assert lower <= row.cycles / device.clock_hz <= upper
        assert cost.latency_standing == "estimated"
        if cost.energy_joules and row.power_mw:
            assert (
                cost.energy_joules[0]
                <= row.power_mw / 1e3 * row.cycles / device.clock_hz
                <= cost.energy_joules[2]
            )


def wanted(data: object, target: str) -> bool:
    table = _table(target)["timing"].get("rows", {})
    return all(getattr(data, key) == value for key, value in table.items()) and bool(table)


def tool(name: str, root: Path) -> Any:
    """A module of tools/."""
    folder = str(root / "tools")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(name)


def _table(name: str) -> dict[str, dict[str, dict[str, str]]]:
    tomllib = pytest.importorskip("tomllib")
    path = Path(targets.__file__).parent / f"{name}.toml"
    data: dict[str, dict[str, dict[str, str]]] = tomllib.loads(path.read_text(encoding="utf-8"))
    return data


@pytest.mark.corpus
@pytest.mark.parametrize("tool", ["fit_latency.py", "fit_ethos.py", "fit_code.py"])
def test_the_fitted_numbers_are_those_of_the_corpus(tool: str, corpus: Path, root: Path) -> None:
    pytest.importorskip("scipy")
    pytest.importorskip("tomllib")
    script = root / "tools" / tool
    done = subprocess.run(
        [sys.executable, script, corpus, "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.corpus
def test_float_networks_have_no_latency(graph_of: GraphOf) -> None:
    cost = _core.cost(graph_of("ad01_fp32"), targets.load("stm32f746+tflm").core)
    assert cost.latency_seconds is None
    assert cost.energy_joules is None
    assert cost.latency_standing == "undecided"
    assert any(
        "node 0 'n0' (dense): no timing for float32 kernels on target 'stm32f746+tflm'" in n
        for n in cost.notes
    )


def test_latency_by_hand(small: _core.Graph) -> None:
    """One factor per kernel, so that each can be read off."""
    names = {"conv_general": "conv", "mean": "pool", "dense": "head"}

    def factors(term: str) -> dict[str, float]:
        table = {kernel: {term: 1.0} for kernel in names}
        target = _core.CostTarget(
            name="t",
            kernels="cmsis-nn-dsp",
            clock_hz=1e6,
            instructions=table,
            cycles=[{kernel: {term: 2.0} for kernel in names}],
            latency_scale=(0.5, 1.0, 2.0),
            power_watts=(0.5, 1.0, 2.0),
        )
        cost = _core.cost(small, target)
        total = sum(n.instructions for n in cost.nodes)
        assert cost.instructions == total
        assert cost.latency_seconds == pytest.approx((total / 1e6, 2 * total / 1e6, 4 * total / 1e6))
        assert cost.energy_joules == pytest.approx((0.5 * total / 1e6, 2 * total / 1e6, 8 * total / 1e6))
        assert [n.seconds for n in cost.nodes] == pytest.approx([2e-6 * n.instructions for n in cost.nodes])
        return dict(zip(names.values(), (n.instructions for n in cost.nodes), strict=True))

    along = sum(0 <= at + tap < 8 for at in range(8) for tap in (-1, 0, 1))
    inside = along * along
    assert factors("call") == {"conv": 1, "pool": 1, "head": 1}
    assert factors("p") == {"conv": 64, "pool": 0, "head": 1}
    assert factors("p2*n2*k4r") == {"conv": 32 * 2 * (27 % 4), "pool": 0, "head": 0}
    assert factors("taps") == {"conv": inside, "pool": 0, "head": 0}
    assert factors("pads*c") == {"conv": (64 * 9 - inside) * 3, "pool": 0, "head": 0}
    assert factors("trows") == {"conv": along * 8, "pool": 0, "head": 0}
    assert factors("products*n*k") == {"conv": 4 * 27, "pool": 0, "head": 40}
    assert factors("inputs") == {"conv": 192, "pool": 256, "head": 4}
    assert factors("outputs") == {"conv": 256, "pool": 4, "head": 10}
    assert factors("n3*n3r") == {"conv": 1, "pool": 0, "head": 3}


def test_the_largest_roofline_decides(small: _core.Graph) -> None:
    classes = ("conv_general", "mean", "dense")
    tables = [
        {name: {"outputs": weight} for name, weight in zip(classes, weights, strict=True)}
        for weights in ((1.0, 5.0, 1.0), (3.0, 2.0, 1.0))
    ]
    cost = _core.cost(small, _core.CostTarget(name="t", kernels="reference", clock_hz=1.0, cycles=tables))
    assert [n.seconds for n in cost.nodes] == [3 * 256, 5 * 4, 10]
    assert cost.latency_seconds[1] == 3 * 256 + 5 * 4 + 10
    assert cost.instructions is None


def test_a_target_without_timing_leaves_latency_undecided(small: _core.Graph) -> None:
    cost = _core.cost(small, _core.CostTarget(name="bare", kernels="reference"))
    assert cost.latency_seconds is None
    assert "latency undecided: target 'bare' has no measured or assumed timing" in cost.notes


def test_a_target_without_power_leaves_energy_undecided(small: _core.Graph) -> None:
    cost = _core.cost(small, targets.load("stm32f746+tflm").core)
    assert cost.latency_seconds is not None
    assert cost.energy_joules is None
    assert "energy undecided: target 'stm32f746+tflm' has no measured power" in cost.notes


@pytest.mark.parametrize("name", ["conv_2x2", "none"])
def test_unknown_kernels_and_terms_are_refused(name: str) -> None:
    from gonogo.errors import TargetError

    with pytest.raises(TargetError, match=name):
        _core.CostTarget(name="t", kernels="reference", instructions={name: {"call": 1.0}})
    with pytest.raises(TargetError, match="no factor 'macs'"):
        _core.CostTarget(name="t", kernels="reference", instructions={"dense": {"n*macs": 1.0}})
    with pytest.raises(TargetError, match="has 5 factors; 1 to 4"):
        _core.CostTarget(name="t", kernels="reference", cycles=[{"dense": {"n*n*n*n*n": 1.0}}])
    with pytest.raises(TargetError, match=r"must lie in \[0, 1e9\]"):
        _core.CostTarget(name="t", kernels="reference", instructions={"dense": {"n": math.nan}})
    with pytest.raises(TargetError, match="lower <= estimate"):
        _core.CostTarget(name="t", kernels="reference", latency_scale=(2.0, 1.0, 3.0))
