"""Results made by hand, for tests that need no engine."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from gonogo.results import (
    ErrorResult,
    LayerShare,
    LimitOutcome,
    Model,
    Provenance,
    Saturation,
    TensorError,
    Witness,
    judge,
)


def make_error(bound: list[float], witness: list[float], name: str = "y") -> TensorError:
    values = np.array(witness)
    element = int(values.argmax())
    return TensorError(
        name,
        name,
        np.array(bound),
        -np.array(bound),
        np.array(bound),
        values,
        Witness(float(values[element]), element, (np.zeros(2),)),
        "joint",
    )


def make_result(*tensors: TensorError, limited: tuple[str, ...] = ("y",)) -> ErrorResult:
    return ErrorResult(
        tensors,
        (LayerShare("first", "conv2d", 0.75), LayerShare("second", "dense", 0.25)),
        (Saturation("first", 1, 0, 4),),
        ("a note",),
        Provenance(
            "error",
            Model("d.tflite", "tflite", 10, "ab" * 32),
            Model("r.tflite", "tflite", 20, "cd" * 32),
            semantics="tflm",
            box="file box.json",
            assumptions=("an assumption",),
            rounding="outward",
        ),
        limited,
    )


def make_outcome(name: str, limit: Fraction, low: float, high: float) -> LimitOutcome:
    return LimitOutcome(name, limit, str(limit), low, high, "exact", "exact", judge(limit, low, high))
