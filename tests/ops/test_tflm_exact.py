"""Profile `tflm` is TensorFlow Lite for Microcontrollers, bit by bit: the runtime itself is the oracle."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gonogo import _core
from gonogo.errors import GonogoError, OverflowRiskError, QuantizationError, UnsupportedOperatorError
from gonogo.loaders.tflite import load_tflite
from support.tflite_writer import Array, Operator, Tensor, single_operator, write_model
from support.tflm_cases import BUILDERS
from support.tflm_runtime import Runtime, mismatches, random_input

# Outputs per operator in the short run; strided slices have few outputs per model.
SHORT = 50_000
SMALL_OUTPUTS = {"strided_slice", "mean"}


def compare(op: str, outputs: int, seed: int) -> int:
    rng = np.random.default_rng([seed, sorted(BUILDERS).index(op)])
    total = 0
    while total < outputs:
        data = BUILDERS[op](rng)
        different, compared = mismatches(data, rng)
        assert different == 0, f"{op}: {different} of {compared} outputs differ, model after {total} outputs"
        total += compared
    return total


@pytest.mark.parametrize("op", BUILDERS)
def test_matches_the_runtime(op: str) -> None:
    assert compare(op, SHORT // (10 if op in SMALL_OUTPUTS else 1), seed=0) > 0


@pytest.mark.slow
@pytest.mark.parametrize("op", BUILDERS)
def test_matches_the_runtime_on_a_million_outputs(op: str, record_property: Any) -> None:
    record_property("outputs", compare(op, 1_000_000, seed=1))


@pytest.mark.parametrize("options", ["AddOptions", "SubOptions", "MulOptions"])
def test_every_pair_of_integers(options: str) -> None:
    code = options.removesuffix("Options").upper()
    x = np.repeat(np.arange(-128, 128), 256).astype(np.int8).reshape(1, 256, 256, 1)
    y = np.ascontiguousarray(x.transpose(0, 2, 1, 3))
    rng = np.random.default_rng(5)
    for _ in range(12):
        s, t = np.exp(rng.uniform(-6, -1, 2)).astype(np.float32)
        ceiling = float(s * t) * 100 if code == "MUL" else float(max(s, t)) * 1.7
        a = Tensor(x.shape, scale=float(s), zero_point=int(rng.integers(-128, 128)))
        b = Tensor(x.shape, scale=float(t), zero_point=int(rng.integers(-128, 128)))
        data = single_operator(
            code, [a, b], Tensor(x.shape, scale=ceiling), options, FusedActivationFunction=0
        )
        ours = _core.evaluate_int8(load_tflite(data, "p"), "tflm", [x.astype(np.int32), y.astype(np.int32)])
        assert np.array_equal(ours["tensor2"], Runtime(data)([x, y])[0])


def nearest(x: Fraction) -> int:
    """Ties away from zero."""
    return (1 if x >= 0 else -1) * int(abs(x) + Fraction(1, 2))


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("code", ["FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D"])
def test_scale_products_are_not_rounded_to_float32(code: str, per_channel: bool) -> None:
    """Biases at which a product of scales rounded to float32 would give another integer."""
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(40):
        s, w = np.exp(rng.uniform([-7, -9], [-1, -3])).astype(np.float32)
        out = np.float32(float(s) * float(w) * 1e5)
        exact, rounded = float(s) * float(w) / float(out), float(s * w) / float(out)
        # Halfway points k + 1/2 between the two multipliers' images.
        biases = [
            b for k in range(-100, 100) for b in range(int((k + 0.5) / exact) - 1, int((k + 0.5) / exact) + 3)
        ]
        biases = [b for b in biases if np.rint(b * exact) != np.rint(b * rounded)][:32]
        if not biases:
            continue
        n = len(biases)
        found += n
        kernel = {"FULLY_CONNECTED": [n, 4], "CONV_2D": [n, 1, 1, 4], "DEPTHWISE_CONV_2D": [1, 1, 1, n]}[code]
        scales = np.full(n, w) if per_channel else float(w)
        axis = 3 if code == "DEPTHWISE_CONV_2D" else 0
        weights = Tensor(kernel, scale=scales, axis=axis, values=np.zeros(kernel, np.int8))
        spatial = [] if code == "FULLY_CONNECTED" else [1, 1]
        x = Tensor([1, *spatial, n if axis else 4], scale=float(s))
        bias = Tensor([n], "int32", scale=np.full(n, s * w), values=np.array(biases, np.int32))
        fields: dict[str, int] = {"FusedActivationFunction": 0}
        if spatial:
            fields |= {"StrideH": 1, "StrideW": 1, "Padding": 1}
        if axis:
            fields["DepthMultiplier"] = 1
        kind = {"FULLY_CONNECTED": "FullyConnectedOptions", "CONV_2D": "Conv2DOptions"}
        options = kind.get(code, "DepthwiseConv2DOptions")
        y = Tensor([1, *spatial, n], scale=float(out))
        data = single_operator(code, [x, weights, bias], y, options, **fields)
        assert mismatches(data, rng, runs=1) == (0, n)
    assert found > 0


def test_activation_bounds_are_divided_in_float32() -> None:
    """Scales at which 6 / scale sits between float32 and binary64 rounding."""
    x = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
    found = 0
    for k in range(1, 120):
        middle = np.float32(6 / (k + 0.5))
        for s in (np.nextafter(middle, np.float32(0)), middle, np.nextafter(middle, np.float32(9))):
            if nearest(Fraction(float(np.float32(6) / s))) == nearest(Fraction(6) / Fraction(float(s))):
                continue
            found += 1
            same = Tensor([1, 256], scale=float(s), zero_point=-128)
            zero = Tensor([1, 256], scale=float(s), values=np.zeros((1, 256), np.int8))
            data = single_operator("ADD", [same, zero], same, "AddOptions", FusedActivationFunction=3)
            ours = _core.evaluate_int8(load_tflite(data, "a"), "tflm", [x.astype(np.int32)])["tensor2"]
            assert np.array_equal(ours, Runtime(data)([x])[0])
    assert found > 10


def test_conversion_from_and_to_float() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        s = np.float32(np.exp(rng.uniform(-7, 0)))
        z = int(rng.integers(-128, 128))
        x = (rng.integers(-300, 300, 2048) + 0.5).astype(np.float32) * s  # ties
        x = np.where(rng.random(x.size) < 0.3, np.nextafter(x, np.float32(np.inf)), x)
        x = np.where(rng.random(x.size) < 0.3, np.nextafter(x, np.float32(-np.inf)), x)
        x = np.where(rng.random(x.size) < 0.3, rng.normal(0, 60 * s, x.size).astype(np.float32), x)
        x = x.astype(np.float32).reshape(1, -1)
        real = Tensor(x.shape, "float32")
        stored = Tensor(x.shape, scale=float(s), zero_point=z)
        operators = [Operator("QUANTIZE", [0], [1]), Operator("DEQUANTIZE", [1], [2])]
        data = write_model([real, stored, real], operators, [0], [1, 2])
        ours = _core.evaluate_int8(load_tflite(data, "q"), "tflm", [x])
        theirs = Runtime(data)([x], 2)
        assert np.array_equal(ours["tensor1"], theirs[0])
        assert np.array_equal(ours["tensor2"], theirs[1])


@pytest.mark.parametrize("x", [1e30, -1e30, np.inf, -np.inf, np.nan])
def test_refuses_floats_whose_conversion_is_undefined(x: float) -> None:
    real, stored = Tensor([1, 1], "float32"), Tensor([1, 1], scale=1.0)
    data = single_operator("QUANTIZE", [real], stored)
    with pytest.raises(GonogoError):
        _core.evaluate_int8(load_tflite(data, "q"), "tflm", [np.full((1, 1), x, np.float32)])


def refused(data: bytes) -> None:
    _core.evaluate_int8(
        load_tflite(data, "r"), "tflm", [np.zeros(load_tflite(data, "r").tensor("tensor0").shape, np.int32)]
    )


def dense_with(bias: int, out_scale: float = 1.0, inputs: int = 4) -> bytes:
    w = Tensor([2, inputs], scale=1.0, values=np.full((2, inputs), 127, np.int8))
    b = Tensor([2], "int32", scale=1.0, values=np.array([0, bias], np.int32))
    y = Tensor([1, 2], scale=out_scale)
    return single_operator(
        "FULLY_CONNECTED", [Tensor([1, inputs], scale=1.0), w, b], y, "FullyConnectedOptions"
    )


def test_names_the_channel_whose_accumulator_can_overflow() -> None:
    largest = 2**31 - 1 - 4 * 127 * 128
    refused(dense_with(largest, out_scale=1e6))
    with pytest.raises(OverflowRiskError, match=r"node 0 .*dense.*channel 1"):
        refused(dense_with(largest + 1, out_scale=1e6))
    with pytest.raises(OverflowRiskError, match="requantisation"):
        refused(dense_with(2**30, out_scale=0.1))


def test_refuses_what_the_device_refuses() -> None:
    x = Tensor([1, 8], scale=0.1)
    with pytest.raises(QuantizationError, match="1/256"):
        refused(single_operator("SOFTMAX", [x], Tensor([1, 8], scale=1 / 128), "SoftmaxOptions", Beta=1.0))
    with pytest.raises(QuantizationError, match="-128"):
        refused(single_operator("LOGISTIC", [x], Tensor([1, 8], scale=1 / 256)))
    zeros = Tensor([1, 8], scale=0.1, values=np.zeros((1, 8), np.int8))
    small = single_operator("ADD", [x, zeros], Tensor([1, 8], scale=1e-8), "AddOptions")
    with pytest.raises(QuantizationError, match="0 < m < 1"):
        refused(small)
    with pytest.raises(UnsupportedOperatorError):
        refused(single_operator("RELU_N1_TO_1", [x], x))


def test_an_int8_chain() -> None:
    """Convolution, depthwise convolution, pooling, dense and softmax in one file, every tensor compared."""
    rng = np.random.default_rng(9)

    def weights(shape: list[int], axis: int) -> Tensor:
        scales = np.exp(rng.uniform(-6, -4, shape[axis])).astype(np.float32)
        return Tensor(shape, scale=scales, axis=axis, values=rng.integers(-127, 128, shape).astype(np.int8))

    tensors = [
        Tensor([1, 9, 9, 3], scale=0.02, zero_point=-3),
        weights([8, 3, 3, 3], 0),
        Tensor([1, 9, 9, 8], scale=0.05, zero_point=-128),
        weights([1, 3, 3, 8], 3),
        Tensor([1, 7, 7, 8], scale=0.06, zero_point=5),
        Tensor([1, 1, 1, 8], scale=0.06, zero_point=5),
        weights([5, 8], 0),
        Tensor([1, 5], scale=0.02, zero_point=1),
        Tensor([1, 5], scale=1 / 256, zero_point=-128),
    ]
    conv = {"StrideH": 1, "StrideW": 1, "Padding": 0, "FusedActivationFunction": 1}
    depthwise = {"StrideH": 1, "StrideW": 1, "Padding": 1, "FusedActivationFunction": 0, "DepthMultiplier": 1}
    pool = {"StrideH": 7, "StrideW": 7, "Padding": 1, "FilterHeight": 7, "FilterWidth": 7}
    operators = [
        Operator("CONV_2D", [0, 1], [2], "Conv2DOptions", conv),
        Operator("DEPTHWISE_CONV_2D", [2, 3], [4], "DepthwiseConv2DOptions", depthwise),
        Operator("AVERAGE_POOL_2D", [4], [5], "Pool2DOptions", pool),
        Operator("FULLY_CONNECTED", [5, 6], [7], "FullyConnectedOptions", {}),
        Operator("SOFTMAX", [7], [8], "SoftmaxOptions", {"Beta": 1.0}),
    ]
    data = write_model(tensors, operators, [0], [2, 4, 5, 7, 8])
    assert mismatches(data, rng, runs=20)[0] == 0


@pytest.mark.corpus
def test_every_int8_model_of_the_corpus(corpus: Path) -> None:
    rng = np.random.default_rng(0)
    compared = 0
    for path in sorted((corpus / "cost" / "models").glob("*.tflite")):
        data = path.read_bytes()
        try:
            graph = load_tflite(data, path.name)
            runtime = Runtime(data)
        except (GonogoError, RuntimeError):
            continue
        integer_nodes = [n for n in graph.nodes if n.op in {"conv2d", "dense"}]
        if any(graph.tensor(n.outputs[0]).dtype == "float32" for n in integer_nodes):
            continue
        for _ in range(4):
            xs: list[Array] = []
            for tensor in map(graph.tensor, graph.inputs):
                is_float = tensor.dtype == "float32"
                x = rng.normal(0, 20, tensor.shape) if is_float else random_input(rng, tensor.shape)
                xs.append(x.astype(tensor.dtype))
            ours = _core.evaluate_int8(
                graph, "tflm", [x if x.dtype == np.float32 else x.astype(np.int32) for x in xs]
            )
            for name, theirs in zip(graph.outputs, runtime(xs, len(graph.outputs)), strict=True):
                assert np.array_equal(ours[name], theirs), path.name
        compared += 1
    assert compared >= 10
