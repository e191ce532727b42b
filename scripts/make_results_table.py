"""Writes docs/results.md: bracket and cost of published int8 models. Usage: make_results_table.py FOLDER [TARGET].

FOLDER holds the .tflite files named below (they aren't part of the project; see CONTRIBUTING.md). Every row is what
`gonogo check` prints for that pair, for two boxes: everything that the input can represent, and one quantisation step
around a fixed pseudo-random sample.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import gonogo as gg
import numpy as np
from gonogo import units

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

Written by `scripts/make_results_table.py`; target {target}, profile `tflm`. *Witness* is an error that a concrete
input really reaches, *bound* is proved for every input of the box. Rows without a float model compare with the ideal
real-valued execution of the same weights. The bounds of this version come from interval propagation of the pair
(reference, difference): exact at a point, informative for one or two layers or narrow boxes, and far too wide for a
deep net over its whole input range, where only the saturation of the output limits them. RAM is the arena: activations
exact, persistent part within 128 B. Latency is an estimate with its interval.

"""


def row(name: str, reference: str | None, deployed: str, folder: Path, target: str) -> list[str]:
    float_model = None if reference is None else gg.load(folder / f"{reference}.tflite")
    model = gg.load(folder / f"{deployed}.tflite")
    info = model.tensor(model.inputs[0])
    scale = float(info.quantization.scales[0])  # type: ignore[union-attr]
    zero = int(info.quantization.zero_points[0])  # type: ignore[union-attr]
    sample = (np.random.default_rng(0).integers(-128, 128, info.shape) - zero) * scale
    cost = gg.cost(model, target)
    lines = []
    for box, label in ((None, "whole range"), (gg.Box.around(sample, scale), "sample ± 1 step")):
        start = time.perf_counter()
        error = gg.error(float_model, model, box)
        seconds = time.perf_counter() - start
        for t in error.tensors:
            bound, witness = t.worst, t.witness.value
            ratio = "" if witness == 0 else f"{bound / witness:.3g}"
            is_output = t.name in model.outputs
            cells = [
                name,
                label,
                "output" if is_output else "logits",
                units.down(witness),
                units.up(bound),
                ratio,
                f"{seconds:.1f} s",
            ]
            lines.append("| " + " | ".join(cells) + " |")
    latency = cost.latency
    assert cost.ram is not None
    assert cost.ram_activations is not None
    assert latency is not None
    costs = [
        name,
        f"{cost.macs.value:,.0f}",
        f"{cost.parameters.value:,.0f}",
        f"{cost.flash.value:,.0f}",
        f"{cost.ram_activations.value:,.0f}",
        f"{cost.ram.value:,.0f}",
        f"{latency.value * 1e3:.3g} ({latency.low * 1e3:.3g} to {latency.high * 1e3:.3g})",
    ]
    return ["\n".join(lines), "| " + " | ".join(costs) + " |"]


def main() -> None:
    folder = Path(sys.argv[1])
    target = sys.argv[2] if len(sys.argv) > 2 else "stm32f746"
    rows = [row(*pair, folder, target) for pair in PAIRS]
    page = HEAD.format(target=f"`{target}`")
    page += "| model | box | tensor | witness | bound | ratio | time |\n|---|---|---|---|---|---|---|\n"
    page += "\n".join(r[0] for r in rows)
    page += "\n\n| model | MACs | parameter bytes | flash bytes (file) | arena, activations "
    page += "| arena, all | latency, ms |\n"
    page += "|---|---|---|---|---|---|---|\n" + "\n".join(r[1] for r in rows)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    page += f"\n\nPeak memory of the whole run: {peak:.0f} MiB. Times are of a 2-core machine.\n"
    (Path(__file__).resolve().parent.parent / "docs" / "results.md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
