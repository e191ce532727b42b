"""Plots. Imported only when a plot is asked for; needs matplotlib."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gonogo.decision import DecisionResult, Stability
from gonogo.hpo import SpaceReport
from gonogo.report import cost_pictures
from gonogo.report.drawings import DARK, GREY, LIGHT, RED, short
from gonogo.results import BoundResult, CheckResult, CostResult, ErrorResult
from gonogo.whatif import WhatIfResult

MAX_BARS = 12
_COLOURS = {Stability.PROVED: DARK, Stability.UNDECIDED: GREY, Stability.REFUTED: RED}
_MEANING = {Stability.PROVED: "can't change", Stability.UNDECIDED: "undecided", Stability.REFUTED: "changes"}


def draw(result: object, path: str) -> None:
    """Draws a result into a file (.png, .svg or .pdf); see `figure`."""
    figure(result).savefig(path, dpi=150)


def figure(result: object) -> Any:
    """A matplotlib Figure of a result.

    An error: the bracket of every output element, the share of each layer and, where the bracket was narrowed, how it
    did with time. A range: its ends by element. Decisions: every row's margin. What if: the bound with each change.
    A cost: the arena with time, and the latency of each layer. A space report: its profile.

    Raises
    ------
    ImportError : matplotlib is missing
    TypeError : nothing that can be drawn
    """
    if isinstance(result, SpaceReport):
        return cost_pictures.draw_space(result)
    if isinstance(result, CostResult):
        return cost_pictures.draw_cost(result)
    panels, title = _panels(result)
    drawn = cost_pictures.blank(max(1.0, 4.5 * len(panels)), 4.0)
    for axes, panel in zip(drawn.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        panel(axes)
    if title:
        drawn.suptitle(title)
    return drawn


Panel = Callable[[Any], None]


def _panels(result: object) -> tuple[list[Panel], str]:
    if isinstance(result, CheckResult):
        if result.error is None:
            raise TypeError("this check has no error result to draw")
        return _error_panels(result.error), str(result.verdict)
    if isinstance(result, ErrorResult):
        return _error_panels(result), ""
    if isinstance(result, BoundResult):
        return [lambda axes: _bound(axes, result)], ""
    if isinstance(result, DecisionResult):
        return [lambda axes: _decisions(axes, result)], ""
    if isinstance(result, WhatIfResult):
        return [lambda axes: _shares(axes, result.base), lambda axes: _what_if(axes, result)], ""
    raise TypeError(f"{type(result).__name__} can't be drawn")


def _error_panels(result: ErrorResult) -> list[Panel]:
    panels: list[Panel] = [lambda axes: _bracket(axes, result)]
    if result.per_layer:
        panels.append(lambda axes: _shares(axes, result))
    if len(result.trace) > 1:
        panels.append(lambda axes: _trace(axes, result))
    return panels


def _bracket(axes: Any, result: ErrorResult) -> None:
    tensor = result.tensors[0]
    bound, witness = tensor.bound.ravel(), tensor.witness_values.ravel()
    index = range(bound.size)
    axes.bar(index, _finite(bound), color=LIGHT, label="at most (proved)")
    axes.bar(index, witness, color=DARK, width=0.4, label="at least (witness)")
    for i in np.flatnonzero(~np.isfinite(bound)):
        axes.annotate("unbounded", (i, 0.0), rotation=90, fontsize=7, color=RED, ha="center")
    axes.set_xlabel(f"element of {short(tensor.name)}")
    axes.set_ylabel(f"|deployed - reference|, {result.unit}")
    axes.set_title("worst-case error over the box")
    if bound.size <= 20:
        axes.set_xticks(list(index))
    axes.set_ylim(bottom=0.0, top=1.25 * max([*_finite(bound), *witness, 1e-300]))  # room for the legend
    axes.legend(loc="upper right", fontsize=8)


def _shares(axes: Any, result: ErrorResult) -> None:
    shares = sorted(result.per_layer, key=lambda s: s.share)[-MAX_BARS:]
    _bars(axes, [s.name for s in shares], [100.0 * s.share for s in shares], DARK)
    axes.set_xlabel("share of the bound, %")
    axes.set_title("where the bound comes from")


def _trace(axes: Any, result: ErrorResult) -> None:
    seconds = [p.seconds for p in result.trace]
    bound = _finite([p.bound for p in result.trace], math.nan)
    witness = [p.witness for p in result.trace]
    axes.fill_between(seconds, witness, bound, step="post", color=LIGHT, alpha=0.6)
    axes.step(seconds, bound, where="post", color=GREY, label="at most (proved)")
    axes.step(seconds, witness, where="post", color=DARK, label="at least (witness)")
    axes.set_xlabel("time, s")
    axes.set_ylabel(f"largest error of any tensor, {result.unit}")
    axes.set_ylim(bottom=0.0)
    axes.set_title(f"the bracket while narrowed, {result.trace[-1].parts} parts")
    axes.legend(fontsize=8)


def _bound(axes: Any, result: BoundResult) -> None:
    low, high = result.lower.ravel(), result.upper.ravel()
    axes.vlines(range(low.size), low, high, color=DARK, linewidth=4)
    axes.set_xlabel(f"element of {short(result.tensor)}")
    axes.set_ylabel("proved range")


def _decisions(axes: Any, result: DecisionResult) -> None:
    """One bar per row, by the reference's lead; what is below zero isn't proved to lead at all."""
    rows = sorted(result.rows, key=lambda r: -r.reference_margin)
    heights = _finite([r.reference_margin for r in rows])
    for verdict in Stability:
        chosen = [i for i, r in enumerate(rows) if r.verdict is verdict]
        label = f"{_MEANING[verdict]}: {len(chosen)}"
        axes.bar(chosen, [heights[i] for i in chosen], width=1.0, color=_COLOURS[verdict], label=label)
    if result.safe_margin is not None and math.isfinite(result.safe_margin):
        axes.axhline(
            result.safe_margin, color="black", linewidth=0.8, linestyle="--", label="safe margin (proved)"
        )
    axes.axhline(0.0, color="black", linewidth=0.8)
    axes.set_xlabel("row, by margin")
    axes.set_ylabel("reference margin at least, output units")
    axes.set_title(f"decisions of {short(result.tensor)}")
    axes.legend(fontsize=8)


def _what_if(axes: Any, result: WhatIfResult) -> None:
    cases = result.cases[:MAX_BARS][::-1]
    names = [*(c.name for c in cases), "as deployed"]
    bounds = [*(c.error.worst for c in cases), result.base.worst]
    bars = _bars(axes, names, _finite(bounds), DARK)
    bars[-1].set_color(GREY)
    axes.set_xlabel(f"error at most, {result.base.unit}")
    axes.set_title("the bound with one thing changed")


def _bars(axes: Any, names: Sequence[str], values: Sequence[float], colour: str) -> Any:
    # By place, not by name: two layers whose names are cut alike would share one bar.
    bars = axes.barh(range(len(names)), values, color=colour)
    axes.set_yticks(range(len(names)), [short(n) for n in names])
    axes.tick_params(axis="y", labelsize=7)
    return bars


def _finite(values: Any, instead: float = 0.0) -> list[float]:
    """Bars can't be infinite; what is drawn instead is said beside them."""
    return [float(v) if math.isfinite(v) else instead for v in values]
