"""The gate inside Optuna studies."""

from __future__ import annotations

import importlib.util
import math
import pickle
import subprocess
import sys
import warnings
from typing import Any

import gonogo as gg
import optuna
import pytest
from gonogo.hpo import BuildError, Checked, ModelGate
from gonogo.hpo.checked import MAX_MARGIN
from gonogo.hpo.optuna import CostMismatchWarning, GatedObjective, Trained, record_cost, record_error
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState
from support import toy_search as toy

TARGET = "stm32l4r5zi"
# Widths over 32 are too many MACs. The error's limit lies inside what the toy networks reach.
LIMITS: dict[str, Any] = {"macs": 256, "ram": "1 KiB", "latency": "1 s", "error": 3.1}
KEYS = ["ram", "ram_device", "flash_device", "latency", "macs", "error"]

optuna.logging.set_verbosity(optuna.logging.WARNING)


def suggest(trial: optuna.Trial) -> dict[str, Any]:
    return {"width": trial.suggest_int("width", 1, 100)}


def train(trial: optuna.Trial, checked: Checked) -> Trained:
    """The wider the better."""
    return Trained(float(checked.params["width"]), toy.deployed(checked.params))


def train_two(trial: optuna.Trial, checked: Checked) -> Trained:
    latency = checked.cost.latency
    assert latency is not None
    return Trained((float(checked.params["width"]), latency.value), toy.deployed(checked.params))


def gate(model_of: Any = toy.skeleton, limits: dict[str, Any] = LIMITS) -> ModelGate:
    return ModelGate(model_of, target=TARGET, limits=limits)


def objective(train: Any = train, **options: Any) -> GatedObjective:
    options.setdefault("search", 10_000)
    model_of, limits = options.pop("model_of", toy.skeleton), options.pop("limits", LIMITS)
    return GatedObjective(gate(model_of, limits), options.pop("suggest", suggest), train, **options)


def quiet_study(**options: Any) -> optuna.Study:
    return optuna.create_study(**options)


def check_trials(study: optuna.Study) -> None:
    """What every trial must satisfy, rejected or trained."""
    for trial in study.trials:
        assert list(trial.constraints) == KEYS
        for key, margin in trial.constraints.items():
            assert trial.user_attrs[f"gonogo:margin:{key}"] == margin
            assert abs(margin) <= MAX_MARGIN
        rejected = toy.macs(trial.params["width"]) > 256
        assert (trial.constraints["macs"] > 0) == rejected
        assert ("gonogo:rejected" in trial.user_attrs) == rejected
        assert ("gonogo:error_bound" in trial.user_attrs) == (not rejected)
        assert trial.user_attrs["gonogo:verdict"] == ("infeasible" if rejected else "feasible")
        if rejected:
            assert trial.constraints["error"] == 0.0
            assert trial.user_attrs["gonogo:rejected"].startswith("macs = ")
            assert trial.user_attrs["gonogo:rejected"].endswith("(exact)")
        else:
            bound = trial.user_attrs["gonogo:error_bound"]
            assert trial.user_attrs["gonogo:error_witness"] <= bound
            assert (trial.constraints["error"] > 0) == (bound > 3.1)
            expected = gg.error(None, toy.deployed(trial.params), search=0).worst
            assert bound == expected


def samplers() -> list[Any]:
    def need(module: str) -> Any:
        missing = importlib.util.find_spec(module) is None
        return pytest.mark.skipif(missing, reason=f"this sampler needs {module}, which isn't installed")

    return [
        pytest.param(lambda: optuna.samplers.TPESampler(seed=0, n_startup_trials=5), id="TPE"),
        pytest.param(lambda: optuna.samplers.RandomSampler(seed=0), id="random"),
        pytest.param(lambda: optuna.samplers.NSGAIISampler(seed=0, population_size=6), id="NSGA-II"),
        pytest.param(
            lambda: optuna.samplers.GPSampler(seed=0, n_startup_trials=5), id="GP", marks=need("torch")
        ),
        pytest.param(lambda: optuna.samplers.CmaEsSampler(seed=0), id="CMA-ES", marks=need("cmaes")),
    ]


