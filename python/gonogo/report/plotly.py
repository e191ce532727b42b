"""The pictures of costs and searches with plotly: the same functions as in `gonogo.report`, to zoom and to hover.

Each returns a ``plotly.graph_objects.Figure``. Needs the extra ``plotly``: ``pip install 'gonogo[plotly]'``.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from gonogo.hpo import SpaceReport
from gonogo.report import drawings
from gonogo.report.drawings import DARK, GREY, LIGHT, MEANINGS, RED, handy, short
from gonogo.report.trade_off import TradeOff, trade_off
from gonogo.results import CostResult

__all__ = ["latency_by_layer", "memory_timeline", "pareto", "space_profile"]

_COLOURS = {"feasible": DARK, "undecided": LIGHT, "infeasible": RED}
_SHADED = {"shape": "/", "fgcolor": RED, "bgcolor": "rgba(0,0,0,0)", "size": 8}


def memory_timeline(cost: CostResult) -> Any:
    """Which buffers of the arena live when, and where; the operator at the peak is marked."""
    drawn = drawings.timeline(cost)
    factor, unit = handy(drawn.arena_bytes, "B")
    figure = _figure()
    for kind, colour in (("activation", LIGHT), ("scratch", GREY)):
        blocks = [b for b in drawn.blocks if b.is_scratch == (kind == "scratch")]
        figure.add_bar(
            name=kind,
            x=[(b.first + b.last) / 2 for b in blocks],
            width=[b.last - b.first + 1 for b in blocks],
            base=[b.offset_bytes / factor for b in blocks],
            y=[b.size_bytes / factor for b in blocks],
            text=[short(b.name) for b in blocks],
            customdata=[(b.name, b.offset_bytes, b.size_bytes) for b in blocks],
            hovertemplate="%{customdata[0]}<br>%{customdata[2]:,} B at %{customdata[1]:,}<extra></extra>",
            textposition="inside",
            insidetextanchor="middle",
            marker={"color": colour, "line": {"color": DARK, "width": 1}},
        )
    steps = list(range(len(drawn.operators)))
    figure.add_scatter(
        name="bytes alive",
        x=steps,
        y=[b / factor for b in drawn.live_bytes],
        mode="lines",
        line={"shape": "hvh", "color": "black", "width": 1},
    )
    figure.add_hline(y=drawn.arena_bytes / factor, line={"dash": "dash", "color": RED}, name="arena")
    figure.add_vrect(x0=drawn.peak - 0.5, x1=drawn.peak + 0.5, fillcolor=RED, opacity=0.12, line_width=0)
    peak = drawn.operators[drawn.peak] if drawn.operators else "none"
    title = f"activations: {drawn.arena_bytes:,} B, {drawn.standing}; most alive at {peak}"
    figure.update_layout(barmode="overlay", title={"text": title})
    figure.update_xaxes(tickvals=steps, ticktext=drawn.operators, tickangle=-90)
    figure.update_yaxes(title_text=f"place in the arena, {unit}", rangemode="tozero")
    return figure


def latency_by_layer(cost: CostResult) -> Any:
    """Estimated latency of every operator."""
    drawn = drawings.layers(cost)
    factor, unit = handy(max((s for s in drawn.seconds if s is not None), default=0.0), "s")
    figure = _figure()
    places = list(range(len(drawn.names)))
    figure.add_bar(
        orientation="h",
        y=places,
        x=[None if s is None else s / factor for s in drawn.seconds],
        marker={"color": DARK},
        customdata=[node.name for node in cost.graph.nodes],
        hovertemplate=f"%{{customdata}}: %{{x:.3g}} {unit}<extra></extra>",
    )
    whole, base = handy(drawn.total_seconds[2], "s")
    low, middle, high = (s / whole for s in drawn.total_seconds)
    title = f"latency: {middle:.3g} {base} ({low:.3g} to {high:.3g}), estimated"
    figure.update_layout(title={"text": title})
    figure.update_yaxes(tickvals=places, ticktext=drawn.names, autorange="reversed")
    figure.update_xaxes(title_text=f"latency, estimated, {unit}")
    return figure


def space_profile(report: SpaceReport) -> Any:
    """Per value of each parameter, the share of configurations that is feasible, undecided, proved infeasible."""
    panels = drawings.profile(report)
    rows, columns = drawings.pages(len(panels))
    subplots = _plotly("subplots").make_subplots
    figure = _figure(subplots(rows, columns, shared_yaxes=True))
    for i, shares in enumerate(panels):
        at = {"row": i // columns + 1, "col": i % columns + 1}
        for name, meaning in MEANINGS.items():
            figure.add_bar(
                name=meaning,
                legendgroup=name,
                showlegend=i == 0,
                x=shares.places,
                y=100.0 * shares.shares[name],
                width=shares.width,
                customdata=[str(v) for v in shares.values],
                hovertemplate=f"{shares.parameter} = %{{customdata}}: %{{y:.3g}} % {meaning}<extra></extra>",
                marker={
                    "color": _COLOURS[name],
                    "pattern": {"shape": "/" if name == "infeasible" else ""},
                    "line": {"width": 0},
                },
                **at,
            )
        figure.update_xaxes(title_text=short(shares.parameter), **at)
        if shares.labels is not None:
            figure.update_xaxes(tickvals=shares.places, ticktext=shares.labels, **at)
        if i % columns == 0:
            figure.update_yaxes(title_text="share of configurations, %", **at)
    title = drawings.headline(report.shares, report.space.size)
    figure.update_layout(barmode="stack", title={"text": title})
    figure.update_yaxes(range=[0, 100])
    return figure


def pareto(source: Any, *, cost: str, **options: Any) -> Any:
    """Cost against objective, their Pareto front, and what the limit rules out; options as `gonogo.report.pareto`."""
    drawn = trade_off(source, cost=cost, **options)
    factor, _ = drawn.scale
    figure = _figure()
    _points(figure, drawn, factor)
    right = drawn.right_end / factor
    if drawn.limit is not None:
        _ruled_out(figure, drawn.limit / factor, right, drawn.limit_text)
    figure.update_xaxes(title_text=drawn.axis, range=[0, right])
    figure.update_layout(yaxis={"title": {"text": drawn.objective}})
    return figure


# ---- helpers


def _points(figure: Any, drawn: TradeOff, factor: float) -> None:
    order = np.argsort(drawn.low[drawn.front], kind="stable")
    groups = (
        ("within limits", drawn.within & ~drawn.front, "circle", GREY),
        ("outside a limit", ~drawn.within, "x", RED),
    )
    for name, chosen, symbol, colour in groups:
        figure.add_scatter(
            name=name,
            mode="markers",
            x=drawn.low[chosen] / factor,
            y=drawn.values[chosen],
            error_x=_interval(drawn.high[chosen] - drawn.low[chosen], factor),
            marker={"symbol": symbol, "color": colour},
        )
    figure.add_scatter(
        name="Pareto front",
        mode="lines+markers",
        x=drawn.low[drawn.front][order] / factor,
        y=drawn.values[drawn.front][order],
        error_x=_interval((drawn.high - drawn.low)[drawn.front][order], factor),
        line={"shape": "hv", "color": DARK},
        marker={"symbol": "diamond", "color": DARK, "size": 8},
    )
    if drawn.rejected.size:
        figure.add_scatter(
            name=f"rejected untrained: {drawn.rejected.size}",
            mode="markers",
            x=drawn.rejected / factor,
            y=np.zeros(drawn.rejected.size) + 0.015,
            yaxis="y2",
            marker={"symbol": "line-ns-open", "color": RED, "size": 9},
        )
        figure.update_layout(yaxis2={"overlaying": "y", "range": [0, 1], "visible": False})


def _ruled_out(figure: Any, left: float, right: float, text: str) -> None:
    figure.add_scatter(
        name=f"infeasible: beyond {text}",
        x=[left, right, right, left, left],
        y=[0, 0, 1, 1, 0],
        yaxis="y3",
        mode="lines",
        line={"color": RED, "width": 0},
        fill="toself",
        fillpattern=_SHADED,
        hoverinfo="skip",
    )
    figure.update_layout(yaxis3={"overlaying": "y", "range": [0, 1], "visible": False})


def _interval(widths: Any, factor: float) -> dict[str, Any]:
    """From the lower end, which is drawn, up to the upper."""
    zeros = np.zeros(len(widths))
    return {"type": "data", "symmetric": False, "array": widths / factor, "arrayminus": zeros, "color": LIGHT}


def _figure(figure: Any = None) -> Any:
    made = _plotly("graph_objects").Figure() if figure is None else figure
    return made.update_layout(template="plotly_white", margin={"t": 60})


def _plotly(part: str) -> Any:
    try:
        return importlib.import_module(f"plotly.{part}")
    except ImportError:
        raise ImportError("these plots need plotly: pip install 'gonogo[plotly]'") from None
