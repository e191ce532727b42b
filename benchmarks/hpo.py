"""What a gate saves in a search: trainings that can't fit, and trainings to a result as good as without it.

    python benchmarks/hpo.py [--data FOLDER] [--samplers TPE,NSGA-II,random] [--limits 0.05,0.1,0.25,0.5,0.9]
                             [--tables slice,protein] [--seeds 20] [--budget 100] [--save rows.json]
    python benchmarks/hpo.py --show rows.json [more.json ...]

Searches over HPOLib's tables of trained networks (62,208 configurations each; two hidden layers, the size is a formula
of two widths), so a training is a look-up and the best configuration within the limit is known. The limit on size is a
quantile of the table's. The budget counts trainings, not proposals. Arms, all from the same seeds:

    unaware   Optuna's sampler knows no limit; every proposal is trained
    native    Optuna's constraints: `set_constraint`, every proposal is trained
    two-line  the user's own gate: `set_constraint`, and `TrialPruned` before training
    feasible  FeasibleSampler and `gate.wrap`
    told      the same with `tell_rejected`
    tight     `feasible` in the space tightened by the report's bounds

Regret is (best - optimum) / optimum among what fits. "to native": trainings until as good as `native` at the end of its
budget, of the same seed; one more than the budget where it never was.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from gonogo.architecture import Layer, Net
from gonogo.hpo import tightened
from gonogo.hpo.gate import Gate
from gonogo.hpo.optuna import FeasibleSampler, WrappedObjective, suggest
from gonogo.space import Choice, Int, Space
from hpo_table import ARMS, Row, brief, show

ROOT = Path(__file__).resolve().parents[1]
INPUTS = {"slice": 380, "protein": 9}
FILES = {"slice": "hpolib_slice_localization.csv.gz", "protein": "hpolib_protein_structure.csv.gz"}
# A two-line gate may be rejected for ever; so many proposals per training are allowed. GP's take long.
PATIENCE = {"GP": 3}
PATIENCE_OTHERS = 20
RETRIES = {"GP": 4}
ORDERED = ("batch_size", "dropout_1", "dropout_2", "init_lr", "n_units_1", "n_units_2")
WIDTHS = ("n_units_1", "n_units_2")
NAMED = ("activation_fn_1", "activation_fn_2", "lr_schedule")


class Table:
    """Validation losses by configuration; ordered columns are searched by the index of their values."""

    def __init__(self, name: str, folder: Path) -> None:
        with gzip.open(folder / FILES[name], "rt") as file:
            rows = list(csv.DictReader(file))
        self.name = name
        self.values = {c: sorted({row[c] for row in rows}, key=float) for c in ORDERED}
        names = {c: sorted({row[c] for row in rows}) for c in NAMED}
        self.space = Space(
            **{c: Int(0, len(v) - 1, used=c.startswith("n_units")) for c, v in self.values.items()},
            **{c: Choice(*v, used=False) for c, v in names.items()},
        )
        self.losses: dict[tuple[str, ...], float] = {}
        self.sizes: dict[tuple[str, ...], int] = {}
        for row in rows:
            key = tuple(row[c] for c in (*ORDERED, *NAMED))
            self.losses[key] = statistics.fmean(float(row[f"val_loss_s{i}"]) for i in range(4))
            self.sizes[key] = int(row["model_size"])

    def key(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        return (*(self.values[c][config[c]] for c in ORDERED), *(config[c] for c in NAMED))

    def size(self, config: Mapping[str, Any]) -> int:
        """The table's, in bytes of float32 weights: what fits is judged by it, never by the gate."""
        return 4 * self.sizes[self.key(config)]

    def gate(self, space: Space, limit: int) -> Gate:
        def build(h: Any, net: Net) -> Layer:
            widths = []
            for name in WIDTHS:
                width: Any = int(self.values[name][0])
                for i, value in enumerate(self.values[name][1:], 1):
                    width = net.select(h[name] >= i, int(value), width)
                widths.append(width)
            x = net.input(INPUTS[self.name], bits=32)
            x = net.dense(net.dense(x, widths[0], activation="relu"), widths[1], activation="relu")
            return net.dense(x, 1)

        return Gate(space, build, target="host64", limits={"flash": f"{limit} B"})


