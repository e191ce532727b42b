"""FeasibleSampler around every sampler: nothing infeasible is proposed, and the search doesn't suffer."""

from __future__ import annotations

import importlib.util
import multiprocessing
import pickle
import statistics
import warnings
from typing import Any

import numpy as np
import optuna
import pytest
from gonogo.errors import SpaceError
from gonogo.hpo import tightened
from gonogo.hpo.gate import Gate
from gonogo.hpo.optuna import (
    FeasibleSampler,
    GateMismatchError,
    WrappedObjective,
    distributions,
    record_cost,
    suggest,
)
from gonogo.space import Choice, Int, Space
from optuna.trial import TrialState
from support import journal_worker
from support import net_space as net
from support.fake_gate import FakeGate

optuna.logging.set_verbosity(optuna.logging.ERROR)
pytestmark = [
    pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning"),
    pytest.mark.filterwarnings("ignore:Constraints have been set, but:UserWarning"),
]
KEYS = ["flash", "macs"]


def need(module: str) -> Any:
    missing = importlib.util.find_spec(module) is None
    return pytest.mark.skipif(missing, reason=f"this sampler needs {module}, which isn't installed")


SAMPLERS = {
    "TPE": lambda seed: optuna.samplers.TPESampler(seed=seed, n_startup_trials=5),
    "TPE, one by one": lambda seed: optuna.samplers.TPESampler(
        seed=seed, n_startup_trials=5, multivariate=False
    ),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "NSGA-II": lambda seed: optuna.samplers.NSGAIISampler(seed=seed, population_size=8),
    "QMC": lambda seed: optuna.samplers.QMCSampler(seed=seed, scramble=True),
    "CMA-ES": lambda seed: optuna.samplers.CmaEsSampler(seed=seed, n_startup_trials=5),
    "GP": lambda seed: optuna.samplers.GPSampler(seed=seed, n_startup_trials=5),
}
NEEDS = {"CMA-ES": "cmaes", "GP": "torch"}
EVERY = [pytest.param(name, id=name, marks=need(NEEDS[name]) if name in NEEDS else ()) for name in SAMPLERS]


def objective(trial: optuna.Trial) -> float:
    return net.score(suggest(trial, net.SPACE))


def two_objectives(trial: optuna.Trial) -> tuple[float, float]:
    config = suggest(trial, net.SPACE)
    return net.score(config), float(net.macs(config))


def study_with(sampler: Any, gate: FakeGate, n: int, **options: Any) -> optuna.Study:
    options = options or {"direction": "maximize"}
    study = optuna.create_study(sampler=sampler, **options)
    study.optimize(
        WrappedObjective(gate, two_objectives if "directions" in options else objective), n_trials=n
    )
    return study


def check(study: optuna.Study, gate: FakeGate) -> None:
    """What holds for every trial; feasibility is a comparison of integers here, not the gate's word."""
    declared = distributions(gate.space)
    for trial in study.trials:
        assert trial.state is TrialState.COMPLETE
        config = gate.space.check(trial.params)
        assert net.weights(config) <= gate.limits["flash"].value
        assert net.macs(config) <= gate.limits["macs"].value
        assert trial.distributions == declared
        assert list(trial.constraints) == KEYS
        assert all(margin <= 0 for margin in trial.constraints.values())
        assert [trial.user_attrs[f"gonogo:margin:{key}"] for key in KEYS] == list(trial.constraints.values())


@pytest.mark.parametrize("name", EVERY)
def test_nothing_infeasible_is_proposed_and_rejections_are_bounded(name: str) -> None:
    gate = net.gate()
    sampler = FeasibleSampler(gate, SAMPLERS[name](0), retries=6, seed=0)
    n = 12 if name == "GP" else 30
    study = study_with(sampler, gate, n)
    check(study, gate)
    counts = sampler.counts
    assert counts.rejected <= 7 * n
    assert counts.proposed - counts.rejected + counts.drawn == n
    assert counts.rejected > 0
    assert gate.tightened <= 1


@pytest.mark.parametrize("name", ["TPE", "random", "NSGA-II"])
def test_several_objectives(name: str) -> None:
    gate = net.gate()
    study = study_with(
        FeasibleSampler(gate, SAMPLERS[name](0), seed=0), gate, 20, directions=["maximize", "minimize"]
    )
    check(study, gate)
    assert len(study.best_trials) >= 2


