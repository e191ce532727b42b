"""Kernels of single-operator models: points, boxes, and what the range and envelope tests share."""

from __future__ import annotations

from typing import Any

import numpy as np
from gonogo import _core
from gonogo.loaders.tflite import load_tflite

from .tflite_writer import Array, Tensor, single_operator
from .tflm_runtime import random_input

Kernel = Any
Rng = np.random.Generator


class Case:
    """One random model: its kernel, its live operands, and what the tests do with them."""

    def __init__(self, data: bytes, profile: str = "tflm") -> None:
        self.graph = load_tflite(data, "case.tflite")
        self.kernel: Kernel = _core.IntegerKernel(self.graph, profile, 0)
        self.node = self.graph.nodes[0]
        self.live = [i for i, name in enumerate(self.node.inputs) if name in self.graph.inputs]
        self.shapes = [self.graph.tensor(self.node.inputs[i]).shape for i in self.live]
        self.output = self.graph.tensor(self.node.outputs[0]).quantization

    def operands(self, values: list[Array]) -> list[Array | None]:
        operands: list[Array | None] = [None] * len(self.node.inputs)
        for i, value in zip(self.live, values, strict=True):
            operands[i] = np.ascontiguousarray(value, dtype=np.int32)
        return operands

    def point(self, values: list[Array]) -> Array:
        result: Array = self.kernel.point(self.operands(values))
        return result

    def range(self, lo: list[Array], hi: list[Array], **options: bool) -> tuple[Array, Array]:
        result: tuple[Array, Array] = self.kernel.range(self.operands(lo), self.operands(hi), **options)
        return result

    def quantization(self, i: int) -> Any:
        return self.graph.tensor(self.node.inputs[i]).quantization

    def random(self, rng: Rng) -> list[Array]:
        kinds = [self.graph.tensor(self.node.inputs[i]).dtype for i in self.live]
        return [random_input(rng, s, k).astype(np.int32) for s, k in zip(self.shapes, kinds, strict=True)]


def box(rng: Rng, shape: list[int], dtype: str = "int8") -> tuple[Array, Array]:
    """Narrow, mixed or full boxes."""
    least, greatest = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    a = rng.integers(least, greatest + 1, shape)
    width = rng.integers(0, [3, 30, greatest - least + 1][rng.integers(3)], shape)
    if rng.random() < 0.3:
        width = np.where(rng.random(shape) < 0.8, 0, width)
    return np.maximum(a - width, least), np.minimum(a + width, greatest)


def drawn(rng: Rng, lo: Array, hi: Array) -> Array:
    """A corner of the box, or a point inside."""
    if rng.random() < 0.5:
        corner: Array = np.where(rng.random(lo.shape) < 0.5, lo, hi)
        return corner
    return rng.integers(lo, hi + 1)


def tiny(op: str, rng: Rng, profile: str = "tflm") -> Case:
    """Three inputs at most, so that every point of a box can be visited."""
    x = Tensor([1, 3], scale=float(np.exp(rng.uniform(-5, -1))), zero_point=int(rng.integers(-128, 128)))
    s = float(np.asarray(x.scale))
    z = int(rng.integers(-128, 128))
    if op == "dense":
        w = Tensor([4, 3], scale=0.01, values=rng.integers(-127, 128, (4, 3)).astype(np.int8))
        b = Tensor([4], "int32", scale=0.01 * s, values=rng.integers(-9000, 9000, 4).astype(np.int32))
        y = Tensor([1, 4], scale=s * float(np.exp(rng.uniform(-3, 1))), zero_point=z)
        return Case(single_operator("FULLY_CONNECTED", [x, w, b], y, "FullyConnectedOptions"), profile)
    if op == "softmax":
        y = Tensor([1, 3], scale=1 / 256, zero_point=-128)
        return Case(single_operator("SOFTMAX", [x], y, "SoftmaxOptions", Beta=1.0), profile)
    image = Tensor([1, 1, 3, 1], scale=x.scale, zero_point=x.zero_point)
    if op == "mean":
        axes = Tensor([2], "int32", values=np.array([1, 2], np.int32))
        keep = bool(rng.random() < 0.5)
        y = Tensor(
            [1, 1, 1, 1] if keep else [1, 1], scale=s * float(np.exp(rng.uniform(-1, 1))), zero_point=z
        )
        return Case(single_operator("MEAN", [image, axes], y, "ReducerOptions", KeepDims=keep), profile)
    y = Tensor([1, 1, 1, 1], scale=x.scale, zero_point=x.zero_point)
    pool = {"FilterHeight": 1, "FilterWidth": 3, "StrideH": 1, "StrideW": 1, "Padding": 1}
    return Case(single_operator("AVERAGE_POOL_2D", [image], y, "Pool2DOptions", **pool), profile)
