"""The gate in Ax (ax-platform 1): the tightened space as Ax's parameters, and trials that the gate doesn't reject.

    client = Client()
    report = gate.tighten()
    client.configure_experiment(
        parameters=gg.hpo.ax.parameters(gg.hpo.tightened(space, report.bounds)),
        parameter_constraints=gg.hpo.ax.linear_constraints(report),
    )
    client.configure_optimization(objective="accuracy")
    trials = gg.hpo.ax.FeasibleTrials(client, gate)
    for index, config in trials.next(1).items():
        client.complete_trial(index, raw_data={"accuracy": train(config)})

Ax's own constraints on parameters are linear, and refused on parameters of logarithmic scale, whereas costs are
products of parameters. `linear_constraints` makes those that no configuration breaks which isn't proved infeasible.
What is left is said by the gate: a rejected trial is marked abandoned, which Ax never proposes again.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from gonogo.errors import SpaceError
from gonogo.hpo.checked import Report, SpaceGate
from gonogo.hpo.feasible import RETRIES, SECONDS, Counts, Proposals
from gonogo.space import Choice, Config, Float, Int, Space

try:
    from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig
except ImportError as error:
    raise ImportError(
        f"gonogo.hpo.ax needs Ax, which isn't there ({error}): pip install 'gonogo[ax]'"
    ) from error

if TYPE_CHECKING:
    from ax.api.client import Client

    from gonogo.hpo.space_report import SpaceReport

__all__ = ["FeasibleTrials", "linear_constraints", "parameters"]

_TYPES = {bool: "bool", int: "int", float: "float", str: "str"}


def parameters(space: Space) -> list[Any]:
    """The space as Ax's parameters, conditional ones included; `FeasibleTrials.next` leaves out what doesn't exist."""
    found: list[Any] = []
    for name, p in space.parameters.items():
        if isinstance(p, Choice):
            found.append(_choice(name, p))
        elif isinstance(p, Int) and len(p.values) == 1:
            found.append(ChoiceParameterConfig(name=name, values=[p.lo], parameter_type="int"))
        else:
            found.append(_range(name, p))
    return found


def _range(name: str, p: Int | Float) -> Any:
    whole = isinstance(p, Int)
    return RangeParameterConfig(
        name=name,
        bounds=(p.lo, p.values[-1] if isinstance(p, Int) else p.hi),
        parameter_type="int" if whole else "float",
        step_size=p.step if isinstance(p, Int) and p.step > 1 else None,
        scaling="log" if p.log else "linear",
    )


def _choice(name: str, p: Choice) -> Any:
    kinds = {type(value) for value in p.values}
    if len(kinds) > 1 or not kinds <= set(_TYPES):
        raise SpaceError(
            f"parameter '{name}': Ax's choices are of one type, bool, int, float or str; here are {p!r}; give the "
            "values names and look them up when building"
        )
    return ChoiceParameterConfig(
        name=name, values=list(p.values), parameter_type=_TYPES[kinds.pop()], is_ordered=False
    )


def linear_constraints(report: SpaceReport) -> list[str]:
    """Constraints on pairs of whole numbers, such as ``120*layers + 2*width <= 496``, from the report's paving.

    Exact: every configuration that isn't proved infeasible keeps them. Only for an `Int` without step, log or
    condition, and only where they say more than the bounds.
    """
    plain = {
        name: p
        for name, p in report.space.parameters.items()
        if isinstance(p, Int) and p.step == 1 and not p.log and p.condition is None and p.lo < p.hi
        if name in report.bounds
    }
    left = [box["values"] for box in report.paving.boxes() if box["verdict"] != "infeasible"]
    found = []
    for one, other in itertools.combinations(plain, 2):
        a, b = plain[other].hi - plain[other].lo, plain[one].hi - plain[one].lo
        most = max((a * max(v[one]) + b * max(v[other]) for v in left), default=None)
        if most is not None and most < a * report.bounds[one][1] + b * report.bounds[other][1]:
            found.append(f"{a}*{one} + {b}*{other} <= {most}")
    return found


class FeasibleTrials:
    """Ax's next trials, without those that the gate rejects.

    A rejected trial is marked abandoned. After `retries` of them in a row a configuration is drawn from the gate's
    space report and attached. The client's parameters are those of the gate's space, or of the space tightened.
    """

    def __init__(
        self,
        client: Client,
        gate: SpaceGate,
        *,
        retries: int = RETRIES,
        seconds: float = SECONDS,
        report: Report | None = None,
        seed: int | None = None,
    ) -> None:
        self.client = client
        self._proposals = Proposals(gate, retries=retries, seconds=seconds, report=report)
        self._rng = np.random.default_rng(seed)

    @property
    def counts(self) -> Counts:
        """Ax's proposals, those rejected, and draws from the report."""
        return self._proposals.counts

    def next(self, n: int) -> dict[int, Config]:
        """Up to `n` running trials: configurations in canonical form, by Ax's index of the trial."""
        found: dict[int, Config] = {}
        for _ in range(n):
            indices: list[int] = []

            def propose(indices: list[int] = indices) -> dict[str, Any]:
                self._abandon(indices)
                trials = self.client.get_next_trials(max_trials=1)
                if not trials:
                    raise _NoTrial
                index, config = next(iter(trials.items()))
                indices.append(index)
                return dict(config)

            try:
                proposal, own = self._proposals.first(propose, self._rng)
            except _NoTrial:  # Ax waits for results first
                return found
            config = self._proposals.own(proposal)
            if not own:
                self._abandon(indices)
                whole = self._proposals.complete(config, self._rng)
                indices.append(self.client.attach_trial(parameters=whole))
            found[indices[-1]] = config
        return found

    def _abandon(self, indices: list[int]) -> None:
        """The last trial proposed, if there is one, has been rejected."""
        if indices:
            self.client.mark_trial_abandoned(trial_index=indices[-1])


class _NoTrial(Exception):  # noqa: N818  # an answer passed up, not an error
    pass