@pytest.mark.filterwarnings("ignore:Constraints have been set, but CmaEsSampler:UserWarning")
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("make", samplers())
@pytest.mark.parametrize("how", ["pruned", "valued"])
def test_samplers(make: Any, how: str) -> None:
    study = quiet_study(direction="maximize", sampler=make())
    study.optimize(objective(rejected_values=None if how == "pruned" else 0.0), n_trials=20)
    check_trials(study)
    states = {t.state for t in study.trials}
    assert states == ({TrialState.COMPLETE, TrialState.PRUNED} if how == "pruned" else {TrialState.COMPLETE})
    assert toy.macs(study.best_trial.params["width"]) <= 256
    assert study.best_trial.user_attrs["gonogo:error_bound"] <= 3.1


@pytest.mark.parametrize("make", samplers()[:3])
def test_several_objectives(make: Any) -> None:
    study = quiet_study(directions=["maximize", "minimize"], sampler=make())
    study.optimize(objective(train_two), n_trials=20)
    check_trials(study)
    assert study.best_trials
    for trial in study.best_trials:
        assert all(margin <= 0 for margin in trial.constraints.values())


def test_the_gate_sees_what_was_enqueued_past_the_sampler() -> None:
    study = quiet_study(direction="maximize")
    study.enqueue_trial({"width": 5000})
    study.enqueue_trial({"width": 10})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna's own: out of the declared range
        study.optimize(objective(), n_trials=2)
    check_trials(study)
    assert [t.state for t in study.trials] == [TrialState.PRUNED, TrialState.COMPLETE]
    assert study.trials[0].params["width"] == 5000


def test_ask_and_tell() -> None:
    study = quiet_study(direction="maximize")
    judge = gate()
    for width in (10, 99):
        study.enqueue_trial({"width": width})
        trial = study.ask({"width": IntDistribution(1, 100)})
        checked = judge.check(trial.params)
        record_cost(trial, checked)
        if checked.infeasible:
            record_error(trial, judge, ())
            study.tell(trial, state=TrialState.PRUNED)
        else:
            record_error(trial, judge, [gg.error(None, toy.deployed(trial.params), search=0)])
            study.tell(trial, 1.0)
    check_trials(study)


def test_a_space_may_be_declared() -> None:
    space = {
        "width": IntDistribution(1, 64, log=True),
        "rate": FloatDistribution(1e-3, 1.0, log=True),
        "kind": CategoricalDistribution(["a", "b"]),
    }
    study = quiet_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=1))
    study.optimize(objective(suggest=space), n_trials=5)
    check_trials(study)
    assert all(t.distributions == space for t in study.trials)


def test_boxes_of_several_count_together() -> None:
    small, large = gg.Box(-0.1, 0.1), gg.Box(-0.9, 0.9)
    study = quiet_study(direction="maximize")
    study.enqueue_trial({"width": 20})
    study.optimize(objective(box=[small, large]), n_trials=1)
    errors = [gg.error(None, toy.deployed({"width": 20}), box, search=10_000) for box in (small, large)]
    attributes = study.trials[0].user_attrs
    assert attributes["gonogo:error_bound"] == max(e.worst for e in errors)
    assert attributes["gonogo:error_witness"] == max(e.witness.value for e in errors)
    assert len(attributes["gonogo:error"]["boxes_sha256"]) == 2
    assert attributes["gonogo:error"]["bound_standing"] == "proved"


def test_without_an_error_limit_the_bound_is_an_attribute_only() -> None:
    study = quiet_study(direction="maximize")
    study.enqueue_trial({"width": 20})
    study.optimize(objective(limits={"macs": 256}), n_trials=1)
    assert "error" not in study.trials[0].constraints
    assert study.trials[0].user_attrs["gonogo:error_bound"] > 0


def test_undecided_is_trained_and_stays_feasible() -> None:
    study = quiet_study(direction="maximize")
    study.enqueue_trial({"width": 20})
    study.optimize(objective(limits={"latency": "1 us"}), n_trials=1)
    trial = study.trials[0]
    assert trial.state is TrialState.COMPLETE
    assert trial.user_attrs["gonogo:verdict"] == "undecided"
    assert trial.user_attrs["gonogo:limits"]["latency"]["low_standing"] == "estimated"
    assert study.best_trial.number == 0


# ---- what fails


