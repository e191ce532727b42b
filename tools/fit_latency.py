"""Fits the numbers of python/gonogo/targets from the corpus and writes them there.

    python tools/fit_latency.py path/to/corpus [--check | --report | --spreads]

Instructions of each class of kernels per core (`fit_instructions.py`); then, for every board and engine at once, cycles
per instruction by stage (`latency_model.py`), with an interval from rows left out (`latency_check.py`).
docs/cost-model.md says what the figures mean. `--check` writes nothing and fails when a file would change; `--report`
prints the errors on rows left out; `--spreads` fits the spreads of the latency model again and prints them.
Needs numpy, scipy and gonogo itself.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import latency_check
import numpy as np
import tomllib
from fit_instructions import CORES, Fit, fit_cores
from gonogo.targets._timing import STAGES, stage_of
from kernel_counts import graph_op, value_of
from latency_check import Figures, quantile
from latency_model import Posterior, Sample, fit_spreads
from latency_rows import COUNTED_AS, DataSet, Measured, all_rows

TARGETS = Path(__file__).resolve().parents[1] / "python" / "gonogo" / "targets"
MARK = "# ---- below: written by tools/fit_latency.py\n"
# Filters of its convolutions that aren't all zero; a test compares this with the file.
LIVE_FILTERS = {"vww_96_int8": (8, 16, 32, 32, 64, 60, 107, 57, 30, 19, 19, 27, 32, 22)}


def instructions_text(core: str, fits: dict[str, Fit]) -> str:
    about = CORES[core]
    lines = [
        f"# Instructions per kernel call on {core}: sum of coefficient x product of factors (docs/cost-model.md).\n",
        "# Written by tools/fit_latency.py. rows: fitted layers; errors: relative, of layers held out in ten-fold\n",
        "# cross-validation (absent: too few layers).\n",
        f'core = "{core}"\n',
        'unit = "instruction per count"\n',
        'standing = "estimated"\n',
        'source = """\n',
        "CMSIS-NN 99f736a6 int8 kernels, GCC 12.2 -Ofast, instructions executed under QEMU 7.2\n",
        f"(columns {about.column});\n",
        "what CMSIS-NN has no kernel for: TensorFlow Lite Micro 90b983c2, -Os, the same compiler,\n",
        f'run {about.run}."""\n',
    ]
    for kernel, fit in fits.items():
        lines.append(f"\n[kernels.{kernel}]\n")
        lines += [f'"{term}" = {value!r}\n' for term, value in fit.coefficients.items()]
        lines.append(f"\n[quality.{kernel}]\nrows = {fit.rows}\n")
        if fit.errors:
            errors = np.abs(fit.errors)
            lines.append(f"median_error = {np.median(errors):.4f}\nworst_error = {np.max(errors):.3f}\n")
    return "".join(lines)


def without_zero_filters(graph: dict[str, Any], live: Sequence[int]) -> dict[str, Any]:
    """A chain of convolutions and depthwise convolutions as an engine runs it that leaves those filters out."""
    graph = copy.deepcopy(graph)
    tensors, left, channels = graph["tensors"], list(live), None
    for op in graph["ops"]:
        x, y = tensors[op["inputs"][0]], tensors[op["outputs"][0]]
        if op["op"] not in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            continue
        x["shape"][3] = channels or x["shape"][3]
        channels = left.pop(0) if op["op"] == "CONV_2D" else channels
        y["shape"][3] = channels
    return graph


class Networks:
    """Instructions by stage of the corpus's networks on a core."""

    def __init__(self, cost: Path, fits: dict[str, dict[str, Fit]]) -> None:
        self.cost, self.fits = cost, fits
        self.graphs: dict[tuple[str, bool], dict[str, Any]] = {}

    def graph(self, model: str, live: bool) -> dict[str, Any]:
        if (model, live) not in self.graphs:
            path = self.cost / "graphs" / f"{model}.json"
            graph = json.loads(path.read_text(encoding="utf-8"))
            self.graphs[model, live] = without_zero_filters(graph, LIVE_FILTERS[model]) if live else graph
        return self.graphs[model, live]

    def sample(self, row: Measured) -> Sample:
        live = row.data.skips_zero_filters and row.model in LIVE_FILTERS
        graph, sums = self.graph(row.model, live), dict.fromkeys(STAGES, 0.0)
        for op in graph["ops"]:
            kernel, counts = graph_op(graph, op)
            if kernel == "":
                raise ValueError(f"{row.model}: no timing for {op['op']}")
            for term, weight in self.fits[COUNTED_AS[row.data.core]][kernel].coefficients.items():
                sums[stage_of(kernel, term)] += weight * value_of(term, counts)
        return Sample(row, tuple(sums[s] for s in STAGES))

    def macs(self, model: str) -> float:
        return float(sum(op.get("macs") or 0 for op in self.graph(model, False)["ops"]))


