"""Writes docs/results.md: brackets and cost of published int8 models.

    make_results_table.py FOLDER [--target stm32f746+tflm] [--seconds 60]

FOLDER holds the .tflite files named below (they aren't part of the project; see CONTRIBUTING.md). Every row is what
`gonogo.error` gives for that pair by interval propagation, by linear bounds, with slopes chosen for every bound, and
after so many seconds of splitting and searching.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path
from typing import Any

import gonogo as gg
import numpy as np
from gonogo import units

RADII = (0.4, 2.4)  # quantisation steps around a fixed pseudo-random sample; no ends between two integers

PAIRS = [
    ("hello_world", "tflm_hello_world_float", "tflm_hello_world_int8"),
    ("anomaly detection (ad01)", "ad01_fp32", "ad01_int8"),
    ("keyword spotting (kws)", "kws_ref_model_float32", "kws_ref_model"),
    ("image classification (resnet8)", "pretrainedResnet", "pretrainedResnet_quant"),
    ("visual wake words (vww)", "vww_96_float", "vww_96_int8"),
    ("streaming wake word (sww)", None, "str_ww_ref_model"),
    ("micro_speech", None, "tflm_micro_speech_quantized"),
    ("person_detect", None, "tflm_person_detect"),
]

HEAD = """# Results on published models

Written by `scripts/make_results_table.py --seconds {seconds:g}`; profile `tflm`, the worst element of the logits where
there are any, else of the output; in parentheses CPU time. *Witness* is an error that a concrete input really reaches,
all other columns are proved for every input of the box, which is a fixed pseudo-random sample and so many quantisation
steps around it, or the whole range. Rows without a float model compare with the ideal real-valued execution of the same
weights. *Tighter* is interval over linear, *ratio* the least bound over the witness. Where linear bounds aren't far
below interval ones, the integers that the network can hold bound both: what is left is the difference of two separate
ranges. RAM is the arena: activations exact, persistent part within 128 B, target {target}. Latency is an estimate with
its interval.

"""
COST_COLUMNS = (
    "model",
    "MACs",
    "parameter bytes",
    "flash bytes (file)",
    "arena, activations",
    "arena, all",
    "latency, ms",
)
COLUMNS = ("model", "box, steps", "interval", "linear", "tighter", "optimised", "split", "witness", "ratio")


def sample_of(model: Any) -> tuple[np.ndarray, float]:
    info = model.tensor(model.inputs[0])
    scale = float(info.quantization.scales[0])
    zero = int(info.quantization.zero_points[0])
    return (np.random.default_rng(0).integers(-128, 128, info.shape) - zero) * scale, scale


def errors(name: str, reference: str | None, deployed: str, folder: Path, seconds: float) -> list[str]:
    float_model = None if reference is None else gg.load(folder / f"{reference}.tflite")
    model = gg.load(folder / f"{deployed}.tflite")
    sample, scale = sample_of(model)
    lines = []
    for radius in (*RADII, None):
        box = None if radius is None else gg.Box.around(sample, radius * scale)
        cells = {"model": name, "box, steps": "whole range" if radius is None else f"± {radius:g}"}
        worst = {}
        for column, options in (
            ("interval", {"method": "interval"}),
            ("linear", {"method": "linear"}),
            ("optimised", {"method": "optimised"}),
            ("split", {"method": "linear", "budget": seconds}),
        ):
            start = time.process_time()
            found = gg.error(float_model, model, box, **options).tensors[-1]
            worst[column] = found.worst
            cells[column] = f"{units.up(found.worst)} ({time.process_time() - start:.1f} s)"
            witness = found.witness.value
        cells["tighter"] = f"{worst['interval'] / worst['linear']:.3g}"
        cells["witness"] = units.down(witness)
        cells["ratio"] = "" if witness == 0 else f"{min(worst.values()) / witness:.3g}"
        lines.append(table_row(cells[c] for c in COLUMNS))
        print(lines[-1], flush=True)
    return lines


def costs(name: str, deployed: str, folder: Path, target: str) -> str:
    cost = gg.cost(gg.load(folder / f"{deployed}.tflite"), target)
    latency = cost.latency
    assert cost.ram is not None
    assert cost.ram_activations is not None
    assert latency is not None
    counts = (cost.macs, cost.parameters, cost.flash, cost.ram_activations, cost.ram)
    spread = f"{latency.value * 1e3:.3g} ({latency.low * 1e3:.3g} to {latency.high * 1e3:.3g})"
    return table_row([name, *(f"{c.value:,.0f}" for c in counts), spread])


def table_row(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--target", default="stm32f746+tflm")
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    page = HEAD.format(target=f"`{options.target}`", seconds=options.seconds)
    page += table_row(COLUMNS) + "\n" + "|---" * len(COLUMNS) + "|\n"
    for pair in PAIRS:
        page += "\n".join(errors(*pair, options.folder, options.seconds)) + "\n"
    page += "\n" + table_row(COST_COLUMNS) + "\n" + "|---" * len(COST_COLUMNS) + "|\n"
    page += "\n".join(costs(name, deployed, options.folder, options.target) for name, _, deployed in PAIRS)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    page += f"\n\nPeak memory of the whole run: {peak:.0f} MiB. "
    page += f"Splitting had {options.seconds:g} s of a 2-core machine that was busy with other work.\n"
    (Path(__file__).resolve().parent.parent / "docs" / "results.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
