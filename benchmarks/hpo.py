"""What a gate saves in a search: trainings that can't fit, and trainings to a result as good as without it.

    python benchmarks/hpo.py [--data FOLDER] [--samplers TPE,NSGA-II,random] [--limits 0.05,0.1,0.25,0.5,0.9]
                             [--tables slice,protein,nas] [--seeds 20] [--budget 100] [--save rows.json]
    python benchmarks/hpo.py --show rows.json [more.json ...]

Searches over tables of trained networks, so a training is a look-up and the best within the limit is known: HPOLib's
(62,208 configurations each; two hidden layers, loss) and NAS-Bench-201's (15,625 cells; error and latency). The limit
on size is a quantile of the table's. The budget counts trainings, not proposals. Arms, all from the same seeds:

    unaware   Optuna's sampler knows no limit; every proposal is trained
    native    Optuna's constraints: `set_constraint`, every proposal is trained
    two-line  the user's own gate: `set_constraint`, and `TrialPruned` before training
    feasible  FeasibleSampler and `gate.wrap`
    told      the same with `tell_rejected`
    tight     `feasible` in the space tightened by the report's bounds

Regret is (best - optimum) / optimum among what fits; with two objectives, 1 less than the hypervolume of all that fits
over that of the trainings that do. "to native": trainings until as good as `native` at the end of its
budget, of the same seed; one more than the budget where it never was.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from gonogo.hpo import tightened
from gonogo.hpo.gate import Gate
from gonogo.hpo.optuna import FeasibleSampler, WrappedObjective, suggest
from hpo_table import ARMS, Row, brief, show
from hpo_tables import Hpolib, NasBench, table_of

ROOT = Path(__file__).resolve().parents[1]
# A two-line gate may be rejected for ever; so many proposals per training are allowed. GP's take long.
PATIENCE = {"GP": 3}
PATIENCE_OTHERS = 20
RETRIES = {"GP": 4}


def sampler(name: str, seed: int) -> optuna.samplers.BaseSampler:
    kinds = optuna.samplers
    return {
        "random": lambda: kinds.RandomSampler(seed=seed),
        "TPE": lambda: kinds.TPESampler(seed=seed),
        "NSGA-II": lambda: kinds.NSGAIISampler(seed=seed, population_size=20),
        "GP": lambda: kinds.GPSampler(seed=seed, deterministic_objective=True),
    }[name]()


def search(
    table: Hpolib | NasBench, limit: int, gate: Gate, name: str, arm: str, seed: int, budget: int
) -> tuple[list[float], int, int]:
    """Quality after each training, trainings of what doesn't fit, and proposals."""
    best: list[float] = []
    fitting: list[tuple[float, ...]] = []
    wasted = 0
    base = sampler(name, seed)

    def train(trial: optuna.Trial) -> tuple[float, ...]:
        nonlocal wasted
        config = suggest(trial, gate.space)
        values = table.train(config)
        if table.size(config) <= limit:
            fitting.append(values)
        else:
            wasted += 1
        best.append(table.quality(fitting, limit))
        return values

    def two_line(trial: optuna.Trial) -> tuple[float, ...]:
        checked = gate.check(suggest(trial, gate.space))
        trial.set_constraint("flash", checked.margins["flash_model"])
        if checked.infeasible:
            raise optuna.TrialPruned
        return train(trial)

    def native(trial: optuna.Trial) -> tuple[float, ...]:
        trial.set_constraint("flash", gate.check(suggest(trial, gate.space)).margins["flash_model"])
        return train(trial)

    objective: Callable[[optuna.Trial], Any] = {"unaware": train, "native": native, "two-line": two_line}.get(
        arm, WrappedObjective(gate, train)
    )
    inner = (
        FeasibleSampler(gate, base, retries=RETRIES.get(name, 16), tell_rejected=arm == "told", seed=seed)
        if arm in ("feasible", "told", "tight")
        else base
    )
    study = optuna.create_study(directions=["minimize"] * table.objectives, sampler=inner)

    def stop(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        if len(best) >= budget:
            study.stop()

    study.optimize(objective, n_trials=budget * PATIENCE.get(name, PATIENCE_OTHERS), callbacks=[stop])
    proposed = inner.counts.proposed if isinstance(inner, FeasibleSampler) else len(study.trials)
    return best, wasted, proposed


def run(
    table: Hpolib | NasBench, limit: float, name: str, arms: Iterable[str], seeds: Iterable[int], budget: int
) -> Iterator[Row]:
    beyond = int(np.quantile(list(table.sizes.values()), limit)) // 4 * 4
    gate = table.gate(table.space, beyond)
    tight = table.gate(tightened(table.space, gate.tighten(seconds=1.0).bounds), beyond)
    optimum = table.optimum(beyond)
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
        for table in (table_of(name, given.data) for name in given.tables.split(",")):
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
