"""Pictures of costs and searches with matplotlib: memory timeline, latency by layer, a space's profile, trade-offs."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gonogo.hpo import SpaceReport
from gonogo.report.drawings import (
    DARK,
    GREY,
    LIGHT,
    MEANINGS,
    RED,
    Block,
    Layers,
    Shares,
    Timeline,
    handy,
    headline,
    layers,
    pages,
    profile,
    short,
    timeline,
)
from gonogo.report.trade_off import TradeOff
from gonogo.results import CostResult

COLOURS = {"feasible": DARK, "undecided": LIGHT, "infeasible": RED}
HATCHES = {"feasible": "", "undecided": "", "infeasible": "///"}
# Buffers smaller than this share of the arena get no name: it wouldn't fit.
NAMED_SHARE = 0.06
MAX_TICKS = 40


def blank(width_inches: float, height_inches: float) -> Any:
    """An empty matplotlib Figure."""
    try:
        figure_of = importlib.import_module("matplotlib.figure").Figure
    except ImportError:
        raise ImportError("plots need matplotlib: pip install 'gonogo[plot]'") from None
    return figure_of(figsize=(width_inches, height_inches), layout="constrained")


# ---- costs


def draw_cost(cost: CostResult) -> Any:
    """Memory and latency side by side, or the one of both that is known."""
    known: list[tuple[float, Any]] = []
    if cost.core.ram_activation_bytes is not None:
        steps = timeline(cost)
        known.append((length(len(steps.operators)), lambda axes: draw_timeline(axes, steps)))
    if cost.core.latency_seconds is not None:
        bars = layers(cost)
        known.append((5.0, lambda axes: draw_layers(axes, bars)))
    if not known:
        raise TypeError(f"{cost.graph.source}: neither memory nor latency is known on {cost.target}")
    figure = blank(sum(width for width, _ in known), max(4.2, 1.6 + 0.15 * len(cost.graph.nodes)))
    widths = [width for width, _ in known]
    grid = figure.subplots(1, len(known), squeeze=False, width_ratios=widths)[0]
    for axes, (_, draw) in zip(grid, known, strict=True):
        draw(axes)
    figure.suptitle(f"{Path(cost.graph.source).name} on {cost.target}", fontsize=10)
    return figure


def length(operators: int) -> float:
    """Inches for so many operators in a row."""
    return min(max(5.0, 0.3 * operators), 14.0)


def draw_timeline(axes: Any, drawn: Timeline) -> None:
    """One rectangle per buffer, from the operator that makes it to its last reader; the peak's column is marked."""
    factor, unit = handy(drawn.arena_bytes, "B")
    axes.axvspan(drawn.peak - 0.5, drawn.peak + 0.5, color=RED, alpha=0.12, linewidth=0.0)
    for block in drawn.blocks:
        _block(axes, block, factor)
        _name(axes, block, factor, block.size_bytes / max(drawn.arena_bytes, 1))
    steps = np.arange(len(drawn.operators) + 1) - 0.5
    live = [b / factor for b in drawn.live_bytes]
    axes.stairs(live, steps, color="black", linewidth=1.0, label="bytes alive")
    axes.axhline(drawn.arena_bytes / factor, color=RED, linestyle="--", linewidth=1.0, label="arena")
    axes.plot([], [], color=LIGHT, linewidth=6, label="activation")
    axes.plot([], [], color=GREY, linewidth=6, label="scratch")
    _operators(axes.xaxis, drawn.operators, axes)
    axes.set_xlim(-1.5, len(drawn.operators) - 0.5)
    axes.set_ylim(0.0, 1.3 * max(drawn.arena_bytes, 1) / factor)  # room for the legend
    axes.set_ylabel(f"place in the arena, {unit}")
    peak = drawn.operators[drawn.peak] if drawn.operators else "none"
    axes.set_title(
        f"activations: {drawn.arena_bytes:,} B, {drawn.standing}\nmost alive at {peak}", fontsize=10
    )
    axes.legend(loc="upper right", fontsize=7, ncols=4)


def _block(axes: Any, block: Block, factor: float) -> None:
    axes.bar(
        block.first - 0.5,
        block.size_bytes / factor,
        block.last - block.first + 1,
        block.offset_bytes / factor,
        align="edge",
        color=GREY if block.is_scratch else LIGHT,
        edgecolor=DARK,
        linewidth=0.6,
        hatch="..." if block.is_scratch else "",
        label="_" + block.name,
    )


def _name(axes: Any, block: Block, factor: float, share: float) -> None:
    """The buffer's name in its rectangle, if it fits: along the width, else upright."""
    steps, name = block.last - block.first + 1, short(block.name)
    along, upright = len(name) <= 5 * steps, share >= 0.035 * len(name)
    if block.is_scratch or share < NAMED_SHARE or not (along or upright):
        return
    axes.text(
        block.first + steps / 2 - 0.5,
        (block.offset_bytes + block.size_bytes / 2) / factor,
        name,
        ha="center",
        va="center",
        fontsize=6,
        rotation=0 if along else 90,
        clip_on=True,
    )


