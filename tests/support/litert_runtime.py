"""LiteRT's interpreter with each of its three resolvers, as oracles of the profiles litert_ref, litert and xnnpack."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gonogo import _core
from gonogo.errors import UnsupportedOperatorError
from gonogo.loaders.tflite import load_tflite

from .tflite_writer import Array
from .tflm_runtime import random_input

RESOLVERS = {
    "litert_ref": "BUILTIN_REF",
    "litert": "BUILTIN_WITHOUT_DEFAULT_DELEGATES",
    "xnnpack": "AUTO",
}
PROFILES = list(RESOLVERS)


class UnloadableError(Exception):
    """The runtime refuses the model."""


class LiteRuntime:
    """One model in the interpreter, on one thread."""

    def __init__(self, data: bytes, profile: str) -> None:
        module: Any = pytest.importorskip(
            "ai_edge_litert.interpreter", reason="ai-edge-litert isn't installed: no wheel for this platform"
        )
        kind = getattr(module.OpResolverType, RESOLVERS[profile])
        try:
            self._interpreter = module.Interpreter(
                model_content=data, experimental_op_resolver_type=kind, num_threads=1
            )
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as e:
            raise UnloadableError(str(e)) from e
        self._inputs = [d["index"] for d in self._interpreter.get_input_details()]
        self._outputs = [d["index"] for d in self._interpreter.get_output_details()]

    def __call__(self, inputs: list[Array]) -> list[Array]:
        for index, x in zip(self._inputs, inputs, strict=True):
            self._interpreter.set_tensor(index, x)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index).copy() for index in self._outputs]

    @property
    def delegated(self) -> bool:
        return any(d["op_name"] == "DELEGATE" for d in self._interpreter._get_ops_details())


class Tally:
    """Outputs compared, outputs that differ, points that the kernel refuses as undetermined, models not loaded."""

    def __init__(self) -> None:
        self.compared = self.different = self.refused = self.unloadable = 0

    def add(self, data: bytes, profile: str, rng: np.random.Generator, runs: int) -> None:
        try:
            runtime = LiteRuntime(data, profile)
        except UnloadableError:
            self.unloadable += 1
            return
        graph = load_tflite(data, "case.tflite")
        ours = _core.IntegerRunner(graph, profile)
        for _ in range(runs):
            xs = [random_input(rng, t.shape, t.dtype) for t in map(graph.tensor, graph.inputs)]
            theirs = runtime(xs)
            try:
                mine = ours([x.astype(np.int32) for x in xs])
            except UnsupportedOperatorError as e:
                if "last bits" not in str(e):
                    raise
                self.refused += 1
                continue
            for a, b in zip(mine, theirs, strict=True):
                self.different += int(np.count_nonzero(a != b))
                self.compared += b.size
