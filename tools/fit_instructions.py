"""Instructions of each class of kernels, per core, as sums of loop counts with coefficients fitted to counted layers.

`fit_cores(corpus / "cost")` gives the coefficients and the relative errors of layers held out. Needs numpy and scipy.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from kernel_counts import KERNEL_OPS, Counts, Row, Window, graph_op, kernel_row, value_of
from kernel_terms import TERMS
from scipy.optimize import nnls

FOLDS = 10
PRIOR_WEIGHT = 0.02  # of an assumed coefficient, against 1 for a counted layer


@dataclass(frozen=True)
class Core:
    """Where a core's counts come from."""

    kernels: str  # set of CMSIS-NN kernels
    column: str  # prefix of the columns in the kernel counts
    run: str  # TensorFlow Lite Micro's run that gives the other operators


CORES = {
    "cortex-m0plus": Core("plain", "m0p", "cortexm0p"),
    "cortex-m3": Core("plain", "m3", "cortexm0p"),
    "cortex-m4": Core("dsp", "m4", "cortexm4"),
    "cortex-m7": Core("dsp", "m7", "cortexm4"),
    "cortex-m55": Core("mve", "m55", "cortexm55"),
}
# Loop bodies that hardly any counted layer runs. The assumed value is the same loop's length elsewhere in the same
# library: a scalar step of a sum about 6 instructions, one requantised output about 45, an element compared or clamped
# a quarter of a vector of four, the start of an inner loop 20.
ASSUMED: dict[tuple[str, str], dict[str, float]] = {
    ("dsp", "depthwise_general"): {"p*c4r": 45.0, "p*c4r*w": 6.0, "taps*c4r": 5.5},
    ("dsp", "max_pool"): {"later*c4r": 7.5, "p*c4r": 4.0},
    ("plain", "depthwise_general"): {"trows*n": 20.0},
    ("plain", "max_pool"): {"later*c4r": 7.5, "p*c4r": 4.0},
}


@dataclass(frozen=True)
class Layer:
    """One counted layer. `shape` identifies it: networks share layers."""

    shape: tuple[str, ...]
    kernel: str
    counts: Counts
    instructions: dict[str, float]  # by core


@dataclass(frozen=True)
class Fit:
    coefficients: dict[str, float]
    rows: int
    errors: list[
        float
    ]  # relative, signed, of rows held out; empty when there are too few rows to hold any out


def solve(terms: tuple[str, ...], rows: list[tuple[Counts, float]], assumed: dict[str, float]) -> np.ndarray:
    """Least squares of relative errors, coefficients >= 0, with a weak pull to assumed values."""
    matrix = [[value_of(t, c) / y for t in terms] for c, y in rows]
    right = [1.0] * len(rows)
    for i, term in enumerate(terms):
        if term in assumed:
            matrix.append([PRIOR_WEIGHT / assumed[term] if j == i else 0.0 for j in range(len(terms))])
            right.append(PRIOR_WEIGHT)
    weighted = np.array(matrix, dtype=float)
    scale = np.maximum(np.linalg.norm(weighted, axis=0), 1e-300)
    solution, _ = nnls(weighted / scale, np.array(right), maxiter=100 * len(terms))
    return np.asarray(solution / scale)


def predict(terms: tuple[str, ...], solution: np.ndarray, counts: Counts) -> float:
    return float(sum(v * value_of(t, counts) for t, v in zip(terms, solution, strict=True)))


def fit_class(name: str, kernel: str, rows: list[tuple[Counts, float]]) -> Fit:
    core = CORES[name]
    terms, assumed = TERMS[core.kernels][kernel], ASSUMED.get((core.kernels, kernel), {})
    solution = solve(terms, rows, assumed)
    order = np.random.default_rng(0).permutation(len(rows))
    errors = [0.0] * len(rows) if len(rows) >= max(FOLDS, len(terms)) else []
    for fold in range(FOLDS if errors else 0):
        test = set(order[fold::FOLDS].tolist())
        held = solve(terms, [r for i, r in enumerate(rows) if i not in test], assumed)
        for i in test:
            errors[i] = predict(terms, held, rows[i][0]) / rows[i][1] - 1.0
    kept = {t: float(f"{v:.5g}") for t, v in zip(terms, solution, strict=True) if v > 0}
    return Fit(kept, len(rows), errors)


def read(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def counted_layers(cost: Path) -> list[Layer]:
    """Distinct layers whose kernels were called and counted by themselves."""
    key = ["op", *Window.__dataclass_fields__]
    layers: dict[tuple[str, ...], Layer] = {}
    for name in ("cmsisnn_qemu_insn_counts.csv", "cmsisnn_qemu_zoo_layers.csv"):
        for row in read(cost / "measured" / name):
            shape = tuple(row[k] for k in key)
            kernel, counts = kernel_row(row)
            found = {core: float(row[f"{c.column}_insns"]) for core, c in CORES.items()}
            layers.setdefault(shape, Layer(shape, kernel, counts, found))
    return list(layers.values())


def graph_of(cost: Path, model: str, known: dict[str, Any]) -> dict[str, Any]:
    if model not in known:
        known[model] = json.loads((cost / "graphs" / f"{model}.json").read_text(encoding="utf-8"))
    graph: dict[str, Any] = known[model]
    return graph


def other_operators(cost: Path, run: str, known: dict[str, Any]) -> dict[str, list[tuple[Counts, float]]]:
    """Operators that only TensorFlow Lite Micro's own run counted, the same shape once."""
    points: dict[str, dict[tuple[int, ...], tuple[Counts, float]]] = defaultdict(dict)
    for row in read(cost / "measured" / f"tflm_{run}_op_insns.csv"):
        graph = graph_of(cost, row["model"], known)
        kernel, counts = graph_op(graph, graph["ops"][int(row["idx"])])
        from_kernels = kernel in KERNEL_OPS.values() or kernel.startswith(("conv_", "depthwise_"))
        if kernel == "" or (from_kernels and kernel != "depthwise_plain"):
            continue
        points[kernel][tuple(counts.values())] = counts, float(row["insns"])
    return {kernel: list(rows.values()) for kernel, rows in points.items()}


def fit_cores(cost: Path) -> dict[str, dict[str, Fit]]:
    layers, known = counted_layers(cost), {}
    fits: dict[str, dict[str, Fit]] = {}
    for name, core in CORES.items():
        rows = other_operators(cost, core.run, known)
        for layer in layers:
            kernel = layer.kernel
            if core.kernels == "mve" and kernel == "depthwise_3x3":
                kernel = "depthwise_general"  # Helium has one kernel for both
            rows.setdefault(kernel, []).append((layer.counts, layer.instructions[name]))
        if core.kernels == "mve":
            rows["depthwise_3x3"] = rows["depthwise_general"]
        fits[name] = {kernel: fit_class(name, kernel, rows[kernel]) for kernel in TERMS[core.kernels]}
    return fits
