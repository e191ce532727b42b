"""The adapters with the gate itself, over a space whose costs are also written down here."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Mapping
from typing import Any

import gonogo as gg
import optuna
import pytest
from gonogo.hpo import tightened
from gonogo.hpo.optuna import FeasibleSampler, WrappedObjective, suggest
from optuna.trial import TrialState

optuna.logging.set_verbosity(optuna.logging.ERROR)
SPACE = gg.Space(
    layers=gg.Int(1, 4),
    width=gg.Int(1, 200),
    last=gg.Choice(0, 8, 16),
    rate=gg.Float(1e-4, 1e-1, log=True),
)
LIMIT = 1500


def build(h: Any, net: Any) -> Any:
    x = net.input(16)
    for _ in net.repeat(h.layers):
        x = net.dense(x, h.width, activation="relu")
    return net.dense(x, h.last + 2)


def macs(config: Mapping[str, Any]) -> int:
    width: int = config["width"]
    return 16 * width + (config["layers"] - 1) * width**2 + width * (config["last"] + 2)


def gate(limit: int = LIMIT) -> gg.Gate:
    return gg.Gate(SPACE, build, target="stm32l4r5zi", limits={"macs": limit})


def objective(trial: optuna.Trial) -> float:
    return float(macs(suggest(trial, SPACE)))


@pytest.mark.parametrize("tight", [False, True])
def test_only_what_fits_is_trained_and_the_best_is_found(tight: bool) -> None:
    judge = gate()
    if tight:
        judge = gg.Gate(
            tightened(SPACE, judge.tighten(seconds=5.0).bounds),
            build,
            target="stm32l4r5zi",
            limits={"macs": LIMIT},
        )
        assert judge.space["width"].hi == 83  # type: ignore[union-attr]
    sampler = FeasibleSampler(judge, optuna.samplers.TPESampler(seed=0, n_startup_trials=5), seed=0)
    study = optuna.create_study(direction="maximize", sampler=pickle.loads(pickle.dumps(sampler)))

    def train(trial: optuna.Trial) -> float:
        return float(macs(suggest(trial, judge.space)))

    study.optimize(judge.wrap(train), n_trials=25)
    assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 25
    for trial in study.trials:
        assert macs(trial.params) <= LIMIT
        assert tuple(trial.constraints) == judge.keys
        assert max(trial.constraints.values()) <= 0
    assert study.best_value > 0.9 * LIMIT


def test_an_enqueued_trial_is_judged() -> None:
    study = optuna.create_study(sampler=FeasibleSampler(gate(), seed=0))
    study.enqueue_trial({"layers": 4, "width": 40, "last": 0, "rate": 0.01})
    study.optimize(WrappedObjective(gate(), objective), n_trials=1)
    assert study.trials[0].state is TrialState.PRUNED
    assert study.trials[0].user_attrs["gonogo:rejected"].startswith("macs = ")


def test_another_limit_is_another_gate() -> None:
    study = optuna.create_study(sampler=FeasibleSampler(gate(), seed=0))
    study.optimize(WrappedObjective(gate(), objective), n_trials=1)
    study.sampler = FeasibleSampler(gate(LIMIT + 1), seed=0)
    with pytest.raises(gg.hpo.optuna.GateMismatchError, match="architecture, target or limits"):
        study.optimize(objective, n_trials=1)


def test_ax_s_linear_constraints_lose_nothing_that_fits() -> None:
    pytest.importorskip("ax.api.client", reason="Ax isn't installed: pip install 'gonogo[ax]'")
    from gonogo.hpo.ax import linear_constraints

    constraints = linear_constraints(gate().tighten(seconds=5.0))
    assert len(constraints) == 1
    left, most = constraints[0].split(" <= ")
    (a, one), (b, other) = (part.split("*") for part in left.split(" + "))
    assert (one, other) == ("layers", "width")
    kept = lost = 0
    for layers, width in itertools.product(range(1, 5), range(1, 201)):
        fits = macs({"layers": layers, "width": width, "last": 0}) <= LIMIT
        keeps = int(a) * layers + int(b) * width <= int(most)
        assert keeps or not fits
        kept, lost = kept + keeps, lost + (not keeps)
    assert lost > 0
