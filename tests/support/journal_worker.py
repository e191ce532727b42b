"""A worker of a study kept in a journal: in a module of its own, so that a process of its own can import it."""

from __future__ import annotations

import optuna
from gonogo.hpo.optuna import FeasibleSampler, WrappedObjective, suggest

from support import net_space as net


def objective(trial: optuna.Trial) -> float:
    return net.score(suggest(trial, net.SPACE))


def work(path: str, seed: int) -> None:
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(path))
    gate = net.gate()
    study = optuna.load_study(study_name="s", storage=storage, sampler=FeasibleSampler(gate, seed=seed))
    study.optimize(WrappedObjective(gate, objective), n_trials=6)
