"""Plots. Imported only when a plot is asked for; needs matplotlib."""

from __future__ import annotations

from typing import Any

from gonogo.results import BoundResult, CheckResult, ErrorResult


def draw(result: object, path: str) -> None:
    """Draws the bracket of every output element and the share of each layer, or the range of a tensor."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError("plots need matplotlib: pip install 'gonogo[plot]'") from None
    figure = Figure(figsize=(9.0, 4.0), layout="constrained")
    if isinstance(result, CheckResult):
        if result.error is None:
            raise TypeError("this check has no error result to draw")
        _error(figure, result.error, str(result.verdict))
    elif isinstance(result, ErrorResult):
        _error(figure, result, "")
    elif isinstance(result, BoundResult):
        _bound(figure, result)
    else:
        raise TypeError(f"{type(result).__name__} can't be drawn")
    figure.savefig(path, dpi=150)


def _error(figure: Any, result: ErrorResult, title: str) -> None:
    left, right = figure.subplots(1, 2)
    tensor = result.tensors[0]
    bound, witness = tensor.bound.ravel(), tensor.witness_values.ravel()
    index = range(bound.size)
    left.bar(index, bound, color="#c8d6e5", label="at most (proved)")
    left.bar(index, witness, color="#0a3d62", width=0.4, label="at least (witness)")
    left.set_xlabel(f"element of {tensor.name}")
    left.set_ylabel(f"|deployed - reference|, {result.unit}")
    left.set_title(title or "worst-case error over the box")
    left.legend()
    shares = sorted(result.per_layer, key=lambda s: s.share)[-12:]
    right.barh([s.name[-28:] for s in shares], [100.0 * s.share for s in shares], color="#0a3d62")
    right.set_xlabel("share of the bound, %")
    right.set_title("where the bound comes from")
    right.tick_params(axis="y", labelsize=7)


def _bound(figure: Any, result: BoundResult) -> None:
    axes = figure.subplots()
    low, high = result.lower.ravel(), result.upper.ravel()
    axes.vlines(range(low.size), low, high, color="#0a3d62", linewidth=4)
    axes.set_xlabel(f"element of {result.tensor}")
    axes.set_ylabel("proved range")
