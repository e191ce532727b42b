"""MatMulNBits as onnxruntime's quantiser writes it: the file's weights, bounds that hold for its runs, and refusals."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import gonogo as gg
import numpy as np
import pytest
from gonogo.errors import (
    GonogoError,
    ModelError,
    QuantizationError,
    UnsupportedOperatorError,
    UnsupportedTypeError,
)
from gonogo.loaders.onnx import load_onnx
from onnx import helper
from support.onnx_int4 import matmul_nbits, runtime
from support.onnx_int4_check import check_layer, check_weights, real_at
from support.onnx_models import make_model, on_x86

node = helper.make_node


@pytest.mark.parametrize("symmetric", [True, False])
def test_matmul_nbits_has_the_weights_of_the_file(symmetric: bool) -> None:
    rng = np.random.default_rng(6)
    for block in (16, 32, 128):
        w = rng.normal(size=(int(rng.integers(1, 90)), int(rng.integers(1, 7)))).astype(np.float32)
        w[: block // 2, 0] = 0.0
        data, layer = matmul_nbits(w, block, symmetric=symmetric)
        graph = load_onnx(data, "net.onnx")
        check_weights(graph, layer)
        assert [n.op for n in graph.nodes] == ["dense"]
        weights = graph.tensor(graph.nodes[0].inputs[1])
        assert (weights.dtype, weights.quantization.block) == ("int4", block)


def test_matmul_nbits_of_eight_bits() -> None:
    rng = np.random.default_rng(7)
    stored = rng.integers(0, 256, (3, 2, 16)).astype(np.uint8)
    scales = rng.uniform(0.1, 0.2, (3, 2)).astype(np.float32)
    given = {"K": 20, "N": 3, "bits": 8, "block_size": 16}
    made = node("MatMulNBits", ["x", "B", "s"], ["y"], domain="com.microsoft", **given)
    data = make_model([made], {"B": stored, "s": scales}, {"x": ("float32", [1, 20])}, {"y": "float32"})
    graph = load_onnx(data, "net.onnx")
    w = (stored.reshape(3, 32)[:, :20].astype(np.int64) - 128) * np.repeat(scales, 16, 1)[:, :20].astype(
        float
    )
    for k in range(20):
        x = np.zeros((1, 20))
        x[0, k] = 1.0
        lower, upper = real_at(graph, x)
        assert np.all(lower[0] <= w[:, k])
        assert np.all(w[:, k] <= upper[0])
        assert np.all(upper[0] - lower[0] < 1e-12)


@on_x86
@pytest.mark.soundness
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("block", [16, 32, 64, 256])
def test_runs_stay_within_the_bound(block: int, symmetric: bool) -> None:
    rng = np.random.default_rng([12, block, int(symmetric)])
    for level in ({}, {"accuracy_level": 0}, {"accuracy_level": 1}):
        w = rng.normal(size=(int(rng.integers(1, 150)), int(rng.integers(1, 9)))).astype(np.float32)
        w[: block // 2, 0] = 0.0
        bias = rng.normal(size=w.shape[1]).astype(np.float32) if rng.random() < 0.5 else None
        _, layer = matmul_nbits(w, block, symmetric=symmetric, bias=bias, **level)
        check_layer(layer, rng, [("all", "4"), ("off", "4")])


@on_x86
@pytest.mark.soundness
def test_a_pair_of_a_float32_model_and_its_int4_form() -> None:
    """What quantising costs: the float32 network as reference, int4 weights deployed, both bounded together."""
    rng = np.random.default_rng(14)
    w = rng.normal(size=(48, 6)).astype(np.float32)
    made = [helper.make_node("MatMul", ["x", "w"], ["y"], name="mm")]
    reference = load_onnx(make_model(made, {"w": w}, {"x": ("float32", [1, 48])}, {"y": "float32"}), "f.onnx")
    data, layer = matmul_nbits(w, 16, symmetric=True, accuracy_level=1)
    lo, hi = np.full((1, 48), -1.0), np.full((1, 48), 1.0)
    error = gg.error(reference, load_onnx(data, "q.onnx"), (lo, hi), semantics="float32")
    exact = np.vectorize(Fraction, otypes=[object])
    shift = layer.weights() - exact(w.astype(float))
    worst = [float(sum(abs(v) for v in column)) for column in shift.T]
    bound = np.asarray(error.bound).reshape(-1)
    assert np.all(bound >= worst)
    assert np.all(bound <= np.array(worst) * (1 + 1e-3))
    for _ in range(20):
        x = rng.uniform(-1, 1, (1, 48)).astype(np.float32)
        (y,) = runtime(data).run(None, {"x": x})
        truth = exact(x.astype(float)).dot(exact(w.astype(float)))[0]
        for value, t, b in zip(y[0], truth, bound, strict=True):
            assert abs(Fraction(float(value)) - t) <= Fraction(float(b))


def one(changed: dict[str, Any] | None = None, **attributes: Any) -> bytes:
    """A MatMulNBits of 40 inputs and 3 outputs in blocks of 16; `changed` replaces and adds constants."""
    given = {"K": 40, "N": 3, "bits": 4, "block_size": 16, **attributes}
    constants: dict[str, Any] = {"B": np.zeros((3, 3, 8), np.uint8), "s": np.ones((3, 3), np.float32)}
    constants |= changed or {}
    names = ["x", *(k if k in constants else "" for k in ("B", "s", "z", "g", "b"))]
    made = node("MatMulNBits", names, ["y"], name="mm", domain="com.microsoft", **given)
    return make_model([made], constants, {"x": ("float32", [1, 40])}, {"y": "float32"}, 21)


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (one(accuracy_level=4), UnsupportedOperatorError, ["accuracy_level 4", "accuracy_level 0 or 1"]),
        (one(accuracy_level=2), UnsupportedOperatorError, ["accuracy_level 2"]),
        (one(bits=2), UnsupportedOperatorError, ["bits 2", "4 or 8"]),
        (one(weight_prepacked=1), UnsupportedOperatorError, ["weight_prepacked"]),
        (one(block_size=24), ModelError, ["'block_size' is 24", "power of two"]),
        (one(block_size=8), ModelError, ["'block_size' is 8"]),
        (one(block_size=32), ModelError, ["input 1 (B) holds 72 bytes; 3 rows of 32 are needed"]),
        (one(K=0), ModelError, ["'K' is 0"]),
        (one(N=-3), ModelError, ["'N' is -3"]),
        (one(K=1 << 26, N=1 << 26), GonogoError, ["more than"]),
        (one(K=1, block_size=1 << 30), ModelError, ["'block_size'"]),
        (one(N=4), ModelError, ["input 1 (B) holds 72 bytes; 4 rows of 24"]),
        (one({"s": np.ones(8, np.float32)}), QuantizationError, ["input 2 (scales) has 8 elements; 3 x 3"]),
        (one({"s": np.ones((3, 3), np.float64)}), UnsupportedTypeError, ["float64"]),
        (one({"s": np.full((3, 3), np.inf, np.float32)}), QuantizationError, ["inf", "finite"]),
        (one({"B": np.zeros((3, 3, 8), np.int8)}), UnsupportedTypeError, ["'B'", "int8", "uint8 is supported"]),
        (one({"z": np.zeros((3, 3), np.float32)}), UnsupportedTypeError, ["zero_points", "float32"]),
        (one({"z": np.zeros(5, np.uint8)}), ModelError, ["input 3 (zero_points) holds 5 bytes; 3 rows of 2"]),
        (one({"g": np.zeros(40, np.int32)}), UnsupportedOperatorError, ["g_idx"]),
        (one(K=41), GonogoError, ["weights for 41 inputs"]),
    ],
)  # fmt: skip
def test_refusals_name_file_node_argument_and_what_to_do(
    data: bytes, kind: type[Exception], words: list[str]
) -> None:
    with pytest.raises(kind) as caught:
        load_onnx(data, "net.onnx")
    message = str(caught.value)
    assert message.startswith("net.onnx: ")
    assert "\n" not in message
    for word in words:
        assert word in message, message
    if "element type" not in message:
        assert "node 0 'mm'" in message, message


def test_weights_must_be_constants() -> None:
    given = {"K": 40, "N": 3, "bits": 4, "block_size": 16}
    made = node("MatMulNBits", ["x", "B", "s"], ["y"], name="mm", domain="com.microsoft", **given)
    inputs = {"x": ("float32", [1, 40]), "B": ("uint8", [3, 3, 8])}
    data = make_model([made], {"s": np.ones((3, 3), np.float32)}, inputs, {"y": "float32"}, 21)
    with pytest.raises(UnsupportedOperatorError, match=r"input 1 \(B, 'B'\) is computed at run time"):
        load_onnx(data, "net.onnx")
