"""Configurations whose layers don't fit together: every adapter rejects them, and says where they don't."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Mapping
from typing import Any

import gonogo as gg
import optuna
import pytest
from gonogo.errors import ShapeError
from gonogo.hpo import tightened
from gonogo.hpo.checked import MAX_MARGIN
from gonogo.hpo.optuna import FeasibleSampler, WrappedObjective, record_cost, suggest
from optuna.trial import TrialState

optuna.logging.set_verbosity(optuna.logging.ERROR)
SPACE = gg.Space(
    kernel=gg.Int(1, 12),
    width=gg.Choice(4, 8),
    other=gg.Choice(4, 8),
    rate=gg.Float(1e-4, 1e-1, log=True),
)
TOO_LARGE = {"kernel": 9, "width": 4, "other": 4, "rate": 0.01}
UNEQUAL = {"kernel": 3, "width": 4, "other": 8, "rate": 0.01}
GOOD = {"kernel": 8, "width": 8, "other": 8, "rate": 0.01}
SAYS = {
    "no network: build: node 0 'conv2d_1' (conv2d): a window of": TOO_LARGE,
    "no network: build: node 2 'add_1' (add): operands don't broadcast": UNEQUAL,
}


def build(h: Any, net: Any) -> Any:
    x = net.input(8, 8, 3)
    a = net.conv2d(x, h.width, h.kernel, padding="valid")
    b = net.conv2d(x, h.other, h.kernel, padding="valid")
    return net.dense(net.add(a, b), 4)


def is_network(config: Mapping[str, Any]) -> bool:
    return bool(config["kernel"] <= 8 and config["width"] == config["other"])


def gate() -> gg.Gate:
    """Nothing that is a network breaks a limit."""
    return gg.Gate(
        SPACE, build, target="stm32l4r5zi", limits={"macs": "10 M", "latency": "60 s", "error": 1.0}
    )


def test_it_is_judged_as_the_network_itself_would_be() -> None:
    judge = gate()
    for kernel, width, other in itertools.product(range(1, 13), (4, 8), (4, 8)):
        config = {"kernel": kernel, "width": width, "other": other, "rate": 0.01}
        checked = judge.check(config)
        assert checked.is_network is (not checked.infeasible) is is_network(config)
        if is_network(config):
            assert len(checked.outcomes) == len(judge.cost_keys)
            assert max(checked.margins.values()) <= 0
            judge.cost(config)
            continue
        assert checked.verdict.value == "infeasible"
        assert (checked.outcomes, checked.deciding) == ((), None)  # its costs would have no meaning
        assert list(checked.margins.items()) == [(key, MAX_MARGIN) for key in judge.cost_keys]
        assert str(checked) == f"infeasible: no network\n  {checked.broken}"
        with pytest.raises(ShapeError):
            judge.cost(config)


# ---- Optuna


def train(trial: optuna.Trial) -> float:
    config = suggest(trial, SPACE)
    assert is_network(config)
    return float(config["kernel"])


@pytest.mark.parametrize("says", SAYS)
@pytest.mark.parametrize("valued", [False, True])
def test_an_enqueued_trial_is_rejected_with_the_reason(says: str, valued: bool) -> None:
    study = optuna.create_study(direction="maximize")
    study.enqueue_trial(SAYS[says])
    study.optimize(WrappedObjective(gate(), train, rejected_values=-1.0 if valued else None), n_trials=1)
    (trial,) = study.trials
    assert (trial.state, trial.value) == (
        (TrialState.COMPLETE, -1.0) if valued else (TrialState.PRUNED, None)
    )
    assert trial.constraints == {**dict.fromkeys(gate().cost_keys, MAX_MARGIN), "error": 0.0}
    assert trial.user_attrs["gonogo:verdict"] == "infeasible"
    assert trial.user_attrs["gonogo:rejected"].startswith(says)
    assert "\n" not in trial.user_attrs["gonogo:rejected"]
    assert "gonogo:limits" not in trial.user_attrs


def test_ask_and_tell_records_it() -> None:
    study = optuna.create_study()
    study.enqueue_trial(UNEQUAL)
    trial = study.ask()
    record_cost(trial, gate().check(suggest(trial, SPACE)))
    assert trial.user_attrs["gonogo:rejected"].startswith("no network: ")
    assert set(trial.constraints.values()) == {MAX_MARGIN}


@pytest.mark.parametrize("retries", [0, 16])
def test_the_sampler_proposes_networks_only(retries: int) -> None:
    """With no retries most are drawn from the space report."""
    sampler = FeasibleSampler(
        gate(), optuna.samplers.RandomSampler(seed=0), retries=retries, tell_rejected=True, seed=0
    )
    study = optuna.create_study(sampler=sampler)
    study.optimize(gate().wrap(train), n_trials=30)
    done, pruned = (
        [t for t in study.trials if t.state is s] for s in (TrialState.COMPLETE, TrialState.PRUNED)
    )
    assert len(done) == 30
    assert all(is_network(t.params) for t in done)
    assert len(pruned) == sampler.counts.rejected > 10
    assert (sampler.counts.drawn > 10) is (retries == 0)
    for trial in pruned:
        assert not is_network(trial.params)
        assert trial.user_attrs["gonogo:rejected"].startswith("no network: ")
        assert set(trial.constraints.values()) == {MAX_MARGIN, 0.0}


# ---- the others


def test_ray_s_searcher_is_told_that_it_failed() -> None:
    pytest.importorskip("ray.tune", reason="Ray Tune isn't installed: pip install 'gonogo[ray]'")
    from gonogo.hpo.ray import FeasibleSearcher
    from ray.tune.search import Searcher

    class Scripted(Searcher):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(metric="score", mode="max")
            self.left: list[Any] = [TOO_LARGE, UNEQUAL, GOOD]
            self.told: list[Any] = []

        def suggest(self, trial_id: str) -> Any:
            return self.left.pop(0)

        def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
            self.told.append((trial_id, error))

    inner = Scripted()
    outer = FeasibleSearcher(inner, gate(), seed=0)
    assert outer.suggest("a") == GOOD
    assert inner.told == [("a.0", True), ("a.1", True)]
    inner.left = [UNEQUAL, UNEQUAL]  # it learns nothing: drawn from the report
    assert is_network(outer.suggest("b"))
    assert (outer.counts.rejected, outer.counts.drawn) == (4, 1)


@pytest.mark.filterwarnings("ignore")  # Ax's and its libraries' own
def test_ax_s_trial_is_abandoned() -> None:
    pytest.importorskip("ax.api.client", reason="Ax isn't installed: pip install 'gonogo[ax]'")
    from ax.api.client import Client
    from gonogo.hpo.ax import FeasibleTrials, parameters

    logging.getLogger("ax").setLevel(logging.ERROR)
    client = Client(random_seed=0)
    client.configure_experiment(parameters=parameters(SPACE))
    client.configure_optimization(objective="score")
    trials = FeasibleTrials(client, gate(), retries=1, seed=0)
    found = trials.next(3)
    assert len(found) == 3
    assert all(map(is_network, found.values()))
    frame = client.summarize()
    abandoned = frame[frame.trial_status == "ABANDONED"]
    assert len(abandoned) == trials.counts.rejected > 0
    assert not any(is_network(row) for row in abandoned.to_dict("records"))


def test_scikit_learn_gets_networks_only() -> None:
    from gonogo.hpo.sklearn import FeasibleParameterSampler, parameter_grid

    given = {"kernel": range(1, 13), "width": [4, 8], "other": [4, 8], "rate": [0.01], "batch": [8]}
    for distributions in (None, given):
        sampler = FeasibleParameterSampler(gate(), distributions, n_iter=40, random_state=0)
        assert all(map(is_network, sampler))
        assert sampler._proposals.counts.rejected > 10
    for point in parameter_grid(gate(), n_iter=10, random_state=0):
        assert is_network({name: value for name, (value,) in point.items()})


def test_what_configspace_proposes_is_judged() -> None:
    pytest.importorskip(
        "ConfigSpace", reason="ConfigSpace isn't installed: pip install 'gonogo[configspace]'"
    )
    from gonogo.hpo.configspace import configuration_space

    judge = gate()
    small = tightened(SPACE, judge.tighten(seconds=5.0).bounds)
    assert small["kernel"].hi == 8  # type: ignore[union-attr]
    proposed = [dict(c) for c in configuration_space(small, seed=0).sample_configuration(100)]
    fits = [not judge.check(SPACE.check(c)).infeasible for c in proposed]
    assert fits == [is_network(c) for c in proposed]
    assert 20 < sum(fits) < 80  # unequal channels are beyond its bounds