@pytest.mark.parametrize(
    "name", ["TPE", "NSGA-II", pytest.param("GP", marks=[need("torch"), pytest.mark.slow])]
)
def test_the_search_is_no_worse_than_with_optuna_s_own_constraints(name: str) -> None:
    """Paired seeds, equal numbers of trainings, medians: the native arm trains what doesn't fit, too."""
    n, seeds = (14, 2) if name == "GP" else (30, 5)
    mine, native = [], []
    for seed in range(seeds):
        gate = net.gate()
        study = study_with(FeasibleSampler(gate, SAMPLERS[name](seed), retries=4, seed=seed), gate, n)
        mine.append(study.best_value)
        other = optuna.create_study(direction="maximize", sampler=SAMPLERS[name](seed))

        def native_objective(trial: optuna.Trial, gate: FakeGate = gate) -> float:
            record_cost(trial, gate.check(suggest(trial, gate.space)))
            return objective(trial)

        other.optimize(native_objective, n_trials=n)
        fitting = [t.values[0] for t in other.trials if max(t.constraints.values()) <= 0]
        native.append(max(fitting, default=-1.0))
    assert statistics.median(mine) >= statistics.median(native)


def test_rejected_proposals_are_told_on_request_and_don_t_count() -> None:
    gate = net.gate()
    sampler = FeasibleSampler(gate, SAMPLERS["TPE"](0), tell_rejected=True, seed=0)
    study = study_with(sampler, gate, 25)
    pruned = [t for t in study.trials if t.state is TrialState.PRUNED]
    assert len(study.trials) - len(pruned) == 25
    assert len(pruned) == sampler.counts.rejected > 0
    for trial in study.trials:
        assert list(trial.constraints) == KEYS
        fits = gate.fits(gate.space.check(trial.params))
        assert (max(trial.constraints.values()) <= 0) == fits == (trial not in pruned)
        assert ("gonogo:rejected" in trial.user_attrs) == (not fits)


def test_tpe_learns_from_rejected_proposals_that_are_no_trials() -> None:
    """It is shown them as pruned trials. Without, it goes on proposing what doesn't fit."""
    rejected = {}
    for remembers in (True, False):
        gate = net.gate()
        sampler = FeasibleSampler(gate, SAMPLERS["TPE"](0), seed=0)
        assert sampler._memory is not None
        if not remembers:
            sampler._memory = None
        study = study_with(sampler, gate, 40)
        assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 40
        rejected[remembers] = sampler.counts.rejected
        if sampler._memory is not None:
            assert len(sampler._memory) == sampler.counts.rejected > 0
            shown = sampler._memory.shown(study)
            assert len(shown._get_trials(deepcopy=False)) == 40 + sampler.counts.rejected
            assert shown._get_trials(deepcopy=False, states=(TrialState.COMPLETE,)) == study.trials
            assert shown.best_value == study.best_value
            assert len(pickle.loads(pickle.dumps(sampler))._memory) == len(sampler._memory)
            other = optuna.create_study()
            assert sampler._memory.shown(other) is other  # nothing was rejected there
    assert rejected[True] < 0.6 * rejected[False]


@pytest.mark.parametrize("name", ["random", "NSGA-II", "CMA-ES"])
def test_samplers_that_learn_nothing_from_pruned_trials_are_shown_none(name: str) -> None:
    gate = net.gate()
    sampler = FeasibleSampler(gate, SAMPLERS[name](0), seed=0)
    study_with(sampler, gate, 5)
    assert sampler._memory is None


# ---- enqueued trials, other samplers


def test_an_enqueued_infeasible_trial_is_caught() -> None:
    gate = net.gate()
    bad = {"layers": 3, "width": 128, "kind": "wide", "kernel": 7, "inputs": 64, "rate": 0.01}
    calls = []

    def counted(trial: optuna.Trial) -> float:
        calls.append(trial.number)
        return objective(trial)

    for rejected_values, state in [(None, TrialState.PRUNED), (-1.0, TrialState.COMPLETE)]:
        calls.clear()
        study = optuna.create_study(direction="maximize", sampler=FeasibleSampler(gate, seed=0))
        study.enqueue_trial(bad)
        study.optimize(WrappedObjective(gate, counted, rejected_values=rejected_values), n_trials=2)
        assert [t.state for t in study.trials] == [state, TrialState.COMPLETE]
        assert calls == [1]
        assert study.trials[0].user_attrs["gonogo:rejected"].startswith("macs = ")
        assert min(study.trials[0].constraints.values()) > 0
        assert study.best_trial.number == 1


def test_an_enqueued_trial_outside_the_space_fails_with_its_reason() -> None:
    gate = net.gate()
    study = optuna.create_study(direction="maximize", sampler=FeasibleSampler(gate, seed=0))
    study.enqueue_trial({"width": 4096})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna's own: out of the declared range
        study.optimize(WrappedObjective(gate, objective), n_trials=1, catch=(SpaceError,))
    trial = study.trials[0]
    assert trial.state is TrialState.FAIL
    assert "nearest is 128" in trial.user_attrs["gonogo:failure"]
    assert list(trial.constraints) == KEYS


