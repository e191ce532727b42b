"""Rates of the cost engine over a search space, on one thread, against limits and against what others take per model.

    python benchmarks/cost.py

1. A CNN of 20 layers: configurations a second with all counts that are expressions, the same with TensorFlow Lite
   Micro's plan, boxes a second, and one `gate.check` from Python.
2. A space of 10 parameters (6 of them in the cost) with limits on flash, RAM and MACs: the share of its volume that is
   decided within 20 ms, and the time until 95 % are.
3. Seconds per model: Vela and torch-based counters where they are installed; else Vela's walls from the corpus.

Rates are taken in CPU time of the thread, the best of several turns.
"""

from __future__ import annotations

import csv
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("GONOGO_THREADS", "1")

import gonogo as gg
import numpy as np
from gonogo.hpo.gate import Gate
from gonogo.hpo.tightening import search_of
from gonogo.space import Choice, Float, Int, Space

TARGET = "stm32f746"
ROWS = 1 << 17
BOXES = 1 << 16

CNN = Space(
    width=Int(8, 128, step=4),
    middle=Int(8, 128, step=4),
    last=Int(8, 128, step=4),
    kernel=Choice(3, 5, 7),
    stride=Choice(1, 2),
    units=Int(16, 256, step=16),
)


def cnn(h: Any, net: Any) -> Any:
    """20 layers: a convolution, eight depthwise-separable blocks, pooling, two dense layers."""
    x = net.input(64, 64, 3)
    x = net.conv2d(x, h.width, 3, stride=2, activation="relu")
    for i in range(8):
        x = net.depthwise_conv2d(
            x, h.kernel if i % 2 else 3, stride=h.stride if i == 2 else 1, activation="relu"
        )
        x = net.conv2d(x, (h.width, h.middle, h.last)[i // 3], 1, activation="relu")
    x = net.global_average_pool(x)
    return net.dense(net.dense(x, h.units, activation="relu"), 10)


TEN = Space(
    width=Int(8, 256),
    blocks=Int(1, 8),
    kernel=Choice(3, 5, 7),
    stride=Choice(1, 2),
    units=Int(16, 512),
    resolution=Int(24, 96),
    rate=Float(1e-4, 1e-1, log=True),
    batch=Choice(16, 32, 64, 128, used=False),
    decay=Float(1e-6, 1e-2, log=True),
    dropout=Float(0.0, 0.5),
)
TEN_LIMITS = {"flash": "1 MiB", "ram": "256 KiB", "macs": 40_000_000}


def ten(h: Any, net: Any) -> Any:
    x = net.input(h.resolution, h.resolution, 3)
    x = net.conv2d(x, h.width, 3, stride=2, activation="relu")
    x = net.conv2d(x, h.width, 3, stride=h.stride, activation="relu")
    for _ in net.repeat(h.blocks):
        x = net.depthwise_conv2d(x, h.kernel, activation="relu")
        x = net.conv2d(x, h.width, 1, activation="relu")
    x = net.global_average_pool(x)
    return net.dense(net.dense(x, h.units, activation="relu"), 10)


def best(call: Callable[[], object], turns: int = 5) -> float:
    """CPU seconds of this thread, least of a few turns."""
    times = []
    for _ in range(turns):
        start = time.thread_time()
        call()
        times.append(time.thread_time() - start)
    return min(times)


def line(what: str, value: float, unit: str, goal: float, *, more_is_better: bool = True) -> bool:
    met = value >= goal if more_is_better else value <= goal
    print(
        f"{what}: {value:,.3g} {unit}, goal {goal:,.3g}, {value / goal:.2f} of it{'' if met else '  MISSED'}"
    )
    return met


def random_columns(gate: Gate, rows: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.choice(np.asarray(p.codes), rows) for p in gate.architecture.coding.parameters]


def random_boxes(gate: Gate, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes as a search meets them: of all sizes, many of them small."""
    rng = np.random.default_rng(1)
    lo, hi = [], []
    for p in gate.architecture.coding.parameters:
        codes = np.asarray(p.codes)
        first = rng.integers(0, len(codes), rows)
        length = (len(codes) * 2.0 ** -rng.integers(0, 8, rows)).astype(np.int64)
        lo.append(codes[first])
        hi.append(codes[np.minimum(first + length, len(codes) - 1)])
    return np.array(lo), np.array(hi)


def rates() -> bool:
    gate = Gate(CNN, cnn, target=TARGET, limits={"ram": "128 KiB", "flash": "256 KiB"})
    columns = random_columns(gate, ROWS)
    boxes = random_boxes(gate, BOXES)
    config = {"width": 64, "middle": 32, "last": 128, "kernel": 3, "stride": 2, "units": 64}

    def checks() -> None:
        for _ in range(10_000):
            gate.check(config)

    judge = gate._judge
    print(f"CNN of {len(gate.architecture.model(config).nodes)} layers, {judge.steps} steps")
    met = [
        line("configurations, expressions", ROWS / best(lambda: judge.points(columns, False)), "/s", 1e7),
        line("configurations, with the plan", ROWS / best(lambda: judge.points(columns, True)), "/s", 3e5),
        line("boxes, expressions", BOXES / best(lambda: judge.boxes(*boxes, plan=False)), "/s", 1e6),
        line("boxes, with plans", BOXES / best(lambda: judge.boxes(*boxes)), "/s", 1e6),
        line("gate.check", best(checks) / 10_000 * 1e6, "us", 5.0, more_is_better=False),
    ]
    return all(met)


def decided(gate: Gate, boxes: int) -> tuple[float, float]:
    """Share of the volume decided by so many boxes, and seconds."""
    search = search_of(gate)
    start = time.thread_time()
    _, _, volume, region, *_ = search.pave(boxes, 1e9, lambda *_: True)
    seconds = time.thread_time() - start
    return float(volume[region != 2].sum() / volume.sum()), seconds


def paving() -> bool:
    gate = Gate(TEN, ten, target="host64", limits=TEN_LIMITS)
    sample = random_columns(gate, 20_000)
    n = gate._judge.points(sample, True)
    limits = {k: float(limit.value) for k, (limit, _) in zip(gate.cost_keys, gate._limits, strict=True)}
    kept = (
        (n["macs"] <= limits["macs"])
        & (n["parameter_bytes"] <= limits["flash"])
        & (n["ram_activations"] <= limits["ram"])
    )
    print(
        f"10 parameters, {gate.space.size:,} configurations, {kept.mean():.1%} not infeasible; "
        f"{gate._judge.steps} steps"
    )
    within, until = 0.0, float("inf")
    for boxes in (1000, 2000, 4000, 6000, 8000, 12_000, 20_000, 40_000, 80_000):
        runs = [decided(gate, boxes) for _ in range(5)]
        share, seconds = runs[0][0], min(s for _, s in runs)
        print(f"  {boxes:7,} boxes: {share:.1%} decided, {seconds * 1e3:.1f} ms")
        if seconds <= 0.02:
            within = max(within, share)
        if share >= 0.95:
            until = min(until, seconds)
            break
    first = line("decided within 20 ms", within * 100, "%", 95.0)
    return line("95 % decided after", until * 1e3, "ms", 20.0, more_is_better=False) and first


def demo_model() -> Path:
    return Path(gg.__file__).parent / "demo" / "digits_int8.tflite"


def vela_seconds() -> tuple[str, float] | None:
    """Of the estimate for one model: run here, or as the corpus recorded it."""
    vela = shutil.which("vela")
    if vela is not None:
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            done = subprocess.run(
                [vela, str(demo_model()), "--output-dir", folder], capture_output=True, check=False
            )
            if done.returncode == 0:
                return "vela, one small model, here", time.perf_counter() - start
    root = Path(__file__).resolve().parents[1]
    corpus = Path(os.environ.get("GONOGO_CORPUS", root.parent / "shared" / "data"))
    path = corpus / "cost" / "measured" / "vela_estimates.csv"
    if not path.exists():
        return None
    with path.open(newline="") as file:
        walls = [float(row["vela_wall_s"]) for row in csv.DictReader(file)]
    return f"vela, median of {len(walls)} recorded runs", statistics.median(walls)


def torch_seconds() -> tuple[str, float] | None:
    """torchinfo's count of a CNN like the one above."""
    try:
        import torch
        from torchinfo import summary
    except ImportError:
        return None
    torch.set_num_threads(1)

    def count() -> None:
        layers: list[Any] = [torch.nn.Conv2d(3, 64, 3, 2, 1), torch.nn.ReLU()]
        for _ in range(8):
            layers += [
                torch.nn.Conv2d(64, 64, 3, 1, 1, groups=64),
                torch.nn.ReLU(),
                torch.nn.Conv2d(64, 64, 1),
            ]
        layers += [
            torch.nn.AdaptiveAvgPool2d(1),
            torch.nn.Flatten(),
            torch.nn.Linear(64, 64),
            torch.nn.Linear(64, 10),
        ]
        summary(torch.nn.Sequential(*layers), (1, 3, 64, 64), verbose=0)

    return "torchinfo, one CNN", best(count)


def peers() -> None:
    gate = Gate(CNN, cnn, target=TARGET, limits={"ram": "128 KiB", "flash": "256 KiB"})
    config = {"width": 64, "middle": 32, "last": 128, "kernel": 3, "stride": 2, "units": 64}
    own = best(lambda: gate.check(config), 200)
    for peer in (vela_seconds(), torch_seconds()):
        if peer is not None:
            print(f"{peer[0]}: {peer[1] * 1e3:.1f} ms, {peer[1] / own:,.0f} times one gate.check")


def main() -> int:
    met = [rates(), paving()]
    peers()
    return int(not all(met))


if __name__ == "__main__":
    sys.exit(main())
