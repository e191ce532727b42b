"""Random search with scikit-learn over what fits: candidates for its search classes.

    grid = gg.hpo.sklearn.parameter_grid(gate, n_iter=50, random_state=0, prefix="net__")
    GridSearchCV(pipeline, grid).fit(x, y)

scikit-learn's searches take no constraint, but a grid may be a list of single points, and so any list of candidates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gonogo.hpo.checked import Report, SpaceGate
from gonogo.hpo.feasible import RETRIES, SECONDS, Proposals

try:
    from sklearn.model_selection import ParameterSampler
except ImportError as error:
    raise ImportError(
        "gonogo.hpo.sklearn needs scikit-learn, which isn't installed: pip install scikit-learn"
    ) from error

__all__ = ["FeasibleParameterSampler", "parameter_grid"]


class FeasibleParameterSampler:
    """`n_iter` configurations that the gate doesn't reject, as scikit-learn's ParameterSampler would give them.

    Without `param_distributions` the gate's space is sampled. With them, each draw of ParameterSampler is filtered;
    they name every parameter of the space, and may name others. After `retries` rejections in a row the space's
    parameters are drawn from the gate's space report.
    """

    def __init__(
        self,
        gate: SpaceGate,
        param_distributions: Mapping[str, Any] | None = None,
        *,
        n_iter: int,
        random_state: int | None = None,
        retries: int = RETRIES,
        seconds: float = SECONDS,
        report: Report | None = None,
    ) -> None:
        self.gate = gate
        self.param_distributions = param_distributions
        self.n_iter = n_iter
        self.random_state = random_state
        self._proposals = Proposals(gate, retries=retries, seconds=seconds, report=report)

    def __len__(self) -> int:
        return self.n_iter

    def __iter__(self) -> Iterator[dict[str, Any]]:
        rng = np.random.default_rng(self.random_state)
        for _ in range(self.n_iter):
            last: dict[str, Any] = {}

            def propose(last: dict[str, Any] = last) -> dict[str, Any]:
                last.clear()
                last.update(self._one(rng))
                return last

            proposal, _own = self._proposals.first(propose, rng)
            outside = {name: value for name, value in last.items() if name not in self.gate.space}
            yield {**self._proposals.own(proposal), **outside}

    def _one(self, rng: np.random.Generator) -> dict[str, Any]:
        if self.param_distributions is None:
            return self.gate.space.sample(rng, 1)[0]
        seed = int(rng.integers(2**31))
        return dict(next(iter(ParameterSampler(self.param_distributions, n_iter=1, random_state=seed))))


def parameter_grid(
    gate: SpaceGate, *, n_iter: int, random_state: int | None = None, prefix: str = "", **options: Any
) -> list[dict[str, list[Any]]]:
    """`n_iter` candidates as a grid of single points, for GridSearchCV.

    `prefix` goes before the names, such as ``net__`` for a step of a pipeline. `options` are those of
    `FeasibleParameterSampler`.
    """
    found = FeasibleParameterSampler(gate, n_iter=n_iter, random_state=random_state, **options)
    return [{prefix + name: [value] for name, value in config.items()} for config in found]
