"""The NeuroDiff benchmark (Paulsen et al., ASE 2020): 45 ACAS Xu networks against their 16-bit versions, 143 tasks.

Conventions, from the artifact's sources and checked against its logs and the files:

- Files are text. The tools read every number as float64 and round it to float32; the networks are those float32
  numbers, in real arithmetic. (The decimals themselves are not float32 numbers, and nothing was proved about them.)
- An update is the original rounded to float16 and printed. Seven files print the float16 numbers exactly; the other 38
  print the shortest decimals that name them, so their weights are float32 roundings of 3 to 5 digits and no float16
  numbers. The tools proved what the files say.
- Inputs are cut to the file's minima and maxima, then normalised, (x - mean) / range in float32. The tasks' boxes are
  the normalised ones. Outputs are the last sums as they are: the output mean
  7.51888 and range 373.94992, last in the files' lists, are not applied.
- A task asks for |update - original| < eps of one output, named by the property: not of all five. The logs' first
  pass, before any split, is the largest bound over all five outputs.
- Properties 16 and 26 are the two halves of property 6, with input 3 up to 200 rather than the usual 1200. Property
  numbers 11 to 15 are boxes of the numbers before with other networks or outputs.
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from gonogo import _core

from support.dense import Box, Dense, dense_graph, difference, enclose

EPSILONS = (0.05, 0.01)
EXACT_FLOAT16 = (
    "1_1",
    "1_2",
    "1_3",
    "1_5",
    "1_6",
    "1_7",
    "1_9",
)  # updates whose files hold float16 numbers exactly

TURN = 3.141592
LONG = 3.1415926
# Raw boxes: lower ends, upper ends, the output that is compared. float64 here, as the C sources compute them.
_PROPERTIES: dict[int, tuple[tuple[float, ...], tuple[float, ...], int]] = {
    1: ((55947.691, -TURN, -TURN, 1145, 0), (60760, TURN, TURN, 1200, 60), 0),
    3: ((1500, -0.06, 3.10, 980, 960), (1800, 0.06, TURN, 1200, 1200), 0),
    4: ((1500, -0.06, 0, 1000, 700), (1800, 0.06, 0, 1200, 800), 0),
    5: ((250, 0.2, -LONG, 100, 0), (400, 0.4, -LONG + 0.005, 400, 400), 4),
    7: ((0, -TURN, -TURN, 100, 0), (60760, TURN, TURN, 1200, 1200), 4),
    8: ((0, -TURN, -0.1, 600, 600), (60760, -TURN * 0.75, 0.1, 1200, 1200), 1),
    9: ((2000, -0.4, -TURN, 100, 0), (7000, -0.14, -TURN + 0.01, 150, 150), 3),
    10: ((36000, 0.7, -TURN, 900, 600), (60760, TURN, -TURN + 0.01, 1200, 1200), 0),
    11: ((250, 0.2, -LONG, 100, 0), (400, 0.4, -LONG + 0.005, 400, 400), 4),
    12: ((55947.691, -TURN, -TURN, 1145, 0), (60760, TURN, TURN, 1200, 60), 0),
    13: ((60000, -TURN, -TURN, 0, 0), (60760, TURN, TURN, 360, 360), 0),
    14: ((250, 0.2, -LONG, 100, 0), (400, 0.4, -LONG + 0.005, 400, 400), 4),
    15: ((250, -0.4, -LONG, 100, 0), (400, -0.2, -LONG + 0.005, 400, 400), 3),
    16: ((12000, -TURN, -TURN, 100, 0), (62000, -0.7, -TURN + 0.005, 200, 1200), 0),
    26: ((12000, 0.7, -TURN, 100, 0), (62000, TURN, -TURN + 0.005, 200, 1200), 0),
}


@dataclass(frozen=True)
class Network:
    """One .nnet file; weights [outputs, inputs] and all else float32, rounded once from the float64 decimals."""

    name: str
    layers: tuple[Dense, ...]
    minima: np.ndarray
    maxima: np.ndarray
    means: np.ndarray
    ranges: np.ndarray
    decimals: tuple[str, ...]

    def normalise(self, raw: np.ndarray) -> np.ndarray:
        """Raw inputs as the tools do it: float32 throughout."""
        x = np.clip(np.asarray(raw, np.float64).astype(np.float32), self.minima, self.maxima)
        return (x - self.means) / self.ranges

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Float64 outputs at normalised points [points, 5]; no claim about rounding."""
        for layer in self.layers:
            x = x @ layer.weights.astype(np.float64).T + layer.bias
            x = np.maximum(x, 0) if layer.relu else x
        return x

    def enclose(self, x: np.ndarray) -> Box:
        """Float64 bounds on the exact outputs at normalised float64 points."""
        return enclose(self.layers, x)

    def graph(self) -> _core.Graph:
        """Input x of shape [1, 5]: normalised."""
        return dense_graph(self.name, self.layers)


