"""ACAS Xu against its 16-bit versions: the 143 tasks of NeuroDiff, beside the published runs.

    GONOGO_CORPUS=... python benchmarks/float16_update.py [--eps 0.01] [--every 1] [--budget 120] [--threads 2]

A task asks for |update - original| < eps of one output over a property's box. Printed for each: the first bound on that
output (before any split), the largest of all five outputs as the published logs give it, the verdict, CPU time, wall
time and parts of the box. Verdicts: proved; refuted, by a concrete input that differs by more than eps; open, when
the budget of CPU time was used up. The published runs had 12 threads and 1800 s a task.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

PUBLISHED_LIMIT = 1800.0  # seconds: what an open task of theirs took


@dataclass(frozen=True)
class Outcome:
    first: float
    first_of_all: float
    verdict: str
    cpu: float
    wall: float
    parts: int


def run(corpus: Path, eps: float, budget: float, every: int, only: str) -> Iterator[tuple]:
    import numpy as np
    from gonogo import _core
    from support import neurodiff

    for task in neurodiff.load_tasks(corpus)[::every]:
        if only and only != f"{task.property}:{task.net}":
            continue
        a = neurodiff.load_network(corpus, task.net).graph()
        b = neurodiff.load_update(corpus, task.net).graph()
        lo, hi = (v.astype(np.float64)[None] for v in task.box(corpus))
        cpu, wall = time.process_time(), time.perf_counter()
        session = _core.ErrorSession(
            a, b, [lo], [hi], "real", None, 1, 1, False, "linear", eps, 0.0, [task.output]
        )
        first = session.result().tensors[0].bound
        settled = session.advance(0.0)
        while not settled and time.process_time() - cpu < budget:
            settled = session.advance(min(1.0, budget))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        last = session.result()
        found = last.tensors[0]
        bound, witness = float(found.bound[0, task.output]), float(found.witness_value[0, task.output])
        proved = bound <= eps
        if settled and not proved and not witness > eps:
            raise RuntimeError(f"{task}: settled, but neither proved nor refuted")
        verdict = "proved" if proved else ("refuted" if witness > eps else "open")
        yield (
            task,
            Outcome(float(first[0, task.output]), float(first.max()), verdict, cpu, wall, last.parts),
            bound,
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--eps", type=float, default=0.01, choices=(0.05, 0.01))
    parser.add_argument("--every", type=int, default=1, help="only every so manyth task")
    parser.add_argument("--budget", type=float, default=120.0, help="seconds of CPU time for a task")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="", help="one task, as 1:3_3")
    options = parser.parse_args()
    os.environ["GONOGO_THREADS"] = str(options.threads)
    named = os.environ.get("GONOGO_CORPUS")
    corpus = Path(named) if named else ROOT.parent / "shared" / "data"

    from support.neurodiff import load_published

    known = load_published(corpus)["neurodiff", options.eps]
    print("property net  first bound  of all  verdict      cpu s   wall s     parts      bound  published s")
    outcomes, published, spent = [], [], []
    for task, o, bound in run(corpus, options.eps, options.budget, options.every, options.only):
        outcomes.append(o)
        published.append(known[task])
        spent.append(known[task].seconds if known[task].proved else PUBLISHED_LIMIT)
        theirs = f"{spent[-1]:9.1f}" + ("" if known[task].proved else " open")
        print(
            f"{task.property:8d} {task.net}  {o.first:11.4f} {o.first_of_all:7.3f}  {o.verdict:8s}"
            f" {o.cpu:9.2f} {o.wall:8.2f} {o.parts:9d} {bound:10.5f}  {theirs}",
            flush=True,
        )
    if not outcomes:
        return
    verdicts = Counter(o.verdict for o in outcomes)
    cpu, wall = sum(o.cpu for o in outcomes), sum(o.wall for o in outcomes)
    theirs = sum(spent)
    print(
        f"\n{len(outcomes)} tasks, eps {options.eps:g}: " + ", ".join(f"{n} {v}" for v, n in verdicts.items())
    )
    print(f"published: {sum(p.proved for p in published)} proved, {theirs:.0f} s with 12 threads")
    print(
        f"CPU {cpu:.1f} s, wall {wall:.1f} s with {options.threads}; published over wall: {theirs / wall:.1f}"
    )
    print(
        f"median first bound, largest of all outputs: {statistics.median(o.first_of_all for o in outcomes):.3f}"
        f", published {statistics.median(p.first_pass for p in published):.3f}"
    )


if __name__ == "__main__":
    main()
