"""NAS-Bench-201: the weights of every network that its table lists, from one architecture function of six choices."""

from __future__ import annotations

import csv
import gzip
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.corpus


def test_weights_of_every_network(corpus: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table counts batch normalisations as they are trained, two numbers per channel; deployed they are biases.

    It states millions with six digits. In 150 of its 15,625 rows it gives the size of a network with one operation
    more or less than the row's own: the formula of the layers, evaluated on the row, agrees with ours on all.
    """
    monkeypatch.syspath_prepend(str(root / "benchmarks"))
    import hpo_tables as tables

    monkeypatch.delitem(sys.modules, "hpo_tables")
    path = corpus / "hpo" / "nasbench201_cifar10.csv.gz"
    with gzip.open(path, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    table = tables.NasBench("nas", corpus / "hpo")
    gate = table.gate(table.space, 1 << 20)
    position = {v: float(i) for i, v in enumerate(tables.OPERATIONS)}
    columns = {c: np.array([position[row[c]] for row in rows]) for c in tables.EDGES}
    found = gate.batch(columns, plan=False)["parameter_bytes"]
    operations = [[row[c] for c in tables.EDGES] for row in rows]
    assert found.tolist() == [tables.nas_bytes(ops) for ops in operations]
    biases = np.array([normalised_channels(ops) for ops in operations])
    trained = (
        (found - 8) / 4 + biases - (32 + 64) + 2 * 64
    )  # two shortcuts have neither; the last has no convolution
    stated = np.array([float(row["model_size"]) * 1e6 for row in rows])
    digits = np.where(stated >= 1e6, 5.0, 0.5)
    assert np.count_nonzero(np.abs(trained - stated) <= digits) == 15_475


def normalised_channels(operations: list[str]) -> int:
    """Channels with a batch normalisation behind a convolution: as many more numbers as biases."""
    channels = 16 + 2 * (32 + 64)
    for width in (16, 32, 64):
        channels += 5 * width * sum(o.startswith("nor_conv") for o in operations)
    return channels
