"""Cost against objective: the points of a study or of two arrays, their Pareto front, and what the limit rules out."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from gonogo.limits import KINDS, Limits
from gonogo.report.drawings import handy
from gonogo.results import Array, frozen

COSTS = ("ram", "flash", "flash_model", "latency", "energy", "macs")
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class TradeOff:
    """Trained configurations, one element each, in base units (B, s, J, MAC).

    `low`, `high` enclose the cost. `within`: at its least it keeps its limit, no other limit is proved to be exceeded,
    and the error, if there is a limit on it, is proved to keep it. `front`: no other configuration within the limits
    is as cheap (by `low`) and as good, and better in one of both. `rejected`: the least costs of those that were
    rejected untrained.
    """

    cost: str
    objective: str
    maximise: bool
    low: Array
    high: Array
    values: Array
    within: Bools
    front: Bools
    rejected: Array
    limit: float | None
    limit_text: str

    @property
    def scale(self) -> tuple[float, str]:
        """What the costs are divided by, and the unit that this gives."""
        ends = [*self.high, *self.rejected, self.limit or 0.0]
        return handy(max(ends, default=0.0), KINDS[self.cost][1] or "MAC")

    @property
    def right_end(self) -> float:
        """How far the axis goes: a bit beyond everything, and beyond the limit."""
        return 1.08 * max([*self.high, *self.rejected, self.limit or 0.0], default=1.0)

    @property
    def axis(self) -> str:
        unit = self.scale[1]
        name = {"macs": "MACs", "ram": "RAM", "flash_model": "model in flash"}.get(self.cost, self.cost)
        return f"{name}, {unit}" if unit else name


def trade_off(
    source: Any,
    *,
    cost: str,
    objective: int = 0,
    name: str = "objective",
    maximise: bool | None = None,
    limit: str | float | None = None,
    rejected: Any = (),
) -> TradeOff:
    """From an Optuna study whose objective ran behind a gate, or from a pair of arrays (costs, values).

    cost : the limit's name: 'ram', 'flash', 'latency', 'energy' or 'macs'
    objective : which of a study's objectives, by number
    name : what the objective's axis is called
    maximise, limit, rejected : for arrays only; a study knows them. `rejected` holds the costs of configurations that
        were rejected untrained. Costs, in B, s, J or MAC, have the shape (n,), or (n, 2) for intervals.
    """
    if cost not in COSTS:
        raise ValueError(f"cost: {cost!r} isn't one of {', '.join(COSTS)}")
    if isinstance(source, tuple):
        if len(source) != 2:
            raise ValueError(f"source: a tuple of {len(source)}; pass (costs, values)")
        if maximise is None:
            raise ValueError("maximise: arrays don't say whether more is better; pass maximise=True or False")
        return _of_arrays(cost, *source, maximise, limit, rejected, name)
    if not hasattr(source, "trials"):
        raise TypeError(f"source: {type(source).__name__} given; pass an Optuna study, or (costs, values)")
    if maximise is not None or limit is not None or len(rejected):
        raise ValueError("maximise, limit, rejected: a study knows these itself; leave them out")
    return _of_study(source, cost, objective, name)


def _of_arrays(
    cost: str, costs: Any, values: Any, maximise: bool, limit: str | float | None, rejected: Any, name: str
) -> TradeOff:
    ends = np.asarray(costs, dtype=np.float64)
    good = np.asarray(values, dtype=np.float64)
    if good.ndim != 1 or ends.shape not in (good.shape, (*good.shape, 2)):
        raise ValueError(
            f"source: costs {ends.shape}, values {good.shape}; shapes (n,) or (n, 2), and (n,) are needed"
        )
    low, high = (ends, ends) if ends.ndim == 1 else (ends[:, 0], ends[:, 1])
    exact = _limit(cost, limit)
    # The limit is a rational, and so is every float: nothing is rounded here.
    within = np.array([exact is None or Fraction(float(at_least)) <= exact for at_least in low], dtype=bool)
    text = "" if limit is None else Limits(**{cost: limit})[cost].text
    return _made(cost, name, maximise, low, high, good, within, rejected, exact, text)


def _of_study(study: Any, cost: str, index: int, name: str) -> TradeOff:
    prefix: str = importlib.import_module("gonogo.hpo.optuna").PREFIX
    ends, values, within, rejected, text = [], [], [], [], None
    for trial in study.trials:
        known = trial.user_attrs.get(prefix + "limits", {}).get(cost)
        if known is None:
            continue
        text = known["limit"]
        if prefix + "rejected" in trial.user_attrs:
            rejected.append(known["low"])
        elif trial.values is not None and known["high"] is not None:
            ends.append((known["low"], known["high"]))
            values.append(trial.values[index])
            margins = [v for k, v in trial.user_attrs.items() if k.startswith(prefix + "margin:")]
            # An estimate that may not reject has no positive margin, and can be beyond the limit all the same.
            beyond = Fraction(known["low"]) > Limits(**{cost: text})[cost].value
            within.append(not beyond and all(m <= 0.0 for m in margins))
    if text is None:
        raise ValueError(
            f"study: no trial carries a limit on {cost!r}; put it into the gate's limits and run the objective "
            "through gate.wrap, or pass (costs, values) as arrays"
        )
    low, high = np.array(ends, dtype=np.float64).reshape(-1, 2).T
    maximise = study.directions[index].name == "MAXIMIZE"
    good = np.array(values, dtype=np.float64)
    flags = np.array(within, dtype=bool)
    return _made(cost, name, maximise, low, high, good, flags, rejected, _limit(cost, text), text)


def pareto_front(costs: Array, values: Array, maximise: bool, allowed: Bools) -> Bools:
    """Which points no other allowed point equals or beats in both, and beats in one."""
    good = values if maximise else -values
    front = np.zeros(len(costs), dtype=bool)
    best = -np.inf
    order = [i for i in np.lexsort((-good, costs)) if allowed[i] and not np.isnan(good[i])]
    for place, i in enumerate(order):
        if good[i] > best:
            best = good[i]
            front[i] = True
        elif place and good[i] == best and costs[i] == costs[order[place - 1]] and front[order[place - 1]]:
            front[i] = True  # the same point twice: neither beats the other
    return front


# ---- helpers


def _made(
    cost: str,
    name: str,
    maximise: bool,
    low: Array,
    high: Array,
    values: Array,
    within: Bools,
    rejected: Sequence[float],
    limit: Fraction | None,
    text: str,
) -> TradeOff:
    front = pareto_front(low, values, maximise, within)
    spared = np.asarray(rejected, dtype=np.float64).ravel()
    return TradeOff(
        cost,
        name,
        maximise,
        frozen(low.copy()),
        frozen(high.copy()),
        frozen(values.copy()),
        within,
        front,
        frozen(spared.copy()),
        None if limit is None else float(limit),
        text,
    )


def _limit(cost: str, limit: str | float | None) -> Fraction | None:
    return None if limit is None else Limits(**{cost: limit})[cost].value