def failing_model(params: toy.Params) -> Any:
    raise RuntimeError("no such architecture")


def unquantised(trial: optuna.Trial, checked: Checked) -> Any:
    return 0.5


def failing_train(trial: optuna.Trial, checked: Checked) -> Any:
    raise RuntimeError("out of memory")


def pruning_train(trial: optuna.Trial, checked: Checked) -> Any:
    raise optuna.TrialPruned


@pytest.mark.parametrize(
    ("options", "error", "reason"),
    [
        ({"model_of": failing_model}, BuildError, "BuildError: model of (width=5): RuntimeError: no such"),
        ({"train": unquantised}, TypeError, "TypeError: train: float returned"),
        ({"train": failing_train}, RuntimeError, "RuntimeError: out of memory"),
        ({"box": gg.Box([0.0] * 2, [1.0] * 2)}, gg.errors.BoxError, "BoxError: "),
    ],
)
@pytest.mark.filterwarnings("ignore:.*:optuna.exceptions.ExperimentalWarning")
def test_a_failure_fails_the_trial_with_its_reason_and_is_never_feasible(
    options: dict[str, Any], error: type[Exception], reason: str
) -> None:
    study = quiet_study(direction="maximize")
    wrapped = objective(**options)
    study.enqueue_trial({"width": 5})
    with pytest.raises(error):
        study.optimize(wrapped, n_trials=1)
    study.enqueue_trial({"width": 5})
    study.optimize(wrapped, n_trials=1, catch=(error,))
    for trial in study.trials:
        assert trial.state is TrialState.FAIL
        assert trial.user_attrs["gonogo:failure"].startswith(reason)
        assert list(trial.constraints) == KEYS
        assert max(trial.constraints.values()) == MAX_MARGIN
    with pytest.raises(ValueError, match=r"No (feasible )?trials are completed yet"):
        _ = study.best_trial


def test_a_training_may_prune_itself() -> None:
    study = quiet_study(direction="maximize")
    study.enqueue_trial({"width": 5})
    study.optimize(objective(pruning_train), n_trials=1)
    assert study.trials[0].state is TrialState.PRUNED
    assert list(study.trials[0].constraints) == KEYS
    assert "gonogo:failure" not in study.trials[0].user_attrs


def test_a_skeleton_of_another_network_is_noticed() -> None:
    study = quiet_study(direction="maximize")
    study.enqueue_trial({"width": 5})
    with pytest.warns(CostMismatchWarning, match="MACs 48 judged, 40 deployed"):
        study.optimize(objective(model_of=lambda params: toy.network(6, values=False)), n_trials=1)
    assert "parameter bytes 72 judged, 60 deployed" in study.trials[0].user_attrs["gonogo:cost_mismatch"]


def test_wrong_use() -> None:
    with pytest.raises(ValueError, match="profile: 'tpu' isn't known"):
        objective(profile="tpu")
    study = quiet_study(direction="maximize")
    with pytest.raises(TypeError, match="suggest: int returned"):
        study.optimize(objective(suggest=lambda trial: 5), n_trials=1)
    with pytest.raises(TypeError, match="suggest: 'width': int isn't one of"):
        study.optimize(objective(suggest={"width": 5}), n_trials=1)


# ---- workers, storage


def test_the_objective_survives_pickling() -> None:
    wrapped = pickle.loads(pickle.dumps(objective(box=gg.Box(-0.5, 0.5), rejected_values=(0.0,))))
    results = []
    for candidate in (objective(box=gg.Box(-0.5, 0.5), rejected_values=(0.0,)), wrapped):
        study = quiet_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=3))
        study.optimize(candidate, n_trials=6)
        results.append([(t.params, t.values, t.constraints, t.user_attrs) for t in study.trials])
    assert results[0] == results[1]


def test_threads() -> None:
    study = quiet_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(objective(), n_trials=16, n_jobs=2)
    check_trials(study)


def test_a_stored_study_reads_back_the_same(tmp_path: Any) -> None:
    storage = optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(str(tmp_path / "log"))
    )
    study = quiet_study(direction="maximize", storage=storage, study_name="s")
    study.enqueue_trial({"width": 90})
    study.enqueue_trial({"width": 9})
    study.optimize(objective(), n_trials=2)
    again = optuna.load_study(study_name="s", storage=storage)
    check_trials(again)
    assert all(math.isfinite(m) for t in again.trials for m in t.constraints.values())


