"""int4 weights of ONNX files against onnx, onnxruntime and fractions: every number is the file's, none is rounded."""

from __future__ import annotations

from typing import Any

import gonogo as gg
import numpy as np
import onnx
import pytest
from gonogo import _core
from gonogo.errors import QuantizationError, UnsupportedOperatorError
from gonogo.loaders.onnx import load_onnx
from gonogo.loaders.onnx_tensor import tensor_values
from onnx import TensorProto, helper, numpy_helper
from support.onnx_int4 import LIMITS, random_layer, runtime, tensor
from support.onnx_int4_check import check_weights, real_at
from support.onnx_models import make_model, on_x86

node = helper.make_node
KINDS = ("tensor", "axis", "block")


@pytest.mark.parametrize("dtype", ["int4", "uint4"])
def test_every_byte_unpacks_as_onnx_says(dtype: str) -> None:
    kind = {"int4": TensorProto.INT4, "uint4": TensorProto.UINT4}[dtype]
    for first in range(256):
        for count in (1, 2, 3, 7):
            packed = bytes((first + 37 * i) % 256 for i in range((count + 1) // 2))
            for raw in (True, False):
                proto = TensorProto(name="q", data_type=kind, dims=[count])
                if raw:
                    proto.raw_data = packed
                else:
                    proto.int32_data.extend(packed)
                values = tensor_values(proto, "q")
                assert values.dtype == np.int8
                assert values.tolist() == numpy_helper.to_array(proto).astype(int).tolist()


@pytest.mark.parametrize("scales", KINDS)
@pytest.mark.parametrize("dtype", LIMITS)
def test_the_reference_has_the_dequantised_weights_exactly(dtype: str, scales: str) -> None:
    rng = np.random.default_rng([3, len(dtype), KINDS.index(scales)])
    seen = 0
    while seen < 6:
        layer = random_layer(rng, str(rng.choice(["MatMul", "Gemm"])), dtype, scales, rng.random() < 0.7)
        if layer.bias.any():
            continue
        seen += 1
        check_weights(load_onnx(layer.data, "net.onnx"), layer)


@on_x86
@pytest.mark.parametrize("scales", KINDS)
@pytest.mark.parametrize("dtype", ["int4", "uint4"])
def test_other_readers_get_the_runtimes_float32_numbers(dtype: str, scales: str) -> None:
    rng = np.random.default_rng([4, len(dtype), KINDS.index(scales)])
    for _ in range(10):
        layer = random_layer(rng, "MatMul", dtype, scales)
        model = onnx.ModelProto.FromString(layer.data)
        model.graph.node[1].CopyFrom(node("Add", ["x", "w"], ["y"]))
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = layer.q.shape[0]
        model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = layer.q.shape[1]
        data = model.SerializeToString()
        x = np.zeros(layer.q.shape, np.float32)
        lower, upper = real_at(load_onnx(data, "net.onnx"), x.astype(float))
        (expected,) = runtime(data, "off").run(None, {"x": x})
        np.testing.assert_array_equal(lower, expected)
        np.testing.assert_array_equal(upper, expected)


def test_int4_stays_int4_and_counts_half_a_byte() -> None:
    q = np.arange(-8, 7).reshape(5, 3)
    for dtype, values in (("int4", q), ("uint4", q + 8)):
        constants = {"q": tensor("q", values, dtype), "s": np.float32(0.5)}
        nodes = [node("DequantizeLinear", ["q", "s"], ["w"]), node("MatMul", ["x", "w"], ["y"])]
        graph = load_onnx(
            make_model(nodes, constants, {"x": ("float32", [1, 5])}, {"y": "float32"}, 21), "net.onnx"
        )
        weights = graph.tensor(graph.nodes[0].inputs[1])
        assert (weights.dtype, weights.shape) == ("int4", [3, 5])
        assert gg.cost(graph, "cortex-m55").core.parameter_bytes == 8


def test_moved_int4_constants_and_folded_quantisation() -> None:
    rng = np.random.default_rng(8)
    q = rng.integers(-8, 8, (3, 5))
    nodes = [
        node("Transpose", ["q"], ["t"], perm=[1, 0]),
        node("DequantizeLinear", ["t", "s"], ["w"]),
        node("MatMul", ["x", "w"], ["y"]),
    ]
    data = make_model(
        nodes,
        {"q": tensor("q", q, "int4"), "s": np.float32(0.5)},
        {"x": ("float32", [1, 5])},
        {"y": "float32"},
        21,
    )
    lower, upper = real_at(load_onnx(data, "net.onnx"), np.ones((1, 5)))
    assert np.all((lower[0] <= q.sum(1) * 0.5) & (q.sum(1) * 0.5 <= upper[0]) & (upper[0] - lower[0] < 1e-12))
    f = rng.normal(size=(5, 3)).astype(np.float32)
    nodes = [
        node("QuantizeLinear", ["f", "s", "z"], ["q"], axis=1),
        node("DequantizeLinear", ["q", "s", "z"], ["w"], axis=1),
        node("Add", ["x", "w"], ["y"]),
    ]
    s = rng.uniform(0.1, 0.4, 3).astype(np.float32)
    constants = {"f": f, "s": s, "z": tensor("z", np.array([-3, 0, 2]), "int4")}
    data = make_model(nodes, constants, {"x": ("float32", [5, 3])}, {"y": "float32"}, 21)
    lower, _ = real_at(load_onnx(data, "net.onnx"), np.zeros((5, 3)))
    (expected,) = runtime(data, "off").run(None, {"x": np.zeros((5, 3), np.float32)})
    np.testing.assert_array_equal(lower, expected)


@on_x86
@pytest.mark.parametrize("axis", [0, 1])
def test_scales_along_the_inputs_of_square_weights_are_no_scales_of_outputs(axis: int) -> None:
    """Square weights: both axes have the scales' length, and only the axis tells them apart."""
    rng = np.random.default_rng(9)
    w, s = rng.integers(-50, 50, (8, 8)).astype(np.int8), rng.uniform(0.01, 0.1, 8).astype(np.float32)
    constants: dict[str, Any] = {
        "q": w, "s": s, "z": np.zeros(8, np.int8), "sx": np.float32(0.05), "sy": np.float32(0.3), "zx": np.uint8(128)
    }  # fmt: skip
    nodes = [
        node("QuantizeLinear", ["x", "sx", "zx"], ["xq"]),
        node("DequantizeLinear", ["xq", "sx", "zx"], ["xd"]),
        node("DequantizeLinear", ["q", "s", "z"], ["w"], axis=axis),
        node("MatMul", ["xd", "w"], ["h"]),
        node("QuantizeLinear", ["h", "sy", "zx"], ["hq"]),
        node("DequantizeLinear", ["hq", "sy", "zx"], ["y"]),
    ]
    data = make_model(nodes, constants, {"x": ("float32", [1, 8])}, {"y": "float32"}, 21)
    graph = load_onnx(data, "net.onnx")
    x = (rng.integers(-100, 100, (1, 8)) * 0.05).astype(np.float32)
    if axis == 0:
        with pytest.raises((QuantizationError, UnsupportedOperatorError)):
            _core.evaluate_int8(graph, "ort", [x])
    else:
        (expected,) = runtime(data).run(None, {"x": x})
        np.testing.assert_array_equal(_core.evaluate_int8(graph, "ort", [x])["y"], expected)
    real = x.astype(float) @ (w * (s[:, None] if axis == 0 else s).astype(float))
    lower, upper = real_at(graph, x.astype(float))
    assert np.abs(lower - real).max() <= 0.3
    assert np.abs(upper - real).max() <= 0.3