def _operators(axis: Any, names: Sequence[str], axes: Any) -> None:
    stride = max(1, -(-len(names) // MAX_TICKS))
    shown = range(0, len(names), stride)
    axis.set_ticks(list(shown), [names[i] for i in shown])
    axes.tick_params(axis="x", labelsize=6, rotation=90)


def draw_layers(axes: Any, drawn: Layers) -> None:
    """A bar per operator, the first on top; the title has the whole network's interval."""
    factor, unit = handy(max((s for s in drawn.seconds if s is not None), default=0.0), "s")
    places = range(len(drawn.names))
    axes.barh(places, [(s or 0.0) / factor for s in drawn.seconds], color=DARK)
    for i, seconds in enumerate(drawn.seconds):
        if seconds is None:
            axes.annotate("not known", (0.0, i), fontsize=7, color=RED, va="center")
    axes.set_yticks(list(places), list(drawn.names))
    axes.tick_params(axis="y", labelsize=6 if len(drawn.names) > 16 else 7)
    axes.invert_yaxis()
    axes.set_xlabel(f"latency, estimated, {unit}")
    whole, base = handy(drawn.total_seconds[2], "s")
    low, middle, high = (s / whole for s in drawn.total_seconds)
    axes.set_title(f"latency: {middle:.3g} {base} ({low:.3g} to {high:.3g}), estimated", fontsize=10)


# ---- searches


def draw_space(report: SpaceReport) -> Any:
    """A panel per parameter, with what became of the configurations with each of its values."""
    panels = profile(report)
    rows, columns = pages(len(panels))
    figure = blank(3.2 * columns + 0.6, 2.5 * rows + 0.9)
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for axes, shares in zip(grid, panels, strict=False):
        _profile(axes, shares)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    for row in range(rows):
        grid[row * columns].set_ylabel("share of configurations, %")
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8)
    figure.suptitle(headline(report.shares, report.space.size), fontsize=10)
    return figure


def _profile(axes: Any, shares: Shares) -> None:
    bottom = np.zeros(len(shares.values))
    for name, meaning in MEANINGS.items():
        height = 100.0 * shares.shares[name]
        axes.bar(
            shares.places,
            height,
            width=shares.width,
            bottom=bottom,
            color=COLOURS[name],
            hatch=HATCHES[name],
            edgecolor="white" if name == "infeasible" else COLOURS[name],
            linewidth=0.0,
            label=meaning,
        )
        bottom += height
    if shares.labels is not None:
        axes.set_xticks(range(len(shares.labels)), shares.labels)
        if sum(len(label) for label in shares.labels) > 24:
            axes.tick_params(axis="x", rotation=90)
    axes.tick_params(axis="x", labelsize=7)
    axes.set_xlabel(short(shares.parameter))
    axes.set_ylim(0.0, 100.0)


def draw_trade_off(drawn: TradeOff) -> Any:
    """Points, their front as steps, and the part of the plane that the limit rules out, hatched."""
    figure = blank(6.0, 4.2)
    axes = figure.subplots()
    factor, _ = drawn.scale
    ok, front = drawn.within & ~drawn.front, drawn.front
    axes.hlines(drawn.values, drawn.low / factor, drawn.high / factor, color=LIGHT, linewidth=1.5, zorder=1)
    axes.plot(drawn.low[ok] / factor, drawn.values[ok], "o", color=GREY, markersize=4, label="within limits")
    out = ~drawn.within
    axes.plot(
        drawn.low[out] / factor, drawn.values[out], "x", color=RED, markersize=5, label="outside a limit"
    )
    order = np.argsort(drawn.low[front], kind="stable")
    axes.plot(
        drawn.low[front][order] / factor,
        drawn.values[front][order],
        "D-",
        color=DARK,
        markersize=5,
        drawstyle="steps-post",
        label="Pareto front",
        zorder=3,
    )
    if drawn.rejected.size:
        axes.plot(
            drawn.rejected / factor,
            np.zeros(drawn.rejected.size) + 0.015,
            "|",
            color=RED,
            markersize=9,
            transform=axes.get_xaxis_transform(),
            label=f"rejected untrained: {drawn.rejected.size}",
        )
    right = drawn.right_end / factor
    if drawn.limit is not None:
        axes.axvspan(
            drawn.limit / factor, right, facecolor="none", edgecolor=RED, hatch="///", alpha=0.35,
            label=f"infeasible: beyond {drawn.limit_text}",
        )  # fmt: skip
    axes.set_xlim(0.0, right)
    axes.set_xlabel(drawn.axis + (" (mark: at least, line: up to at most)" if _has_width(drawn) else ""))
    axes.set_ylabel(drawn.objective)
    figure.legend(fontsize=7, loc="outside lower center", ncols=3)
    return figure


def _has_width(drawn: TradeOff) -> bool:
    return bool((drawn.low < drawn.high).any())
