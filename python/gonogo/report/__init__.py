"""Results as text, JSON and plots. Bounds are printed outward; nothing is computed on them.

The pictures here are matplotlib's; `gonogo.report.plotly` draws those of costs and searches with plotly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gonogo.report import cost_lines, machine
from gonogo.report.machine import to_json
from gonogo.report.text import to_text

if TYPE_CHECKING:
    from gonogo.advice import OrderAdvice
    from gonogo.hpo import SpaceReport
    from gonogo.results import CostResult

__all__ = [
    "cost_json",
    "cost_text",
    "figure",
    "latency_by_layer",
    "memory_timeline",
    "pareto",
    "plot",
    "space_profile",
    "to_json",
    "to_text",
]


def cost_text(cost: CostResult, layers: bool = False, advice: OrderAdvice | None = None) -> str:
    """A cost as text; with every layer, and with advice on the order of operators."""
    parts = [to_text(cost)]
    if layers:
        parts.append("\n".join(cost_lines.layer_lines(cost)) + "\n")
    if advice is not None:
        parts.append("\n".join(cost_lines.advice_lines(advice)) + "\n")
    return "\n".join(parts)


def cost_json(cost: CostResult, layers: bool = False, advice: OrderAdvice | None = None) -> str:
    """A cost as JSON, with the same additions."""
    data = machine.to_data(cost)
    assert isinstance(data, dict)
    if layers:
        data = {**data, "layers": machine.layers(cost)}
    if advice is not None:
        data = {**data, "advice": machine.advice(advice)}
    return to_json(data)


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


def memory_timeline(cost: CostResult) -> Any:
    """Which buffers of the activation arena live when, and at which offset; the operator at the peak is marked.

    Raises ValueError where the plan isn't known.
    """
    from gonogo.report import cost_pictures, drawings

    drawn = drawings.timeline(cost)
    made = cost_pictures.blank(cost_pictures.length(len(drawn.operators)), 4.2)
    cost_pictures.draw_timeline(made.subplots(), drawn)
    return made


def latency_by_layer(cost: CostResult) -> Any:
    """The estimated latency of every operator. Raises ValueError where it isn't known."""
    from gonogo.report import cost_pictures, drawings

    drawn = drawings.layers(cost)
    made = cost_pictures.blank(6.0, max(2.4, 0.16 * len(drawn.names) + 1.2))
    cost_pictures.draw_layers(made.subplots(), drawn)
    return made


def space_profile(report: SpaceReport) -> Any:
    """Per value of each parameter, the share of configurations that is feasible, undecided, proved infeasible."""
    from gonogo.report import cost_pictures

    return cost_pictures.draw_space(report)


def pareto(
    source: Any,
    *,
    cost: str,
    objective: int = 0,
    name: str = "objective",
    maximise: bool | None = None,
    limit: str | float | None = None,
    rejected: Any = (),
) -> Any:
    """Cost against objective: the Pareto front, and hatched what the limit rules out.

    Parameters
    ----------
    source : an Optuna study whose objective ran behind a gate; or (costs, values), arrays of shapes (n,) and (n,).
        Costs are in B, s, J or MAC, and intervals where they have the shape (n, 2).
    cost : whose limit: 'ram', 'flash', 'latency', 'energy' or 'macs'
    objective : which of the study's objectives, by number
    name : what the objective's axis is called
    maximise, limit, rejected : of arrays; a study knows them. Whether more is better, the limit with its unit, and the
        costs of configurations that were rejected untrained.
    """
    from gonogo.report import cost_pictures
    from gonogo.report.trade_off import trade_off

    drawn = trade_off(
        source, cost=cost, objective=objective, name=name, maximise=maximise, limit=limit, rejected=rejected
    )
    return cost_pictures.draw_trade_off(drawn)
