"""The TensorFlow Lite for Microcontrollers interpreter as an oracle, and inputs that reach its corners."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gonogo import _core
from gonogo.loaders.tflite import load_tflite

from .tflite_writer import Array

ARENA = 1 << 22


class Runtime:
    """One model in the interpreter."""

    def __init__(self, data: bytes) -> None:
        runtime: Any = pytest.importorskip("tflite_micro.python.tflite_micro.runtime")
        self._interpreter = runtime.Interpreter.from_bytes(data, arena_size=ARENA)

    def __call__(self, inputs: list[Array], outputs: int = 1) -> list[Array]:
        for i, x in enumerate(inputs):
            self._interpreter.set_input(x, i)
        self._interpreter.invoke()
        return [np.array(self._interpreter.get_output(i)) for i in range(outputs)]


def random_input(rng: np.random.Generator, shape: list[int], dtype: str = "int8") -> Array:
    """All integers in random order (of int16: as many as fit), extremes, a narrow range, or uniform."""
    n = int(np.prod(shape))
    lo, hi = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    kind = rng.integers(5)
    if kind == 0:
        every = np.arange(lo, hi + 1)
        values = rng.permutation(
            np.resize(every if n >= 65536 or dtype == "int8" else rng.permutation(every), n)
        )
    elif kind == 1:
        values = rng.choice([lo, hi], n)
    elif kind == 2:
        values = np.clip(rng.integers(lo, hi + 1) + rng.integers(-8, 9, n), lo, hi)
    else:
        values = rng.integers(lo, hi + 1, n)
    return values.astype(dtype).reshape(shape)


def mismatches(data: bytes, rng: np.random.Generator, runs: int = 6) -> tuple[int, int]:
    """(outputs that differ, outputs compared) between the core and the runtime for a model of integer tensors."""
    graph = load_tflite(data, "case.tflite")
    runtime = Runtime(data)
    different = compared = 0
    for _ in range(runs):
        xs = [random_input(rng, t.shape, t.dtype) for t in map(graph.tensor, graph.inputs)]
        ours = _core.evaluate_int8(graph, "tflm", [x.astype(np.int32) for x in xs])
        for name, theirs in zip(graph.outputs, runtime(xs, len(graph.outputs)), strict=True):
            different += int(np.count_nonzero(ours[name] != theirs))
            compared += theirs.size
    return different, compared
