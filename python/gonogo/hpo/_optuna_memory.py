"""What a sampler that learns from pruned trials is shown of the proposals that never became trials."""

from __future__ import annotations

from collections import deque
from collections.abc import Container
from typing import TYPE_CHECKING, Any, cast

from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import TrialState

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial

# Optuna's other samplers read completed trials only, or none (docs/hpo.md has them one by one).
LEARN_FROM_PRUNED = (TPESampler,)
MOST = 2000  # the time per proposal grows with the trials that a sampler looks at


def learns(base: BaseSampler) -> bool:
    return isinstance(base, LEARN_FROM_PRUNED)


class Memory:
    """Rejected proposals of one study, as pruned trials; the newest `MOST`."""

    def __init__(self) -> None:
        self._study = ""
        self._rejected: deque[FrozenTrial] = deque(maxlen=MOST)

    def __len__(self) -> int:
        return len(self._rejected)

    def add(self, study: Study, trial: FrozenTrial) -> None:
        if study.study_name != self._study:
            self._study = study.study_name
            self._rejected.clear()
        self._rejected.append(trial)

    def shown(self, study: Study) -> Study:
        """The study with the rejected proposals among its pruned trials; nothing of it changes."""
        if study.study_name != self._study or not self._rejected:
            return study
        return cast("Study", _Shown(study, list(self._rejected)))


class _Shown:
    """A study whose trials are more than it has. All else is the study's own.

    `_get_trials` is what Optuna's samplers read; should they stop, they see the study as it is, and learn less.
    """

    def __init__(self, study: Study, rejected: list[FrozenTrial]) -> None:
        self._shown = study
        self._rejected = rejected

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shown, name)

    def _get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None, use_cache: bool = False
    ) -> list[FrozenTrial]:
        found = self._shown._get_trials(deepcopy, states, use_cache)
        return found if states is not None and TrialState.PRUNED not in states else [*found, *self._rejected]
