"""int16 activations with int8 weights: bit for bit what TFLite Micro and LiteRT's three resolvers compute."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gonogo import _core
from gonogo.errors import GonogoError, OverflowRiskError, QuantizationError, UnsupportedOperatorError
from gonogo.loaders.tflite import load_tflite
from support.int16_cases import BUILDERS, UNIT
from support.litert_runtime import PROFILES, LiteRuntime, UnloadableError
from support.tflite_writer import Tensor, single_operator
from support.tflm_runtime import Runtime, random_input

EVERYWHERE = ["tflm", *PROFILES]
SHORT = 100_000
FEW_OUTPUTS = {"strided_slice": 20, "mean": 20, "concat": 4, "reshape": 4}
# What a runtime refuses, or reads a bias of the wrong width for, is refused here too; this much of the models at most.
REFUSED = {"conv2d": 0.6, "dense": 0.5, "sigmoid": 0.2, "tanh": 0.2}


def open_runtime(data: bytes, profile: str) -> Any:
    if profile != "tflm":
        return LiteRuntime(data, profile)
    micro = Runtime(data)
    return lambda xs: micro(xs, 1)


def compare(op: str, profile: str, outputs: int, seed: int) -> int:
    rng = np.random.default_rng([seed, 16, sorted(BUILDERS).index(op)])
    compared = models = refused = 0
    while compared < outputs:
        data = BUILDERS[op](rng)
        graph = load_tflite(data, "case.tflite")
        models += 1
        try:
            ours = _core.IntegerRunner(graph, profile)
        except (UnsupportedOperatorError, QuantizationError, OverflowRiskError):
            refused += 1
            continue
        runtime = open_runtime(data, profile)
        for _ in range(4):
            xs = [random_input(rng, t.shape, t.dtype) for t in map(graph.tensor, graph.inputs)]
            mine, theirs = ours([x.astype(np.int32) for x in xs])[0], runtime(xs)[0]
            assert np.array_equal(mine, theirs), f"{np.count_nonzero(mine != theirs)} of {mine.size} differ"
            compared += theirs.size
    assert refused <= REFUSED.get(op, 0.0) * models + 1, (refused, models)
    return compared


@pytest.mark.parametrize("profile", EVERYWHERE)
@pytest.mark.parametrize("op", BUILDERS)
def test_matches_the_runtime(op: str, profile: str) -> None:
    compare(op, profile, SHORT // FEW_OUTPUTS.get(op, 1), seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("profile", EVERYWHERE)
@pytest.mark.parametrize("op", BUILDERS)
def test_matches_the_runtime_on_a_million_outputs(op: str, profile: str, record_property: Any) -> None:
    record_property("outputs", compare(op, profile, 1_000_000, seed=1))


@pytest.mark.parametrize("profile", EVERYWHERE)
@pytest.mark.parametrize("op", ["relu", "relu6", "leaky_relu", "sigmoid", "tanh", "quantize"])
def test_every_integer(op: str, profile: str) -> None:
    rng = np.random.default_rng([3, sorted(BUILDERS).index(op)])
    for _ in range(6):
        data = BUILDERS[op](rng)
        graph = load_tflite(data, "u")
        kind = graph.tensor(graph.inputs[0]).dtype
        x = np.resize(np.arange(np.iinfo(kind).min, np.iinfo(kind).max + 1), [1, 256, 256]).astype(kind)
        try:
            mine = _core.IntegerRunner(graph, profile)([x.astype(np.int32)])[0]
        except GonogoError:
            assert op in REFUSED
            continue
        assert np.array_equal(mine, open_runtime(data, profile)([x])[0])


@pytest.mark.parametrize("profile", EVERYWHERE)
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("bits", [32, 64])
def test_ties_and_products_of_scales(bits: int, per_channel: bool, profile: str) -> None:
    """Biases next to halfway points, where the variants, and roundings of scales to float32, part."""
    rng = np.random.default_rng(3)
    compared = 0
    for turn in range(60):
        s, w = np.exp(rng.uniform([-11, -9], [-5, -3])).astype(np.float32)
        if turn % 3 == 0:
            s, w = np.float32(2.0 ** -rng.integers(8, 14)), np.float32(2.0 ** -rng.integers(4, 9))
        out = np.float32(float(s) * float(w) * 2.0 ** rng.integers(1, 15))
        ratio = float(s) * float(w) / float(out)
        steps = rng.integers(-32700, 32700, 250)
        biases = np.unique([int((k + 0.5) / ratio) + d for k in steps for d in (-1, 0, 1, 2)])
        biases = biases[np.abs(biases) < 2**30]
        n = len(biases)
        weights = Tensor(
            [n, 4], scale=np.full(n, w) if per_channel else float(w), values=np.zeros([n, 4], np.int8)
        )
        scales = np.full(n, s * w) if per_channel else float(s * w)
        bias = Tensor([n], f"int{bits}", scale=scales, values=biases.astype(f"int{bits}"))
        x, y = Tensor([1, 4], "int16", scale=float(s)), Tensor([1, n], "int16", scale=float(out))
        data = single_operator("FULLY_CONNECTED", [x, weights, bias], y, "FullyConnectedOptions")
        try:
            ours = _core.IntegerRunner(load_tflite(data, "t"), profile)
        except UnsupportedOperatorError:
            assert (profile, bits) == ("litert_ref", 32)
            return
        given = random_input(rng, [1, 4], "int16")
        theirs = open_runtime(data, profile)([given])[0]
        assert np.array_equal(ours([given.astype(np.int32)])[0], theirs)
        compared += n
    assert compared > 20_000


@pytest.mark.parametrize("profile", EVERYWHERE)
def test_conversion_from_and_to_float(profile: str) -> None:
    rng = np.random.default_rng(0)
    for _ in range(40):
        s = np.float32(np.exp(rng.uniform(-12, -3)))
        x = (rng.integers(-40_000, 40_000, 2048) + 0.5).astype(np.float32) * s  # ties
        x = np.where(rng.random(x.size) < 0.3, np.nextafter(x, np.float32(np.inf)), x)
        x = np.where(rng.random(x.size) < 0.3, rng.normal(0, 9000 * s, x.size), x)
        x = x.astype(np.float32).reshape(1, -1)
        real, stored = Tensor(x.shape, "float32"), Tensor(x.shape, "int16", scale=float(s))
        for operator, tensors in (("QUANTIZE", [real, stored]), ("DEQUANTIZE", [stored, real])):
            data = single_operator(operator, [tensors[0]], tensors[1])
            given = x if operator == "QUANTIZE" else random_input(rng, list(x.shape), "int16")
            wide = given if operator == "QUANTIZE" else given.astype(np.int32)
            ours = _core.evaluate_int8(load_tflite(data, "q"), profile, [wide])["tensor1"]
            assert np.array_equal(ours, open_runtime(data, profile)([given])[0]), operator


def layer(code: str, bits: int) -> bytes:
    scale = 2.0**-20
    x = Tensor([1, 1, 1, 4], "int16", scale=2.0**-12)
    shape = {"FULLY_CONNECTED": [4, 4], "CONV_2D": [4, 1, 1, 4], "DEPTHWISE_CONV_2D": [1, 1, 1, 4]}[code]
    axis = 3 if code == "DEPTHWISE_CONV_2D" else 0
    w = Tensor(shape, scale=np.full(4, 2.0**-8, np.float32), axis=axis, values=np.ones(shape, np.int8))
    operands = [x, w]
    if bits:
        values = np.arange(1, 5).astype(f"int{bits}")
        operands.append(Tensor([4], f"int{bits}", scale=np.full(4, scale, np.float32), values=values))
    fields: dict[str, int] = {}
    if code != "FULLY_CONNECTED":
        fields |= {"StrideH": 1, "StrideW": 1, "Padding": 1}
    if axis:
        fields["DepthMultiplier"] = 1
    kind = {"FULLY_CONNECTED": "FullyConnectedOptions", "CONV_2D": "Conv2DOptions"}
    out = [1, 4] if code == "FULLY_CONNECTED" else [1, 1, 1, 4]
    y = Tensor(out, "int16", scale=2.0**-10)
    return single_operator(code, operands, y, kind.get(code, "DepthwiseConv2DOptions"), **fields)


def test_what_the_runtimes_refuse_or_misread() -> None:
    """A convolution without a bias is refused by LiteRT; int32 biases are read as int64 by many kernels."""
    with pytest.raises(UnloadableError):
        LiteRuntime(layer("CONV_2D", 0), "litert")
    refused = {
        *((code, 32, p) for code in ("CONV_2D", "DEPTHWISE_CONV_2D") for p in PROFILES),
        ("DEPTHWISE_CONV_2D", 32, "tflm"),
        ("FULLY_CONNECTED", 32, "litert_ref"),
        *(("CONV_2D", 0, p) for p in PROFILES),
    }
    for code in ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D"):
        for bits in (0, 32, 64):
            graph = load_tflite(layer(code, bits), "l")
            for profile in EVERYWHERE:
                if (code, bits, profile) in refused:
                    with pytest.raises(UnsupportedOperatorError, match="bias"):
                        _core.IntegerRunner(graph, profile)
                else:
                    _core.IntegerRunner(graph, profile)


def test_power_of_two_sums_are_left_to_tflm() -> None:
    """The option is true where a file leaves it out; TFLite Micro doesn't read it."""
    rng = np.random.default_rng(2)
    for code in ("ADD", "SUB"):
        a, b = Tensor([1, 64], "int16", scale=2.0**-9), Tensor([1, 64], "int16", scale=2.0**-8)
        data = single_operator(code, [a, b], b, f"{code.capitalize()}Options")
        graph = load_tflite(data, "p")
        xs = [random_input(rng, [1, 64], "int16") for _ in range(2)]
        mine = _core.IntegerRunner(graph, "tflm")([x.astype(np.int32) for x in xs])[0]
        assert np.array_equal(mine, Runtime(data)(xs)[0])
        with pytest.raises(UnsupportedOperatorError, match="pot_scale_int16"):
            _core.IntegerRunner(graph, "litert")


