"""Results as text, JSON and plots. Bounds are printed outward; nothing is computed on them."""

from __future__ import annotations

from gonogo.report.machine import to_json
from gonogo.report.text import to_text

__all__ = ["plot", "to_json", "to_text"]


def plot(result: object, path: str) -> None:
    """Draws a result into a file (.png, .svg or .pdf). Needs the extra ``plot`` (matplotlib)."""
    from gonogo.report import picture

    picture.draw(result, path)