def fitted_text(data: DataSet, samples: list[Sample], model: Posterior, figures: Figures) -> str:
    own = [s for s in samples if s.data == data]
    families = {s.measured.family for s in own}
    factors = model.factors(data)
    rows = figures.get(data, [])
    everything = [h for held in figures.values() for h in held]
    deviation = float(np.mean([h.deviation for h in rows or everything]))
    width = quantile(everything) * deviation
    lines = ["# Measured over predicted cycles:\n"]
    for sample in own:
        ratio = sample.measured.cycles / model.predict(sample)[0]
        lines.append(f"#   {sample.measured.model[-60:]}: {ratio:.3f}\n")
    lines.append(
        '\n[timing.cycles_per_instruction]\nunit = "cycle per instruction"\nstanding = "estimated"\n'
    )
    lines += [f"{stage} = {value:.4g}\n" for stage, value in zip(STAGES, factors, strict=True)]
    lines.append(
        f"networks = {len(own)}\nfamilies = {len(families)}\n"
        "\n[timing.interval]  # times the estimate, for a network of a family that wasn't measured here\n"
        f"lower = {math.exp(-width):.3f}\nupper = {math.exp(width):.3f}\ncoverage = {latency_check.COVERAGE}\n"
    )
    if rows:
        mean = latency_check.mean_error([h.error for h in rows])
        lines.append(
            f"held_out_error = {mean:.3f}  # mean, relative; families left out of this board one at a time\n"
        )
    return "".join(lines) + power_text(own)


def power_text(own: list[Sample]) -> str:
    watts = [s.measured.power_mw for s in own if s.measured.power_mw is not None]
    if len(watts) < 3:
        return ""
    return (
        f"\n[power]\nvalue = {np.mean(watts):.4g}\nlower = {min(watts):.4g}\nupper = {max(watts):.4g}\n"
        'unit = "mW"\nstanding = "estimated"\n'
        'source = "mean, least and most of the energy-mode runs of the same submission"\n'
        'conditions = "whole board as the submitter set it up; supply voltage not stated in the corpus"\n'
    )


def report(samples: list[Sample], networks: Networks) -> None:
    macs = {s.measured.model: networks.macs(s.measured.model) for s in samples}
    for name, figures, plain in (
        (
            "family left out",
            latency_check.by_family(samples),
            latency_check.macs_only(samples, macs, boards=False),
        ),
        (
            "board left out",
            latency_check.by_board(samples),
            latency_check.macs_only(samples, macs, boards=True),
        ),
    ):
        print(f"\n| {name} | n | mean error | worst | MACs only |\n|---|---|---|---|---|")
        for data, rows in sorted(figures.items()):
            errors = [h.error for h in rows]
            worst = max(errors, key=abs)
            usual = latency_check.mean_error(plain[data]) if data in plain else math.nan
            place = f"{data.board} {data.core.removeprefix('Cortex-')}, {data.engine} {data.version}"
            mean = latency_check.mean_error(errors)
            print(f"| {place} | {len(rows)} | {mean:.1%} | {worst:+.0%} | {usual:.1%} |")
        errors = [h.error for rows in figures.values() for h in rows]
        usual = latency_check.mean_error([e for rows in plain.values() for e in rows])
        inside, total = latency_check.coverage(figures)
        print(f"all: {latency_check.mean_error(errors):.1%} of {total}, MACs only {usual:.1%}")
        print(
            f"inside the interval stated for {latency_check.COVERAGE:.0%}: {inside} of {total}, {inside / total:.1%}"
        )


def texts_of(samples: list[Sample], fits: dict[str, dict[str, Fit]]) -> dict[Path, str]:
    texts = {TARGETS / "instructions" / f"{c}.toml": instructions_text(c, f) for c, f in fits.items()}
    model, figures = Posterior(samples), latency_check.by_family(samples)
    for path in sorted(TARGETS.glob("*.toml")):
        head = path.read_text(encoding="utf-8").split(MARK)[0]
        rows = tomllib.loads(head).get("timing", {}).get("rows")
        if rows:
            fitted = fitted_text(DataSet(**rows), samples, model, figures)
            texts[path] = head.rstrip() + "\n\n" + MARK + fitted
    return texts


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    for flag in ("--check", "--report", "--spreads"):
        parser.add_argument(flag, action="store_true")
    arguments = parser.parse_args()
    cost = arguments.corpus / "cost"
    fits = fit_cores(cost)
    networks = Networks(cost, fits)
    samples = [networks.sample(row) for row in all_rows(cost)]
    if arguments.spreads:
        print(fit_spreads(samples))
        return 0
    if arguments.report:
        report(samples, networks)
        return 0
    texts = texts_of(samples, fits)
    changed = [p for p, text in texts.items() if not p.exists() or p.read_text(encoding="utf-8") != text]
    if arguments.check:
        print("\n".join(f"would change: {p.name}" for p in changed) or "up to date")
        return int(bool(changed))
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    print(f"{len(changed)} of {len(texts)} files changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
