"""Whole models in every runtime that takes them, against the ranges of profile `any` at the same inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from gonogo import _core
from gonogo.loaders.onnx import load_onnx
from gonogo.loaders.tflite import load_tflite

from .litert_runtime import PROFILES, LiteRuntime, UnloadableError
from .onnx_models import float_nets, quantise, session
from .tflite_writer import Array
from .tflm_runtime import Runtime, random_input
from .whole_nets import dequantise


class Whole:
    """One TensorFlow Lite model in TensorFlow Lite Micro and in LiteRT's three resolvers."""

    def __init__(self, data: bytes) -> None:
        self.graph: Any = load_tflite(data, "whole.tflite")
        self.runtimes: list[Callable[[list[Array]], list[Array]]] = []
        try:
            micro = Runtime(data)
            self.runtimes.append(lambda xs: micro(xs, len(self.graph.outputs)))
        except RuntimeError:
            pass
        for profile in PROFILES:
            try:
                self.runtimes.append(LiteRuntime(data, profile))
            except UnloadableError:
                continue

    def inputs(self, rng: np.random.Generator) -> list[Array]:
        xs: list[Array] = []
        for info in map(self.graph.tensor, self.graph.inputs):
            if info.dtype == "int8":
                xs.append(random_input(rng, info.shape))
            else:
                xs.append((rng.standard_normal(info.shape) * 3.0 ** rng.integers(-2, 3)).astype(np.float32))
        return xs

    def real(self, name: str, values: Array) -> Array:
        return (
            values.astype(np.float64) if values.dtype == np.float32 else dequantise(self.graph, name, values)
        )

    def check(self, rng: np.random.Generator, method: str = "linear") -> None:
        """The runtimes' outputs for one random input lie within the bounds there."""
        xs = self.inputs(rng)
        point = [self.real(name, x) for name, x in zip(self.graph.inputs, xs, strict=True)]
        bounds = {b.tensor: b for b in _core.bound(self.graph, point, point, "any", None, method)}
        for runtime in self.runtimes:
            for name, y in zip(self.graph.outputs, runtime(xs), strict=True):
                real = self.real(name, y)
                assert np.all(bounds[name].lower.reshape(real.shape) <= real), name
                assert np.all(real <= bounds[name].upper.reshape(real.shape)), name


class WholeOnnx(Whole):
    """One ONNX model with float32 inputs in onnxruntime."""

    def __init__(self, data: bytes) -> None:
        self.graph = load_onnx(data, "whole.onnx")
        runtime = session(data)
        self.runtimes = [lambda xs: runtime.run(None, dict(zip(self.graph.inputs, xs, strict=True)))]


def quantised_nets(folder: Path, name: str) -> Iterator[WholeOnnx]:
    """A small float network with quantisers between its operators, by onnxruntime: signed and unsigned weights."""
    data, shape = next((d, s) for n, d, s in float_nets() if n == name)
    for weight in ("QInt8", "QUInt8"):
        yield WholeOnnx(
            quantise(data, shape, folder, form="QDQ", activations="QUInt8", weight=weight, per_channel=True)
        )