def difference_bounds(original: Network, update: Network, x: np.ndarray) -> Box:
    """Float64 bounds on update - original, all outputs, at normalised points."""
    return difference(update.enclose(x), original.enclose(x))


def read_nnet(path: Path) -> Network:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = [line.strip().rstrip(",").split(",") for line in file if not line.startswith("//")]
    count = int(lines[0][0])
    sizes = [int(v) for v in lines[1]]

    def numbers(rows: list[list[str]]) -> np.ndarray:
        return np.array([[float(v) for v in row] for row in rows]).astype(np.float32)

    layers, decimals, at = [], [], 7
    for i, size in enumerate(sizes[1:]):
        w, b = lines[at : at + size], lines[at + size : at + 2 * size]
        at += 2 * size
        decimals += [v for row in w + b for v in row]
        layers.append(Dense(numbers(w), numbers(b)[:, 0], i + 1 < count))
    if at != len(lines) or [layer.weights.shape[1] for layer in layers] != sizes[:-1]:
        raise ValueError(f"{path}: not the layers it announces")
    # Only the entries of the inputs: the lists are longer, and their last numbers would scale the outputs.
    header = [numbers([line])[0][: sizes[0]] for line in lines[3:7]]
    return Network(path.name.split(".")[0], tuple(layers), *header, tuple(decimals))


@cache
def load_network(corpus: Path, net: str) -> Network:
    """The original `net`: '1_1' to '5_9'."""
    return read_nnet(corpus / "quant" / "neurodiff" / "nnet" / f"ACASXU_run2a_{net}_batch_2000.nnet.gz")


@cache
def load_update(corpus: Path, net: str) -> Network:
    """Its 16-bit version."""
    folder = corpus / "quant" / "neurodiff" / "nnet_16bit"
    return read_nnet(folder / f"ACASXU_run2a_{net}_batch_2000_16bit.nnet.gz")


NETS = tuple(f"{a}_{b}" for a in range(1, 6) for b in range(1, 10))


@dataclass(frozen=True, order=True)
class Task:
    """A property and a network."""

    property: int
    net: str

    @property
    def output(self) -> int:
        """The only output whose difference the published proofs bound."""
        return _PROPERTIES[self.property][2]

    @property
    def raw_box(self) -> tuple[np.ndarray, np.ndarray]:
        """In the units of the inputs, float64."""
        lo, hi, _ = _PROPERTIES[self.property]
        return np.array(lo, np.float64), np.array(hi, np.float64)

    def box(self, corpus: Path) -> tuple[np.ndarray, np.ndarray]:
        """Normalised, float32: what was proved on."""
        network = load_network(corpus, self.net)
        lo, hi = self.raw_box
        return network.normalise(lo), network.normalise(hi)


@dataclass(frozen=True)
class Published:
    """One line of the logs. `first_pass`: largest bound on any of the five outputs before the first split."""

    proved: bool
    seconds: float
    splits: int
    first_pass: float


@cache
def load_published(corpus: Path) -> dict[tuple[str, float], dict[Task, Published]]:
    """By (tool, eps); tools 'neurodiff' and 'reludiffp'. 143 tasks each, 12 threads, 1800 s at most.

    NeuroDiff ran with other options at eps 0.05 (fifteen extra symbols) than at 0.01 (as many as its rule finds), so
    that its first passes differ between the two; those of ReluDiff+ are the same.
    """
    out: dict[tuple[str, float], dict[Task, Published]] = {}
    with (corpus / "quant" / "neurodiff" / "results" / "logs_parsed.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            eps = float(row["epsilon"])
            if row["experiment"] != f"acas_{row['epsilon']}":
                continue
            task = Task(int(row["property"]), row["network"].removeprefix("ACASXU_run2a_")[:3])
            out.setdefault((row["tool_log"], eps), {})[task] = Published(
                row["verdict"] == "proved",
                float(row["time_s"] or "nan"),
                int(row["num_splits"]),
                float(row["initial_pass_max_abs_delta_bound"]),
            )
    return out


def load_tasks(corpus: Path) -> tuple[Task, ...]:
    """The 143 tasks, in order."""
    return tuple(sorted(load_published(corpus)["neurodiff", 0.05]))
