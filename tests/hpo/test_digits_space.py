"""The example: its architecture is the network it trains, its slopes are right, and its search keeps the limits."""

from __future__ import annotations

import importlib.util
import logging
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import gonogo as gg
import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
pytest.importorskip("sklearn")
optuna = pytest.importorskip("optuna")
pytestmark = pytest.mark.filterwarnings("ignore")
CONFIGS: list[dict[str, Any]] = [
    {"width": 4, "blocks": 1, "kernel": 5, "stride": 2, "rate": 0.004},
    {"width": 8, "blocks": 3, "kind": "separable", "kernel": 3, "stride": 1, "rate": 0.004},
    {"width": 12, "blocks": 2, "kind": "full", "kernel": 5, "stride": 2, "rate": 0.004},
]


@pytest.fixture(scope="module")
def example() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "examples" / "digits_space.py"
    spec = importlib.util.spec_from_file_location("digits_space", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["digits_space"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    logging.getLogger().setLevel(logging.ERROR)
    return module


def net_of(example: ModuleType, config: dict[str, Any]) -> Any:
    rng = np.random.default_rng(1)
    net = example.Net(example.layers(config), rng)
    for p in net.parameters:
        p += 0.05 * rng.normal(size=p.shape).astype(np.float32)  # no bias of zero
    return net


@pytest.mark.parametrize("config", CONFIGS)
def test_the_gate_judges_the_network_that_is_deployed(
    example: ModuleType, config: dict[str, Any], tmp_path: Path
) -> None:
    _, deployed = example.quantise(example.float_model(net_of(example, config)), tmp_path)
    numbers = example.make_gate().check(config).numbers
    cost = gg.cost(deployed, example.TARGET).core
    assert numbers["macs"] == cost.macs
    weights = sum(np.prod(p.shape) * (1 if p.ndim > 1 else 4) for p in net_of(example, config).parameters)
    assert numbers["parameter_bytes"] == weights


@pytest.mark.parametrize("config", CONFIGS)
def test_slopes_against_differences(example: ModuleType, config: dict[str, Any]) -> None:
    """The loss is that of onnxruntime on the exported file; the slopes are numpy's."""
    net = net_of(example, config)
    images, labels, *_ = example.data()
    images, labels = images[:16], labels[:16]

    def loss() -> float:
        session = ort.InferenceSession(example.float_model(net).SerializeToString())
        rows = example.channels_first(images)
        logits = np.concatenate([session.run(None, {"x": row[None]})[0] for row in rows]).astype(np.float64)
        logits -= logits.max(1, keepdims=True)
        return float(-np.mean(logits[np.arange(16), labels] - np.log(np.exp(logits).sum(1))))

    slopes = net.gradients(images, labels)
    rng = np.random.default_rng(2)
    for p, slope in zip(net.parameters, slopes, strict=True):
        assert slope.shape == p.shape
        direction = rng.normal(size=p.shape).astype(np.float32)
        direction /= np.linalg.norm(direction)
        kept, step = p.copy(), 1e-2
        p[...] = kept + step * direction
        above = loss()
        p[...] = kept - step * direction
        below = loss()
        p[...] = kept
        # A central difference in float32, across some bends of ReLU: alike to a tenth of the slope's length.
        assert (above - below) / (2 * step) == pytest.approx(
            float((slope * direction).sum()), abs=0.1 * float(np.linalg.norm(slope)) + 1e-3
        )


def test_a_search_keeps_every_limit(example: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example, "EPOCHS", 1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    gate = example.make_gate()
    study = example.search(6, gate)
    assert [t.state.name for t in study.trials] == ["COMPLETE"] * 6
    for trial in study.trials:
        assert not gate.check(example.space.check(trial.params)).infeasible
        assert trial.user_attrs["gonogo:error_witness"] <= trial.user_attrs["gonogo:error_bound"]
    for trial in study.best_trials:
        assert trial.user_attrs["gonogo:error_bound"] <= example.LIMITS["error"]
        assert trial.values[1] <= 6 * 1024 + 256  # the upper end of the interval
