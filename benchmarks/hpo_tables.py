"""Tables of trained networks as search problems: a training is a look-up, and the best within a limit is known."""

from __future__ import annotations

import csv
import gzip
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gonogo.architecture import Layer, Net
from gonogo.hpo.gate import Gate
from gonogo.space import Choice, Int, Space

INPUTS = {"slice": 380, "protein": 9}
ORDERED = ("batch_size", "dropout_1", "dropout_2", "init_lr", "n_units_1", "n_units_2")
NAMED = ("activation_fn_1", "activation_fn_2", "lr_schedule")
WIDTHS = ("n_units_1", "n_units_2")
EDGES = tuple(f"Op{i}" for i in range(6))
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
CELLS = 5  # in each of three stages


def rows_of(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt") as file:
        return list(csv.DictReader(file))


class Hpolib:
    """Validation loss of networks with two hidden layers; ordered columns are searched by the index of their values."""

    objectives = 1

    def __init__(self, name: str, folder: Path) -> None:
        long = {"slice": "slice_localization", "protein": "protein_structure"}[name]
        rows = rows_of(folder / f"hpolib_{long}.csv.gz")
        self.name = name
        self.values = {c: sorted({row[c] for row in rows}, key=float) for c in ORDERED}
        names = {c: sorted({row[c] for row in rows}) for c in NAMED}
        self.space = Space(
            **{c: Int(0, len(v) - 1, used=c in WIDTHS) for c, v in self.values.items()},
            **{c: Choice(*v, used=False) for c, v in names.items()},
        )
        self.losses: dict[tuple[str, ...], float] = {}
        self.sizes: dict[tuple[str, ...], int] = {}  # bytes of float32 weights
        for row in rows:
            key = tuple(row[c] for c in (*ORDERED, *NAMED))
            self.losses[key] = statistics.fmean(float(row[f"val_loss_s{i}"]) for i in range(4))
            self.sizes[key] = 4 * int(row["model_size"])

    def key(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        return (*(self.values[c][config[c]] for c in ORDERED), *(config[c] for c in NAMED))

    def size(self, config: Mapping[str, Any]) -> int:
        """The table's: what fits is judged by it, never by the gate."""
        return self.sizes[self.key(config)]

    def train(self, config: Mapping[str, Any]) -> tuple[float, ...]:
        return (self.losses[self.key(config)],)

    def optimum(self, limit: int) -> float:
        return min(loss for key, loss in self.losses.items() if self.sizes[key] <= limit)

    def quality(self, found: Sequence[tuple[float, ...]], limit: int) -> float:
        """Of the trainings that fit: the least loss."""
        return min((loss for (loss,) in found), default=np.inf)

    def gate(self, space: Space, limit: int) -> Gate:
        def build(h: Any, net: Net) -> Layer:
            widths = []
            for name in WIDTHS:
                width: Any = int(self.values[name][0])
                for i, value in enumerate(self.values[name][1:], 1):
                    width = net.select(h[name] >= i, int(value), width)
                widths.append(width)
            x = net.input(INPUTS[self.name], bits=32)
            x = net.dense(net.dense(x, widths[0], activation="relu"), widths[1], activation="relu")
            return net.dense(x, 1)

        return Gate(space, build, target="host64", limits={"flash_model": f"{limit} B"})


def nas_network(h: Any, net: Net) -> Layer:
    """NAS-Bench-201's network for CIFAR-10, its batch normalisations folded into the convolutions.

    `none`, which has no operator here, is drawn as `skip_connect`: neither has weights.
    """

    def edge(name: str, x: Layer, channels: int) -> Layer:
        return net.switch(
            h[name],
            {
                "none": lambda: x,
                "skip_connect": lambda: x,
                "nor_conv_1x1": lambda: net.conv2d(net.relu(x), channels, 1),
                "nor_conv_3x3": lambda: net.conv2d(net.relu(x), channels, 3),
                "avg_pool_3x3": lambda: net.average_pool(x, 3, stride=1, padding="same"),
            },
        )

    x = net.conv2d(net.input(32, 32, 3, bits=32), 16, 3)
    for stage, channels in enumerate((16, 32, 64)):
        if stage:
            y = net.conv2d(x, channels, 3, stride=2, activation="relu")
            y = net.conv2d(y, channels, 3)
            x = net.relu(net.add(y, net.conv2d(net.average_pool(x, 2), channels, 1)))
        for _ in range(CELLS):
            first = edge("Op0", x, channels)
            second = net.add(edge("Op1", x, channels), edge("Op2", first, channels))
            third = net.add(edge("Op3", x, channels), edge("Op4", first, channels))
            x = net.add(third, edge("Op5", second, channels))
    return net.dense(net.global_average_pool(net.relu(x)), 10)


def nas_bytes(operations: Sequence[str]) -> int:
    """Bytes of that network's constants by the formula of its layers: float32 weights and biases, and a mean's axes."""
    weights = 27 * 16 + 16 + 64 * 10 + 10
    for channels in (16, 32, 64):
        if channels > 16:
            half = channels // 2
            weights += 9 * half * channels + 9 * channels**2 + half * channels + 3 * channels
        for operation in operations:
            taps = {"nor_conv_3x3": 9, "nor_conv_1x1": 1}.get(operation, 0)
            weights += CELLS * (taps * channels**2 + channels) if taps else 0
    return 4 * weights + 8


class NasBench:
    """NAS-Bench-201 on CIFAR-10: error against latency on a GPU, both as the table has them."""

    objectives = 2

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.space = Space(**{c: Choice(*OPERATIONS) for c in EDGES})
        self.values: dict[tuple[str, ...], tuple[float, float]] = {}
        for row in rows_of(folder / "nasbench201_cifar10.csv.gz"):
            seeds = [float(row[f"val_acc_s{i}"]) for i in range(3) if row[f"val_acc_s{i}"]]
            key = tuple(row[c] for c in EDGES)
            self.values[key] = 100.0 - statistics.fmean(seeds), float(row["latency"])
        self.sizes = {key: nas_bytes(key) for key in self.values}
        self.reference = tuple(max(v[i] for v in self.values.values()) for i in range(2))
        self.best: dict[int, float] = {}

    def key(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(config[c] for c in EDGES)

    def size(self, config: Mapping[str, Any]) -> int:
        return self.sizes[self.key(config)]

    def train(self, config: Mapping[str, Any]) -> tuple[float, ...]:
        return self.values[self.key(config)]

    def optimum(self, limit: int) -> float:
        return 1.0

    def quality(self, found: Sequence[tuple[float, ...]], limit: int) -> float:
        """Hypervolume of everything that fits, over that of the trainings that do; at least 1."""
        if limit not in self.best:
            fitting = [v for key, v in self.values.items() if self.sizes[key] <= limit]
            self.best[limit] = self.volume(fitting)
        mine = self.volume(found)
        return self.best[limit] / mine if mine > 0.0 else np.inf

    def volume(self, points: Sequence[tuple[float, ...]]) -> float:
        """Hypervolume of two objectives to be minimised, against the worst of each in the table."""
        volume, least = 0.0, self.reference[1]
        for x, y in sorted(points):
            if y < least:
                volume += (self.reference[0] - x) * (least - y)
                least = y
        return volume

    def gate(self, space: Space, limit: int) -> Gate:
        return Gate(space, nas_network, target="host64", limits={"flash_model": f"{limit} B"})


def table_of(name: str, folder: Path) -> Hpolib | NasBench:
    return NasBench(name, folder) if name == "nas" else Hpolib(name, folder)
