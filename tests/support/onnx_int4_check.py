"""A layer with quantised weights under onnxruntime: every run within the bound, in fractions; its weights, exactly."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import gonogo as gg
import numpy as np
from gonogo.loaders.onnx import load_onnx

from support.onnx_int4 import Layer, runtime

# What every accuracy level below 4, and every level of graph optimisation, computes in float32.
FLOAT32_SESSIONS = [("all", "0"), ("all", "1"), ("extended", "1"), ("basic", "4"), ("off", "4")]


def box_and_points(rng: np.random.Generator, shape: list[int]) -> tuple[Any, Any, list[Any]]:
    """float32 ends of a box around a sample, and float32 points of it, corners among them."""
    middle = rng.normal(size=shape).astype(np.float32)
    radius = np.float32(rng.choice([0.0, 0.01, 1.0]))
    lo, hi = middle - radius, middle + radius
    corners = [np.where(rng.random(shape) < 0.5, lo, hi) for _ in range(2)]
    inner = [np.clip(lo + rng.random(shape).astype(np.float32) * (hi - lo), lo, hi) for _ in range(2)]
    return lo, hi, [p.astype(np.float32) for p in corners + inner]


def check_layer(layer: Layer, rng: np.random.Generator, sessions: list[tuple[str, str]]) -> float:
    """Compares runs with the exact layer; the largest share of the bound that a run needed."""
    graph = load_onnx(layer.data, "net.onnx")
    lo, hi, points = box_and_points(rng, layer.shape)
    box = (lo.astype(float), hi.astype(float))
    error = gg.error(None, graph, box, semantics=gg.Float32(flush_to_zero=False), search=100_000)
    bound = np.asarray(error.bound).reshape(-1)
    (real,) = gg.bound(graph, box).tensors
    (ranges,) = gg.bound(graph, box, semantics="float32").tensors
    most = 0.0
    for x in points:
        truth = layer.exact(x).reshape(-1)
        for low, high, t in zip(real.lower.reshape(-1), real.upper.reshape(-1), truth, strict=True):
            assert Fraction(float(low)) <= t <= Fraction(float(high))
        for optimise, accuracy in sessions:
            (y,) = runtime(layer.data, optimise, accuracy).run(None, {"x": x})
            assert np.all(ranges.lower <= y)
            assert np.all(y <= ranges.upper)
            for value, t, b in zip(y.reshape(-1), truth, bound, strict=True):
                difference = abs(Fraction(float(value)) - t)
                assert difference <= Fraction(float(b)), (
                    f"{layer.op} {optimise} {accuracy} {layer.attributes}"
                )
                most = max(most, float(difference) / b if b > 0.0 else 0.0)
    return most


def real_at(graph: Any, x: Any) -> tuple[Any, Any]:
    (found,) = gg.bound(graph, (x, x), method="interval").tensors
    return found.lower, found.upper


def check_weights(graph: Any, layer: Layer) -> None:
    """The real evaluation at unit vectors encloses the weights, far too tightly for their float32 roundings."""
    expected = layer.weights() if not layer.attributes.get("transB") else layer.weights().T
    for k in range(layer.shape[1]):
        x = np.zeros(layer.shape)
        x[0, k] = 1.0
        lower, upper = real_at(graph, x)
        for low, high, w in zip(lower[0], upper[0], expected[k], strict=True):
            assert Fraction(float(low)) <= w <= Fraction(float(high))
            assert high - low < 1e-12
