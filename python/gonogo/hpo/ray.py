"""The gate in Ray Tune: through Optuna (`optuna_search`), or around any searcher (`FeasibleSearcher`).

    search = gg.hpo.ray.optuna_search(gate, metric="accuracy", mode="max")
    tune.Tuner(train, tune_config=tune.TuneConfig(search_alg=search, num_samples=100)).fit()

A training function gets every parameter of the space; ``gate.space.check(config)`` leaves those that exist. The search
runs in the driver, so workers need gonogo only where the training function uses it.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gonogo.hpo.checked import Report, SpaceGate
from gonogo.hpo.feasible import RETRIES, SECONDS, Counts, Proposals

try:
    from ray.tune.search import Searcher
except ImportError as error:
    raise ImportError(
        f"gonogo.hpo.ray needs Ray Tune, which isn't there ({error}): pip install 'gonogo[ray]'"
    ) from error

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.trial import Trial
    from ray.tune.search.optuna import OptunaSearch

__all__ = ["FeasibleSearcher", "optuna_search"]


def optuna_search(
    gate: SpaceGate,
    *,
    metric: str | Sequence[str],
    mode: str | Sequence[str],
    base: BaseSampler | None = None,
    retries: int = RETRIES,
    seconds: float = SECONDS,
    report: Report | None = None,
    seed: int | None = None,
    **options: Any,
) -> OptunaSearch:
    """Ray's search by Optuna with a `FeasibleSampler` around `base`; every trial carries the gate's margins.

    `metric`, `mode` and `options` (`storage`, `study_name`, ...) are OptunaSearch's, the others FeasibleSampler's.
    """
    from ray.tune.search.optuna import OptunaSearch

    from gonogo.hpo.optuna import FeasibleSampler

    sampler = FeasibleSampler(gate, base, retries=retries, seconds=seconds, report=report, seed=seed)
    listed = [list(v) if isinstance(v, (list, tuple)) else v for v in (metric, mode)]
    return OptunaSearch(_Ask(gate), metric=listed[0], mode=listed[1], sampler=sampler, **options)


class _Ask:
    """Defines the space by asking a trial for all of it, and records the margins: a function that pickles."""

    def __init__(self, gate: SpaceGate) -> None:
        self.gate = gate

    def __call__(self, trial: Trial) -> None:
        from gonogo.hpo.optuna import record_cost, suggest

        record_cost(trial, self.gate.check(suggest(trial, self.gate.space)))


class FeasibleSearcher(Searcher):
    """Passes on the suggestions of another searcher that the gate doesn't reject.

    The inner searcher is told of a rejected suggestion as of a trial that failed. After `retries` of them the
    configuration is drawn from the gate's space report; its result goes to the inner searcher as an evaluated point if
    it takes such. Parameters outside the gate's space pass unseen. A ConcurrencyLimiter goes around this, not inside.
    """

    def __init__(
        self,
        searcher: Searcher,
        gate: SpaceGate,
        *,
        retries: int = RETRIES,
        seconds: float = SECONDS,
        report: Report | None = None,
        seed: int | None = None,
    ) -> None:
        if not isinstance(searcher, Searcher):
            raise TypeError(f"searcher: {type(searcher).__name__} given; pass a ray.tune.search.Searcher")
        self.searcher = searcher
        self._proposals = Proposals(gate, retries=retries, seconds=seconds, report=report)
        self._rng = np.random.default_rng(seed)
        self._inner: dict[str, str] = {}  # the inner searcher's name of a trial that is its own
        self._drawn: dict[str, dict[str, Any]] = {}
        super().__init__(metric=searcher.metric, mode=searcher.mode)

    @property
    def counts(self) -> Counts:
        """Suggestions of the inner searcher, those rejected, and draws from the report."""
        return self._proposals.counts

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any
    ) -> bool:
        done: bool = self.searcher.set_search_properties(metric, mode, config, **spec)
        self._metric, self._mode = self.searcher.metric, self.searcher.mode
        return done

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        attempts: list[str] = []
        last: dict[str, Any] = {}

        def propose() -> dict[str, Any]:
            if attempts:
                self.searcher.on_trial_complete(attempts[-1], error=True)
            name = f"{trial_id}.{len(attempts)}"
            found = self.searcher.suggest(name)
            if found is None or found == Searcher.FINISHED:
                raise _NoSuggestion(found)
            attempts.append(name)
            last.clear()
            last.update(found)
            return last

        try:
            proposal, own = self._proposals.first(propose, self._rng)
        except _NoSuggestion as nothing:
            return nothing.answer
        if own:
            self._inner[trial_id] = attempts[-1]
            return dict(proposal)
        self.searcher.on_trial_complete(attempts[-1], error=True)
        self._drawn[trial_id] = {**last, **self._proposals.complete(dict(proposal), self._rng)}
        return dict(self._drawn[trial_id])

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        if trial_id in self._inner:
            self.searcher.on_trial_result(self._inner[trial_id], result)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        if trial_id in self._inner:
            self.searcher.on_trial_complete(self._inner.pop(trial_id), result=result, error=error)
            return
        config = self._drawn.pop(trial_id, None)
        if config is None or error or not result or self.metric not in result:
            return
        # Otherwise the searcher learns from its own suggestions only.
        with contextlib.suppress(NotImplementedError, TypeError):
            self.searcher.add_evaluated_point(config, result[self.metric])

    def get_state(self) -> dict[str, Any]:
        return {name: copy.deepcopy(value) for name, value in self.__dict__.items() if name != "searcher"}

    def set_state(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def save(self, checkpoint_path: str) -> None:
        self.searcher.save(checkpoint_path)

    def restore(self, checkpoint_path: str) -> None:
        self.searcher.restore(checkpoint_path)


class _NoSuggestion(Exception):  # noqa: N818  # an answer passed up, not an error
    def __init__(self, answer: str | None) -> None:
        self.answer = answer
