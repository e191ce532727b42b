"""Damaged, contradictory and unsupported TensorFlow Lite files, each refused with the error that says why."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gonogo import _core
from gonogo.errors import (
    ModelError,
    QuantizationError,
    ShapeError,
    UnsupportedOperatorError,
    UnsupportedTypeError,
)
from gonogo.loaders import load_bytes
from gonogo.loaders import tflite_schema as schema

Refused = Callable[..., str]
Write = Callable[..., bytes]
SCALE = schema.QuantizationParameters.SCALE
ZERO_POINT = schema.QuantizationParameters.ZERO_POINT


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_weights_that_are_not_finite(float_edit: Any, refused: Refused, value: float) -> None:
    float_edit.write(float_edit.values("conv/weights") + 8, "f", value)
    message = refused(float_edit.bytes(), ModelError)
    assert "'conv/weights': element 2 is" in message


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("name", ["image", "conv/weights", "conv/bias", "logits"])
def test_scales_that_are_not_positive(int8_edit: Any, refused: Refused, name: str, value: float) -> None:
    parameters = int8_edit.tensor(name).Quantization()
    int8_edit.write(int8_edit.vector(parameters, SCALE), "f", value)
    message = refused(int8_edit.bytes(), QuantizationError)
    assert f"'{name}': scale {value!r}" in message


@pytest.mark.parametrize(
    ("name", "value"), [("image", -129), ("logits", 128), ("logits", 1 << 40), ("dense/bias", 1)]
)
def test_zero_points_out_of_range(int8_edit: Any, refused: Refused, name: str, value: int) -> None:
    int8_edit.write(int8_edit.vector(int8_edit.tensor(name).Quantization(), ZERO_POINT), "q", value)
    assert f"zero point {value} outside" in refused(int8_edit.bytes(), QuantizationError)


def test_convolution_weights_with_a_zero_point(int8_edit: Any, refused: Refused) -> None:
    int8_edit.write(int8_edit.vector(int8_edit.tensor("conv/weights").Quantization(), ZERO_POINT), "q", 3)
    message = refused(int8_edit.bytes(), QuantizationError)
    assert message.startswith("net.tflite: node 0 'conv' (CONV_2D): the zero point of the weights must be 0")


def test_scales_along_the_wrong_axis(int8_edit: Any, refused: Refused) -> None:
    parameters = int8_edit.tensor("depthwise/weights").Quantization()
    axis = schema.QuantizationParameters.QUANTIZED_DIMENSION
    int8_edit.set(parameters, axis, "i", 1)
    assert "8 scales do not fit axis 1 of shape [1, 3, 3, 8]" in refused(int8_edit.bytes(), QuantizationError)


def test_bias_scale_that_the_kernel_would_not_apply(int8_edit: Any, refused: Refused) -> None:
    parameters = int8_edit.tensor("dense/bias").Quantization()
    at = int8_edit.vector(parameters, SCALE)
    load_bytes(int8_edit.bytes(), "net.tflite")
    output = float(int8_edit.tensor("logits").Quantization().Scale(0))
    stated = float(parameters.Scale(0))
    load_bytes(int8_edit.write(at, "f", stated + 0.019 * output).bytes(), "net.tflite")
    message = refused(int8_edit.write(at, "f", stated + 0.021 * output).bytes(), QuantizationError)
    assert "node 5 'logits' (FULLY_CONNECTED): the bias of channel 0 has scale" in message


def test_unknown_operators_are_named(float_edit: Any, refused: Refused, write: Write) -> None:
    codes = {float_edit.model.OperatorCodes(i).BuiltinCode(): i for i in range(6)}
    softmax = float_edit.model.OperatorCodes(codes[25])
    for code, name in [(111, "ELU"), (118, "IF"), (9999, "operator code 9999")]:
        float_edit.set(softmax, schema.OperatorCode.DEPRECATED_BUILTIN_CODE, "b", min(code, 127))
        float_edit.set(softmax, schema.OperatorCode.BUILTIN_CODE, "i", code)
        message = refused(float_edit.bytes(), UnsupportedOperatorError)
        assert message == f"net.tflite: node 6 'probabilities' ({name}): operator not supported"
    tensors = [{"name": n, "shape": [1, 4], "type": "float32"} for n in "xy"]
    custom = write(tensors, [("CUSTOM", [0], [1], "", {})], [0], [1])
    assert "node 0 'y' (custom operator 'Mystery')" in refused(custom, UnsupportedOperatorError)


@pytest.mark.parametrize("kind", ["float16", "float64", "uint32", "complex64", "string"])
def test_unsupported_types(write: Write, refused: Refused, kind: str) -> None:
    tensors = [{"name": n, "shape": [1, 4], "type": kind} for n in "xy"]
    message = refused(write(tensors, [("RELU", [0], [1], "", {})], [0], [1]), UnsupportedTypeError)
    assert f"tensor 0 'x': type {kind} is not supported" in message


@pytest.mark.parametrize("kind", ["uint8", "int32"])
def test_quantised_types_without_kernels(write: Write, refused: Refused, kind: str) -> None:
    tensors = [{"name": n, "shape": [1, 4], "type": kind, "scale": 0.5} for n in "xy"]
    message = refused(write(tensors, [("RELU", [0], [1], "", {})], [0], [1]), UnsupportedTypeError)
    assert f"node 0 'y' (RELU): tensor 'x' is {kind}; only float32, int8 and int16" in message


def dense(write: Write, **changes: dict[str, Any]) -> bytes:
    tensors = {
        "x": {"name": "x", "shape": [1, 4], "type": "int8", "scale": 0.5},
        "w": {
            "name": "w",
            "shape": [2, 4],
            "type": "int8",
            "scale": 0.25,
            "values": np.ones((2, 4), np.int8),
        },
        "b": {"name": "b", "shape": [2], "type": "int32", "scale": 0.125, "values": np.ones(2, np.int32)},
        "y": {"name": "y", "shape": [1, 2], "type": "int8", "scale": 1.0},
    }
    for name, change in changes.items():
        tensors[name].update(change)
        for key in [k for k, v in change.items() if v is None]:
            del tensors[name][key]
    operator = ("FULLY_CONNECTED", [0, 1, 2], [3], "FullyConnectedOptions", {})
    return write(list(tensors.values()), [operator], [0], [3])


def test_the_small_dense_layer_is_fine(write: Write) -> None:
    assert [node.op for node in load_bytes(dense(write), "net.tflite").nodes] == ["dense"]


FLOAT = {"type": "float32", "scale": None}


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        (
            {"b": {"type": "float32", "scale": None, "values": np.ones(2, np.float32)}},
            UnsupportedTypeError,
            "bias",
        ),
        ({"w": {"scale": None}}, QuantizationError, "weights 'w' are int8 without a scale"),
        ({"x": {"scale": None}}, QuantizationError, "must all have a scale"),
        ({"y": {"scale": None}}, QuantizationError, "must all have a scale"),
        ({"b": {"shape": [3], "values": np.ones(3, np.int32)}}, ShapeError, "bias"),
        ({"b": {"values": np.ones(3, np.int32)}}, ModelError, "needs 8 bytes, its buffer has 12"),
        ({"w": {"shape": [2, 3], "values": np.ones((2, 3), np.int8)}}, ShapeError, ""),
        ({"w": {"shape": [2, 2, 2]}}, ShapeError, "weights must have 2 dimensions"),
        ({"w": {"shape": [-2, -4]}}, ShapeError, "dimensions must lie in"),
        ({"w": {"shape": [1 << 20, 1 << 20]}}, ShapeError, "more than"),
        ({"y": {"shape": [1, 3]}}, ShapeError, ""),
        ({"y": {"shape": [1] * 9}}, ShapeError, "rank 9"),
        (
            {"x": {"shape": [0, 4]}, "y": {"shape": [0, 2]}},
            ShapeError,
            "tensor 'x' has no elements: shape [0, 4]",
        ),
        ({"x": {"shape": [1, 4], "signature": [1, -1]}}, ShapeError, "dimension 1 has no fixed size"),
        ({"x": {"values": np.ones((1, 4), np.int8)}}, ModelError, "a constant as well"),
        ({"w": {"values": None}}, ModelError, "'w' is read but nothing computes it"),
        ({"x": FLOAT, "y": FLOAT}, UnsupportedTypeError, ""),  # hybrid: int8 weights, float arithmetic
    ],
)
def test_contradictions_in_a_dense_layer(
    write: Write, refused: Refused, changes: dict[str, Any], kind: type[Exception], words: str
) -> None:
    assert words in refused(dense(write, **changes), kind)


def chain(write: Write, operator: str, options: str = "", **fields: Any) -> bytes:
    """One operator on x [1, 4, 4, 2] with a small constant, result y of the same shape."""
    values = fields.pop("values", np.zeros(1, np.int32))
    tensors = [
        {"name": "x", "shape": [1, 4, 4, 2], "type": "float32"},
        {"name": "c", "shape": list(values.shape), "type": values.dtype.name, "values": values},
        {"name": "y", "shape": [1, 4, 4, 2], "type": "float32"},
    ]
    inputs = fields.pop("inputs", [0, 1])
    return write(tensors, [(operator, inputs, [2], options, fields)], [0], [2])


INT = np.int32


@pytest.mark.parametrize(
    ("operator", "options", "fields", "kind", "words"),
    [
        ("MAX_POOL_2D", "", {}, ModelError, "the options are not Pool2DOptions"),
        ("MAX_POOL_2D", "AddOptions", {}, ModelError, "the options are not Pool2DOptions"),
        ("MAX_POOL_2D", "Pool2DOptions", {"Padding": 7, "inputs": [0]}, ModelError, "padding 7"),
        ("MAX_POOL_2D", "Pool2DOptions", {"inputs": [0]}, ModelError, ""),  # strides of zero
        (
            "ADD",
            "AddOptions",
            {"FusedActivationFunction": 4, "inputs": [0, 0]},
            UnsupportedOperatorError,
            "tanh",
        ),
        ("ADD", "AddOptions", {"FusedActivationFunction": 77, "inputs": [0, 0]}, ModelError, "activation 77"),
        ("ADD", "AddOptions", {"inputs": [0]}, ModelError, "input 1 is missing"),
        ("ADD", "AddOptions", {"inputs": [0, -1]}, ModelError, "input 1 is missing"),
        ("RELU", "", {"inputs": []}, ModelError, "input 0 is missing"),
        ("SOFTMAX", "SoftmaxOptions", {"Beta": math.nan, "inputs": [0]}, ModelError, "beta is nan"),
        ("SOFTMAX", "SoftmaxOptions", {"Beta": -1.0, "inputs": [0]}, ModelError, "beta is -1.0"),
        ("SOFTMAX", "", {"inputs": [0]}, ModelError, "the options are not SoftmaxOptions"),
        ("LEAKY_RELU", "LeakyReluOptions", {"Alpha": math.inf, "inputs": [0]}, ModelError, "alpha is inf"),
        ("PAD", "", {"values": np.zeros((3, 2), INT)}, ShapeError, "do not fit 4 dimensions"),
        ("PAD", "", {"values": np.full((4, 2), -1, INT)}, ShapeError, "do not fit"),
        ("PAD", "", {"values": np.full((4, 2), 1 << 30, INT)}, ShapeError, ""),
        ("PAD", "", {"values": np.zeros((4, 2), np.float32)}, ModelError, "short list"),
        ("PAD", "", {"inputs": [0, 2]}, ModelError, "short list of int32"),
        ("MEAN", "ReducerOptions", {"values": np.array([9], INT)}, ModelError, ""),
        ("MEAN", "ReducerOptions", {"values": np.zeros(100, INT)}, ModelError, "short list"),
        ("TRANSPOSE", "", {"values": np.array([0, 1, 2, 2], INT)}, ShapeError, "not a permutation"),
        ("TRANSPOSE", "", {"values": np.array([0, 1, 2, 40], INT)}, ShapeError, "not a permutation"),
        ("RESHAPE", "", {"values": np.array([5, -1], INT)}, ShapeError, "cannot become"),
        ("RESHAPE", "", {"values": np.array([-1, -1], INT)}, ShapeError, "cannot become"),
        (
            "RESHAPE",
            "",
            {"values": np.array([32], INT)},
            ShapeError,
            "",
        ),  # the output is said to be [1, 4, 4, 2]
        ("SQUEEZE", "SqueezeOptions", {"SqueezeDims": [1], "inputs": [0]}, ShapeError, "cannot be squeezed"),
        ("EXPAND_DIMS", "", {"values": np.array([9], INT)}, ShapeError, "do not fit"),
        ("ARG_MAX", "ArgMaxOptions", {"values": np.array([0, 1], INT)}, ModelError, "one axis"),
        ("QUANTIZE", "", {"inputs": [0]}, QuantizationError, "the output has no scale"),
        ("DEQUANTIZE", "", {"inputs": [0]}, QuantizationError, "the input has no scale"),
        ("CONCATENATION", "ConcatenationOptions", {"Axis": 9, "inputs": [0, 0]}, ModelError, "axis"),
        ("CONV_2D", "Conv2DOptions", {}, ShapeError, "weights must have 4 dimensions"),
    ],
)
def test_contradictions_in_single_operators(
    write: Write,
    refused: Refused,
    operator: str,
    options: str,
    fields: dict[str, Any],
    kind: type[Exception],
    words: str,
) -> None:
    message = refused(chain(write, operator, options, **fields), kind)
    assert words in message
    assert "node 0 'y' (" in message


def test_graphs_that_are_not_graphs(write: Write, refused: Refused) -> None:
    tensors = [{"name": n, "shape": [1, 4], "type": "float32"} for n in "abcd"]

    def relu(*edges: tuple[int, int]) -> list[Any]:
        return [("RELU", [a], [b], "", {}) for a, b in edges]

    refused(write(tensors, relu((1, 2), (2, 1)), [0], [2]), ModelError)  # a cycle
    refused(write(tensors, relu((1, 2), (0, 1)), [0], [2]), ModelError)  # out of order
    refused(write(tensors, relu((1, 1)), [0], [1]), ModelError)  # reads its own output
    refused(write(tensors, relu((0, 1), (0, 1)), [0], [1]), ModelError)  # computed twice
    refused(write(tensors, relu((1, 0)), [0], [0]), ModelError)  # computes an input
    refused(write(tensors, relu((0, 1)), [0], [3]), ModelError)  # an output nobody computes
    refused(write(tensors, relu((0, 1)), [0, 0], [1]), ModelError)  # one input twice
    refused(write(tensors, relu((0, 1)), [], [1]), ModelError)  # no input
    refused(write(tensors, relu((0, 1)), [0], []), ModelError)  # no output
    refused(write(tensors, relu((0, 9)), [0], [1]), ModelError)  # no such tensor
    refused(write(tensors, relu((-1, 1)), [0], [1]), ModelError)
    refused(write(tensors, relu((-2, 1)), [0], [1]), ModelError)
    refused(write(tensors, [("RELU", [0], [], "", {})], [0], [0]), ModelError)
    refused(write(tensors, [("RELU", [0], [1, 2], "", {})], [0], [1]), ModelError)
    refused(write(tensors, [], [0], [0], subgraphs=0), ModelError)


def test_state_is_refused(write: Write, refused: Refused) -> None:
    tensors = [{"name": n, "shape": [1, 4], "type": "float32"} for n in "xy"]
    tensors[1]["variable"] = True  # type: ignore[assignment]
    data = write(tensors, [("RELU", [0], [1], "", {})], [0], [1])
    assert "'y' keeps state" in refused(data, UnsupportedOperatorError)


def test_further_subgraphs_are_ignored_when_nothing_enters_them(write: Write) -> None:
    tensors = [{"name": n, "shape": [1, 4], "type": "float32"} for n in "xy"]
    data = write(tensors, [("RELU", [0], [1], "", {})], [0], [1], subgraphs=2)
    assert [node.op for node in load_bytes(data, "net.tflite").nodes] == ["relu"]


def test_other_schema_versions(float_edit: Any, refused: Refused) -> None:
    float_edit.set(float_edit.model, schema.Model.VERSION, "I", 2)
    assert "schema version 2" in refused(float_edit.bytes(), ModelError)


def test_pools_that_read_the_whole_image_at_every_element(write: Write) -> None:
    """A file of a few hundred bytes that asks for 10^12 additions."""
    tensors = [{"name": n, "shape": [1, 1000, 1000, 1], "type": "float32"} for n in "xy"]
    pool = {"StrideW": 1, "StrideH": 1, "FilterWidth": 1000, "FilterHeight": 1000}
    graph = load_bytes(
        write(tensors, [("AVERAGE_POOL_2D", [0], [1], "Pool2DOptions", pool)], [0], [1]), "net.tflite"
    )
    x = np.zeros((1, 1000, 1000, 1))
    with pytest.raises(
        ShapeError, match=r"net\.tflite: node 0 'y' .*: the windows read more than 2\^27 elements"
    ):
        _core.evaluate_real(graph, [x], [x])
