"""The corpus's tensor graphs as Graph objects, and the kernel libraries whose arenas were recorded."""

from __future__ import annotations

import csv
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from gonogo import _core
from support import json_graph

Row = dict[str, str]
GraphOf = Callable[[str], _core.Graph]

# Networks with operators that the cost engine refuses by name.
RECURRENT = ("tflm_dtln_noise_suppression", "tflm_trained_lstm_int8", "tflm_keyword_scrambled_8bit")


@dataclass(frozen=True)
class Arena:
    """One recorded build: the file, its columns, and how the engine is told about it."""

    file: str
    kernels: str
    pointer_bits: int
    head: str
    tail: str

    @property
    def target(self) -> _core.CostTarget:
        return _core.CostTarget(name=self.file, kernels=self.kernels, pointer_bits=self.pointer_bits)


ARENAS = (
    Arena("tflm_arena_host64.csv", "reference", 64, "head_nonpersistent", "tail_persistent"),
    Arena("tflm_cortexm0p_arena.csv", "cmsis-nn-plain", 32, "head", "tail"),
    Arena("tflm_cortexm4_arena.csv", "cmsis-nn-dsp", 32, "head", "tail"),
    Arena("tflm_cortexm55_arena.csv", "cmsis-nn-mve", 32, "head", "tail"),
)


def read(path: Path) -> Iterator[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


@pytest.fixture(scope="session")
def graph_of(corpus: Path) -> GraphOf:
    @functools.cache
    def graph(model: str) -> _core.Graph:
        return json_graph.build(json_graph.read(corpus / "cost" / "graphs" / f"{model}.json"))

    return graph


@pytest.fixture(params=ARENAS, ids=lambda a: a.kernels)
def arena(request: pytest.FixtureRequest) -> Arena:
    return request.param


@pytest.fixture(scope="session")
def rows(corpus: Path) -> Callable[[str], list[Row]]:
    """Rows of a file of measurements."""
    return functools.cache(lambda file: list(read(corpus / "cost" / "measured" / file)))


@pytest.fixture(scope="session")
def recurrent() -> tuple[str, ...]:
    return RECURRENT


@pytest.fixture
def small() -> _core.Graph:
    """conv 3x3 on 8 x 8 x 3 with 4 channels, then a mean and a dense layer: int8, no weights."""
    import numpy as np

    scale = _core.Quantization(np.array([0.5], np.float32), np.array([0], np.int32), 0)
    b = _core.GraphBuilder("small.tflite", "tflite")
    b.set_file(2000, "")
    x = b.input("x", [1, 8, 8, 3], "int8", scale)
    w = b.constant_without_values("w", [4, 3, 3, 3], "int8", scale)
    bias = b.constant_without_values("b", [4], "int32")
    y = b.activation("y", [1, 8, 8, 4], "int8", scale)
    m = b.activation("m", [1, 4], "int8", scale)
    v = b.constant_without_values("v", [10, 4], "int8", scale)
    z = b.activation("z", [1, 10], "int8", scale)
    b.node("conv2d", "conv", [x, w, bias], [y], {"strides": [1, 1], "padding": "same"})
    b.node("mean", "pool", [y], [m], {"axes": [1, 2], "keep_dims": 0})
    b.node("dense", "head", [m, v, -1], [z], {})
    b.output(z)
    return b.build()
