"""The gate in Ray Tune: no trial that doesn't fit is started, by two workers on this machine."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import optuna
import pytest
from support import net_space as net

pytest.importorskip("ray.tune", reason="Ray Tune isn't installed: pip install 'gonogo[ray]'")
import ray
from gonogo.hpo.ray import FeasibleSearcher, optuna_search
from ray import tune
from ray.tune.search import ConcurrencyLimiter, Searcher

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # minutes; Ray's warnings are its own


@pytest.fixture(scope="module")
def two_workers() -> Iterator[None]:
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100 * 2**20, log_to_driver=False)
    yield
    ray.shutdown()


def training() -> Any:
    """A function made here goes to the workers by value: they have neither these tests nor gonogo."""

    def train(config: dict[str, Any]) -> dict[str, float]:
        kernel = config["kernel"] if config["kind"] == "wide" else 1
        size = config["inputs"] * config["width"] + config["layers"] * config["width"] ** 2 * kernel
        return {"score": -abs(size - 8000) / 8000, "size": size}

    return train


def fit(search: Searcher, n: int, path: Any, space: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    tuner = tune.Tuner(
        tune.with_resources(training(), {"cpu": 1}),
        param_space=space,
        tune_config=tune.TuneConfig(
            search_alg=ConcurrencyLimiter(search, 2),
            num_samples=n,
            **({} if space is None else {"metric": "score", "mode": "max"}),
        ),
        run_config=tune.RunConfig(storage_path=str(path), verbose=0),
    )
    results = tuner.fit()
    assert len(results) == n
    assert not results.errors
    configs = [dict(r.config) for r in results]
    gate = net.gate()
    for config in configs:
        assert gate.fits(net.SPACE.check({name: config[name] for name in net.SPACE}))
    return configs


def test_through_optuna(two_workers: None, tmp_path: Any) -> None:
    gate = net.gate()
    storage = optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(str(tmp_path / "log"))
    )
    search = optuna_search(
        gate,
        metric="score",
        mode="max",
        base=optuna.samplers.TPESampler(seed=0, n_startup_trials=4),
        storage=storage,
        study_name="s",
        seed=0,
    )
    again = pickle.loads(pickle.dumps(search._sampler))
    assert again.counts == search._sampler.counts
    fit(search, 6, tmp_path)
    study = optuna.load_study(study_name="s", storage=storage)
    done = [t for t in study.trials if t.state is optuna.trial.TrialState.COMPLETE]
    assert len(done) == 6
    for trial in done:
        assert list(trial.constraints) == ["flash", "macs"]
        assert max(trial.constraints.values()) <= 0
    assert study.user_attrs["gonogo:gate"]["hash"] == gate.hash


def test_around_another_searcher(two_workers: None, tmp_path: Any) -> None:
    from ray.tune.search.optuna import OptunaSearch

    space = {
        "layers": tune.randint(1, 4),
        "width": tune.qrandint(8, 128, 8),
        "kind": tune.choice(["dense", "wide"]),
        "kernel": tune.choice([3, 5, 7]),
        "inputs": tune.choice([64]),
        "rate": tune.loguniform(1e-4, 1e-1),
        "batch": tune.choice([8, 16]),
    }
    searcher = FeasibleSearcher(
        OptunaSearch(sampler=optuna.samplers.RandomSampler(seed=0)), net.gate(), seed=0
    )
    configs = fit(searcher, 8, tmp_path, space)
    assert all(config["batch"] in (8, 16) for config in configs)
    assert searcher.counts.rejected > 0


# ---- without a cluster


class Scripted(Searcher):
    """Suggests the given configurations in turn, and writes down what it is told."""

    def __init__(self, configs: list[Any]) -> None:
        super().__init__(metric="score", mode="max")
        self.configs = configs
        self.told: list[Any] = []

    def suggest(self, trial_id: str) -> Any:
        return self.configs.pop(0)

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
        self.told.append((trial_id, result, error))

    def add_evaluated_point(self, parameters: Any, value: float, *rest: Any, **options: Any) -> None:
        self.told.append((parameters, value))


GOOD = {"layers": 1, "width": 8, "kind": "dense", "kernel": 3, "inputs": 64, "rate": 0.01}
BAD = [{**GOOD, "layers": 3, "width": width} for width in (120, 128)]


def test_the_inner_searcher_is_told_what_became_of_its_suggestions() -> None:
    inner = Scripted([BAD[0], GOOD, None, Searcher.FINISHED])
    outer = FeasibleSearcher(inner, net.gate(), seed=0)
    assert outer.suggest("a") == GOOD
    assert outer.suggest("b") is None
    assert outer.suggest("c") == Searcher.FINISHED
    outer.on_trial_complete("a", {"score": 1.0})
    assert inner.told == [("a.0", None, True), ("a.1", {"score": 1.0}, False)]


def test_after_enough_rejections_the_report_is_drawn_from() -> None:
    inner = Scripted([*BAD])
    outer = FeasibleSearcher(inner, net.gate(), retries=1, seed=0)
    config = outer.suggest("a")
    assert isinstance(config, dict)
    assert net.gate().fits(net.SPACE.check(config))
    assert set(config) == set(GOOD)
    outer.on_trial_complete("a", {"score": 2.0})
    assert inner.told == [("a.0", None, True), ("a.1", None, True), (config, 2.0)]
    assert outer.counts.drawn == 1


def test_wrong_use() -> None:
    with pytest.raises(TypeError, match="pass a ray.tune.search.Searcher"):
        FeasibleSearcher(object(), net.gate())
