"""Rooflines of the Ethos-U accelerators, fitted to the cycles that Vela 5.2 estimates for whole networks.

    python tools/fit_ethos.py path/to/corpus [--check | --report]

A layer takes the largest of: multiplications, outputs written, weights fetched, activations moved. The numbers start
from the published structure of the arrays (8 channels x 8 channels x 2 or 4 positions, 8 or 16 bytes of memory a cycle)
and are pulled towards it, so that a family left out doesn't leave a number without any row. How far the encoding of
weights shrinks them is taken from Vela's own totals here, from their entropy where gonogo has the file, and is nine
tenths where nobody knows the weights. Needs numpy and scipy.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from fit_instructions import read
from fit_latency import MARK, TARGETS
from kernel_counts import Counts, Row, graph_op, value_of
from scipy.optimize import least_squares

PULL = 0.4  # weight of a number's distance (in logarithms) from where it starts, against a network's relative error
START = {
    "ethos-u55-128": {
        "array": 1.1,
        "write": 0.5,
        "add": 1.5,
        "call": 600.0,
        "pool": 0.25,
        "weight": 0.9,
        "bias": 10.0,
        "convert": 1.0,
        "pad": 0.1,
        "mean": 1.1,
        "softmax": 300.0,
        "move": 0.2,
        "move_conv": 0.2,
    },
    "ethos-u65-256": {
        "array": 1.1,
        "write": 0.25,
        "add": 0.75,
        "call": 700.0,
        "pool": 0.125,
        "weight": 0.07,
        "bias": 1.0,
        "convert": 0.5,
        "pad": 0.1,
        "mean": 1.1,
        "softmax": 300.0,
        "move": 0.1,
        "move_conv": 0.1,
    },
}
CONVOLUTIONS = ("conv_1x1", "conv_general", "depthwise_3x3", "depthwise_general", "depthwise_plain", "dense")
# Not for the accelerator, or with numbers of their own that this model has no rule for.
LEFT_OUT = (
    "tflm_dtln_noise_suppression",
    "tflm_keyword_scrambled_8bit",
    "tflm_trained_lstm_int8",
    "tflm_hello_world_int8",
)
BIAS_BYTES = 10  # per output in the encoded weights
FAMILIES = (
    *(
        "fdmobilenet",
        "miniresnet",
        "squeezenet",
        "resnet",
        "stmnist",
        "yamnet",
        "gmp",
        "ign",
        "kws",
        "str_ww",
    ),
    *(
        "micro_speech",
        "image_example",
        "ad01",
        "anomaly",
        "image_classification",
        "mobilenet",
        "vww",
        "person",
    ),
)
SAME = {"anomaly": "ad01", "image_classification": "resnet", "vww": "mobilenet", "person": "mobilenet"}

Formulas = dict[str, dict[str, float]]


def family_of(model: str) -> str:
    name = next(f for f in FAMILIES if f in model.lower().replace("st_image_classification__", ""))
    return SAME.get(name, name)


def formulas(accelerator: str, v: dict[str, float]) -> dict[str, Formulas]:
    """The rooflines, by name, from the fitted numbers."""
    array = f"array{2 if accelerator.startswith('ethos-u55') else 4}"
    multiply: Formulas = {k: {array: v["array"], "call": v["call"]} for k in CONVOLUTIONS}
    multiply |= {
        "add": {"outputs": v["add"], "call": v["call"]},
        "max_pool": {"inputs": v["pool"], "call": v["call"]},
        "average_pool": {"inputs": v["pool"], "call": v["call"]},
        "mean": {"inputs": v["mean"], "call": v["call"]},
        "softmax": {"call": v["softmax"]},
        "requantize": {"outputs": v["convert"]},
        "sigmoid": {"outputs": v["convert"]},
        "pad": {"outputs": v["pad"]},
        "permute": {"outputs": v["pad"]},
    }
    write = {k: {"outputs": v["write"], "call": v["call"]} for k in CONVOLUTIONS}
    weights = {k: {"coded": v["weight"], "n": v["bias"]} for k in CONVOLUTIONS}
    move: Formulas = {}
    for k in (*CONVOLUTIONS, "max_pool", "average_pool", "mean", "requantize", "pad"):
        each = v["move_conv" if k.startswith("conv") else "move"]
        move[k] = {"inputs": each, "outputs": each}
    move["add"] = {"inputs": 2 * v["move"], "outputs": v["move"]}
    # Reshapes are free; what stays on the processor isn't counted, as Vela doesn't either.
    free: Formulas = {k: {"call": 0.0} for k in ("copy", "shape", "pack", "quantize", "dequantize")}
    return {"multiplications": multiply | free, "outputs": write, "weights": weights, "activations": move}


@dataclass(frozen=True)
class Network:
    """`counts`: roofline x layer x number, so that a roofline's cycles are counts @ numbers. `unknown`: the same where
    the weights aren't known."""

    model: str
    family: str
    counts: np.ndarray
    unknown: np.ndarray
    cycles: float
    macs: float

    def predict(self, numbers: np.ndarray, *, known: bool = True) -> float:
        return float(((self.counts if known else self.unknown) @ numbers).max(axis=0).sum())


def counts_of(accelerator: str, layers: list[tuple[str, Counts]], names: Sequence[str]) -> np.ndarray:
    """The formulas are linear in the numbers: their counts are their values at unit vectors."""
    counts = np.zeros((4, len(layers), len(names)))
    for n, name in enumerate(names):
        tables = formulas(accelerator, {m: float(m == name) for m in names}).values()
        for t, table in enumerate(tables):
            for i, (kernel, factors) in enumerate(layers):
                counts[t, i, n] = sum(w * value_of(f, factors) for f, w in table.get(kernel, {}).items() if w)
    return counts


