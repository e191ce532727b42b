"""Measured latencies of the corpus, by data set: one board with one engine of one version.

Rows are left out whose network isn't among the tensor graphs, whose engine or its version isn't stated, or that ran on
an accelerator or with settings of their own (`max_performance`, `min_ram`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from fit_instructions import read
from kernel_counts import Row

ZERO_FILTERS_LEFT_OUT = {("xcube", "8.1"), ("xcube", "9.0"), ("xcube", "10.0"), ("plumerai", "2023.05")}
# Instructions are counted for these cores; a Cortex-M33 runs the M4's kernels.
COUNTED_AS = {
    "Cortex-M0+": "cortex-m0plus",
    "Cortex-M4": "cortex-m4",
    "Cortex-M33": "cortex-m4",
    "Cortex-M7": "cortex-m7",
}


@dataclass(frozen=True, order=True)
class DataSet:
    board: str
    core: str
    engine: str
    version: str

    @property
    def skips_zero_filters(self) -> bool:
        return (self.engine, self.version) in ZERO_FILTERS_LEFT_OUT or self.engine == "onnc"

    @property
    def generation(self) -> tuple[str, str]:
        """Versions of an engine whose kernels are much alike."""
        if self.engine in ("xcube", "plumerai"):
            return self.engine, "new" if self.skips_zero_filters else "old"
        return self.engine, self.version


@dataclass(frozen=True)
class Measured:
    """One network's latency. `power_mw`: of the whole board, where the energy was measured too."""

    data: DataSet
    model: str
    family: str
    cycles: float
    power_mw: float | None = None


BOARDS = ("L4R5ZI", "H7A3ZI", "F746NG", "G0B1RE", "NRF5340", "U585", "RA6M4", "M467HJ")
NETS = {
    "ad": ("autoencoder", "ad01_int8"),
    "ic": ("resnet", "pretrainedResnet_quant"),
    "vww": ("mobilenet", "vww_96_int8"),
}


def mlperf_engine(row: Row) -> tuple[str, str] | None:
    text, tag = row["framework"], row["round"]
    if row["submitter"] == "renesas":
        return "renesas", tag
    if "CUBE" in text:
        found = re.search(r"\d+\.\d+", text)
        return "xcube", found.group() if found else {"v0.7": "before 7.3 (v0.7)"}.get(
            tag, "before 7.3 (v1.0)"
        )
    if "HALE" in text:
        return "hale", "1.0.175" if "1.0.175" in text else "1.0"
    if "Plumerai" in text:
        return "plumerai", "2023.05" if "2023.05" in text else f"before 2023 ({tag})"
    if "ONNC" in text:
        return "onnc", row["board"].rsplit("-", 1)[-1]
    if "microTVM" in text:
        native = "native" in (text + row["board"]).lower()
        return ("microtvm", "native") if native else ("cmsis-nn", "microTVM")
    return None


def mlperf_rows(cost: Path) -> list[Measured]:
    found: dict[tuple[DataSet, str], Measured] = {}
    for row in read(cost / "measured" / "mlperf_tiny_all_rounds.csv"):
        board = next((b for b in BOARDS if b in row["board"].upper()), None)
        engine = mlperf_engine(row)
        special = "max_performance" in row["board"] or "min_ram" in row["board"] or row["accelerator"]
        if row["dtype"] != "int8" or board is None or engine is None or special:
            continue
        data = DataSet(board, row["core"], *engine)
        family, model = NETS[row["benchmark"]]
        power = row["avg_power_mW_energy_mode"]
        found[data, model] = Measured(  # the latest round of the same version
            data,
            model,
            family,
            float(row["latency_ms"]) * 1e3 * float(row["freq_MHz"]),
            float(power) if power else None,
        )
    return list(found.values())


def _zoo(task: str, family: str, data: str, name: str) -> str:
    return f"st_{task}__{family}__{data}__{name}__{name}_int8"


def _image(family: str, data: str, name: str) -> str:
    return _zoo("image_classification", family, data, name)


