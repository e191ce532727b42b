"""ConfigSpace, Ax and scikit-learn: what they propose is in the space, and fits."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from gonogo.errors import SpaceError
from gonogo.hpo import tightened
from gonogo.space import Choice, Float, Int, Space
from support import net_space as net

CONDITIONS = Space(
    a=Int(1, 4),
    b=Choice("x", "y", when="a >= 3"),
    c=Int(2, 10, step=4, when="b == 'y' or a == 1"),
    d=Choice(True, False, when="not (a == 2) and a != 4"),
    e=Float(0.5, 2.0, log=True, when="d"),
    f=Int(1, 64, log=True, when="1 < a < 4"),
    g=Choice(7),
)


# ---- ConfigSpace


def test_configspace_proposes_canonical_configurations_and_every_kind_of_them() -> None:
    pytest.importorskip(
        "ConfigSpace", reason="ConfigSpace isn't installed: pip install 'gonogo[configspace]'"
    )
    from gonogo.hpo.configspace import configuration_space

    exported = configuration_space(CONDITIONS, seed=1)
    seen = set()
    for configuration in exported.sample_configuration(1500):
        config = dict(configuration)
        assert CONDITIONS.check(config).keys() == config.keys()
        seen.add(tuple((n, v) for n, v in CONDITIONS.check(config).items() if n not in "ef"))
    part = Space(**{name: p for name, p in CONDITIONS.parameters.items() if name not in "ef"})
    assert seen == {tuple(config.items()) for config in part.enumerate()}


def test_configspace_has_the_tightened_bounds() -> None:
    pytest.importorskip(
        "ConfigSpace", reason="ConfigSpace isn't installed: pip install 'gonogo[configspace]'"
    )
    from gonogo.hpo.configspace import configuration_space

    gate = net.gate()
    small = tightened(net.SPACE, gate.tighten(seconds=1.0).bounds)
    widest = max(
        c["width"] for c in Space(**{n: net.SPACE[n] for n in net.COST_NAMES}).enumerate() if gate.fits(c)
    )
    assert max(configuration_space(small)["width"].sequence) == widest < 128


@pytest.mark.parametrize(
    ("space", "said"),
    [
        (Space(a=Int(1, 3), b=Int(1, 3), c=Int(1, 2, when="a < b")), "compares 'a' with 'b'"),
        (Space(a=Int(1, 3), c=Int(1, 2, when="a > 3")), "never fulfils its condition"),
        (Space(a=Int(1, 10**5), c=Int(1, 2, when="a > 3")), "has 100000 values"),
    ],
)
def test_what_configspace_can_t_say(space: Space, said: str) -> None:
    pytest.importorskip(
        "ConfigSpace", reason="ConfigSpace isn't installed: pip install 'gonogo[configspace]'"
    )
    from gonogo.hpo.configspace import configuration_space

    with pytest.raises(SpaceError, match=said):
        configuration_space(space)


# ---- Ax


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ax's and its libraries' own
def test_ax_gets_only_what_fits_and_abandons_the_rest() -> None:
    pytest.importorskip("ax.api.client", reason="Ax isn't installed: pip install 'gonogo[ax]'")
    from ax.api.client import Client
    from gonogo.hpo.ax import FeasibleTrials, parameters

    logging.getLogger("ax").setLevel(logging.ERROR)
    gate = net.gate()
    client = Client(random_seed=0)
    small = tightened(net.SPACE, gate.tighten(seconds=1.0).bounds)
    client.configure_experiment(parameters=parameters(small))
    client.configure_optimization(objective="score")
    trials = FeasibleTrials(client, gate, retries=3, seed=0)
    trained = []
    for _ in range(8):
        for index, config in trials.next(1).items():
            assert net.SPACE.check(config) == config
            assert gate.fits(config)
            client.complete_trial(index, raw_data={"score": net.score(config)})
            trained.append(index)
    assert len(trained) == 8
    frame = client.summarize()
    by_status = {s: set(frame[frame.trial_status == s].trial_index) for s in ("COMPLETED", "ABANDONED")}
    assert by_status["COMPLETED"] == set(trained)
    assert len(by_status["ABANDONED"]) == trials.counts.rejected > 0


def test_what_ax_can_t_say() -> None:
    pytest.importorskip("ax.api.client", reason="Ax isn't installed: pip install 'gonogo[ax]'")
    from gonogo.hpo.ax import parameters

    with pytest.raises(SpaceError, match="choices are of one type"):
        parameters(Space(a=Choice(1, "x")))
    with pytest.raises(SpaceError, match="choices are of one type"):
        parameters(Space(a=Choice(None, "x")))


# ---- scikit-learn


def test_parameter_sampler_filters() -> None:
    from gonogo.hpo.sklearn import FeasibleParameterSampler

    gate = net.gate()
    given: dict[str, Any] = {
        "layers": [1, 2, 3],
        "width": list(range(8, 129, 8)),
        "kind": ["dense", "wide"],
        "kernel": [3, 5, 7],
        "inputs": [64],
        "rate": [1e-3, 1e-2],
        "batch": [8, 16],
    }
    for distributions in (None, given):
        sampler = FeasibleParameterSampler(gate, distributions, n_iter=40, random_state=0)
        found = list(sampler)
        assert len(sampler) == len(found) == 40
        assert found == list(sampler)
        for config in found:
            assert (config.pop("batch", None) in (8, 16)) == (distributions is not None)
            assert net.SPACE.check(config) == config
            assert gate.fits(config)


def test_a_grid_of_candidates_for_grid_search() -> None:
    from gonogo.hpo.sklearn import parameter_grid
    from sklearn.datasets import load_digits
    from sklearn.linear_model import SGDClassifier
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import Pipeline
    from support.fake_gate import FakeGate

    space = Space(max_iter=Int(1, 40), alpha=Float(1e-5, 1e-2, log=True))
    gate = FakeGate(space, {"macs": lambda c: 10 * c["max_iter"]}, {"macs": 100}, ("max_iter",))
    grid = parameter_grid(gate, n_iter=5, random_state=0, prefix="net__")
    x, y = load_digits(return_X_y=True)
    search = GridSearchCV(Pipeline([("net", SGDClassifier(tol=None, random_state=0))]), grid, cv=2).fit(
        x[:200], y[:200]
    )
    tried = search.cv_results_["params"]
    assert len(tried) == 5
    assert all(p["net__max_iter"] <= 10 for p in tried)
