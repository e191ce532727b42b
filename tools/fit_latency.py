"""Fits the numbers of python/gonogo/targets from the corpus and writes them there.

    python tools/fit_latency.py path/to/corpus [--check]

Two steps. First, per core, instructions of each class of kernels as a sum of counts with non-negative coefficients,
from instructions executed under QEMU. Then, per target, cycles per instruction from measured latencies, with an
interval from leaving out one family of networks at a time (jackknife-minmax). docs/cost-model.md says what the figures
mean.
Needs numpy and scipy. `--check` writes nothing and fails when a file would change.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from kernel_counts import KERNEL_OPS, TERMS, Counts, Row, Window, graph_op, kernel_row
from scipy.optimize import nnls

TARGETS = Path(__file__).resolve().parents[1] / "python" / "gonogo" / "targets"
MARK = "# ---- below: written by tools/fit_latency.py\n"

# Core -> prefix of the columns in the kernel counts, and the run that gives the other operators.
CORES = {
    "cortex-m0plus": ("m0p", "cortexm0p"),
    "cortex-m4": ("m4", "cortexm4"),
    "cortex-m7": ("m7", "cortexm4"),
    "cortex-m55": ("m55", "cortexm55"),
}


@dataclass
class Fit:
    coefficients: Counts
    rows: int
    errors: list[float]  # of rows held out; empty when there are too few rows to hold any out


def fit_class(kernel: str, points: list[tuple[Counts, float]]) -> Fit:
    """Least relative squares with coefficients >= 0; errors from five-fold cross-validation."""
    terms = TERMS[kernel]
    weighted = np.array([[c.get(t, 0.0) / y for t in terms] for c, y in points])
    solution, _ = nnls(weighted, np.ones(len(points)))
    order = np.random.default_rng(0).permutation(len(points))
    errors = []
    for fold in range(5 if len(points) >= max(5, 2 * len(terms)) else 0):
        test = order[fold::5]
        train = np.setdiff1d(order, test)
        held, _ = nnls(weighted[train], np.ones(len(train)))
        errors += list(np.abs(weighted[test] @ held - 1.0))
    kept = {t: float(f"{v:.4g}") for t, v in zip(terms, solution, strict=True) if v > 0}
    return Fit(kept, len(points), [float(e) for e in errors])


def read(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def fit_cores(cost: Path) -> dict[str, dict[str, Fit]]:
    kernels: dict[tuple[str, ...], Row] = {}
    key = ["op", *Window.__dataclass_fields__]
    for name in ("cmsisnn_qemu_insn_counts.csv", "cmsisnn_qemu_zoo_layers.csv"):
        for row in read(cost / "measured" / name):
            kernels.setdefault(tuple(row[k] for k in key), row)
    graphs: dict[str, dict[str, Any]] = {}
    fits = {}
    for core, (column, run) in CORES.items():
        points: dict[str, dict[tuple[float, ...], tuple[Counts, float]]] = defaultdict(dict)
        for row in kernels.values():
            kernel, counts = kernel_row(row)
            points[kernel][(len(points[kernel]),)] = counts, float(row[f"{column}_insns"])
        for row in read(cost / "measured" / f"tflm_{run}_op_insns.csv"):
            model = row["model"]
            if model not in graphs:
                graphs[model] = json.loads((cost / "graphs" / f"{model}.json").read_text(encoding="utf-8"))
            kernel, counts = graph_op(graphs[model], graphs[model]["ops"][int(row["idx"])])
            from_kernels = kernel in KERNEL_OPS.values() or kernel.startswith(("conv_", "depthwise_"))
            if kernel == "" or (from_kernels and kernel != "depthwise_plain"):
                continue
            points[kernel][tuple(counts.values())] = counts, float(row["insns"])  # the same shape once
        fits[core] = {kernel: fit_class(kernel, list(points[kernel].values())) for kernel in TERMS}
    return fits


def instructions_text(core: str, fits: dict[str, Fit]) -> str:
    column, run = CORES[core]
    lines = [
        f"# Instructions per kernel call on {core}: sum of coefficient x count. Written by tools/fit_latency.py.\n",
        "# rows: fitted rows; mean_error, worst_error: relative, five-fold cross-validation (absent: too few rows).\n",
        f'core = "{core}"\n',
        'unit = "instruction per count"\n',
        'standing = "estimated"\n',
        'source = """\n',
        f"CMSIS-NN 99f736a6 int8 kernels, GCC 12.2 -Ofast, instructions executed under QEMU 7.2 (columns {column});\n",
        "mean, quantize, requantize, copy, permute, sigmoid, depthwise_plain: TensorFlow Lite Micro 90b983c2, -Os,\n",
        f'run {run}."""\n',
    ]
    for kernel, fit in fits.items():
        lines.append(f"\n[kernels.{kernel}]\n")
        lines += [f"{term} = {value!r}\n" for term, value in fit.coefficients.items()]
        lines.append(f"\n[quality.{kernel}]\nrows = {fit.rows}\n")
        if fit.errors:
            lines.append(f"mean_error = {np.mean(fit.errors):.3f}\nworst_error = {np.max(fit.errors):.3f}\n")
    return "".join(lines)


def predicted(cost: Path, model: str, fits: dict[str, Fit]) -> float:
    graph = json.loads((cost / "graphs" / f"{model}.json").read_text(encoding="utf-8"))
    total = 0.0
    for op in graph["ops"]:
        kernel, counts = graph_op(graph, op)
        if kernel == "":
            raise ValueError(f"{model}: no timing for {op['op']}")
        total += sum(v * counts.get(t, 0.0) for t, v in fits[kernel].coefficients.items())
    return total


