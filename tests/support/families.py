"""Three families of architectures as users write them, each with its space."""

from __future__ import annotations

import math
from typing import Any

from gonogo.architecture import Layer, Net
from gonogo.space import Choice, Int, Space

KWS_SPACE = Space(
    height=Int(20, 60),
    width=Int(8, 128, step=4),
    blocks=Int(1, 6),
    kernel=Choice(3, 5, 7),
    first_kernel=Choice(4, 8, 10),
    first_stride=Choice(1, 2),
    activation=Choice("relu", "relu6"),
    head=Choice("mean", "pool", "dense"),
    units=Int(8, 64, step=8, when="head == 'dense'"),
    bits=Choice(8, 32),
)


def kws(h: Any, net: Net) -> Layer:
    """Depthwise-separable network for spectrograms."""
    x = net.input(h.height, 10, 1, bits=h.bits)
    x = net.conv2d(x, h.width, kernel=(h.first_kernel, 4), stride=h.first_stride, activation="relu")
    for _ in net.repeat(h.blocks):
        y = x
        x = net.switch(
            h.activation,
            {
                name: lambda y=y, name=name: net.depthwise_conv2d(y, kernel=h.kernel, activation=name)  # type: ignore[misc]
                for name in ("relu", "relu6")
            },
        )
        x = net.conv2d(x, h.width, kernel=1, activation="relu")

    def pooled() -> Layer:
        y = net.average_pool(x, 2)
        return net.dense(net.flatten(y), 12)

    def hidden() -> Layer:
        return net.dense(net.dense(net.flatten(x), h.units, activation="relu"), 12)

    ends = {"mean": lambda: net.dense(net.global_average_pool(x), 12), "pool": pooled, "dense": hidden}
    return net.softmax(net.switch(h.head, ends))


RESNET_SPACE = Space(
    size=Choice(20, 24, 32, 40),
    stem=Choice(3, 5),
    alpha=Choice(0.25, 0.35, 0.5, 0.75, 1.0),
    first=Int(8, 32, step=4),
    stages=Int(1, 3),
    blocks_1=Int(0, 3),
    blocks_2=Int(0, 3, when="stages >= 2"),
    blocks_3=Int(0, 2, when="stages >= 3"),
    stride=Choice(1, 2),
    pool=Choice(False, True),
    bottleneck=Choice(False, True),
    bits=Choice(8, 32),
)


def resnet(h: Any, net: Net) -> Layer:
    """Stages of residual blocks, with a width multiplier."""

    def scaled(channels: Any) -> Any:
        return net.round_to(h.alpha * channels, 4)

    def block(x: Layer) -> Layer:
        with net.when(~h.bottleneck):
            y = net.conv2d(x, x.channels, 3, activation="relu")
            y = net.conv2d(y, x.channels, 3)
        with net.when(h.bottleneck):
            z = net.conv2d(x, net.maximum(x.channels // 4, 1), 1, activation="relu")
            z = net.conv2d(z, z.channels, 3, activation="relu")
            z = net.conv2d(z, x.channels, 1)
        return net.add(net.select(h.bottleneck, z, y), x, activation="relu")

    x = net.input(h.size, h.size, 3, bits=h.bits)
    x = net.conv2d(x, scaled(h.first), h.stem, stride=h.stride, activation="relu")
    with net.when(h.pool):
        x = net.max_pool(x, 2)
    for stage, blocks in zip(net.repeat(h.stages), (h.blocks_1, h.blocks_2, h.blocks_3), strict=False):
        if stage:
            shortcut = net.conv2d(x, scaled(h.first * 2**stage), 1, stride=2)
            x = net.conv2d(x, scaled(h.first * 2**stage), 3, stride=2, activation="relu")
            x = net.conv2d(x, x.channels, 3)
            x = net.add(x, shortcut, activation="relu")
        for _ in net.repeat(blocks):
            x = block(x)
    return net.dense(net.global_average_pool(x), 10)


MIXED_SPACE = Space(
    size=Int(8, 28),
    kind=Choice("conv", "separable", "mlp"),
    filters=Int(2, 24, when="kind != 'mlp'"),
    growth=Choice(0.5, 1.0, 1.5, 2.0, when="kind in ('conv', 'separable')"),
    kernel=Choice(1, 3, 5, when="kind == 'conv'"),
    depth=Int(1, 4),
    branch=Choice(False, True, when="kind == 'conv' and depth >= 2"),
    pad=Choice(False, True),
    units=Int(4, 96, step=4),
    layers=Int(0, 3),
    narrow=Choice(False, True, when="layers > 1"),
    end=Choice("none", "softmax", "sigmoid"),
    bits=Choice(8, 32),
)


def mixed(h: Any, net: Net) -> Layer:
    """A dense network, or one of two kinds of convolutions before it."""

    def convolutions(x: Layer, separable: bool) -> Layer:
        filters = net.maximum(math.floor(h.growth * h.filters), 1)
        for _ in net.repeat(h.depth):
            if separable:
                x = net.conv2d(net.depthwise_conv2d(x, 3), filters, 1, activation="relu6")
            else:
                before = x
                x = net.conv2d(x, h.filters, h.kernel, activation="relu")
                with net.when(h.branch):
                    x = net.concat([x, net.conv2d(before, filters, 1)])
        return net.max_pool(x, 2, stride=2, padding="same")

    x = net.input(h.size, h.size, 1, bits=h.bits)
    with net.when(h.pad):
        x = net.zero_pad(x, 1, 2, 0, 1)
    x = net.switch(
        h.kind,
        {
            "conv": lambda: convolutions(x, False),
            "separable": lambda: convolutions(x, True),
            "mlp": lambda: net.average_pool(x, 2, padding="same"),
        },
    )
    y = net.dense(net.flatten(x), h.units, activation="relu")
    for _ in net.repeat(h.layers):
        y = net.dense(y, net.select(h.narrow, net.ceil_div(h.units, 2), h.units), activation="relu")
    y = net.dense(y, 10)
    ends = {"none": lambda: y, "softmax": lambda: net.softmax(y), "sigmoid": lambda: net.sigmoid(y)}
    return net.switch(h.end, ends)


FAMILIES = {"kws": (KWS_SPACE, kws), "resnet": (RESNET_SPACE, resnet), "mixed": (MIXED_SPACE, mixed)}
