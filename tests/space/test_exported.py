"""The cost by expressions against files that TensorFlow's converter wrote from Keras networks, layer by layer, and
against the arena that TensorFlow Lite Micro records for them.

GONOGO_DEEP_EXPORT is the number of configurations per family; a conversion takes seconds.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
from gonogo import _core
from gonogo.hpo.gate import Gate
from gonogo.loaders import load
from support.families import FAMILIES

COUNT = int(os.environ.get("GONOGO_DEEP_EXPORT", "3"))
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_exported_file_costs_the_same(
    family: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tensorflow", reason="needs TensorFlow's converter: pip install tensorflow-cpu")
    runtime = pytest.importorskip("tflite_micro.python.tflite_micro.runtime")
    from support.keras_families import exported

    space, build = FAMILIES[family]
    gate = Gate(space, build, target="host64", limits={"ram": "64 KiB"})
    rng = np.random.default_rng(int(os.environ.get("GONOGO_DEEP_SEED", "0")))
    for seed, config in enumerate(space.sample(rng, COUNT)):
        data = exported(family, config, seed)
        path = tmp_path / "exported.tflite"
        path.write_bytes(data)
        graph = load(path)
        cost = _core.cost(graph, gate.target.core)
        judged = gate.check(config)
        n = judged.numbers
        assert [node.op for node in gate.architecture.model(config).nodes] == [
            node.op for node in graph.nodes
        ], config
        ours = [(macs, other, parameters) for _, macs, other, parameters, _ in judged._core.nodes()]
        theirs = [(c.macs, c.other_operations, c.parameter_bytes) for c in cost.nodes]
        assert ours == theirs, config
        assert (n["macs"], n["parameter_bytes"]) == (cost.macs, cost.parameter_bytes), config
        assert n["other_operations"] == cost.other_operations, config
        # Bytes around the constants are an estimate; the constants themselves are not.
        assert n["parameter_bytes"] <= len(data), config

        capfd.readouterr()
        runtime.Interpreter.from_bytes(data, arena_size=1 << 24).print_allocations()
        text = "".join(capfd.readouterr())
        head, tail = (
            int(re.search(rf"Arena allocation {part} (\d+) bytes", text)[1])  # type: ignore[index]
            for part in ("head", "tail")
        )
        assert (n["ram_activations"], n["ram_persistent"]) == (head, tail), config
        assert (cost.ram_activation_bytes, cost.ram_persistent_bytes) == (head, tail), config
