"""Layers with int4 weights under onnxruntime: every run stays within the bound, compared in fractions, no tolerance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gonogo as gg
import numpy as np
import pytest
from gonogo.loaders.onnx import load_onnx
from onnx import helper
from support.onnx_int4 import random_layer, runtime, tensor
from support.onnx_int4_check import FLOAT32_SESSIONS, check_layer
from support.onnx_models import make_model, on_x86, optimised_operators

pytestmark = on_x86
OPERATORS = ("MatMul", "Gemm", "Conv")


@pytest.mark.soundness
@pytest.mark.parametrize("scales", ["tensor", "axis", "block"])
@pytest.mark.parametrize("dtype", ["int4", "uint4", "int8", "uint8"])
@pytest.mark.parametrize("op", OPERATORS)
def test_layers_behind_a_dequantize_linear(op: str, dtype: str, scales: str) -> None:
    rng = np.random.default_rng([11, OPERATORS.index(op), len(dtype), ord(dtype[0]), len(scales)])
    shares = [
        check_layer(random_layer(rng, op, dtype, scales, rng.random() < 0.7), rng, FLOAT32_SESSIONS)
        for _ in range(5)
    ]
    assert max(shares) > 0.01  # the bound is about what runs


def two_layers(rng: np.random.Generator) -> bytes:
    """MatMul, Relu, MatMul with int4 weights in blocks of 32; input 'x' [1, 64], output 'y' [1, 8]."""
    constants: dict[str, Any] = {}
    nodes = []
    for i, (inputs, outputs, source, target) in enumerate(((64, 48, "x", "h"), (48, 8, "r", "y"))):
        constants[f"q{i}"] = tensor(f"q{i}", rng.integers(-8, 8, (inputs, outputs)), "int4")
        constants[f"s{i}"] = rng.uniform(0.01, 0.05, (-(-inputs // 32), outputs)).astype(np.float32)
        nodes.append(
            helper.make_node("DequantizeLinear", [f"q{i}", f"s{i}"], [f"w{i}"], axis=0, block_size=32)
        )
        nodes.append(helper.make_node("MatMul", [source, f"w{i}"], [target], name=f"mm{i}"))
        if i == 0:
            nodes.append(helper.make_node("Relu", ["h"], ["r"]))
    return make_model(nodes, constants, {"x": ("float32", [1, 64])}, {"y": "float32"}, 21)


def test_the_default_of_the_runtime_is_named_and_not_covered(tmp_path: Path) -> None:
    rng = np.random.default_rng(13)
    data = two_layers(rng)
    assert "MatMulNBits" in optimised_operators(data, tmp_path)
    graph = load_onnx(data, "net.onnx")
    x = rng.normal(size=(1, 64)).astype(np.float32)
    error = gg.error(None, graph, (x.astype(float), x.astype(float)), semantics="float32")
    (note,) = [a for a in error.provenance.assumptions if "qdq_matmulnbits_accuracy_level" in a]
    assert "'mm0', 'mm1'" in note
    assert "isn't covered" in note
    (real,) = gg.bound(graph, (x.astype(float), x.astype(float))).tensors
    distance = {
        accuracy: np.abs(runtime(data, "all", accuracy).run(None, {"x": x})[0] - real.lower).max()
        for accuracy in ("1", "4")
    }
    assert distance["1"] <= np.max(error.bound) * 1.001  # the enclosure of the real value is a little wide
    assert distance["4"] > 10 * np.max(error.bound)  # so the assumption matters
