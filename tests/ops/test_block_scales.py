"""Weights with a scale per block: their real values in fractions, and what builder and integer kernels refuse."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import gonogo as gg
import numpy as np
import pytest
from gonogo import _core
from gonogo.errors import GonogoError, QuantizationError

F32, I32 = np.float32, np.int32


def dense(q: Any, scales: Any, points: Any, axis: int, block: int, dtype: str = "float32") -> Any:
    """A dense layer of weights q [outputs, inputs]."""
    plain = None if dtype == "float32" else _core.Quantization(np.array([0.5], F32), np.array([0], I32))
    builder = _core.GraphBuilder("net", "test")
    x = builder.input("x", [1, q.shape[1]], dtype, plain)
    w = builder.constant("w", q, _core.Quantization(scales, points, axis, block))
    y = builder.activation("y", [1, q.shape[0]], dtype, plain)
    builder.node("dense", "layer", [x, w], [y], {"keep_dims": 1})
    builder.output(y)
    return builder.build()


@pytest.mark.parametrize("shape", [(3, 7), (1, 1), (5, 16), (2, 33)])
@pytest.mark.parametrize("block", [1, 4, 16, 1000])
@pytest.mark.parametrize("axis", [0, 1])
def test_every_weight_has_the_scale_of_its_block(shape: tuple[int, int], block: int, axis: int) -> None:
    rng = np.random.default_rng([block, axis, *shape])
    q = rng.integers(-8, 8, shape).astype(np.int8)
    blocks = tuple(-(-d // block) if i == axis else d for i, d in enumerate(shape))
    scales = rng.uniform(-0.1, 0.1, blocks).astype(F32)
    points = rng.integers(-8, 8, blocks).astype(I32)
    graph = dense(q, scales.reshape(-1), points.reshape(-1), axis, block)
    for k in range(shape[1]):
        x = np.zeros((1, shape[1]))
        x[0, k] = 1.0
        (found,) = gg.bound(graph, (x, x)).tensors
        for o in range(shape[0]):
            at = (o // block, k) if axis == 0 else (o, k // block)
            exact = (int(q[o, k]) - int(points[at])) * Fraction(float(scales[at]))
            assert Fraction(float(found.lower[0, o])) <= exact <= Fraction(float(found.upper[0, o]))
            assert found.upper[0, o] - found.lower[0, o] < 1e-12


@pytest.mark.parametrize(
    ("scales", "axis", "block", "words"),
    [
        (np.ones(3, F32), 1, 4, "3 scales for blocks of 4 along axis 1 don't fit shape [2, 16]"),
        (np.ones(8, F32), 2, 4, "blocks of 4 along axis 2"),
        (np.ones(8, F32), -1, 4, "blocks of 4 along axis -1"),
        (np.ones(1, F32), 1, 4, "1 scales for blocks of 4"),
        (np.ones(8, F32), 1, -4, "blocks of -4"),
        (np.full(8, np.nan, F32), 1, 4, "not finite"),
        (np.full(8, -(2.0**101), F32), 1, 4, "exceeds 2^100"),
        (np.array([0.0, 1.0], F32), 0, 0, "zero, negative or not finite"),
    ],
)
def test_the_builder_refuses(scales: Any, axis: int, block: int, words: str) -> None:
    with pytest.raises(QuantizationError) as caught:
        dense(np.ones((2, 16), np.int8), scales, np.zeros(1, I32), axis, block)
    assert words in str(caught.value)
    assert "tensor 'w'" in str(caught.value)


def test_activations_have_no_blocks() -> None:
    builder = _core.GraphBuilder("net", "test")
    blocks = _core.Quantization(np.ones(4, F32), np.zeros(1, I32), 1, 4)
    with pytest.raises(QuantizationError, match="only constants can have them"):
        builder.input("x", [1, 16], "int8", blocks)


@pytest.mark.parametrize("profile", ["tflm", "ort", "litert", "litert_ref", "xnnpack", "any"])
@pytest.mark.parametrize("rows", [1, 2])
def test_integer_kernels_refuse_blocks(profile: str, rows: int) -> None:
    scales = np.ones((rows, 1), F32).reshape(-1)
    graph = dense(np.ones((rows, 16), np.int8), scales, np.zeros(1, I32), 1, 16, "int8")
    with pytest.raises(GonogoError, match="'w'"):
        _core.IntegerRunner(graph, profile)
