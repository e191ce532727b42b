"""int4 weights: bit for bit what TensorFlow Lite Micro and LiteRT's three resolvers compute, and bounds that hold."""

from __future__ import annotations

from pathlib import Path

import gonogo as gg
import numpy as np
import pytest
from gonogo import _core
from gonogo.errors import ModelError, QuantizationError, UnsupportedOperatorError
from gonogo.loaders.tflite import load_tflite
from support.litert_runtime import PROFILES, LiteRuntime, Tally
from support.tflite_writer import Array, Tensor, raw_bytes, single_operator
from support.tflm_cases import INT4_BUILDERS
from support.tflm_runtime import Runtime, mismatches, random_input

SHORT = 20_000
MILLION = 1_000_000


def per_channel(data: bytes) -> bool:
    quantization = load_tflite(data, "p").tensor("tensor1").quantization
    return quantization is not None and quantization.scales.size > 1


def compare_tflm(op: str, outputs: int, seed: int) -> int:
    rng = np.random.default_rng([seed, 4, sorted(INT4_BUILDERS).index(op)])
    total = 0
    while total < outputs:
        data = INT4_BUILDERS[op](rng)
        if op == "dense" and per_channel(data):
            with pytest.raises(UnsupportedOperatorError, match="'tensor1' needs one scale"):
                _core.IntegerRunner(load_tflite(data, "p"), "tflm")
            continue
        different, compared = mismatches(data, rng)
        assert different == 0, f"{op}: {different} of {compared} differ, model after {total} outputs"
        total += compared
    return total


def compare_litert(op: str, profile: str, outputs: int, seed: int) -> Tally:
    rng = np.random.default_rng([seed, 5, sorted(INT4_BUILDERS).index(op)])
    tally = Tally()
    while tally.compared < outputs:
        before = tally.compared
        tally.add(INT4_BUILDERS[op](rng), profile, rng, runs=6)
        assert tally.different == 0, f"{op}: {tally.different} differ, model after {before} outputs"
    return tally


@pytest.mark.parametrize("op", INT4_BUILDERS)
def test_matches_tflm(op: str) -> None:
    assert compare_tflm(op, SHORT, seed=0) >= SHORT


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("op", INT4_BUILDERS)
def test_matches_litert(op: str, profile: str) -> None:
    assert compare_litert(op, profile, SHORT, seed=0).unloadable == 0


@pytest.mark.slow
@pytest.mark.parametrize("op", INT4_BUILDERS)
def test_matches_on_a_million_outputs(op: str) -> None:
    compare_tflm(op, MILLION, seed=1)
    for profile in PROFILES:
        compare_litert(op, profile, MILLION, seed=1)


@pytest.mark.parametrize("op", INT4_BUILDERS)
def test_one_model_on_a_thousand_inputs(op: str) -> None:
    rng = np.random.default_rng(8)
    data = INT4_BUILDERS[op](rng)
    while op == "dense" and per_channel(data):
        data = INT4_BUILDERS[op](rng)
    assert mismatches(data, rng, runs=1000)[0] == 0


def test_tflm_refuses_dense_weights_per_channel() -> None:
    rng = np.random.default_rng(3)
    data = INT4_BUILDERS["dense"](rng)
    while not per_channel(data):
        data = INT4_BUILDERS["dense"](rng)
    with pytest.raises(RuntimeError):
        Runtime(data)


def dense_file(values: Array, w: Tensor | None = None, x_type: str = "int8") -> bytes:
    w = w or Tensor(values.shape, "int4", scale=0.25, values=values)
    x = Tensor([1, values.shape[1]], x_type, scale=0.5 if x_type == "int8" else None)
    y = Tensor([1, values.shape[0]], x_type, scale=2.0 if x_type == "int8" else None)
    return single_operator("FULLY_CONNECTED", [x, w], y, "FullyConnectedOptions")


