"""The families of architectures (support/families.py) as torch modules of one configuration, and their ONNX files."""

from __future__ import annotations

import io
import math
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from gonogo._core import Graph
from gonogo.architecture import Architecture, Layer, Net
from gonogo.loaders import load_bytes
from torch import nn

Config = dict[str, Any]


class Drawn:
    """Draws a module layer by layer; a layer that needs to know the sizes gets them from an example."""

    def __init__(self, *shape: int) -> None:
        self.start = torch.zeros(1, *shape)
        self.layers = nn.ModuleList()
        self.steps: list[tuple[Any, tuple[int, ...]]] = []
        self.values = [self.start]

    def __call__(self, step: Any, *inputs: int) -> int:
        """Adds a step of one or several earlier values; the number of its own value."""
        if isinstance(step, nn.Module):
            self.layers.append(step)
        self.steps.append((step, inputs))
        with torch.no_grad():
            self.values.append(step(*(self.values[i] for i in inputs)))
        return len(self.values) - 1

    def shape(self, value: int) -> tuple[int, ...]:
        """(channels, height, width), or (elements,)."""
        return tuple(self.values[value].shape[1:])

    def conv(
        self, x: int, channels: int, kernel: Any, stride: int = 1, relu: bool = False, groups: int = 1
    ) -> int:
        """A convolution whose output has ceil(size / stride) rows and columns, as with padding 'same'."""
        before, *sizes = self.shape(x)
        kernels = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        padding: Any = "same" if stride == 1 else tuple(map(_padding, sizes, kernels))
        x = self(nn.Conv2d(before, channels, kernels, stride, padding, groups=groups), x)
        return self(torch.relu, x) if relu else x

    def dense(self, x: int, units: int, relu: bool = False) -> int:
        x = self(nn.Linear(self.shape(x)[0], units), x)
        return self(torch.relu, x) if relu else x

    def flatten(self, x: int) -> int:
        return self(lambda v: torch.flatten(v, 1), x)


def _padding(size: int, kernel: int) -> int:
    """Zeros on both sides for a stride of 2 and ceil(size / 2) outputs: torch has no 'same' there."""
    return (kernel - 1) // 2 if size % 2 == 0 else kernel // 2


class Module(nn.Module):
    def __init__(self, drawn: Drawn) -> None:
        super().__init__()
        self.layers, self.steps = drawn.layers, drawn.steps

    def forward(self, x: Any) -> Any:
        values = [x]
        for step, inputs in self.steps:
            values.append(step(*(values[i] for i in inputs)))
        return values[-1]


def _mean(x: Any) -> Any:
    return x.mean((2, 3))


def _softmax(x: Any) -> Any:
    return torch.softmax(x, 1)


def kws(c: Config) -> Drawn:
    net = Drawn(1, c["height"], 10)
    act = torch.relu if c["activation"] == "relu" else nn.functional.relu6
    x = net.conv(0, c["width"], (c["first_kernel"], 4), c["first_stride"], relu=True)
    for _ in range(c["blocks"]):
        x = net(act, net.conv(x, c["width"], c["kernel"], groups=c["width"]))
        x = net.conv(x, c["width"], 1, relu=True)
    if c["head"] == "mean":
        x = net.dense(net(_mean, x), 12)
    elif c["head"] == "pool":
        x = net.dense(net.flatten(net(nn.AvgPool2d(2), x)), 12)
    else:
        x = net.dense(net.dense(net.flatten(x), c["units"], relu=True), 12)
    net(_softmax, x)
    return net