def test_onnx_runtime_has_no_int16_kernels() -> None:
    x, y = Tensor([1, 8], "int16", scale=0.01), Tensor([1, 8], "int16", scale=UNIT)
    with pytest.raises(UnsupportedOperatorError, match=r"'ort'.* on int16"):
        _core.IntegerRunner(load_tflite(single_operator("LOGISTIC", [x], y), "o"), "ort")


def test_refuses_sums_and_scales_beyond_the_device_s_types() -> None:
    def dense(bias: int, bits: int, scale: float) -> Any:
        x, y = Tensor([1, 4], "int16", scale=1.0), Tensor([1, 2], "int16", scale=scale)
        w = Tensor([2, 4], scale=1.0, values=np.full((2, 4), 127, np.int8))
        b = Tensor([2], f"int{bits}", scale=1.0, values=np.array([0, bias]).astype(f"int{bits}"))
        return load_tflite(single_operator("FULLY_CONNECTED", [x, w, b], y, "FullyConnectedOptions"), "d")

    largest = 2**31 - 1 - 4 * 127 * 32768
    _core.IntegerRunner(dense(largest, 32, 1e6), "tflm")
    with pytest.raises(OverflowRiskError, match=r"node 0 .*dense.*channel 1"):
        _core.IntegerRunner(dense(largest + 1, 32, 1e6), "tflm")
    _core.IntegerRunner(dense(largest + 1, 64, 1e6), "tflm")
    with pytest.raises(OverflowRiskError, match="2\\^47"):
        _core.IntegerRunner(dense(2**47, 64, 1e6), "tflm")
    with pytest.raises(OverflowRiskError, match="leaves int32"):
        _core.IntegerRunner(dense(2**40, 64, 1.0), "tflm")
    x = Tensor([1, 8], "int16", scale=0.01)
    graph = load_tflite(single_operator("TANH", [x], x), "t")
    with pytest.raises(QuantizationError, match="2\\^-15"):
        _core.IntegerRunner(graph, "tflm")


def test_litert_s_built_in_curves_refuse_powers_of_two() -> None:
    for code, power in (("LOGISTIC", 2.0**-12), ("TANH", 2.0**-12), ("TANH", 2.0**-11 * 1.0005)):
        x, y = Tensor([1, 8], "int16", scale=power), Tensor([1, 8], "int16", scale=UNIT)
        graph = load_tflite(single_operator(code, [x], y), "t")
        _core.IntegerRunner(graph, "litert_ref")
        with pytest.raises(UnsupportedOperatorError, match="2\\^-12"):
            _core.IntegerRunner(graph, "litert")
        everything = _core.IntegerKernel(graph, "any", 0)
        assert {profile for profile, _ in everything.left_out} == {"litert", "xnnpack"}