@pytest.mark.parametrize("shape", [(3, 5), (2, 4), (1, 1)])
def test_every_value_unpacks_and_odd_counts_too(shape: tuple[int, int], tmp_path: Path) -> None:
    values = (np.arange(np.prod(shape)) % 16 - 8).astype(np.int8).reshape(shape)
    path = tmp_path / "net.tflite"
    path.write_bytes(dense_file(values))
    graph = load_tflite(path.read_bytes(), "net.tflite")
    assert graph.tensor("tensor1").dtype == "int4"
    x = np.zeros((1, shape[1]), np.int32)
    columns = []
    for k in range(shape[1]):
        x[:] = 0
        x[0, k] = 16  # 16 * w * 0.5 * 0.25 / 2 = w
        columns.append(_core.evaluate_int8(graph, "tflm", [x])["tensor2"][0])
    assert np.array_equal(np.array(columns).T, values)
    cost = gg.cost(path, "cortex-m55")
    assert cost.core.parameter_bytes == (values.size + 1) // 2
    assert any("kernels with int4 weights aren't modelled" in note for note in cost.notes)


def test_error_encloses_the_runtimes(tmp_path: Path) -> None:
    rng = np.random.default_rng(12)
    for op in INT4_BUILDERS:
        data = INT4_BUILDERS[op](rng)
        while per_channel(data) and op == "dense":
            data = INT4_BUILDERS[op](rng)
        path = tmp_path / f"{op}.tflite"
        path.write_bytes(data)
        graph = load_tflite(data, op)
        name = graph.outputs[0]
        q_in, q_out = graph.tensor("tensor0").quantization, graph.tensor(name).quantization
        assert q_in is not None
        assert q_out is not None
        for profile in ["tflm", *PROFILES]:
            result = gg.error(None, path, profile=profile)
            runtime = Runtime(data) if profile == "tflm" else LiteRuntime(data, profile)
            bound = np.asarray(result.bound).reshape(-1)
            assert np.all(np.isfinite(bound))
            for _ in range(10):
                x = random_input(rng, graph.tensor("tensor0").shape)
                got = (runtime([x])[0].astype(float) - q_out.zero_points[0]) * float(q_out.scales[0])
                point = (x.astype(float) - q_in.zero_points[0]) * float(q_in.scales[0])
                ideal = gg.bound(path, (point, point)).tensors[0]
                slack = bound * (1 + 1e-12)
                assert np.all(got.reshape(-1) <= ideal.upper.reshape(-1) + slack)
                assert np.all(got.reshape(-1) >= ideal.lower.reshape(-1) - slack)


def refused(data: bytes, kind: type[Exception]) -> str:
    with pytest.raises(kind) as caught:
        load_tflite(data, "net.tflite")
    return str(caught.value)


def test_refusals() -> None:
    ones = np.ones((3, 5), np.int8)
    whole = dense_file(ones)
    # The same file with a weight buffer that is a byte short.
    short = Tensor([3, 5], "int4", scale=0.25, values=np.ones(13, np.int8))
    message = refused(dense_file(ones, short), ModelError)
    assert "tensor 1 'tensor1': shape [3, 5] of int4 needs 8 bytes, its buffer has 7" in message
    assert len(raw_bytes(Tensor([3, 5], "int4", values=ones))) == 8
    assert load_tflite(whole, "net.tflite").tensor("tensor1").shape == [3, 5]
    w = Tensor([3, 5], "int4", scale=0.25, zero_point=1, values=ones)
    assert "zero point of the weights must be 0" in refused(dense_file(ones, w), QuantizationError)
    w = Tensor([3, 5], "int4", scale=0.25, zero_point=9, values=ones)
    assert "zero point 9 outside [-8, 7] for int4" in refused(dense_file(ones, w), QuantizationError)
    message = refused(dense_file(ones, x_type="float32"), UnsupportedOperatorError)
    assert "(FULLY_CONNECTED): weights 'tensor1' are int4 and input 'tensor0' is float32" in message
    t = Tensor([1, 4], "int4", scale=0.5)
    message = refused(single_operator("RELU", [t], t), UnsupportedOperatorError)
    assert "tensor 0 'tensor0' is int4 and not a constant" in message
    x, c = Tensor([1, 4], scale=0.5), Tensor([1, 4], "int4", scale=0.5, values=np.ones((1, 4), np.int8))
    message = refused(single_operator("ADD", [x, c], x, "AddOptions"), UnsupportedOperatorError)
    assert "node 0 'tensor2' (ADD): tensor 'tensor1' is int4" in message