# Model and input as the tables print them -> family and tensor graph.
ZOO = {
    ("FdMobileNet 0.25", "224x224x3"): (
        "fdmobilenet",
        _image("fdmobilenet", "flowers", "fdmobilenet_0.25_224"),
    ),
    ("FdMobileNet 0.25", "128x128x3"): (
        "fdmobilenet",
        _image("fdmobilenet", "flowers", "fdmobilenet_0.25_128"),
    ),
    ("MobileNet v1 0.25", "224x224x3"): (
        "mobilenet",
        _image("mobilenetv1", "flowers", "mobilenet_v1_0.25_224"),
    ),
    ("MobileNet v1 0.5", "224x224x3"): (
        "mobilenet",
        _image("mobilenetv1", "flowers", "mobilenet_v1_0.5_224"),
    ),
    ("MobileNet v1 0.25", "96x96x3"): ("mobilenet", _image("mobilenetv1", "flowers", "mobilenet_v1_0.25_96")),
    ("MobileNet v1 0.25", "96x96x1"): (
        "mobilenet",
        _image("mobilenetv1", "flowers", "mobilenet_v1_0.25_96_grayscale"),
    ),
    ("ResNet v1 8", "32x32x3"): ("resnet", _image("resnetv1", "cifar10", "resnet_v1_8_32")),
    ("ResNet v1 32", "32x32x3"): ("resnet", _image("resnetv1", "cifar100", "resnet_v1_32_32")),
    ("ST MNIST Byclass v1 28x28", "28x28x1"): ("stmnist", _image("stmnist", "emnist_byclass", "stmnist_v1")),
    ("ST MNIST v1", "28x28x1"): ("stmnist", _image("stmnist", "emnist_byclass", "stmnist_v1")),
    ("MiniResNet 1stacks", "64x50x1"): (
        "miniresnet",
        _zoo("audio_event_detection", "miniresnet", "esc10", "miniresnet_1stacks_64x50"),
    ),
    ("MiniResNet 2stacks", "64x50x1"): (
        "miniresnet",
        _zoo("audio_event_detection", "miniresnet", "esc10", "miniresnet_2stacks_64x50"),
    ),
    ("Yamnet 256", "64x96x1"): (
        "yamnet",
        _zoo("audio_event_detection", "yamnet", "esc_10", "yamnet_256_64x96"),
    ),
    ("SSD Mobilenet v1 0.25", "192x192x3"): (
        "ssd",
        "st_object_detection__ssd_mobilenetv1__COCO__ssd_mobilenet_v1_0.25_192__ssd_mobilenet_v1_025_192_int8",
    ),
}
# The table names the STM32F769I-DISCO wrongly in places.
ZOO_BOARDS = {
    "STM32H747I-DISCO": ("H747I", "Cortex-M7"),
    "STM32H769I-DISCO": ("F769I", "Cortex-M7"),
    "STM32F769I-DISCO": ("F769I", "Cortex-M7"),
    "B-U585I-IOT02A": ("U585", "Cortex-M33"),
}
# ResNet-32's row names no version; it stands in the tables of 7.3.0.
VERSIONS = {
    "STM32Cube.AI 7.3.0": "7.3",
    "STM32Cube.AI": "7.3",
    "STM32Cube.AI 8.1.0": "8.1",
    "STM32Cube.AI 10.0.0": "10.0",
}


def zoo_rows(cost: Path) -> list[Measured]:
    found: dict[tuple[DataSet, str], Measured] = {}
    for file in ("stm32zoo2023_latency.csv", "stm32zoo_v10_transcribed.csv"):
        for row in read(cost / "measured" / file):
            board, net = ZOO_BOARDS.get(row["board"]), ZOO.get((row["model"], row["input"]))
            if row["format"].lower() != "int8" or board is None or net is None:
                continue
            data = DataSet(*board, "xcube", VERSIONS[row["tool"].strip()])
            family, model = net
            cycles = float(row["latency_ms"]) * 1e3 * float(row["freq_MHz"])
            found[data, model] = Measured(data, model, family, cycles)
    return list(found.values())


def all_rows(cost: Path) -> list[Measured]:
    return mlperf_rows(cost) + zoo_rows(cost)
