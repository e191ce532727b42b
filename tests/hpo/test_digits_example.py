"""The example: its skeleton costs what its quantised network costs, and its search keeps the limits."""

from __future__ import annotations

import importlib.util
import itertools
import logging
from pathlib import Path
from types import ModuleType
from typing import Any

import gonogo as gg
import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("sklearn")
optuna = pytest.importorskip("optuna")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def example() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "examples" / "digits_optuna.py"
    spec = importlib.util.spec_from_file_location("digits_optuna", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    logging.getLogger().setLevel(logging.ERROR)
    return module


@pytest.mark.parametrize(
    "params",
    [{"layers": 1, "width1": 7}, {"layers": 1, "width1": 64}, {"layers": 2, "width1": 33, "width2": 5}],
)
def test_the_skeleton_costs_exactly_what_the_quantised_network_costs(
    example: ModuleType, params: dict[str, Any], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    sizes = example.widths(params)
    weights = [rng.normal(0, 0.3, (a, b)) for a, b in itertools.pairwise(sizes)]
    biases = [rng.normal(0, 0.3, b) for b in sizes[1:]]
    example.quantise(example.float_model(weights, biases), tmp_path)
    for target in ("stm32g0b1re", "stm32l4r5zi", "cortex-m55"):
        judged = gg.cost(example.skeleton(params), target)
        deployed = gg.cost(tmp_path / "int8.onnx", target)
        for name, before in judged.quantities().items():
            after = deployed.quantities()[name]
            assert (before is None) == (after is None)
            if before is not None and after is not None:
                assert (before.value, before.low, before.high, before.standing) == (
                    after.value,
                    after.low,
                    after.high,
                    after.standing,
                ), name
        assert judged.macs.value == sum(a * b for a, b in itertools.pairwise(sizes))
        assert judged.macs.standing == "exact"


def test_the_search(example: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    study = example.search(9)
    states = {t.state.name for t in study.trials}
    assert states == {"COMPLETE", "PRUNED"}
    for trial in study.trials:
        assert list(trial.constraints) == list(example.gate().keys)
        assert "gonogo:cost_mismatch" not in trial.user_attrs
    rows = list(example.table(study))
    assert len(rows) == 1 + len({tuple(t.values) for t in study.best_trials})
    for trial in study.best_trials:
        assert trial.user_attrs["gonogo:error_bound"] <= example.LIMITS["error"]
    assert len(capsys.readouterr().out.splitlines()) == 9