def networks(cost: Path, accelerator: str) -> list[Network]:
    found = []
    for row in read(cost / "measured" / "vela_estimates.csv"):
        model = row["model"]
        if (
            row["accel"] != accelerator
            or row["error"]
            or float(row["nn_macs"] or 0) == 0
            or model in LEFT_OUT
        ):
            continue
        graph: dict[str, Any] = json.loads((cost / "graphs" / f"{model}.json").read_text(encoding="utf-8"))
        layers = [graph_op(graph, op) for op in graph["ops"]]
        counts, unknown = (
            counts_of(accelerator, some, list(START[accelerator])) for some in (encoded(layers, row), layers)
        )
        found.append(
            Network(
                model, family_of(model), counts, unknown, float(row["cycles_total"]), float(row["nn_macs"])
            )
        )
    return found


def encoded(layers: list[tuple[str, Counts]], row: Row) -> list[tuple[str, Counts]]:
    """The layers with their weights as long as Vela's encoding makes them, on average over the network."""
    outputs = sum(c["n"] for kernel, c in layers if kernel in CONVOLUTIONS)
    total, original = float(row["total_npu_encoded_weights"]), float(row["total_original_weights"])
    share = max(total - BIAS_BYTES * outputs, 0.05 * original) / original
    return [
        (kernel, c | {"coded": round(c["n"] * c["k"] * share)} if kernel in CONVOLUTIONS else c)
        for kernel, c in layers
    ]


def fit(accelerator: str, rows: list[Network]) -> np.ndarray:
    at = np.log(list(START[accelerator].values()))

    def rest(logs: np.ndarray) -> np.ndarray:
        errors = [n.predict(np.exp(logs)) / n.cycles - 1.0 for n in rows]
        return np.array([*errors, *(PULL * (logs - at))])

    found = least_squares(rest, at, loss="soft_l1", f_scale=0.1, diff_step=1e-3).x
    return np.array([float(f"{math.exp(v):.4g}") for v in found])


def held_out(accelerator: str, rows: list[Network]) -> list[tuple[Network, float, float, float]]:
    """Relative errors, each family left out; beside them those with unknown weights, and of cycles per MAC alone."""
    errors = []
    for family in sorted({n.family for n in rows}):
        rest = [n for n in rows if n.family != family]
        numbers = fit(accelerator, rest)
        per_mac = math.exp(np.mean([math.log(n.cycles / n.macs) for n in rest]))
        for n in rows:
            if n.family == family:
                predictions = n.predict(numbers), n.predict(numbers, known=False), per_mac * n.macs
                errors.append((n, *(p / n.cycles - 1.0 for p in predictions)))
    return errors


def text_of(accelerator: str, rows: list[Network]) -> str:
    tables = formulas(accelerator, dict(zip(START[accelerator], fit(accelerator, rows), strict=True)))
    held = held_out(accelerator, rows)
    errors = [e for _, e, _, _ in held]
    logs = sorted(
        abs(math.log1p(e)) for _, *both, _ in held for e in both
    )  # an architecture has no weights yet
    width = math.exp(logs[min(math.ceil(0.9 * (len(logs) + 1)), len(logs)) - 1])
    lines = [
        f"[timing.interval]  # times the estimate; of Vela's figures, not of a device\nlower = {1 / width:.3f}\n",
        f"upper = {width:.3f}\ncoverage = 0.9\n",
        f"held_out_error = {np.mean(np.abs(errors)):.3f}  # mean, relative; families left out, weights known\n",
    ]
    for name, table in tables.items():
        lines.append(f'\n[[timing.rooflines]]\nname = "{name}"\nunit = "cycle per count"\n')
        for kernel, row in table.items():
            terms = ", ".join(f'"{term}" = {weight:.4g}' for term, weight in row.items())
            lines.append(f"kernels.{kernel} = {{ {terms} }}\n")
    return "".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--report", action="store_true")
    arguments = parser.parse_args()
    changed = []
    for accelerator in START:
        rows = networks(arguments.corpus / "cost", accelerator)
        if arguments.report:
            errors = held_out(accelerator, rows)
            mine, unknown, usual = ([abs(e[i]) for e in errors] for i in (1, 2, 3))
            print(f"{accelerator}: {len(rows)} networks, {np.mean(mine):.1%}, worst {max(mine):.0%}")
            print(
                f"  weights unknown {np.mean(unknown):.1%}, worst {max(unknown):.0%}; MACs only {np.mean(usual):.0%}"
            )
            for family in sorted({n.family for n in rows}):
                print(f"  {family}: {np.mean([abs(e[1]) for e in errors if e[0].family == family]):.1%}")
            continue
        path = TARGETS / f"{accelerator}.toml"
        old = path.read_text(encoding="utf-8")
        new = (
            old.split("# ---- below")[0].rstrip()
            + "\n\n"
            + MARK.replace("fit_latency", "fit_ethos")
            + text_of(accelerator, rows)
        )
        if new != old:
            changed.append(path.name)
            if not arguments.check:
                path.write_text(new, encoding="utf-8")
    print("changed: " + (", ".join(changed) or "none"))
    return int(bool(changed) and arguments.check)


if __name__ == "__main__":
    sys.exit(main())
