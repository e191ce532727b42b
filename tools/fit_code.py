"""Fits the size of an engine's kernels and runtime in flash, and writes python/gonogo/targets/engines.

    python tools/fit_code.py path/to/corpus [--check]

Rows are those of ST's model zoo that state flash of code and of weights apart. The size of 8-bit networks is fitted as
base + per_node x nodes + per_scale x scales of weights, with errors relative and no coefficient below zero; float32
networks, of which there are few and small ones, get one size. The interval holds 90 % of the errors, in logarithms, on
families that were left out and on float32 rows that were (conformal). `--check` writes nothing and fails when a file
would change. Needs numpy, scipy and gonogo.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from latency_check import COVERAGE
from latency_rows import ZOO, read
from scipy.optimize import nnls

ENGINES = Path(__file__).resolve().parents[1] / "python" / "gonogo" / "targets" / "engines"
WEIGHTED = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": -1}  # which dimension of the filter counts the scales
# Rows that latency_rows.ZOO doesn't name: model and input as the tables print them -> family and tensor graph.
MORE = {
    ("MiniResNet 1stack", "64x50x1"): ZOO["MiniResNet 1stacks", "64x50x1"],
    ("GMP wl 24", "24 x 3 x 1"): (
        "gmp",
        "st_human_activity_recognition__gmp__WISDM__gmp_wl_24__gmp_wl_24_int8",
    ),
    ("IGN wl 24", "24 x 3 x 1"): (
        "ign",
        "st_human_activity_recognition__ign__WISDM__ign_wl_24__ign_wl_24_int8",
    ),
    ("SSD Mobilenet v1 0.25", "224x224x3"): (
        "ssd",
        "st_object_detection__ssd_mobilenetv1__COCO__ssd_mobilenet_v1_0.25_224__ssd_mobilenet_v1_025_224_int8",
    ),
    ("SSD Mobilenet v1 0.25", "256x256x3"): (
        "ssd",
        "st_object_detection__ssd_mobilenetv1__COCO__ssd_mobilenet_v1_0.25_256__ssd_mobilenet_v1_025_256_int8",
    ),
}
# Before and after its change of generations; the tables have 7.3 and 8.1, and 10.0.
VERSIONS = {"x-cube-ai-7": ("7.3.0", "8.1.0"), "x-cube-ai-10": ("10.0.0",)}


@dataclass(frozen=True)
class Sample:
    family: str
    nodes: int
    scales: int
    constants: int  # bytes
    weights: float  # bytes, as the engine stores them
    code: float  # bytes

    @property
    def features(self) -> tuple[float, float, float]:
        return 1.0, float(self.nodes), float(self.scales)


def sample(family: str, graph: dict[str, Any], row: dict[str, str]) -> Sample:
    scales = 0
    for op in graph["ops"]:
        if op["op"] in WEIGHTED:
            scales += op["filter"][WEIGHTED[op["op"]]]
        elif op["op"] == "FULLY_CONNECTED":
            scales += 1
    return Sample(
        family,
        len(graph["ops"]),
        scales,
        sum(t["bytes"] for t in graph["tensors"] if t["const"]),
        float(row["weights_flash_KiB"]) * 1024,
        float(row["code_flash_KiB"]) * 1024,
    )


def rows_of(cost: Path, versions: tuple[str, ...]) -> tuple[list[Sample], list[float]]:
    """8-bit networks whose tensor graph is known; and the code of float32 networks, in bytes."""
    found: dict[str, Sample] = {}
    floats = []
    for file in ("stm32zoo2023_memory.csv", "stm32zoo_v10_transcribed.csv"):
        for row in read(cost / "measured" / file):
            # ResNet-32's row names no version; it stands in the tables of 7.3.0.
            version = row["tool"].removeprefix("STM32Cube.AI").strip() or "7.3.0"
            if version not in versions or not row["code_flash_KiB"] or row["model"].startswith("SVC"):
                continue  # support vector machines aren't networks
            if row["format"].lower().startswith("float"):
                floats.append(float(row["code_flash_KiB"]) * 1024)
                continue
            net = ZOO.get((row["model"], row["input"])) or MORE.get((row["model"], row["input"]))
            if row["format"].lower() == "int8" and net is not None:
                graph = json.loads((cost / "graphs" / f"{net[1]}.json").read_text(encoding="utf-8"))
                found[net[1]] = sample(net[0], graph, row)
    return list(found.values()), floats


def fitted(samples: Iterable[Sample]) -> np.ndarray:
    rows = list(samples)
    sizes = np.array([s.code for s in rows])
    return nnls(np.array([s.features for s in rows]) / sizes[:, None], np.ones(len(rows)))[0]


def held_out(samples: list[Sample]) -> list[float]:
    """Size over prediction, each family predicted from the others."""
    ratios = []
    for family in sorted({s.family for s in samples}):
        coefficients = fitted(s for s in samples if s.family != family)
        ratios += [s.code / float(coefficients @ s.features) for s in samples if s.family == family]
    return ratios


def text(engine: str, samples: list[Sample], floats: list[float]) -> str:
    base, per_node, per_scale = fitted(samples)
    ratios = held_out(samples)
    error = statistics.fmean(abs(1.0 / r - 1.0) for r in ratios)
    ratios += [f / statistics.median(floats[:i] + floats[i + 1 :]) for i, f in enumerate(floats)]
    scores = sorted(abs(math.log(r)) for r in ratios)
    width = scores[min(math.ceil((len(scores) + 1) * COVERAGE), len(scores)) - 1]
    stored = [s.weights / s.constants for s in samples]
    families = len({s.family for s in samples})
    versions = " and ".join(VERSIONS[engine])
    return (
        f"# Flash of networks under STM32Cube.AI {versions}. Written by tools/fit_code.py.\n"
        'source = """\n'
        f"STMicroelectronics, model zoo tables for STM32Cube.AI {versions}:\n"
        f'{len(samples)} int8 networks of {families} families, {len(floats)} in float32"""\n'
        "\n[stored_constants]  # weights in flash over bytes of the model's constants\n"
        f"lower = {min(stored):.3f}\nestimate = {statistics.median(stored):.3f}\nupper = {max(stored):.3f}\n"
        "\n[code]  # base + per_node x nodes + per_scale x scales of weights; float_base for float32\n"
        'unit = "B"\n'
        f"base = {round(base)}\nper_node = {round(per_node)}\nper_scale = {round(per_scale)}\n"
        f"float_base = {round(statistics.median(floats))}\n"
        "\n[interval]  # times the estimate, for a network of a family that isn't in the tables\n"
        f"lower = {math.exp(-width):.3f}\nupper = {math.exp(width):.3f}\ncoverage = {COVERAGE}\n"
        f"held_out_error = {error:.3f}  # mean, relative; families left out one at a time\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    stale = []
    for engine, versions in VERSIONS.items():
        path = ENGINES / f"{engine}.toml"
        new = text(engine, *rows_of(given.corpus / "cost", versions))
        if path.exists() and path.read_text(encoding="utf-8") == new:
            continue
        stale.append(path.name)
        if not given.check:
            path.write_text(new, encoding="utf-8")
    print(f"{'would change' if given.check else 'written'}: {', '.join(stale) or 'nothing'}")
    if given.check and stale:
        sys.exit(1)


if __name__ == "__main__":
    main()