@dataclass
class Sample:
    """One measured latency: the network, its family, cycles, and where the row stands."""

    model: str
    family: str
    cycles: float


MLPERF = {"ad": "ad01_int8", "ic": "pretrainedResnet_quant", "vww": "vww_96_int8"}


def mlperf_rows(cost: Path, select: dict[str, str]) -> list[Row]:
    rows = read(cost / "measured" / "mlperf_tiny_all_rounds.csv")
    return [r for r in rows if r["dtype"] == "int8" and all(r[k] == v for k, v in select.items())]


def samples(cost: Path, timing: dict[str, Any], hertz: float) -> list[Sample]:
    if "mlperf" in timing:
        rows = mlperf_rows(cost, timing["mlperf"])
        found = [
            Sample(MLPERF[r["benchmark"]], r["benchmark"], float(r["latency_ms"]) / 1e3 * hertz) for r in rows
        ]
    else:
        rows = read(cost / "measured" / timing["zoo"]["file"])
        found = []
        for entry in timing["zoo"]["rows"]:
            match = [
                r
                for r in rows
                if (r["model"], r["input"]) == (entry["model"], entry["input"])
                and r["format"].lower() == "int8"
                and r["board"] == entry.get("board", timing["zoo"]["board"])
            ]
            latency = {float(r["latency_ms"]) for r in match}
            if len(latency) != 1:
                raise ValueError(f"{entry}: {len(latency)} rows")
            found.append(Sample(entry["graph"], entry["family"], latency.pop() / 1e3 * hertz))
    if not found:
        raise ValueError("no measured rows")
    return found


def interval(logs: dict[str, list[float]]) -> tuple[float, float, float, float]:
    """Lower, estimate, upper of exp(log ratio), families weighing the same, and the largest residual.

    Jackknife-minmax over families: for a further family exchangeable with these F, the ratio lies inside with
    probability at least F / (F + 1).
    """
    means = {f: float(np.mean(v)) for f, v in logs.items()}
    without = {f: float(np.mean([m for g, m in means.items() if g != f])) for f in means}
    residual = max(abs(v - without[f]) for f, values in logs.items() for v in values)
    lower, upper = min(without.values()) - residual, max(without.values()) + residual
    return math.exp(lower), math.exp(float(np.mean(list(means.values())))), math.exp(upper), residual


def fitted_text(cost: Path, data: dict[str, Any], fits: dict[str, dict[str, Fit]]) -> str:
    timing = data["timing"]
    hertz = data["clock"]["value"] * {"MHz": 1e6}[data["clock"]["unit"]]
    logs: dict[str, list[float]] = defaultdict(list)
    notes = []
    for sample in samples(cost, timing, hertz):
        ratio = sample.cycles / predicted(cost, sample.model, fits[timing["instructions"]])
        logs[sample.family].append(math.log(ratio))
        notes.append(f"#   {sample.model[-60:]}: {ratio:.3f}\n")
    lower, estimate, upper, residual = interval(logs)
    count = sum(len(v) for v in logs.values())
    text = (
        "# Measured cycles over predicted instructions:\n"
        + "".join(notes)
        + f"\n[timing.cycles_per_instruction]\nvalue = {estimate:.4g}\nlower = {lower:.4g}\nupper = {upper:.4g}\n"
        'unit = "cycle per instruction"\nstanding = "estimated"\n'
        f"networks = {count}\nfamilies = {len(logs)}\n"
        f"coverage = {len(logs) / (len(logs) + 1):.3f}  # at least, for a family exchangeable with these\n"
        f"largest_residual = {math.exp(residual) - 1:.3f}  # relative, of a family left out\n"
    )
    if "mlperf" not in timing:
        return text
    power = [r for r in mlperf_rows(cost, timing["mlperf"]) if r["avg_power_mW_energy_mode"]]
    if len(power) == 3:
        watts = [float(r["avg_power_mW_energy_mode"]) for r in power]
        text += (
            f"\n[power]\nvalue = {np.mean(watts):.4g}\nlower = {min(watts):.4g}\nupper = {max(watts):.4g}\n"
            'unit = "mW"\nstanding = "estimated"\n'
            'source = "mean, least and most of the energy-mode runs of the same submission"\n'
            'conditions = "whole board as the submitter set it up; supply voltage not stated in the corpus"\n'
        )
    return text


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    import tomllib

    cost = arguments.corpus / "cost"
    fits = fit_cores(cost)
    texts = {
        TARGETS / "instructions" / f"{core}.toml": instructions_text(core, fit) for core, fit in fits.items()
    }
    for path in sorted(TARGETS.glob("*.toml")):
        head = path.read_text(encoding="utf-8").split(MARK)[0]
        data = tomllib.loads(head)
        if "mlperf" in data.get("timing", {}) or "zoo" in data.get("timing", {}):
            texts[path] = head.rstrip() + "\n\n" + MARK + fitted_text(cost, data, fits)
    changed = [p for p, text in texts.items() if not p.exists() or p.read_text(encoding="utf-8") != text]
    if arguments.check:
        print("\n".join(f"would change: {p.name}" for p in changed) or "up to date")
        return int(bool(changed))
    for path, text in texts.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    print(f"{len(changed)} of {len(texts)} files changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
