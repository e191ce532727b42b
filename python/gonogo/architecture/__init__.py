"""Architectures: networks whose sizes and structure are hyper-parameters.

>>> from gonogo.space import Int, Space
>>> def build(h, net):
...     x = net.input(8, 8, 1)
...     for _ in net.repeat(h.blocks):
...         x = net.conv2d(x, h.width, activation="relu")
...     return net.dense(net.global_average_pool(x), 10)
>>> architecture = Architecture(Space(width=Int(4, 16), blocks=Int(1, 3)), build)
>>> [node.op for node in architecture.model({"width": 8, "blocks": 2}).nodes]
['conv2d', 'conv2d', 'mean', 'dense']
"""

from __future__ import annotations

from gonogo.architecture._architecture import Architecture, Parameters
from gonogo.architecture._coding import Coding
from gonogo.architecture._drawing import Layer
from gonogo.architecture._fixed import FixedArchitecture
from gonogo.architecture._net import Net
from gonogo.architecture._script import read_script
from gonogo.architecture._symbols import Condition, Number, Ratio, Text

__all__ = [
    "Architecture",
    "Coding",
    "Condition",
    "FixedArchitecture",
    "Layer",
    "Net",
    "Number",
    "Parameters",
    "Ratio",
    "Text",
    "read_script",
]
