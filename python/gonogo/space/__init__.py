"""The space that a search chooses from: named parameters, their values, and when each exists.

>>> space = Space(layers=Int(1, 3), width=Int(8, 64, step=8), kind=Choice("conv", "dense"),
...               kernel=Choice(3, 5, when="kind == 'conv'"))
>>> space.size
72
>>> space.check({"layers": 2, "width": 16, "kind": "dense", "kernel": 5})
{'layers': 2, 'width': 16, 'kind': 'dense'}
"""

from __future__ import annotations

from gonogo.space._condition import (
    All,
    Comparison,
    Condition,
    Constant,
    Membership,
    Name,
    Operand,
    Scalar,
    Some,
)
from gonogo.space._parameter import Choice, Float, Int, Parameter
from gonogo.space._space import Config, Space

__all__ = [
    "All",
    "Choice",
    "Comparison",
    "Condition",
    "Config",
    "Constant",
    "Float",
    "Int",
    "Membership",
    "Name",
    "Operand",
    "Parameter",
    "Scalar",
    "Some",
    "Space",
]
