"""What the TensorFlow Lite loader makes of honest files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tflite
from gonogo.errors import ModelError
from gonogo.loaders import load, load_bytes
from gonogo.loaders.tflite_file import read_model

Write = Callable[..., bytes]
OPERATOR = {"strides": "stride", "FULLY_CONNECTED": "dense"}
CANONICAL = {
    "FULLY_CONNECTED": "dense",
    "CONV_2D": "conv2d",
    "DEPTHWISE_CONV_2D": "depthwise_conv2d",
    "AVERAGE_POOL_2D": "average_pool2d",
    "MAX_POOL_2D": "max_pool2d",
    "RESHAPE": "reshape",
    "SOFTMAX": "softmax",
    "ADD": "add",
    "PAD": "pad",
    "MEAN": "mean",
    "TRANSPOSE": "transpose",
    "QUANTIZE": "quantize",
    "DEQUANTIZE": "dequantize",
    "SHAPE": "shape",
    "STRIDED_SLICE": "strided_slice",
    "PACK": "pack",
}


def test_the_demo_pair(demo_path: Path) -> None:
    graph = load(demo_path)
    data = demo_path.read_bytes()
    assert (graph.source, graph.format) == (str(demo_path), "tflite")
    assert (graph.file_bytes, graph.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert (graph.inputs, graph.outputs) == (["image"], ["probabilities"])
    ops = ["conv2d", "depthwise_conv2d", "conv2d", "average_pool2d", "reshape", "dense", "softmax"]
    assert [node.op for node in graph.nodes] == ops
    names = ["conv", "depthwise", "pointwise", "pool", "flat", "logits", "probabilities"]
    assert [node.name for node in graph.nodes] == names
    depthwise = graph.nodes[1]
    assert depthwise.inputs == ["conv", "depthwise/weights", "depthwise/bias"]
    assert depthwise.attributes["strides"] == [2, 2]
    assert depthwise.attributes["padding"] == "same"
    assert depthwise.attributes["activation"] == "relu"
    quantised = "int8" in demo_path.name
    weights = graph.tensor("depthwise/weights")
    assert (weights.shape, weights.is_constant) == ([1, 3, 3, 8], True)
    assert (weights.quantization is not None) == quantised
    if quantised:
        assert len(weights.quantization.scales) == 8
        assert weights.quantization.axis == 3
        output = graph.tensor("probabilities").quantization
        assert (output.scales[0], output.zero_points[0]) == (1 / 256, -128)


def published(path: Path) -> tuple[Any, Any]:
    model = tflite.Model.GetRootAsModel(path.read_bytes(), 0)
    return model, model.Subgraphs(0)


def test_values_are_those_the_published_reader_sees(demo_path: Path) -> None:
    compare_values(demo_path)


def compare_values(path: Path) -> None:
    model, graph = published(path)
    mine = read_model(path.read_bytes(), "x")
    assert len(mine.tensors) == graph.TensorsLength()
    assert len(mine.operations) == graph.OperatorsLength()
    assert mine.inputs == list(graph.InputsAsNumpy())
    assert mine.outputs == list(graph.OutputsAsNumpy())
    for i, tensor in enumerate(mine.tensors):
        other = graph.Tensors(i)
        assert tensor.name == other.Name().decode()[:1024]
        assert tensor.shape == [other.Shape(d) for d in range(other.ShapeLength())]
        assert getattr(tflite.TensorType, tensor.dtype.upper()) == other.Type()
        data = model.Buffers(other.Buffer()).DataAsNumpy()
        if tensor.values is None:
            assert isinstance(data, int)
        else:
            assert tensor.values.tobytes() == data.tobytes()
        q = other.Quantization()
        if q is None or q.ScaleLength() == 0:
            assert tensor.quantization is None
        else:
            assert tensor.quantization is not None
            assert np.array_equal(tensor.quantization.scales, q.ScaleAsNumpy())
            assert np.array_equal(tensor.quantization.zero_points, q.ZeroPointAsNumpy())


@pytest.mark.corpus
def test_every_corpus_model_loads_and_matches_its_published_graph(corpus: Path) -> None:
    paths = sorted((corpus / "cost" / "models").glob("*.tflite"))
    assert len(paths) >= 15
    for path in paths:
        compare_values(path)
        expected = json.loads((corpus / "cost" / "graphs" / f"{path.stem}.json").read_text())
        graph = load(path)
        assert [node.op for node in graph.nodes] == [CANONICAL[op["op"]] for op in expected["ops"]], path.name
        # Tensors that the file keeps but nobody reads are left out; here every one is read.
        assert len(graph.tensor_names) == len(expected["tensors"])
        for name, tensor in zip(graph.tensor_names, expected["tensors"], strict=True):
            mine = graph.tensor(name)
            assert mine.shape == tensor["shape"]
            assert mine.dtype == tensor["type"].lower()
            assert mine.is_constant == tensor["const"]
        for node, op in zip(graph.nodes, expected["ops"], strict=True):
            check_attributes(node, op)


def check_attributes(node: Any, op: dict[str, Any]) -> None:
    mine, file = node.attributes, op["attrs"]
    if "strideH" in file:
        assert mine["strides"] == [file["strideH"], file["strideW"]]
        assert mine["padding"] == ("same", "valid")[file["padding"]]
    if "filterHeight" in file:
        assert mine["kernel"] == [file["filterHeight"], file["filterWidth"]]
    if "fusedActivationFunction" in file:
        assert (
            mine["activation"] == ("none", "relu", "relu_n1_to_1", "relu6")[file["fusedActivationFunction"]]
        )


def test_dispatch_reads_the_content(tmp_path: Path, demo_path: Path) -> None:
    named_oddly = tmp_path / "model.bin"
    named_oddly.write_bytes(demo_path.read_bytes())
    assert load(named_oddly).format == "tflite"
    assert load(str(named_oddly)).format == "tflite"


def test_paths_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.tflite: no such file; give the path"):
        load(tmp_path / "none.tflite")
    with pytest.raises(ModelError, match="not a file"):
        load(tmp_path)
    with pytest.raises(ModelError, match="cannot be read"):
        load("a\0b.tflite")
    (tmp_path / "empty.xyz").write_bytes(b"")
    with pytest.raises(ModelError, match="the file is empty"):
        load(tmp_path / "empty.xyz")
    (tmp_path / "notes.txt").write_text("hello, this is not a model")
    with pytest.raises(ModelError, match="neither a TensorFlow Lite nor an ONNX model"):
        load(tmp_path / "notes.txt")
    (tmp_path / "short.tflite").write_bytes(b"abc")
    with pytest.raises(ModelError, match="the file identifier is missing"):
        load(tmp_path / "short.tflite")


def test_equal_names_are_told_apart(write: Write) -> None:
    x = {"name": "x", "shape": [1, 4], "type": "float32"}
    data = write([x, dict(x), dict(x)], [("RELU", [0], [1], "", {}), ("TANH", [1], [2], "", {})], [0], [2])
    graph = load_bytes(data, "net.tflite")
    assert graph.inputs == ["x"]
    assert [node.outputs for node in graph.nodes] == [["x#1"], ["x#2"]]


def test_inputs_keep_the_order_of_the_file(write: Write) -> None:
    tensors = [{"name": n, "shape": [1, 4], "type": "float32"} for n in "abc"]
    graph = load_bytes(write(tensors, [("ADD", [0, 1], [2], "AddOptions", {})], [1, 0], [2]), "net.tflite")
    assert graph.inputs == ["b", "a"]
    assert graph.nodes[0].inputs == ["a", "b"]


def test_unused_tensors_are_left_out(write: Write) -> None:
    tensors = [{"name": n, "shape": [1, 4], "type": "float32"} for n in "abc"]
    tensors.append({"name": "odd", "shape": [1], "type": "complex64"})
    graph = load_bytes(write(tensors, [("RELU", [0], [2], "", {})], [0], [2]), "net.tflite")
    assert graph.tensor_names == ["a", "c"]


def test_half_precision_weights_become_exact_float32(write: Write) -> None:
    weights = np.array([[1.5, -0.333251953125, 6.103515625e-05]], dtype=np.float16)
    tensors = [
        {"name": "x", "shape": [1, 3], "type": "float32"},
        {"name": "half", "shape": [1, 3], "type": "float16", "values": weights},
        {"name": "wide", "shape": [1, 3], "type": "float32"},
        {"name": "y", "shape": [1, 1], "type": "float32"},
    ]
    operators = [
        ("DEQUANTIZE", [1], [2], "", {}),
        ("FULLY_CONNECTED", [0, 2, -1], [3], "FullyConnectedOptions", {}),
    ]
    graph = load_bytes(write(tensors, operators, [0], [3]), "net.tflite")
    assert [node.op for node in graph.nodes] == ["dense"]
    assert graph.tensor("wide").is_constant
    assert graph.tensor_names == ["x", "wide", "y"]


def test_shape_arithmetic_is_folded_but_stays(write: Write) -> None:
    """SHAPE, STRIDED_SLICE and PACK that compute a target shape: their tensors occupy the device's memory."""

    def number(name: str, *values: int, shape: list[int] | None = None) -> dict[str, Any]:
        array = np.array(values, dtype=np.int32)
        return {
            "name": name,
            "shape": [len(values)] if shape is None else shape,
            "type": "int32",
            "values": array,
        }

    tensors = [
        {"name": "x", "shape": [1, 6], "type": "float32"},
        number("begin", 0),
        number("end", 1),
        number("one", 1),
        number("two", 2, shape=[]),
        number("three", 3, shape=[]),
        {"name": "shape", "shape": [2], "type": "int32"},
        {"name": "batch", "shape": [], "type": "int32"},
        {"name": "target", "shape": [3], "type": "int32"},
        {"name": "y", "shape": [1, 2, 3], "type": "float32"},
    ]
    operators = [
        ("SHAPE", [0], [6], "ShapeOptions", {}),
        ("STRIDED_SLICE", [6, 1, 2, 3], [7], "StridedSliceOptions", {"ShrinkAxisMask": 1}),
        ("PACK", [7, 4, 5], [8], "PackOptions", {"ValuesCount": 3}),
        ("RESHAPE", [0, 8], [9], "", {}),
    ]
    graph = load_bytes(write(tensors, operators, [0], [9]), "net.tflite")
    assert [node.op for node in graph.nodes] == ["shape", "strided_slice", "pack", "reshape"]
    assert graph.nodes[3].attributes["shape"] == [1, 2, 3]
    assert graph.nodes[3].inputs == ["x", "target"]
