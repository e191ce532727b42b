"""MACs, parameter bytes and flash: exact, against the corpus's own counts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from gonogo import _core
from support import json_graph

if TYPE_CHECKING:
    from .conftest import GraphOf, Row

TARGET = _core.CostTarget(name="host", kernels="reference", pointer_bits=64)
CANONICAL = {"CONV_2D": "conv2d", "DEPTHWISE_CONV_2D": "depthwise_conv2d", "FULLY_CONNECTED": "dense"}


@pytest.mark.corpus
def test_summaries(corpus: Path, graph_of: GraphOf, recurrent: tuple[str, ...]) -> None:
    from .conftest import read

    seen = 0
    for row in read(corpus / "cost" / "model_summary.csv"):
        if row["model"] in recurrent:
            continue
        cost = _core.cost(graph_of(row["model"]), TARGET)
        assert cost.macs == int(row["macs"])
        assert cost.parameter_bytes == int(row["const_bytes"])
        assert cost.macs_by_op.get("conv2d", 0) == int(row["macs_conv"])
        assert cost.macs_by_op.get("depthwise_conv2d", 0) == int(row["macs_dw"])
        assert cost.macs_by_op.get("dense", 0) == int(row["macs_fc"])
        assert cost.flash_model_bytes == (int(row["file_bytes"]),) * 3
        assert cost.flash_model_standing == "exact"
        assert cost.parameter_bytes <= cost.flash_model_floor_bytes == int(row["file_bytes"])
        seen += 1
    assert seen == 74


@pytest.mark.corpus
def test_layers(corpus: Path, graph_of: GraphOf, recurrent: tuple[str, ...]) -> None:
    from .conftest import read

    costs = {}
    for row in read(corpus / "cost" / "model_layers.csv"):
        model = row["model"]
        if model in recurrent:
            continue
        if model not in costs:
            costs[model] = _core.cost(graph_of(model), TARGET).nodes
        node = costs[model][int(row["idx"])]
        assert node.macs == int(row["macs"] or 0), row
        # Axes of a reduction are an attribute here, not an input, hence no parameter of the node.
        if row["op"] not in ("MEAN", "REDUCE_MAX"):
            assert node.parameter_bytes == int(row["const_bytes"] or 0), row


@pytest.mark.corpus
def test_loaded_files_cost_what_their_graphs_cost(
    corpus: Path, graph_of: GraphOf, rows: Callable[[str], list[Row]]
) -> None:
    """The package's own loader keeps every tensor and the schedule, so the arena is the same to the byte."""
    loaders = pytest.importorskip("gonogo.loaders")
    recorded = {r["model"]: r for r in rows("tflm_arena_host64.csv") if r["head_nonpersistent"]}
    files = [p for p in sorted((corpus / "cost" / "models").glob("*.tflite")) if p.stem in recorded]
    assert len(files) >= 14
    for path in files:
        found, expected = _core.cost(loaders.load(path), TARGET), _core.cost(graph_of(path.stem), TARGET)
        for field in (
            "macs",
            "parameter_bytes",
            "flash_model_bytes",
            "flash_code_bytes",
            "ram_activation_bytes",
            "ram_persistent_bytes",
            "ram_live_bytes",
            "peak_index",
        ):
            assert getattr(found, field) == getattr(expected, field), (path.stem, field)
        assert found.ram_activation_bytes == int(recorded[path.stem]["head_nonpersistent"])


def test_a_small_network_by_hand(small: _core.Graph) -> None:
    cost = _core.cost(small, TARGET)
    assert cost.macs_by_op == {"conv2d": 8 * 8 * 4 * 27, "dense": 40}
    assert cost.macs == 8 * 8 * 4 * 27 + 40
    assert [n.parameter_bytes for n in cost.nodes] == [4 * 27 + 16, 0, 40]
    assert cost.parameter_bytes == 4 * 27 + 16 + 40
    assert (cost.flash_model_bytes, cost.flash_model_standing) == ((2000, 2000, 2000), "exact")


def one_dense(inputs: int, outputs: int, file_format: str = "onnx") -> _core.Graph:
    b = _core.GraphBuilder("net", file_format)
    x = b.input("x", [1, inputs], "float32")
    w = b.constant("w", np.zeros((outputs, inputs), np.float32))
    y = b.activation("y", None, "float32")
    b.node("dense", "d", [x, w, -1], [y], {})
    b.output(y)
    return b.build()


def test_without_a_tflite_file_flash_and_ram_are_estimated() -> None:
    cost = _core.cost(one_dense(8, 4), TARGET)
    assert cost.flash_model_standing == cost.ram_activation_standing == "estimated"
    low, value, high = cost.flash_model_bytes
    assert cost.flash_model_floor_bytes == low == 8 * 4 * 4 < value < high
    assert any(n.startswith("flash:") for n in cost.notes)
    assert any(n.startswith("RAM: planned for the graph as it is") for n in cost.notes)


@pytest.mark.corpus
def test_flash_without_the_file_encloses_the_file(corpus: Path) -> None:
    for path in sorted((corpus / "cost" / "graphs").glob("*.json")):
        data = json_graph.read(path)
        if any(op["op"] in ("SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM") for op in data["ops"]):
            continue
        cost = _core.cost(json_graph.build({**data, "file_bytes": 0}), TARGET)
        assert cost.flash_model_standing == "estimated"
        assert cost.flash_model_floor_bytes <= data["file_bytes"] <= cost.flash_model_bytes[2]


def test_results_can_not_be_changed(small: _core.Graph) -> None:
    cost = _core.cost(small, TARGET)
    with pytest.raises(AttributeError):
        cost.macs = 1
    with pytest.raises(AttributeError):
        cost.nodes[0].macs = 1


def test_graphs_may_die_before_their_costs() -> None:
    costs = [_core.cost(one_dense(i, 3), TARGET) for i in range(1, 40)]
    assert [c.macs for c in costs] == [3 * i for i in range(1, 40)]
    assert json.dumps([c.peak_node for c in costs]).count('"d"') == 39


def test_wrong_arguments_are_type_errors(small: _core.Graph) -> None:
    for graph, target in ((None, TARGET), (small, None), (small, "host64")):
        with pytest.raises(TypeError):
            _core.cost(graph, target)
        with pytest.raises(TypeError):
            _core.plan_buffers(graph, target)
