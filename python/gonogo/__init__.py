"""gonogo: a go/no-go gauge for neural networks on embedded targets.

>>> import gonogo as gg
>>> gg.__version__.count(".")
2

Importing the package loads the compiled core, which checks its arithmetic, and nothing else: everything below
is imported when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from gonogo import _core

if TYPE_CHECKING:
    from gonogo import errors, hpo, interval, loaders, report, results, roundoff, semantics, targets
    from gonogo.advice import best_order
    from gonogo.analysis import bound, check, cost, error, load
    from gonogo.architecture import Architecture
    from gonogo.box import Box
    from gonogo.decision import decision_margin
    from gonogo.errors import GonogoError
    from gonogo.hpo.gate import Gate
    from gonogo.interval import Interval, IntervalArray
    from gonogo.limits import Limits
    from gonogo.semantics import BFloat16, FixedLayer, FixedPoint, Float16, Float32, Mixed, Word
    from gonogo.space import Choice, Float, Int, Space
    from gonogo.threads import set_thread_count, thread_count
    from gonogo.whatif import what_if

__version__: str = _core.__version__

_HOMES = {
    "best_order": "advice",
    "load": "analysis",
    "bound": "analysis",
    "error": "analysis",
    "cost": "analysis",
    "check": "analysis",
    "Box": "box",
    "decision_margin": "decision",
    "what_if": "whatif",
    "Interval": "interval",
    "IntervalArray": "interval",
    "Limits": "limits",
    "BFloat16": "semantics",
    "FixedLayer": "semantics",
    "FixedPoint": "semantics",
    "Float16": "semantics",
    "Float32": "semantics",
    "Mixed": "semantics",
    "Word": "semantics",
    "Architecture": "architecture",
    "Gate": "hpo.gate",
    "Choice": "space",
    "Float": "space",
    "Int": "space",
    "Space": "space",
    "GonogoError": "errors",
    "set_thread_count": "threads",
    "thread_count": "threads",
}
_MODULES = ("errors", "hpo", "interval", "loaders", "report", "results", "roundoff", "semantics", "targets")

__all__ = [
    "Architecture",
    "BFloat16",
    "Box",
    "Choice",
    "FixedLayer",
    "FixedPoint",
    "Float",
    "Float16",
    "Float32",
    "Gate",
    "GonogoError",
    "Int",
    "Interval",
    "IntervalArray",
    "Limits",
    "Mixed",
    "Space",
    "Word",
    "__version__",
    "best_order",
    "bound",
    "check",
    "cost",
    "decision_margin",
    "error",
    "errors",
    "hpo",
    "interval",
    "load",
    "loaders",
    "report",
    "results",
    "roundoff",
    "semantics",
    "set_thread_count",
    "targets",
    "thread_count",
    "what_if",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        value: object = getattr(importlib.import_module(f"gonogo.{_HOMES[name]}"), name)
    elif name in _MODULES:
        value = importlib.import_module(f"gonogo.{name}")
    else:
        raise AttributeError(f"module 'gonogo' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
