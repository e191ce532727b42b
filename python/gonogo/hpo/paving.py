"""A space cut into boxes, each with a verdict, and draws from what is left of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gonogo.architecture import Coding
from gonogo.errors import SpaceError
from gonogo.hpo.gate import floats_of
from gonogo.space import Config, Space

REGIONS = ("feasible", "infeasible", "undecided")
_NO_NETWORK = 2**64 - 1


@dataclass(frozen=True, eq=False)
class Paving:
    """Disjoint boxes that make up the space, each feasible, infeasible or undecided as a whole.

    Arrays, one row per box: `lo`, `hi` of shape (n, parameters), int32, indices of the first and last value in
    `values`; `volume` (n,), float64, configurations in it; `region` (n,), uint8, index into `REGIONS`; `broken`
    (n,), uint64, bits of the limits that rule the box out by themselves, all bits where its points are no networks;
    `exists` (n, parameters), uint8.
    """

    space: Space
    keys: tuple[str, ...]
    lo: np.ndarray
    hi: np.ndarray
    volume: np.ndarray
    region: np.ndarray
    broken: np.ndarray
    exists: np.ndarray

    @cached_property
    def coding(self) -> Coding:
        return Coding(self.space)

    @property
    def shares(self) -> dict[str, float]:
        """The share of the configurations that is feasible, infeasible, undecided."""
        total = self.volume.sum()
        return {name: float(self.volume[self.region == i].sum() / total) for i, name in enumerate(REGIONS)}

    def __len__(self) -> int:
        return len(self.volume)

    def boxes(self) -> Iterator[dict[str, Any]]:
        """Each box: its verdict, the limits that rule it out, its volume, and the values left of every parameter."""
        for i in range(len(self)):
            values = {
                p.name: tuple(p.values[self.lo[i, j] : self.hi[i, j] + 1])
                for j, p in enumerate(self.coding.parameters)
                if self.exists[i, j]
            }
            broken = int(self.broken[i])
            limits = (
                ("no network",)
                if broken == _NO_NETWORK
                else tuple(key for b, key in enumerate(self.keys) if broken >> b & 1)
            )
            yield {
                "verdict": REGIONS[self.region[i]],
                "limits": limits,
                "volume": float(self.volume[i]),
                "values": values,
            }

    def sample(self, rng: np.random.Generator, n: int) -> list[Config]:
        """`n` configurations that aren't proved infeasible by their box.

        Uniform over the configurations left; log-uniform in parameters declared with ``log=True``. Raises SpaceError
        when no box is left.
        """
        weights = self._weights
        if weights.size == 0 or weights[-1] <= 0.0:
            raise SpaceError("paving: the whole space is proved infeasible; there is nothing to draw")
        boxes = self._left[np.searchsorted(weights, rng.random(n) * weights[-1], side="right")]
        found = []
        floats = floats_of(self.space)
        for box in boxes:
            indices = [
                self._draw(j, int(self.lo[box, j]), int(self.hi[box, j]), rng)
                for j in range(self.lo.shape[1])
            ]
            config = self.coding.config(indices)
            for name in floats:
                config[name] = self.space.parameters[name].draw(rng, 1)[0]
            found.append(self.space.check(config))
        return found

    # ---- helpers

    @cached_property
    def _left(self) -> np.ndarray:
        return np.flatnonzero(self.region != REGIONS.index("infeasible"))

    @cached_property
    def _steps(self) -> list[np.ndarray]:
        """Per parameter: weights of its values, added up; a leading zero."""
        found = []
        for p in self.coding.parameters:
            codes = np.asarray(p.codes)
            weights = np.log((codes + 0.5) / (codes - 0.5)) if p.log else np.ones(len(codes))
            found.append(np.concatenate([[0.0], np.cumsum(weights)]))
        return found

    @cached_property
    def _weights(self) -> np.ndarray:
        """Of the boxes that are left, added up."""
        weights = np.ones(len(self._left))
        for j, steps in enumerate(self._steps):
            weights = weights * (steps[self.hi[self._left, j] + 1] - steps[self.lo[self._left, j]])
        return np.cumsum(weights)

    def _draw(self, j: int, lo: int, hi: int, rng: np.random.Generator) -> int:
        steps = self._steps[j]
        at = steps[lo] + rng.random() * (steps[hi + 1] - steps[lo])
        return int(np.clip(np.searchsorted(steps, at, side="right") - 1, lo, hi))
