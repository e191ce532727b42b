"""The errors gonogo raises on purpose.

Each class derives from `GonogoError` and from the builtin a caller would expect, so that ``except ValueError``
works as usual. The classes live in the compiled core, which raises them too.
"""

from gonogo._core import (
    BoxError,
    GonogoError,
    IntervalError,
    LimitError,
    ModelError,
    OverflowRiskError,
    QuantizationError,
    ShapeError,
    SpaceError,
    TargetError,
    UndecidedError,
    UnsupportedOperatorError,
    UnsupportedTypeError,
)


class ArchitectureError(GonogoError, ValueError):
    """A build function that can't be read as a function of its hyper-parameters."""


__all__ = [
    "ArchitectureError",
    "BoxError",
    "GonogoError",
    "IntervalError",
    "LimitError",
    "ModelError",
    "OverflowRiskError",
    "QuantizationError",
    "ShapeError",
    "SpaceError",
    "TargetError",
    "UndecidedError",
    "UnsupportedOperatorError",
    "UnsupportedTypeError",
]