def sampler(name: str, seed: int) -> optuna.samplers.BaseSampler:
    kinds = optuna.samplers
    return {
        "random": lambda: kinds.RandomSampler(seed=seed),
        "TPE": lambda: kinds.TPESampler(seed=seed),
        "NSGA-II": lambda: kinds.NSGAIISampler(seed=seed, population_size=20),
        "GP": lambda: kinds.GPSampler(seed=seed, deterministic_objective=True),
    }[name]()


def search(
    table: Table, limit: int, gate: Gate, name: str, arm: str, seed: int, budget: int
) -> tuple[list[float], int, int]:
    """Best loss that fits after each training, trainings of what doesn't fit, and proposals."""
    best: list[float] = []
    wasted = 0
    base = sampler(name, seed)

    def train(trial: optuna.Trial) -> float:
        nonlocal wasted
        config = suggest(trial, gate.space)
        loss, fits = table.losses[table.key(config)], table.size(config) <= limit
        wasted += not fits
        best.append(min([loss if fits else np.inf, *best[-1:]]))
        return loss

    def two_line(trial: optuna.Trial) -> float:
        checked = gate.check(suggest(trial, gate.space))
        trial.set_constraint("flash", checked.margins["flash"])
        if checked.infeasible:
            raise optuna.TrialPruned
        return train(trial)

    def native(trial: optuna.Trial) -> float:
        trial.set_constraint("flash", gate.check(suggest(trial, gate.space)).margins["flash"])
        return train(trial)

    objective: Callable[[optuna.Trial], Any] = {"unaware": train, "native": native, "two-line": two_line}.get(
        arm, WrappedObjective(gate, train)
    )
    inner = (
        FeasibleSampler(gate, base, retries=RETRIES.get(name, 16), tell_rejected=arm == "told", seed=seed)
        if arm in ("feasible", "told", "tight")
        else base
    )
    study = optuna.create_study(direction="minimize", sampler=inner)

    def stop(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        if len(best) >= budget:
            study.stop()

    study.optimize(objective, n_trials=budget * PATIENCE.get(name, PATIENCE_OTHERS), callbacks=[stop])
    proposed = inner.counts.proposed if isinstance(inner, FeasibleSampler) else len(study.trials)
    return best, wasted, proposed


def run(
    table: Table, limit: float, name: str, arms: Iterable[str], seeds: Iterable[int], budget: int
) -> Iterator[Row]:
    beyond = int(np.quantile(list(table.sizes.values()), limit)) * 4
    gate = table.gate(table.space, beyond)
    tight = table.gate(tightened(table.space, gate.tighten(seconds=1.0).bounds), beyond)
    optimum = min(loss for key, loss in table.losses.items() if 4 * table.sizes[key] <= beyond)
    for seed in seeds:
        for arm in arms:
            start = time.perf_counter()
            best, wasted, proposals = search(
                table, beyond, tight if arm == "tight" else gate, name, arm, seed, budget
            )
            seconds = time.perf_counter() - start
            yield Row(table.name, name, limit, arm, seed, optimum, best, wasted, proposals, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    corpus = Path(os.environ.get("GONOGO_CORPUS", ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=corpus / "hpo")
    parser.add_argument("--samplers", default="random,TPE,NSGA-II")
    parser.add_argument("--limits", default="0.05,0.1,0.25,0.5,0.9")
    parser.add_argument("--tables", default="slice,protein")
    parser.add_argument("--arms", default=",".join(ARMS))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--budget", type=int, default=100)
    parser.add_argument("--save", type=Path)
    parser.add_argument("--show", type=Path, nargs="+")
    parser.add_argument("--brief", action="store_true", help="one line per table, sampler and limit")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rows: list[Row] = []
    if given.show:
        rows = [Row(**r) for path in given.show for r in json.loads(path.read_text())]
    else:
        for table in (Table(name, given.data) for name in given.tables.split(",")):
            for name in given.samplers.split(","):
                for limit in map(float, given.limits.split(",")):
                    seeds = range(given.first_seed, given.first_seed + given.seeds)
                    rows += run(table, limit, name, given.arms.split(","), seeds, given.budget)
                    print(f"{table.name} {name} {limit:g}", file=sys.stderr, flush=True)
                    if given.save:
                        given.save.write_text(json.dumps([asdict(r) for r in rows]))
    print("\n".join((brief if given.brief else show)(rows)))


if __name__ == "__main__":
    main()
