"""The instruction model against executed instructions, and latency against the measurements it was fitted to."""

from __future__ import annotations

import csv
import math
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from gonogo import _core, targets

if TYPE_CHECKING:
    from .conftest import GraphOf, Row

COUNTED = {"conv2d", "depthwise_conv2d", "dense", "add", "softmax", "max_pool2d", "average_pool2d"}
NETS = {"ad": "ad01_int8", "ic": "pretrainedResnet_quant", "vww": "vww_96_int8"}


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("target", "column"),
    [("stm32g0b1re", "m0p"), ("stm32l4r5zi", "m4"), ("stm32f746", "m7"), ("cortex-m55", "m55")],
)
def test_instructions_of_whole_models(
    target: str, column: str, graph_of: GraphOf, rows: Callable[[str], list[Row]], recurrent: tuple[str, ...]
) -> None:
    """Sums over the operators that were counted; `micro_speech`'s depthwise layer was not."""
    errors = []
    for row in rows("cmsisnn_qemu_model_totals.csv"):
        model = row["model"]
        if model in (*recurrent, "tflm_micro_speech_quantized") or "ssd" in model:
            continue
        graph = graph_of(model)
        cost = _core.cost(graph, targets.load(target).core)
        sums = [n.instructions for n, info in zip(cost.nodes, graph.nodes, strict=True) if info.op in COUNTED]
        errors.append(math.log(sum(sums) / float(row[f"{column}_insns"])))
    assert len(errors) == 37
    assert statistics.mean(map(abs, errors)) < 0.06
    assert max(map(abs, errors)) < 0.4


@pytest.mark.corpus
@pytest.mark.parametrize("target", [t for t in targets.names() if t.startswith(("stm32", "nrf"))])
def test_fitted_networks_lie_inside_their_interval(target: str, graph_of: GraphOf, corpus: Path) -> None:
    """Not a validation (the interval was made from these rows), but it catches a wrong clock, unit or row."""
    device = targets.load(target)
    timing = _table(target)["timing"]
    if "mlperf" not in timing:
        return
    path = corpus / "cost" / "measured" / "mlperf_tiny_all_rounds.csv"
    with path.open(newline="", encoding="utf-8") as file:
        found = [
            r
            for r in csv.DictReader(file)
            if r["dtype"] == "int8" and all(r[k] == v for k, v in timing["mlperf"].items())
        ]
    assert len(found) == device.networks == 3
    for row in found:
        assert float(row["freq_MHz"]) * 1e6 == device.clock_hz
        cost = _core.cost(graph_of(NETS[row["benchmark"]]), device.core)
        lower, estimate, upper = cost.latency_seconds
        assert lower < estimate < upper
        assert lower <= float(row["latency_ms"]) / 1e3 <= upper
        if cost.energy_joules and row["energy_uJ"]:
            low, _, high = cost.energy_joules
            assert low <= float(row["energy_uJ"]) / 1e6 <= high
        assert cost.latency_standing == "estimated"


def _table(name: str) -> dict[str, dict[str, dict[str, str]]]:
    tomllib = pytest.importorskip("tomllib")
    path = Path(targets.__file__).parent / f"{name}.toml"
    data: dict[str, dict[str, dict[str, str]]] = tomllib.loads(path.read_text(encoding="utf-8"))
    return data


@pytest.mark.corpus
def test_the_fitted_numbers_are_those_of_the_corpus(corpus: Path, root: Path) -> None:
    pytest.importorskip("scipy")
    pytest.importorskip("tomllib")
    script = root / "tools" / "fit_latency.py"
    done = subprocess.run(
        [sys.executable, script, corpus, "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.corpus
def test_float_networks_have_no_latency(graph_of: GraphOf) -> None:
    cost = _core.cost(graph_of("ad01_fp32"), targets.load("stm32f746").core)
    assert cost.latency_seconds is None
    assert cost.energy_joules is None
    assert cost.latency_standing == "undecided"
    assert any(
        "node 0 'n0' (dense): no timing for float32 kernels on target 'stm32f746'" in n for n in cost.notes
    )


def test_latency_by_hand(small: _core.Graph) -> None:
    """One term per kernel, so that each count can be read off."""
    names = {"conv_general": "conv", "mean": "pool", "dense": "head"}

    def counts(term: str) -> dict[str, float]:
        table = {kernel: {term: 1.0} for kernel in names}
        target = _core.CostTarget(
            name="t",
            kernels="cmsis-nn-dsp",
            clock_hz=1e6,
            instructions=table,
            cycles_per_instruction=(1.0, 2.0, 4.0),
            power_watts=(0.5, 1.0, 2.0),
        )
        cost = _core.cost(small, target)
        total = sum(n.instructions for n in cost.nodes)
        assert cost.instructions == total
        assert cost.latency_seconds == pytest.approx((total / 1e6, 2 * total / 1e6, 4 * total / 1e6))
        assert cost.energy_joules == pytest.approx((0.5 * total / 1e6, 2 * total / 1e6, 8 * total / 1e6))
        return dict(zip(names.values(), (n.instructions for n in cost.nodes), strict=True))

    along = sum(0 <= at + tap < 8 for at in range(8) for tap in (-1, 0, 1))
    inside = along * along
    assert counts("macs") == {"conv": 8 * 8 * 4 * 27, "pool": 0, "head": 40}
    assert counts("inside_macs") == {"conv": inside * 3 * 4, "pool": 0, "head": 0}
    assert counts("outputs") == {"conv": 256, "pool": 4, "head": 10}
    assert counts("positions") == {"conv": 64, "pool": 0, "head": 0}
    assert counts("gathered") == {"conv": 64 * 27, "pool": 0, "head": 0}
    assert counts("padding") == {"conv": (64 * 9 - inside) * 3, "pool": 0, "head": 0}
    assert counts("inputs") == {"conv": 192, "pool": 256, "head": 4}
    assert counts("tail") == {"conv": 27 % 4 * 256, "pool": 0, "head": 0}
    assert counts("call") == {"conv": 1, "pool": 1, "head": 1}


def test_a_target_without_timing_leaves_latency_undecided(small: _core.Graph) -> None:
    cost = _core.cost(small, _core.CostTarget(name="bare", kernels="reference"))
    assert cost.latency_seconds is None
    assert cost.notes == ["latency undecided: target 'bare' has no measured or assumed timing"]


def test_a_target_without_power_leaves_energy_undecided(small: _core.Graph) -> None:
    cost = _core.cost(small, targets.load("stm32f746").core)
    assert cost.latency_seconds is not None
    assert cost.energy_joules is None
    assert cost.notes == ["energy undecided: target 'stm32f746' has no measured power"]


@pytest.mark.parametrize("name", ["conv_2x2", "none"])
def test_unknown_kernels_and_terms_are_refused(name: str) -> None:
    from gonogo.errors import TargetError

    with pytest.raises(TargetError, match=name):
        _core.CostTarget(name="t", kernels="reference", instructions={name: {"macs": 1.0}})
    with pytest.raises(TargetError, match="no term"):
        _core.CostTarget(name="t", kernels="reference", instructions={"dense": {"mac": 1.0}})
    with pytest.raises(TargetError, match=r"must lie in \[0, 1e9\]"):
        _core.CostTarget(name="t", kernels="reference", instructions={"dense": {"macs": math.nan}})
    with pytest.raises(TargetError, match="lower <= estimate"):
        _core.CostTarget(name="t", kernels="reference", cycles_per_instruction=(2.0, 1.0, 3.0))
