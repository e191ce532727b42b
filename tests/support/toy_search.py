"""A search space that costs milliseconds: one dense layer of `width` outputs on 8 inputs, as int8 networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gonogo._core import Graph, GraphBuilder, Quantization

INPUTS = 8
Params = Mapping[str, Any]


def _scale(value: float) -> Quantization:
    return Quantization(np.array([value], np.float32), np.zeros(1, np.int32), 0)


def network(width: int, values: bool, form: str = "tflite") -> Graph:
    rng = np.random.default_rng(width)
    builder = GraphBuilder(f"toy {width}", form)
    x = builder.input("x", [1, INPUTS], "int8", _scale(0.0078125))
    if values:
        w = builder.constant("w", rng.integers(-127, 128, (width, INPUTS)).astype(np.int8), _scale(0.015625))
        b = builder.constant(
            "b", rng.integers(-500, 500, width).astype(np.int32), _scale(0.0078125 * 0.015625)
        )
    else:
        w = builder.constant_without_values("w", [width, INPUTS], "int8", _scale(1.0))
        b = builder.constant_without_values("b", [width], "int32", _scale(1.0))
    y = builder.activation("y", [1, width], "int8", _scale(0.0625))
    builder.node("dense", "dense", [x, w, b], [y])
    builder.output(y)
    return builder.build()


def skeleton(params: Params) -> Graph:
    """For the gate: no weights."""
    return network(params["width"], values=False)


def deployed(params: Params) -> Graph:
    return network(params["width"], values=True)


def macs(width: int) -> int:
    return INPUTS * width


def constant_bytes(width: int) -> int:
    """int8 weights and int32 biases."""
    return INPUTS * width + 4 * width


def activation_bytes(width: int) -> int:
    """Input and output of the only node, alive together, each on a multiple of 16."""
    return 16 * (-(-INPUTS // 16)) + 16 * (-(-width // 16))