# ---- without Optuna

HIDDEN = """
import sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "optuna":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hide())
import gonogo as gg
gg.hpo.ModelGate, gg.hpo.optuna.Trained
gate = gg.hpo.ModelGate(lambda params: None, target="stm32l4r5zi", limits={"macs": 5})
for use in (lambda: gg.hpo.optuna.GatedObjective(gate, {}, None), lambda: gg.hpo.optuna.record_error(None, gate, ())):
    try:
        use()
    except ImportError as error:
        assert "pip install 'gonogo[hpo]'" in str(error), error
    else:
        raise AssertionError("no error")
assert "optuna" not in sys.modules
"""


def test_without_optuna_the_package_works_and_the_adapter_says_what_to_install() -> None:
    subprocess.run([sys.executable, "-c", HIDDEN], check=True)


def test_an_old_optuna_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (optuna.trial.Trial, optuna.trial.BaseTrial):
        monkeypatch.delattr(kind, "set_constraint", raising=False)
    with pytest.raises(ImportError, match="Optuna 5 or later"):
        objective()


# ---- budget, cache, the bound as an objective


def file_of(name: str) -> Any:
    from pathlib import Path

    return Path(gg.__file__).parent / "demo" / name


def train_file(trial: optuna.Trial, checked: Checked) -> Trained:
    return Trained(lambda bound: bound, file_of("digits_int8.tflite"), file_of("digits_float32.tflite"))


def test_the_bound_may_be_the_objective_and_a_file_is_bounded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    real = gg.analysis.error

    def counted(*given: Any, **options: Any) -> Any:
        calls.append(options)
        return real(*given, **options)

    monkeypatch.setattr(gg.analysis, "error", counted)
    boxes = [gg.Box(0.0, 0.25), gg.Box(0.25, 0.5)]
    study = quiet_study(direction="minimize")
    wrapped = objective(train_file, box=boxes, search=0, limits={"macs": 10**6, "error": 1e3})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CostMismatchWarning)  # the skeleton is another network
        study.optimize(wrapped, n_trials=3)
        assert len(calls) == 2
        again = pickle.loads(pickle.dumps(wrapped))
        study.optimize(again, n_trials=1)
    assert len(calls) == 4
    assert all(options["budget"] == 0.0 and options["threshold"] is None for options in calls)
    expected = max(
        real(file_of("digits_float32.tflite"), file_of("digits_int8.tflite"), box, search=0).worst
        for box in boxes
    )
    assert [t.value for t in study.trials] == [expected] * 4


def test_models_made_in_memory_are_bounded_every_time() -> None:
    study = quiet_study(direction="maximize")
    wrapped = objective()
    for width in (10, 20):
        study.enqueue_trial({"width": width})
    study.optimize(wrapped, n_trials=2)
    first, second = (t.user_attrs["gonogo:error_bound"] for t in study.trials)
    assert first != second
    assert not wrapped.bounding._cache


def test_the_budget_is_a_trial_s_and_ends_where_the_limit_is_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = gg.analysis.error

    def noted(*given: Any, **options: Any) -> Any:
        asked.append((options["budget"], options["threshold"]))
        return real(*given, **{**options, "budget": 0.0, "threshold": None})

    monkeypatch.setattr(gg.analysis, "error", noted)
    study = quiet_study(direction="maximize")
    study.enqueue_trial({"width": 10})
    boxes = [gg.Box(-0.1, 0.1), gg.Box(-0.2, 0.2), gg.Box(-0.3, 0.3)]
    study.optimize(objective(box=boxes, budget=6.0), n_trials=1)
    assert [threshold for _, threshold in asked] == [3.1] * 3
    seconds = [budget for budget, _ in asked]
    assert 1.0 < seconds[0] <= 2.0  # a third; what a box leaves is the others'
    assert seconds[0] <= seconds[1] <= seconds[2] <= 6.0


def test_wrong_budgets_and_methods() -> None:
    with pytest.raises(ValueError, match="budget: -1"):
        objective(budget=-1)
    with pytest.raises(ValueError, match="method: 'best' isn't known"):
        objective(method="best")
