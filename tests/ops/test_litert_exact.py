"""Profiles litert_ref, litert and xnnpack are LiteRT's three resolvers, bit by bit: the runtime is the oracle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gonogo import _core
from gonogo.errors import OverflowRiskError, QuantizationError
from gonogo.loaders.tflite import load_tflite
from support.litert_runtime import PROFILES, LiteRuntime, Tally
from support.tflite_writer import Tensor, single_operator
from support.tflm_cases import BUILDERS, live, scale, zero_point

# Outputs per operator and profile in the short run; these two have few outputs per model.
SHORT = 20_000
SMALL_OUTPUTS = {"strided_slice", "mean"}


def compare(op: str, profile: str, outputs: int, seed: int) -> Tally:
    rng = np.random.default_rng([seed, sorted(BUILDERS).index(op)])
    tally = Tally()
    while tally.compared < outputs:
        before = tally.compared
        tally.add(BUILDERS[op](rng), profile, rng, runs=6)
        assert tally.different == 0, f"{op}: {tally.different} differ, model after {before} outputs"
    return tally


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("op", BUILDERS)
def test_matches_the_runtime(op: str, profile: str) -> None:
    tally = compare(op, profile, SHORT // (10 if op in SMALL_OUTPUTS else 1), seed=0)
    assert tally.refused * 100 <= tally.compared


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("op", BUILDERS)
def test_matches_the_runtime_on_a_million_outputs(op: str, profile: str, record_property: Any) -> None:
    tally = compare(op, profile, 1_000_000, seed=1)
    record_property("outputs", tally.compared)
    record_property("refused points", tally.refused)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("code", ["ADD", "SUB", "MUL"])
def test_every_pair_of_integers(code: str, profile: str) -> None:
    x = np.repeat(np.arange(-128, 128), 256).astype(np.int8).reshape(1, 256, 256, 1)
    y = np.ascontiguousarray(x.transpose(0, 2, 1, 3))
    rng = np.random.default_rng(6)
    for _ in range(8):
        s, t = np.exp(rng.uniform(-6, -1, 2)).astype(np.float32)
        ceiling = float(s * t) * 100 if code == "MUL" else float(max(s, t)) * 1.7
        a = Tensor(x.shape, scale=float(s), zero_point=int(rng.integers(-128, 128)))
        b = Tensor(x.shape, scale=float(t), zero_point=int(rng.integers(-128, 128)))
        options = code.capitalize() + "Options"
        data = single_operator(
            code, [a, b], Tensor(x.shape, scale=ceiling), options, FusedActivationFunction=0
        )
        ours = _core.evaluate_int8(load_tflite(data, "p"), profile, [x.astype(np.int32), y.astype(np.int32)])
        assert np.array_equal(ours["tensor2"], LiteRuntime(data, profile)([x, y])[0])


@pytest.mark.parametrize("profile", PROFILES)
def test_ties_and_products_of_scales(profile: str) -> None:
    """Biases next to halfway points, where the variants, and roundings of scales to float32, part."""
    rng = np.random.default_rng(3)
    compared = 0
    for turn in range(120):
        s, w = np.exp(rng.uniform([-7, -9], [-1, -3])).astype(np.float32)
        if turn % 3 == 0:
            s, w = np.float32(2.0 ** -rng.integers(1, 6)), np.float32(2.0 ** -rng.integers(1, 6))
        out = np.float32(float(s) * float(w) * 2.0 ** rng.integers(1, 20))
        ratio = float(s) * float(w) / float(out)
        biases = np.unique([int((k + 0.5) / ratio) + d for k in range(-120, 120) for d in (-1, 0, 1, 2)])
        biases = biases[np.abs(biases) < 2**30]
        n = len(biases)
        # The built-in kernel rounds the product of the scales to float32 where the weights have one.
        scale, product = (np.full(n, w), np.full(n, s * w)) if turn % 2 else (float(w), float(s * w))
        weights = Tensor([n, 4], scale=scale, values=np.zeros([n, 4], np.int8))
        bias = Tensor([n], "int32", scale=product, values=biases.astype(np.int32))
        y = Tensor([1, n], scale=float(out))
        operands = [Tensor([1, 4], scale=float(s)), weights, bias]
        data = single_operator(
            "FULLY_CONNECTED", operands, y, "FullyConnectedOptions", FusedActivationFunction=0
        )
        tally = Tally()
        tally.add(data, profile, rng, runs=1)
        assert tally.different == 0
        compared += tally.compared
    assert compared > 10_000


@pytest.mark.parametrize("profile", ["litert_ref", "litert"])
@pytest.mark.parametrize("code", ["MUL", "RELU", "RELU6", "LEAKY_RELU"])
def test_multipliers_are_computed_in_float32(code: str, profile: str) -> None:
    """Scales at which some integer lies between the halfway points of the multipliers in float32 and in binary64."""
    rng = np.random.default_rng(13)
    n = 2000
    s, t = np.exp(rng.uniform(-6, -1, (2, n))).astype(np.float32)
    slope = {"MUL": t, "LEAKY_RELU": np.full(n, 0.3, np.float32)}.get(code, np.ones(n, np.float32))
    steps = rng.integers(20, 128, n)
    # Multipliers of at least a half are rounded once only; with two roundings the two forms agree nearly always.
    ratio = (np.floor(steps * rng.uniform(0.55, 0.95, n)) + 0.5) / steps
    out = (s.astype(float) * slope / ratio).astype(np.float32)
    exact, single = s.astype(float) * slope / out, (s * slope / out).astype(float)
    chosen = np.flatnonzero(np.rint(steps * exact) != np.rint(steps * single))
    alpha = 0.3
    different = 0
    q = np.arange(-128, 128, dtype=np.int8)
    for k in chosen[:40]:
        a, b, y = (Tensor([1, 256], scale=float(v[k])) for v in (s, t, out))
        if code == "MUL":
            x = [np.repeat(q, 256).reshape(1, -1), np.tile(q, 256).reshape(1, -1)]
            a, b, y = (Tensor([1, 65536], scale=float(v[k])) for v in (s, t, out))
            data = single_operator(code, [a, b], y, "MulOptions", FusedActivationFunction=0)
        elif code == "LEAKY_RELU":
            x, data = (
                [q.reshape(1, -1)],
                single_operator(code, [a], y, "LeakyReluOptions", Alpha=alpha),
            )
        else:
            x, data = [q.reshape(1, -1)], single_operator(code, [a], y)
        graph = load_tflite(data, "m")
        wide = [v.astype(np.int32) for v in x]
        ours = _core.IntegerRunner(graph, profile)(wide)[0]
        assert np.array_equal(ours, LiteRuntime(data, profile)(x)[0])
        different += int(np.count_nonzero(ours != _core.IntegerRunner(graph, "tflm")(wide)[0]))
    assert different > 0


@pytest.mark.parametrize("profile", PROFILES)
def test_relu6_clamps_in_the_output_s_parameters(profile: str) -> None:
    rng = np.random.default_rng(11)
    x = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
    for _ in range(30):
        a = live(rng, [1, 256], 0.01, 0.2)
        s = float(np.asarray(a.scale))
        b = Tensor([1, 256], scale=scale(rng, s / 3, s * 3), zero_point=zero_point(rng))
        data = single_operator("RELU6", [a], b)
        ours = _core.evaluate_int8(load_tflite(data, "r"), profile, [x.astype(np.int32)])["tensor1"]
        assert np.array_equal(ours, LiteRuntime(data, profile)([x])[0])


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    "kinds", [("int8", "uint8"), ("uint8", "int8"), ("uint8", "uint8"), ("int8", "int8")]
)
def test_quantize_between_types_and_at_every_length(profile: str, kinds: tuple[str, str]) -> None:
    rng = np.random.default_rng(12)
    low = {"int8": -128, "uint8": 0}
    for n in range(1, 70):
        s = np.exp(rng.uniform(-5, -1, 2))
        tensors = [
            Tensor([1, n], kind, scale=float(v), zero_point=low[kind] + int(rng.integers(256)))
            for kind, v in zip(kinds, s, strict=True)
        ]
        data = single_operator("QUANTIZE", [tensors[0]], tensors[1])
        x = rng.integers(0, 256, (1, n)) + low[kinds[0]]
        ours = _core.evaluate_int8(load_tflite(data, "q"), profile, [x.astype(np.int32)])["tensor1"]
        assert np.array_equal(ours, LiteRuntime(data, profile)([x.astype(kinds[0])])[0])


@pytest.mark.parametrize("profile", PROFILES)
def test_conversion_from_and_to_float(profile: str) -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        s = np.float32(np.exp(rng.uniform(-7, 0)))
        x = (rng.integers(-300, 300, 2048) + 0.5).astype(np.float32) * s  # ties
        x = np.where(rng.random(x.size) < 0.3, np.nextafter(x, np.float32(np.inf)), x)
        x = (
            np.where(rng.random(x.size) < 0.3, rng.normal(0, 60 * s, x.size), x)
            .astype(np.float32)
            .reshape(1, -1)
        )
        real = Tensor(x.shape, "float32")
        stored = Tensor(x.shape, scale=float(s), zero_point=int(rng.integers(-128, 128)))
        for operator, tensors in (("QUANTIZE", [real, stored]), ("DEQUANTIZE", [stored, real])):
            data = single_operator(operator, [tensors[0]], tensors[1])
            given = x if operator == "QUANTIZE" else rng.integers(-128, 128, x.shape).astype(np.int8)
            wide = given if operator == "QUANTIZE" else given.astype(np.int32)
            ours = _core.evaluate_int8(load_tflite(data, "q"), profile, [wide])["tensor1"]
            assert np.array_equal(ours, LiteRuntime(data, profile)([given])[0]), operator


def test_the_delegate_takes_what_the_profile_says() -> None:
    """At and beyond the ratios at which XNNPACK hands an operator back."""
    x = Tensor([1, 256], scale=1.0)
    cases = [
        *(("ADD", r, r >= 2.0**-10) for r in (2.0**-10, 0.999 * 2.0**-10, 0.999 * 2.0**8)),
        *(("MUL", r, r >= 2.0**-16) for r in (2.0**-16, 0.999 * 2.0**-16, 0.999 * 2.0**8)),
        *(("QUANTIZE", r, 2.0**-8 <= r <= 2.0**7) for r in (2.0**-8, 0.999 * 2.0**-8, 127.99, 1.01 * 2.0**7)),
    ]
    inputs = [np.arange(-128, 128, dtype=np.int8).reshape(1, 256)] * 2
    for code, ratio, taken in cases:
        operands = [Tensor([1, 256], scale=ratio), x]
        if code == "QUANTIZE":
            data, given = single_operator(code, operands[:1], x), inputs[:1]
        else:
            options = code.capitalize() + "Options"
            data, given = single_operator(code, operands, x, options, FusedActivationFunction=0), inputs
        runtime = LiteRuntime(data, "xnnpack")
        assert runtime.delegated == taken, (code, ratio)
        ours = _core.IntegerRunner(load_tflite(data, "d"), "xnnpack")([v.astype(np.int32) for v in given])
        assert np.array_equal(ours[0], runtime(given)[0])


def test_refuses_a_ratio_at_which_the_delegate_s_multiplier_overflows() -> None:
    x, y = Tensor([1, 256], scale=128.0), Tensor([1, 256], scale=1.0)
    for data in (
        single_operator("QUANTIZE", [x], y),
        single_operator("LEAKY_RELU", [x], y, "LeakyReluOptions", Alpha=0.5),
    ):
        with pytest.raises(QuantizationError, match="128"):
            _core.IntegerRunner(load_tflite(data, "o"), "xnnpack")


@pytest.mark.parametrize("code", ["ADD", "MUL"])
def test_refuses_sums_and_products_beyond_16_bits(code: str) -> None:
    """The built-in kernels wrap there; the reference kernels and the delegate don't."""
    x, y = Tensor([1, 256], scale=128.0, zero_point=-128), Tensor([1, 256], scale=1.0)
    q = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
    data = single_operator(code, [x, y], y, code.capitalize() + "Options", FusedActivationFunction=0)
    graph = load_tflite(data, "w")
    for profile in ("litert", "any"):
        with pytest.raises(OverflowRiskError, match="16 bits"):
            _core.IntegerKernel(graph, profile, 0)
    for profile in ("litert_ref", "xnnpack"):
        ours = _core.evaluate_int8(graph, profile, [q.astype(np.int32)] * 2)["tensor2"]
        assert np.array_equal(ours, LiteRuntime(data, profile)([q, q])[0])