def resnet(c: Config) -> Drawn:
    def scaled(channels: int) -> int:
        exact = Fraction(repr(c["alpha"])) * channels
        return max(4, math.floor(exact / 4 + Fraction(1, 2)) * 4)

    def add(a: int, b: int) -> int:
        return net(torch.relu, net(torch.add, a, b))

    def block(x: int) -> int:
        channels = net.shape(x)[0]
        if c["bottleneck"]:
            narrow = max(channels // 4, 1)
            y = net.conv(net.conv(net.conv(x, narrow, 1, relu=True), narrow, 3, relu=True), channels, 1)
        else:
            y = net.conv(net.conv(x, channels, 3, relu=True), channels, 3)
        return add(y, x)

    net = Drawn(3, c["size"], c["size"])
    x = net.conv(0, scaled(c["first"]), c["stem"], c["stride"], relu=True)
    if c["pool"]:
        x = net(nn.MaxPool2d(2), x)
    for stage in range(c["stages"]):
        if stage:
            channels = scaled(c["first"] * 2**stage)
            shortcut = net.conv(x, channels, 1, 2)
            x = net.conv(net.conv(x, channels, 3, 2, relu=True), channels, 3)
            x = add(x, shortcut)
        for _ in range(c[f"blocks_{stage + 1}"]):
            x = block(x)
    net.dense(net(_mean, x), 10)
    return net


def mixed(c: Config) -> Drawn:
    net = Drawn(1, c["size"], c["size"])
    x = net(nn.ZeroPad2d((0, 1, 1, 2)), 0) if c["pad"] else 0
    if c["kind"] == "mlp":
        x = net(nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False), x)
    else:
        filters = max(math.floor(Fraction(repr(c["growth"])) * c["filters"]), 1)
        for _ in range(c["depth"]):
            before = x
            if c["kind"] == "separable":
                x = net.conv(x, net.shape(x)[0], 3, groups=net.shape(x)[0])
                x = net(nn.functional.relu6, net.conv(x, filters, 1))
            else:
                x = net.conv(x, c["filters"], c["kernel"], relu=True)
                if c.get("branch"):
                    x = net(lambda *v: torch.cat(v, 1), x, net.conv(before, filters, 1))
        x = net(nn.MaxPool2d(2, ceil_mode=True), x)
    y = net.dense(net.flatten(x), c["units"], relu=True)
    for _ in range(c["layers"]):
        narrow = -(-c["units"] // 2) if c.get("narrow") else c["units"]
        y = net.dense(y, narrow, relu=True)
    y = net.dense(y, 10)
    if c["end"] != "none":
        net(_softmax if c["end"] == "softmax" else torch.sigmoid, y)
    return net


NETWORKS = {"kws": kws, "resnet": resnet, "mixed": mixed}


def module(family: str, config: Config, seed: int) -> tuple[nn.Module, Any]:
    """The module, with random weights, and an example of its input."""
    torch.manual_seed(seed)
    drawn = NETWORKS[family](config)
    return Module(drawn).eval(), drawn.start


def exported(family: str, config: Config, seed: int, folder: Path) -> Graph:
    """The network that gonogo loads from what torch exports: float32, or made int8 by onnxruntime's quantisation."""
    net, example = module(family, config, seed)
    if config["bits"] == 32:
        return Architecture.from_torch(net, example).graph
    from support.onnx_models import quantise

    written = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net, (example,), written, dynamo=False, input_names=["x"])
    data = quantise(
        written.getvalue(),
        list(example.shape),
        folder,
        form="QDQ",
        activations="QUInt8",
        weight="QInt8",
        per_channel=True,
    )
    return load_bytes(data, "exported.onnx")


class Unfused:
    """Draws with `net`, but activations as layers of their own, as they stand in ONNX files of float32."""

    def __init__(self, net: Net) -> None:
        self._net = net

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._net, name)
        if name not in ("conv2d", "depthwise_conv2d", "dense", "add"):
            return found

        def apart(*arguments: Any, activation: str | None = None, **options: Any) -> Layer:
            layer = found(*arguments, **options)
            return layer if activation is None else getattr(self._net, activation)(layer)

        return apart


def unfused(build: Any) -> Any:
    return lambda h, net: build(h, Unfused(net))
