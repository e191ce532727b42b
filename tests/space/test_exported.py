"""The cost by expressions against files that real tools wrote from networks of the same configurations.

TensorFlow's converter writes them from Keras networks: equal layer by layer, and equal to the arena that TensorFlow
Lite Micro records. torch writes them as ONNX, onnxruntime makes them int8: equal layer by layer, and for float32 in the
plan of memory, which there is gonogo's own.

GONOGO_DEEP_EXPORT is the number of configurations per family, GONOGO_DEEP_SEED chooses them; a conversion takes a tenth
of a second (torch) to seconds (TensorFlow).
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gonogo import _core
from gonogo.hpo.gate import Gate
from gonogo.loaders import load
from support.families import FAMILIES

COUNT = int(os.environ.get("GONOGO_DEEP_EXPORT", "3"))
SEED = int(os.environ.get("GONOGO_DEEP_SEED", "0"))
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def gate_of(space: Any, build: Any) -> Gate:
    return Gate(space, build, target="host64", limits={"ram": "64 KiB"})


@pytest.mark.parametrize("family", FAMILIES)
def test_the_exported_file_costs_the_same(
    family: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tensorflow", reason="needs TensorFlow's converter: pip install tensorflow-cpu")
    runtime = pytest.importorskip("tflite_micro.python.tflite_micro.runtime")
    from support.keras_families import exported

    space, build = FAMILIES[family]
    gate = gate_of(space, build)
    for seed, config in enumerate(space.sample(np.random.default_rng(SEED), COUNT)):
        data = exported(family, config, seed)
        path = tmp_path / "exported.tflite"
        path.write_bytes(data)
        graph = load(path)
        cost = _core.cost(graph, gate.target.core)
        judged = gate.check(config)
        n = judged.numbers
        assert [node.op for node in gate.architecture.model(config).nodes] == [
            node.op for node in graph.nodes
        ], config
        ours = [(macs, other, parameters) for _, macs, other, parameters, _ in judged._core.nodes()]
        theirs = [(c.macs, c.other_operations, c.parameter_bytes) for c in cost.nodes]
        assert ours == theirs, config
        assert (n["macs"], n["parameter_bytes"]) == (cost.macs, cost.parameter_bytes), config
        assert n["other_operations"] == cost.other_operations, config
        # Bytes around the constants are an estimate; the constants themselves are not.
        assert n["parameter_bytes"] <= len(data), config

        capfd.readouterr()
        runtime.Interpreter.from_bytes(data, arena_size=1 << 24).print_allocations()
        text = "".join(capfd.readouterr())
        head, tail = (
            int(re.search(rf"Arena allocation {part} (\d+) bytes", text)[1])  # type: ignore[index]
            for part in ("head", "tail")
        )
        assert (n["ram_activations"], n["ram_persistent"]) == (head, tail), config
        assert (cost.ram_activation_bytes, cost.ram_persistent_bytes) == (head, tail), config


# int32 constants of TensorFlow Lite that ONNX has as attributes or int64, in bytes: a shape of rank 2, two axes, and
# two numbers for each of four axes.
SHAPE_CONSTANTS = {"reshape": 8, "mean": 8, "pad": 32}


def onnx_name(graph: Any, node: Any) -> str:
    """ONNX says 'depthwise' by the number of groups, so a convolution of one channel never is."""
    alone = node.op == "depthwise_conv2d" and graph.tensor(node.inputs[0]).shape[-1] == 1
    return "conv2d" if alone else str(node.op)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_torch_exports_costs_the_same(family: str, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs torch: pip install torch", exc_type=ImportError)
    pytest.importorskip("onnxruntime", reason="needs onnxruntime's quantisation: pip install onnxruntime")
    from support.torch_families import exported, unfused

    space, build = FAMILIES[family]
    # onnxruntime's quantisation fuses activations, as TensorFlow's converter does; torch leaves them alone.
    gates = {8: gate_of(space, build), 32: gate_of(space, unfused(build))}
    for seed, config in enumerate(space.sample(np.random.default_rng(SEED), COUNT)):
        is_float = config["bits"] == 32
        gate = gates[config["bits"]]
        graph = exported(family, config, seed, tmp_path)
        cost = _core.cost(graph, gate.target.core)
        judged = gate.check(config)
        n = judged.numbers
        # An int8 network's own input and output are float32 there, and so is a mean, between conversions.
        theirs = [
            (node.op, c.macs, c.other_operations, c.parameter_bytes + SHAPE_CONSTANTS.get(node.op, 0))
            for node, c in zip(graph.nodes, cost.nodes, strict=True)
            if is_float or node.op not in ("quantize", "dequantize")
        ]
        drawn = gate.architecture.model(config)
        ours = [
            (onnx_name(drawn, node), macs, other, parameters)
            for node, (_, macs, other, parameters, _) in zip(drawn.nodes, judged._core.nodes(), strict=True)
        ]
        assert ours == theirs, config
        assert n["macs"] == cost.macs, config
        assert n["parameter_bytes"] == sum(parameters for *_, parameters in theirs), config
        assert n["other_operations"] == sum(other for _, _, other, _ in theirs), config
        if is_float:
            assert n["other_operations"] == cost.other_operations, config
            assert n["ram_activations"] == cost.ram_activation_bytes, config
            assert n["ram_live"] == cost.ram_live_bytes, config