def test_the_wrapped_objective_is_a_net_under_any_sampler() -> None:
    gate = net.gate()
    study = study_with(SAMPLERS["random"](0), gate, 40, direction="maximize")
    states = {gate.fits(gate.space.check(t.params)): t.state for t in study.trials}
    assert states == {True: TrialState.COMPLETE, False: TrialState.PRUNED}


def test_ask_and_tell_with_the_declared_space() -> None:
    gate = net.gate()
    study = optuna.create_study(direction="maximize", sampler=FeasibleSampler(gate, seed=0))
    for _ in range(10):
        trial = study.ask(distributions(gate.space))
        record_cost(trial, gate.check(trial.params))
        study.tell(trial, net.score(gate.space.check(trial.params)))
    check(study, gate)


def test_parameters_outside_the_space_are_the_base_sampler_s() -> None:
    gate = net.gate()
    study = optuna.create_study(direction="maximize", sampler=FeasibleSampler(gate, seed=0))
    study.optimize(
        WrappedObjective(gate, lambda t: objective(t) + t.suggest_float("extra", 0, 1)), n_trials=15
    )
    assert all(gate.fits(gate.space.check({n: t.params[n] for n in gate.space})) for t in study.trials)
    assert len({t.params["extra"] for t in study.trials}) == 15


# ---- the report


class Stubborn(optuna.samplers.RandomSampler):
    """Proposes one configuration for ever."""

    def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
        worst = {"layers": 3, "width": 128, "kind": "wide", "kernel": 7, "rate": 0.01}
        return worst[param_name]


def test_a_sampler_that_repeats_itself_isn_t_asked_again() -> None:
    gate = net.gate()
    sampler = FeasibleSampler(gate, Stubborn(), retries=16, seed=0)
    check(study_with(sampler, gate, 20), gate)
    assert sampler.counts.proposed == sampler.counts.rejected == 40
    assert sampler.counts.drawn == 20
    assert gate.tightened == 1


def test_an_empty_space_is_said_to_be_empty() -> None:
    gate = net.gate({"flash": 10, "macs": 10})
    study = optuna.create_study(sampler=FeasibleSampler(gate, seed=0))
    with pytest.raises(SpaceError, match="no configuration of the space fits"):
        study.optimize(WrappedObjective(gate, objective), n_trials=1)


def test_a_paving_without_a_feasible_draw_gives_up_with_advice() -> None:
    gate = net.gate({"flash": 10, "macs": 10})
    report = net.gate().tighten(seconds=1.0)
    study = optuna.create_study(sampler=FeasibleSampler(gate, report=report, retries=0, seed=0))
    with pytest.raises(SpaceError, match="16384 draws .* seconds=10"):
        study.optimize(WrappedObjective(gate, objective), n_trials=1)


def test_tightened_spaces_lose_nothing_that_fits() -> None:
    gate = net.gate()
    small = tightened(net.SPACE, gate.tighten(seconds=1.0).bounds)
    assert small["width"].hi < net.SPACE["width"].hi  # type: ignore[union-attr]
    part = Space(**{name: p for name, p in net.SPACE.parameters.items() if name in net.COST_NAMES})
    inside = Space(**{name: p for name, p in small.parameters.items() if name in net.COST_NAMES})
    kept = {tuple(c.items()) for c in inside.enumerate()}
    assert inside.size < part.size
    assert all(tuple(c.items()) in kept for c in part.enumerate() if gate.fits(c))


def test_tightening_keeps_what_a_condition_names() -> None:
    space = Space(
        kind=Choice("a", "b"), n=Int(1, 9), m=Int(1, 2, when="kind == 'b'"), k=Int(1, 2, when="n == 9")
    )
    small = tightened(space, {"kind": ("a",), "n": (1, 5), "m": (1, 1), "k": (2, 2)})
    assert small["kind"] == space["kind"]
    assert small["n"] == space["n"]
    assert small["m"] == Int(1, 1, when="kind == 'b'")
    assert small["k"] == Int(2, 2, when="n == 9")


# ---- workers


def test_a_worker_with_another_gate_is_refused() -> None:
    study = optuna.create_study(direction="maximize", sampler=FeasibleSampler(net.gate(), seed=0))
    study.optimize(WrappedObjective(net.gate(), objective), n_trials=2)
    for other, what in [
        (net.gate({"flash": 9_001, "macs": 12_000}), "architecture, target or limits"),
        (FakeGate(Space(width=Int(1, 2)), {}, {}, ()), "the space"),
    ]:
        study.sampler = FeasibleSampler(other, seed=0)
        with pytest.raises(GateMismatchError, match=what):
            study.optimize(objective, n_trials=1)
        study.sampler = optuna.samplers.RandomSampler(seed=0)
        with pytest.raises(GateMismatchError, match="give every worker the same gate"):
            study.optimize(WrappedObjective(other, objective), n_trials=1)
    assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 2 + [TrialState.FAIL] * 4
    study.sampler = FeasibleSampler(net.gate(), seed=1)
    study.optimize(WrappedObjective(net.gate(), objective), n_trials=1)


