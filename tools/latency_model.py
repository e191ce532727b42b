"""Cycles per instruction of each stage of a network's work, for every board and engine at once.

    cycles = sum over stages of instructions x factor;  log factor = sum of effects

Effects: one for the whole of a core, an engine, its generation and version, and the board; and for each stage one that
all engines share, one of the core, of the engine, its generation, its version, and the data set. Each is normal around
0 with the standard deviation in SPREADS, so that a board's own rows decide where there are any, and the closest
relatives where there are none. The spreads maximise the marginal likelihood of the corpus's rows (`fit_spreads`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from gonogo.targets._timing import STAGES
from latency_rows import DataSet, Measured

SPREADS = {
    "noise": 0.05,
    "core": 0.47,
    "engine": 0.28,
    "generation": 0.1,
    "version": 0.1,
    "board": 0.02,
    "version on a core": 0.02,
    "stage": 0.27,
    "stage of core": 0.05,
    "stage of engine": 0.05,
    "stage of generation": 0.08,
    "stage of version": 0.02,
    "stage of data set": 0.05,
}


@dataclass(frozen=True)
class Sample:
    """A measured network and its instructions by stage."""

    measured: Measured
    instructions: tuple[float, ...]

    @property
    def data(self) -> DataSet:
        return self.measured.data


def covariance(first: Sequence[DataSet], second: Sequence[DataSet], spreads: dict[str, float]) -> np.ndarray:
    """Of log factors, by data set and stage."""

    def same(key: Callable[[DataSet], object], name: str) -> np.ndarray:
        equal = [[key(a) == key(b) for b in second] for a in first]
        return np.asarray(equal, dtype=float) * spreads[name] ** 2

    whole = (
        1.0
        + same(lambda d: d.core, "core")
        + same(lambda d: d.engine, "engine")
        + same(lambda d: d.generation, "generation")
        + same(lambda d: (d.engine, d.version), "version")
        + same(lambda d: d.board, "board")
        + same(lambda d: (d.core, d.engine, d.version), "version on a core")
    )
    stage = (
        same(lambda d: d.engine == "cmsis-nn", "stage")
        + same(lambda d: d.core, "stage of core")
        + same(lambda d: d.engine, "stage of engine")
        + same(lambda d: d.generation, "stage of generation")
        + same(lambda d: (d.engine, d.version), "stage of version")
        + same(lambda d: d, "stage of data set")
    )
    n = len(STAGES)
    return np.asarray(np.kron(whole, np.ones((n, n))) + np.kron(stage, np.eye(n)))


class Posterior:
    """Most probable factors given the samples: Gauss-Newton on the logarithms of the cycles."""

    def __init__(
        self, samples: Sequence[Sample], spreads: dict[str, float] = SPREADS, rounds: int = 6
    ) -> None:
        self.spreads = spreads
        self.data = sorted({s.data for s in samples})
        n, place = len(STAGES), {d: i for i, d in enumerate(self.data)}
        prior = covariance(self.data, self.data, spreads)
        target = np.array([math.log(s.measured.cycles) for s in samples])
        at = [place[s.data] * n for s in samples]
        mean = np.zeros(len(self.data) * n)
        for _ in range(rounds):
            self.slopes = np.zeros((len(samples), len(mean)))
            value = np.zeros(len(samples))
            for i, sample in enumerate(samples):
                parts = np.array(sample.instructions) * np.exp(mean[at[i] : at[i] + n])
                value[i] = math.log(parts.sum())
                self.slopes[i, at[i] : at[i] + n] = parts / parts.sum()
            rest = target - value + self.slopes @ mean
            self.spread = self.slopes @ prior @ self.slopes.T + spreads["noise"] ** 2 * np.eye(len(samples))
            self.weights = np.linalg.solve(self.spread, rest)
            mean = prior @ self.slopes.T @ self.weights
        self.rest = rest

    def surprise(self) -> float:
        """Minus the logarithm of the marginal likelihood, up to a constant."""
        return float(0.5 * (self.rest @ self.weights + np.linalg.slogdet(self.spread)[1]))

    def factors(self, data: DataSet) -> np.ndarray:
        """Cycles per instruction by stage."""
        across = covariance([data], self.data, self.spreads)
        return np.asarray(np.exp(across @ self.slopes.T @ self.weights))

    def predict(self, sample: Sample) -> tuple[float, float]:
        """Cycles, and the standard deviation of their logarithm."""
        parts = np.array(sample.instructions) * self.factors(sample.data)
        slope = parts / parts.sum()
        across = covariance([sample.data], self.data, self.spreads) @ self.slopes.T
        own = covariance([sample.data], [sample.data], self.spreads)
        known = across @ np.linalg.solve(self.spread, across.T)
        variance = float(slope @ (own - known) @ slope) + self.spreads["noise"] ** 2
        return float(parts.sum()), math.sqrt(max(variance, self.spreads["noise"] ** 2))


def fit_spreads(samples: Sequence[Sample], evaluations: int = 600) -> dict[str, float]:
    from scipy.optimize import minimize

    names = list(SPREADS)
    start = np.log([SPREADS[n] for n in names])

    def surprise(logs: np.ndarray) -> float:
        spreads = {n: max(math.exp(v), 0.02) for n, v in zip(names, logs, strict=True)}
        held = 0.02 * float(np.sum((logs - start) ** 2))  # flat directions stay where they are
        return Posterior(samples, spreads).surprise() + held

    found = minimize(surprise, start, method="Nelder-Mead", options={"maxfev": evaluations, "fatol": 0.02})
    return {n: float(f"{math.exp(v):.2g}") for n, v in zip(names, found.x, strict=True)}
