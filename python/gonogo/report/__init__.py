"""Results as text, JSON and plots. Bounds are printed outward; nothing is computed on them."""

from __future__ import annotations

from typing import Any

from gonogo.report.machine import to_json
from gonogo.report.text import to_text

__all__ = ["figure", "plot", "to_json", "to_text"]


def figure(result: object) -> Any:
    """A matplotlib Figure of a result, to change or to show in a notebook. Needs the extra ``plot`` (matplotlib).

    Raises ImportError without matplotlib, TypeError for what can't be drawn.
    """
    from gonogo.report import picture

    return picture.figure(result)


def plot(result: object, path: str) -> None:
    """Draws a result into a file (.png, .svg or .pdf). Needs the extra ``plot`` (matplotlib)."""
    from gonogo.report import picture

    picture.draw(result, path)
