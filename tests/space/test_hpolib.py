"""The tables of HPOLib: the size of every network trained there, and proofs about its search space at every limit."""

from __future__ import annotations

import csv
import functools
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gonogo.architecture import Layer, Net
from gonogo.hpo.gate import Gate
from gonogo.space import Choice, Space
from support.spaces import FEASIBLE, INFEASIBLE, grid_of

pytestmark = pytest.mark.corpus

TABLES = {"hpolib_protein_structure": 9, "hpolib_slice_localization": 380}
UNITS = (16, 32, 64, 128, 256, 512)
SPACE = Space(
    n_units_1=Choice(*UNITS),
    n_units_2=Choice(*UNITS),
    activation_fn_1=Choice("relu", "tanh", used=False),
    activation_fn_2=Choice("relu", "tanh", used=False),
    batch_size=Choice(8, 16, 32, 64, used=False),
    dropout_1=Choice(0.0, 0.3, 0.6, used=False),
    dropout_2=Choice(0.0, 0.3, 0.6, used=False),
    init_lr=Choice(0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, used=False),
    lr_schedule=Choice("cosine", "const", used=False),
)


def network(inputs: int) -> Any:
    def build(h: Any, net: Net) -> Layer:
        x = net.input(inputs, bits=32)
        x = net.dense(net.dense(x, h.n_units_1, activation="relu"), h.n_units_2, activation="relu")
        return net.dense(x, 1)

    return build


@functools.cache
def rows(path: Path) -> tuple[list[dict[str, Any]], np.ndarray]:
    """The configurations, with values of the space's own types, and model_size."""
    with gzip.open(path, "rt", newline="") as file:
        table = list(csv.DictReader(file))
    configs = []
    for row in table:
        configs.append({name: type(SPACE[name].values[0])(row[name]) for name in SPACE.names})  # type: ignore[union-attr]
    return configs, np.array([int(row["model_size"]) for row in table])


@pytest.fixture(params=TABLES)
def table(request: pytest.FixtureRequest, corpus: Path) -> tuple[int, list[dict[str, Any]], np.ndarray]:
    path = corpus / "hpo" / f"{request.param}.csv.gz"
    if not path.exists():
        pytest.skip(f"no {path.name} in the corpus")
    return (TABLES[request.param], *rows(path))


Table = tuple[int, list[dict[str, Any]], np.ndarray]


def test_the_size_of_every_network(table: Table) -> None:
    inputs, configs, sizes = table
    assert len(configs) == SPACE.size == 62_208
    gate = Gate(SPACE, network(inputs), target="host64", limits={"flash": "1 MiB"})
    columns = {}
    for name in SPACE.names:
        position = {v: i for i, v in enumerate(SPACE[name].values)}  # type: ignore[union-attr]
        is_text = isinstance(configs[0][name], str)
        columns[name] = np.array([position[c[name]] if is_text else c[name] for c in configs])
    found = gate.batch(columns, plan=False)
    assert np.array_equal(found["parameter_bytes"], 4.0 * sizes)
    for i in range(0, len(configs), 997):
        assert gate.check(configs[i]).numbers["parameter_bytes"] == 4 * sizes[i]


@pytest.mark.parametrize("quantile", [0.05, 0.1, 0.25, 0.5, 0.9])
def test_no_feasible_network_is_rejected(table: Table, quantile: float) -> None:
    inputs, configs, sizes = table
    most = int(np.quantile(sizes, quantile, method="lower"))
    gate = Gate(SPACE, network(inputs), target="host64", limits={"flash": f"{4 * most} B"})
    report = gate.tighten(seconds=60.0)
    coding = gate.architecture.coding
    region, covered = grid_of(report, [len(p.codes) for p in coding.parameters])
    index = np.array([[p.index_of(c[p.name]) for p in coding.parameters] for c in configs], dtype=np.int64)
    at = tuple(index.T)
    too_large = sizes > most
    assert np.all(covered == 1)
    assert np.array_equal(region[at] == INFEASIBLE, too_large)
    assert not np.any((region[at] == FEASIBLE) & too_large)
    for j, name in enumerate(p.name for p in coding.parameters):
        left = {coding.parameters[j].values[i] for i in np.unique(index[~too_large, j])}
        assert set(report.bounds[name]) == left
        assert name in report.exact
