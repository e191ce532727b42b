"""Search spaces small enough to be enumerated, with limits that decide some of each both ways.

With GONOGO_DEEP_SPACE set, the plain one has more than 10^7 configurations instead of 10^5.
"""

from __future__ import annotations

import os
from typing import Any

from gonogo.architecture import Layer, Net
from gonogo.space import Choice, Int, Space

from .families import kws, mixed, resnet

DEEP = "GONOGO_DEEP_SPACE" in os.environ

KWS = Space(
    height=Int(20, 49, step=29),
    width=Int(8, 128, step=12),
    blocks=Int(1, 6),
    kernel=Choice(3, 5, 7),
    first_kernel=Choice(4, 10),
    first_stride=Choice(1, 2),
    activation=Choice("relu", "relu6"),
    head=Choice("mean", "pool", "dense"),
    units=Int(8, 64, step=8, when="head == 'dense'"),
    bits=Choice(8, 32),
)
RESNET = Space(
    size=Choice(16, 32),
    stem=Choice(3),
    alpha=Choice(0.25, 0.5, 0.75, 1.0),
    first=Int(8, 32, step=4),
    stages=Int(1, 3),
    blocks_1=Int(0, 3),
    blocks_2=Int(0, 3, when="stages >= 2"),
    blocks_3=Int(0, 2, when="stages >= 3"),
    stride=Choice(1, 2),
    pool=Choice(False, True),
    bottleneck=Choice(False, True),
    bits=Choice(8),
)
MIXED = Space(
    size=Int(8, 28, step=10),
    kind=Choice("conv", "separable", "mlp"),
    filters=Int(2, 24, step=4, when="kind != 'mlp'"),
    growth=Choice(0.5, 2.0, when="kind in ('conv', 'separable')"),
    kernel=Choice(1, 3, 5, when="kind == 'conv'"),
    depth=Int(1, 3),
    branch=Choice(False, True, when="kind == 'conv' and depth >= 2"),
    pad=Choice(False),
    units=Int(4, 96, step=20),
    layers=Int(0, 3),
    narrow=Choice(False, True, when="layers > 1"),
    end=Choice("none", "softmax", "sigmoid"),
    bits=Choice(8),
)
PLAIN = Space(
    a=Int(1, 200 if DEEP else 40),
    b=Int(1, 200 if DEEP else 40),
    c=Int(4, 64, step=4),
    n=Int(1, 4),
    k=Choice(1, 3, 5, 7),
)


def plain(h: Any, net: Net) -> Layer:
    """Valid padding: with large kernels some configurations are no networks."""
    x = net.conv2d(net.input(20, 20, 3), h.a, h.k, padding="valid")
    for _ in net.repeat(h.n):
        x = net.conv2d(x, h.c, h.k, padding="valid", stride=2)
    return net.dense(net.conv2d(x, h.b, 1), 10)


CASES = {
    "kws": (KWS, kws, {"ram": "40 KiB", "flash": "90 KiB", "macs": 4_000_000}),
    "resnet": (RESNET, resnet, {"ram": "24 KiB", "flash": "60 KiB", "macs": 3_000_000}),
    "mixed": (MIXED, mixed, {"ram": "12 KiB", "flash": "50 KiB"}),
    "plain": (PLAIN, plain, {"ram": "20 KiB", "macs": 300_000, "flash": "24 KiB"}),
}
