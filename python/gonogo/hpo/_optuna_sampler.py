"""A sampler around any sampler of Optuna's: what it proposes, the gate has not rejected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import TrialState, create_trial

from gonogo.errors import GonogoError
from gonogo.hpo._optuna_memory import Memory, learns
from gonogo.hpo._optuna_record import PREFIX, distributions, reason
from gonogo.hpo.checked import AnyChecked, Report, SpaceGate
from gonogo.hpo.feasible import RETRIES, SECONDS, Counts, Proposals

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial


class GateMismatchError(GonogoError, ValueError):
    """A study whose trials were judged by another gate: another space, architecture, target or limits."""


def claim(study: Study, gate: SpaceGate) -> None:
    """Writes the gate's hash into the study, or refuses a study that carries another one."""
    key, mine = PREFIX + "gate", {"hash": gate.hash, "space": gate.space.hash}
    theirs = study.user_attrs.get(key)
    if theirs is None:
        study.set_user_attr(key, mine)
        return
    if theirs["hash"] != mine["hash"]:
        what = "space" if theirs["space"] != mine["space"] else "architecture, target or limits"
        raise GateMismatchError(
            f"study {study.study_name!r}: its trials were judged by gate {theirs['hash'][:12]}, this worker has "
            f"{mine['hash'][:12]}: the {what} differ(s); give every worker the same gate, or begin a new study"
        )


class FeasibleSampler(BaseSampler):
    """Proposes only configurations that the gate doesn't reject.

    Parameters
    ----------
    gate : a `gonogo.Gate`; its space is the whole search space
    base : any sampler of Optuna's; `TPESampler()` by default
    retries : how often `base` may be rejected per trial before the configuration is drawn from the space report
    seconds : how long making the report may take; it is made when first needed
    report : a report made earlier with ``gate.tighten()``
    tell_rejected : whether each rejected proposal goes into the study as a pruned trial with its margins, which doesn't
        count in ``optimize(n_trials=)``. Each costs a write to the storage. For several workers on one study: TPE,
        which learns from such trials, is otherwise shown the rejected proposals of its own process only.
    seed : of the draws from the report

    Every parameter of the space is proposed, in every trial: what doesn't exist in a configuration is there, ignored by
    the gate, and left out by `suggest`. The gate's margins are recorded by ``gate.wrap(objective)``; GP needs them to
    learn where the limits are. The sampler changes the law of the proposals: it is the base sampler's, conditioned on
    passing the gate. Parameters outside the space are left to the base sampler.
    """

    def __init__(
        self,
        gate: SpaceGate,
        base: BaseSampler | None = None,
        *,
        retries: int = RETRIES,
        seconds: float = SECONDS,
        report: Report | None = None,
        tell_rejected: bool = False,
        seed: int | None = None,
    ) -> None:
        self.gate = gate
        self.tell_rejected = tell_rejected
        self.base = TPESampler() if base is None else base
        self._proposals = Proposals(gate, retries=retries, seconds=seconds, report=report)
        self._rng = np.random.default_rng(seed)
        self._distributions = distributions(gate.space)
        self._memory = Memory() if learns(self.base) and not tell_rejected else None

    def __str__(self) -> str:
        return f"FeasibleSampler({self.base})"

    @property
    def counts(self) -> Counts:
        """Proposals of the base sampler, those rejected, and draws from the report, since this object was made."""
        return self._proposals.counts

    def reseed_rng(self) -> None:
        self.base.reseed_rng()
        self._rng = np.random.default_rng()

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All of the space. Otherwise Optuna would ask for one parameter after the other, past the gate."""
        return {name: d for name, d in self._distributions.items() if not d.single()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        def tell(proposal: Mapping[str, Any], checked: AnyChecked) -> None:
            if self.tell_rejected:
                study.add_trial(self._pruned(proposal, checked))
            elif self._memory is not None:
                pruned = self._pruned(proposal, checked)
                pruned.number = trial.number
                self._memory.add(study, pruned)

        def propose() -> dict[str, Any]:
            return self._propose(study if self._memory is None else self._memory.shown(study), trial)

        proposal, own = self._proposals.first(propose, self._rng, tell)
        if not own:
            proposal = self._proposals.complete(dict(proposal), self._rng)
        return {name: proposal[name] for name in search_space}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return self.base.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        try:
            claim(study, self.gate)
        except GateMismatchError:
            # Optuna has created the trial already; it must not stay there as running.
            study.tell(trial.number, state=TrialState.FAIL)
            raise
        self.base.before_trial(study, trial)

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        self.base.after_trial(study, trial, state, values)

    def _pruned(self, proposal: Mapping[str, Any], checked: AnyChecked) -> FrozenTrial:
        margins = {**dict.fromkeys(self.gate.keys, 0.0), **checked.margins}
        attributes = {f"{PREFIX}margin:{key}": margin for key, margin in margins.items()}
        return create_trial(
            state=TrialState.PRUNED,
            params={name: proposal[name] for name in self._distributions},
            distributions=self._distributions,
            constraints=margins,
            user_attrs={**attributes, PREFIX + "rejected": reason(checked)},
        )

    def _propose(self, study: Study, trial: FrozenTrial) -> dict[str, Any]:
        """One proposal of the base sampler: together what it samples together, the rest one by one."""
        together = self.base.infer_relative_search_space(study, trial)
        together = {name: d for name, d in together.items() if self._distributions.get(name) == d}
        found: dict[str, Any] = dict(self.base.sample_relative(study, trial, together))
        for name, d in self._distributions.items():
            if name not in found:
                # As Optuna itself does, a value without alternatives isn't sampled.
                found[name] = (
                    self.gate.space.parameters[name].draw(self._rng, 1)[0]
                    if d.single()
                    else self.base.sample_independent(study, trial, name, d)
                )
        return found
