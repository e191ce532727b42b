"""How long linear bounds of many boxes take, and how wide they are, against auto_LiRPA's CROWN where that is installed.

    python benchmarks/linear_bounds.py [--quick]

Three nets with seeded random weights, float32: 5-6x50-5 (5 inputs, 6 hidden ReLU layers of 50, 5 outputs),
784-6x256-10, and a convolutional one (3x32x32; conv 16 and 32, 4x4, stride 2; dense 100, 10). Boxes of a radius around
random points of [-1, 1]; one thread, CPU time of that thread, best of a few rounds. Ours: `gonogo.bound(net, boxes)`,
everything included, intermediate bounds at every layer by back substitution; one box, and a batch in one call. Theirs
(if torch and auto_LiRPA import): `compute_bounds(method="CROWN")` on the same weights and boxes in float32, which
proves nothing about rounding; its ReLU relaxation with slopes 0 or 1 below. Then for each net the widest of ours over
theirs, output by output. Last line: ours in milliseconds per call; with theirs, `ratio` theirs over ours.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ["GONOGO_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"

import gonogo as gg
import numpy as np
from gonogo import _core

try:
    import torch
    from auto_LiRPA import BoundedModule, BoundedTensor
    from auto_LiRPA.perturbations import PerturbationLpNorm
except ImportError:
    torch = None

F32 = np.float32
Weights = list[tuple[np.ndarray, np.ndarray]]


@dataclass
class Net:
    """Layers of weights: convolutions [outputs, height, width, inputs] with stride 2, then dense [outputs, inputs]."""

    name: str
    shape: tuple[int, ...]  # one input, height, width, channels
    weights: Weights
    radius: float
    batch: int

    def graph(self) -> Any:
        b = _core.GraphBuilder(self.name, "benchmark")
        x = b.input("x", [1, *self.shape], "float32")
        for n, (w, c) in enumerate(self.weights):
            last = n + 1 == len(self.weights)
            operands = [x, b.constant(f"w{n}", w), b.constant(f"b{n}", c)]
            activation = {"activation": "none" if last else "relu"}
            y = b.activation(f"y{n}", None, "float32")
            if w.ndim == 4:
                attributes = {
                    "strides": [2, 2],
                    "padding": "explicit",
                    "pads": [1, 1, 1, 1],
                    "layout": "NHWC",
                }
                b.node("conv2d", f"conv{n}", operands, [y], {**attributes, **activation})
            else:
                b.node("dense", f"dense{n}", operands, [y], {"keep_dims": 0, **activation})
            x = y
            if w.ndim == 4 and self.weights[n + 1][0].ndim == 2:
                x = b.activation(f"flat{n}", None, "float32")
                b.node("reshape", f"flat{n}", [y], [x], {"shape": [1, self.weights[n + 1][0].shape[1]]})
        b.output(x)
        return b.build()

    def boxes(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Ends of `count` boxes that float32 represents, so that both contenders get the same ones."""
        centre = np.random.default_rng(2).uniform(-1, 1, (count, *self.shape))
        return (centre - self.radius).astype(F32), (centre + self.radius).astype(F32)

    def peer(self) -> Any:
        layers: list[Any] = []
        for n, (w, c) in enumerate(self.weights):
            if w.ndim == 4:
                layer = torch.nn.Conv2d(w.shape[3], w.shape[0], w.shape[1], stride=2, padding=1)
                values = w.transpose(0, 3, 1, 2)
            else:
                layer, values = torch.nn.Linear(w.shape[1], w.shape[0]), w
                if n and self.weights[n - 1][0].ndim == 4:  # theirs flattens channel by channel
                    channels = self.weights[n - 1][0].shape[0]
                    side = int((w.shape[1] // channels) ** 0.5)
                    values = w.reshape(-1, side, side, channels).transpose(0, 3, 1, 2).reshape(w.shape)
                    layers.append(torch.nn.Flatten())
            layer.weight.data = torch.from_numpy(np.ascontiguousarray(values))
            layer.bias.data = torch.from_numpy(c)
            layers += [layer, torch.nn.ReLU()]
        return torch.nn.Sequential(*layers[:-1])


def weights(seed: int, *shapes: tuple[int, ...]) -> Weights:
    """He's initialisation, and small biases."""
    r = np.random.default_rng(seed)
    found = []
    for shape in shapes:
        scale = (2.0 / np.prod(shape[1:])) ** 0.5
        found.append(
            ((r.normal(size=shape) * scale).astype(F32), (r.normal(size=shape[0]) * 0.05).astype(F32))
        )
    return found


def nets() -> list[Net]:
    small = [(50, 5), *[(50, 50)] * 5, (5, 50)]
    wide = [(256, 784), *[(256, 256)] * 5, (10, 256)]
    conv = [(16, 4, 4, 3), (32, 4, 4, 16), (100, 2048), (10, 100)]
    return [
        Net("5-6x50-5", (5,), weights(1, *small), 0.05, 1024),
        Net("784-6x256-10", (784,), weights(1, *wide), 0.002, 64),
        Net("conv 3x32x32", (32, 32, 3), weights(1, *conv), 0.01, 64),
    ]


def best(rounds: int, call: Callable[[], Any]) -> tuple[float, Any]:
    """The least CPU time of a call in milliseconds, and its result."""
    least, result = float("inf"), None
    for _ in range(rounds):
        start = time.thread_time_ns()
        result = call()
        least = min(least, (time.thread_time_ns() - start) * 1e-6)
    return least, result


def theirs(net: Net, count: int, rounds: int) -> tuple[float, np.ndarray]:
    """Milliseconds and widths [box, output]."""
    torch.set_num_threads(1)
    lo, hi = net.boxes(count)
    if len(net.shape) == 3:
        lo, hi = (np.ascontiguousarray(a.transpose(0, 3, 1, 2)) for a in (lo, hi))
    lo, hi = torch.from_numpy(lo), torch.from_numpy(hi)
    options = {"conv_mode": "patches", "activation_bound_option": "adaptive"}
    model = BoundedModule(net.peer(), (lo + hi) / 2, bound_opts=options, device="cpu")
    x = BoundedTensor((lo + hi) / 2, PerturbationLpNorm(norm=float("inf"), x_L=lo, x_U=hi))
    with torch.no_grad():
        spent, (low, high) = best(rounds, lambda: model.compute_bounds(x=(x,), method="CROWN"))
    return spent, (high - low).numpy().astype(np.float64)


def main() -> int:
    quick = "--quick" in sys.argv[1:]
    last = []
    for net in nets():
        graph = net.graph()
        for count in (1, 16 if quick else net.batch):
            lo, hi = net.boxes(count)
            boxes = gg.Box(lo[0], hi[0]) if count == 1 else gg.Box(lo, hi)
            rounds = 3 if quick or count > 1 else 20
            spent, found = best(rounds, lambda g=graph, b=boxes: gg.bound(g, b))
            widths = (found.upper - found.lower).reshape(count, -1)
            text = f"{net.name:13} {count:5} boxes: {spent:9.3f} ms, {spent / count:8.3f} ms per box"
            text += f", mean width {widths.mean():.4g}"
            line = f"{net.name} x{count} {spent:.3g} ms"
            if torch is not None:
                other, their_widths = theirs(net, count, 3)
                text += f"; auto_LiRPA {other:9.3f} ms, widest of ours over theirs {(widths / their_widths).max():.5f}"
                line += f", ratio {other / spent:.2f}"
            print(text, flush=True)
            last.append(line)
    print("; ".join(last))
    return 0


if __name__ == "__main__":
    sys.exit(main())