@pytest.mark.parametrize("name", EVERY)
def test_pickling(name: str) -> None:
    gate = net.gate()
    sampler = FeasibleSampler(gate, SAMPLERS[name](3), seed=3)
    again = pickle.loads(pickle.dumps(sampler))
    wrapped = pickle.loads(pickle.dumps(WrappedObjective(gate, objective)))
    found = []
    for candidate, what in [(sampler, WrappedObjective(gate, objective)), (again, wrapped)]:
        study = optuna.create_study(direction="maximize", sampler=candidate)
        study.optimize(what, n_trials=8)
        found.append([(t.params, t.values, t.constraints) for t in study.trials])
    assert found[0] == found[1]


def test_two_processes_share_a_journal(tmp_path: Any) -> None:
    path = str(tmp_path / "log")
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(path))
    optuna.create_study(study_name="s", storage=storage, direction="maximize")
    workers = [
        multiprocessing.get_context("spawn").Process(target=journal_worker.work, args=(path, seed))
        for seed in (1, 2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0
    study = optuna.load_study(study_name="s", storage=storage)
    assert len(study.trials) == 12
    check(study, net.gate())


def test_threads() -> None:
    gate = net.gate()
    study = optuna.create_study(
        direction="maximize", sampler=FeasibleSampler(gate, SAMPLERS["random"](0), seed=0)
    )
    study.optimize(WrappedObjective(gate, objective), n_trials=24, n_jobs=2)
    check(study, gate)


def test_reseeding_changes_the_draws() -> None:
    gate = net.gate()
    sampler = FeasibleSampler(gate, Stubborn(), seed=0)
    first = study_with(sampler, gate, 3).trials[0].params
    sampler = FeasibleSampler(gate, Stubborn(), seed=0)
    sampler.reseed_rng()
    assert study_with(sampler, gate, 3).trials[0].params != first


# ---- wrong use


def test_wrong_use() -> None:
    gate = net.gate()
    with pytest.raises(ValueError, match="retries: -1"):
        FeasibleSampler(gate, retries=-1)
    with pytest.raises(ValueError, match="seconds: 0"):
        FeasibleSampler(gate, seconds=0)
    with pytest.raises(TypeError, match="pass a gonogo.Gate"):
        FeasibleSampler(object())  # type: ignore[arg-type]


def test_distributions_are_the_space_s() -> None:
    rng = np.random.default_rng(0)
    space = Space(a=Int(8, 30, step=8), b=Int(1, 9, log=True), c=Choice("x", None, 1.5, True))
    found = distributions(space)
    assert found["a"] == optuna.distributions.IntDistribution(8, 24, step=8)
    for config in space.sample(rng, 50):
        for name, value in config.items():
            d = found[name]
            assert d._contains(d.to_internal_repr(value))
            assert d.to_external_repr(d.to_internal_repr(value)) == value


def test_the_architecture_of_the_whole_space_is_that_of_the_tightened_one() -> None:
    """A builder goes on naming the values that the limits rule out, in branches and in comparisons."""
    space = Space(
        kind=Choice("plain", "wide", "widest"),
        mixed=Choice(1, "many"),
        scale=Choice(0.5, 1.0),
        deep=Choice(True, False),
    )

    def build(h: Any, net: Any) -> Any:
        x = net.input(8)
        widths = {"plain": 4, "wide": 16, "widest": 4000}
        x = net.switch(h.kind, {kind: lambda n=n: net.dense(x, n) for kind, n in widths.items()})
        x = net.dense(x, net.select(h.mixed == "many", 5000, 4))
        with net.when((h.kind == "widest") | h.deep):
            x = net.dense(x, 8)
        return net.dense(x, net.round_to(h.scale * 8, 4))

    limits = {"flash_model": "700 B"}
    gate = Gate(space, build, target="host64", limits=limits)
    small = tightened(space, gate.tighten(seconds=10.0).bounds)
    assert small["kind"].values == ("plain", "wide")
    assert small["mixed"].values == (1,)
    assert Space.from_json(small.to_json()) == small
    again = Gate(small, build, target="host64", limits=limits)
    for config in small.enumerate():
        assert again.check(config).numbers == gate.check(config).numbers
    assert tightened(small, again.tighten(seconds=10.0).bounds)["kind"].removed == ("widest",)
    with pytest.raises(SpaceError, match="isn't allowed"):
        again.check({"kind": "widest", "mixed": 1, "scale": 0.5, "deep": True})


@pytest.mark.parametrize("removed", [("a",), ("b", "b")])
def test_removed_values_are_others(removed: tuple[str, ...]) -> None:
    with pytest.raises(SpaceError, match="twice"):
        Choice("a", removed=removed)
