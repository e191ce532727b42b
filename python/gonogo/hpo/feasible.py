"""Proposals that fit, from any engine: some of the engine's own, then a draw from what isn't proved infeasible."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gonogo.errors import SpaceError
from gonogo.hpo.checked import AnyChecked, Report, SpaceGate
from gonogo.space import Choice, Config, Float, Int, Parameter, Space

RETRIES = 16
SECONDS = 10.0
# Draws from the paving, in all and at a time, before giving up: its undecided boxes hold infeasible points too.
DRAWS = 16_384
BATCH = 64


@dataclass(frozen=True)
class Counts:
    """What became of an engine's proposals so far."""

    proposed: int = 0
    rejected: int = 0
    drawn: int = 0


class Proposals:
    """Turns an engine's proposals into ones that the gate doesn't reject.

    After `retries` rejections, or as soon as the engine proposes a rejected configuration again, the configuration is
    drawn from the gate's space report. It is made when first needed, within `seconds`, unless `report` is given.
    """

    def __init__(
        self,
        gate: SpaceGate,
        *,
        retries: int = RETRIES,
        seconds: float = SECONDS,
        report: Report | None = None,
    ) -> None:
        if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
            raise ValueError(f"retries: {retries!r}; give a whole number, 0 or more")
        if not seconds > 0:
            raise ValueError(
                f"seconds: {seconds!r}; give the time that the space report may take, more than 0"
            )
        for attribute in ("space", "hash", "tighten"):
            if not hasattr(gate, attribute):
                raise TypeError(
                    f"gate: a {type(gate).__name__} knows no space; pass a gonogo.Gate(space, build, ...)"
                )
        self.gate = gate
        self.retries = retries
        self.seconds = seconds
        self._report = report
        self.counts = Counts()

    @property
    def report(self) -> Report:
        if self._report is None:
            self._report = self.gate.tighten(seconds=self.seconds)
        return self._report

    def first(
        self,
        propose: Callable[[], Mapping[str, Any]],
        rng: np.random.Generator,
        tell: Callable[[Mapping[str, Any], AnyChecked], None] | None = None,
    ) -> tuple[Mapping[str, Any], bool]:
        """The first proposal that may fit, and True; or a draw from the paving, and False.

        `tell` is called with each proposal that was rejected.
        """
        seen: set[tuple[tuple[str, Any], ...]] = set()
        for _ in range(self.retries + 1):
            proposal = propose()
            config = self.own(proposal)
            checked = self.gate.check(config)
            self._count(proposed=1, rejected=int(checked.infeasible))
            if not checked.infeasible:
                return proposal, True
            if tell is not None:
                tell(proposal, checked)
            key = tuple(config.items())
            if key in seen:  # an engine that learns nothing from a rejection would go on so
                break
            seen.add(key)
        return self.draw(rng), False

    def draw(self, rng: np.random.Generator) -> Config:
        """A configuration from the paving that the gate doesn't reject."""
        if self.report.empty:
            raise SpaceError(
                "no configuration of the space fits: it is proved infeasible; print gate.tighten() for the limits "
                "and parameters in the way, and raise a limit or widen the space"
            )
        for _ in range(DRAWS // BATCH):
            for config in self.report.paving.sample(rng, BATCH):
                if not self.gate.check(config).infeasible:
                    self._count(drawn=1)
                    return config
        raise SpaceError(
            f"{DRAWS} draws from the part of the space that isn't proved infeasible, and none fits; raise a limit, or "
            f"let the space report go on for longer than seconds={self.seconds:g}"
        )

    def complete(self, config: Config, rng: np.random.Generator) -> Config:
        """The configuration with values also for the parameters that don't exist in it, for engines that need them."""
        space = self.gate.space
        return {
            name: config[name] if name in config else parameter.draw(rng, 1)[0]
            for name, parameter in space.parameters.items()
        }

    def own(self, proposal: Mapping[str, Any]) -> Config:
        """The part of a proposal that the gate's space is about, in canonical form."""
        space = self.gate.space
        return space.check({name: proposal[name] for name in space.names if name in proposal})

    def _count(self, *, proposed: int = 0, rejected: int = 0, drawn: int = 0) -> None:
        old = self.counts
        self.counts = Counts(old.proposed + proposed, old.rejected + rejected, old.drawn + drawn)


def tightened(space: Space, bounds: Mapping[str, tuple[Any, ...]]) -> Space:
    """The space within the bounds of a report: no configuration is lost that isn't proved infeasible.

    Bounds are (lo, hi) of an `Int` and the values left of a `Choice`. A parameter keeps its values where a condition of
    another one names a value that would go.
    """
    found = dict(space.parameters)
    for name, left in bounds.items():
        if not left:
            raise SpaceError(f"parameter '{name}' has no value left: no configuration of the space fits")
        before = found[name]
        found[name] = _within(before, left)
        try:
            Space(**found)
        except SpaceError:
            found[name] = before
    return Space(**found)


def _within(parameter: Parameter, left: tuple[Any, ...]) -> Parameter:
    if isinstance(parameter, Float):
        return parameter
    if isinstance(parameter, Choice):
        kept = [value for value in parameter.values if value in left]
        gone = [value for value in parameter.values if value not in left]
        return Choice(*kept, when=parameter.when, used=parameter.used, removed=(*parameter.removed, *gone))
    low, high = left
    return Int(low, high, step=parameter.step, log=parameter.log, when=parameter.when, used=parameter.used)
