"""Fixed point against published results: how tight on QEBVerif, and how few bits Aster's controllers need.

    GONOGO_CORPUS=... python benchmarks/fixed_point.py [--nets P1 P2] [--bits 4 6 8 10] [--images 30]

QEBVerif: mean width of the proved interval of QNN - DNN, label class, over the published inputs; beside it the better
one of the published methods, and the width that a stored attack reaches, which no proof can go below; the same width
after `--search` seconds of splitting. Then the same of |QNN - DNN|: the proved bound, after splitting, over what the
stored attack and over what the witness search reaches. Of the tasks
|QNN - DNN| <= eps, eps = 1, 2, 4, 6, 8: how many are decided by bound or witness, how many by the published methods
(bounds, then MILP), and how often the two contradict each other. One thread.

Aster: the least uniform word length, of input, weights, biases and results alike, at which the error is proved to stay
below a target. The bits before the point are those that the reference's ranges need, as linear bounds prove them;
rounding half up, saturating. The reference is the controller with weights rounded to float32.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("GONOGO_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import numpy as np  # noqa: E402
from gonogo import _core  # noqa: E402
from gonogo.errors import OverflowRiskError  # noqa: E402
from support import aster, fixed, qebverif  # noqa: E402
from support.dense import rationals  # noqa: E402

LONGEST = 48
SEARCH = 500_000_000  # multiplications


def published(corpus: Path, nets: list[str], bits: list[int], count: int, method: str, search: float) -> None:
    known = qebverif.load_published(corpus)
    print(
        "net    Q   proved  published  ratio   attack  proved/attack  split/attack  wins  s/task"
        "  bound/attack  bound/witness  decided  published  contradictions"
    )
    for net in nets:
        dnn = qebverif.load_dnn(corpus, net)
        graph = qebverif.reference_graph(dnn)
        for q in bits:
            semantics = fixed.qebverif_semantics(graph, q).plain()
            rows = []
            decided = np.zeros(3, int)  # by this, by the published methods, differently
            for image in qebverif.load_images(corpus)[:count]:
                lo, hi = (v.astype(np.float64)[None] for v in image.box())
                begin = time.perf_counter()
                found = _core.error(None, graph, [lo], [hi], semantics, None, 1, 1, False, method).tensors[0]
                seconds = time.perf_counter() - begin
                task = known[net, q, image.id]
                width = float(found.upper[0, image.label] - found.lower[0, image.label])
                # The search alone, for this output alone.
                session = _core.ErrorSession(
                    None,
                    graph,
                    [lo],
                    [hi],
                    semantics,
                    None,
                    SEARCH,
                    1,
                    False,
                    "linear",
                    None,
                    0.0,
                    [image.label],
                )
                session.advance(search)
                later = session.result().tensors[0]
                reached = later.witness_value[0, image.label]
                split = float(later.upper[0, image.label] - later.lower[0, image.label])
                bound = min(found.bound[0, image.label], later.bound[0, image.label])
                attacked = task.attack[1] - task.attack[0], max(np.abs(task.attack))
                for eps, verdict in task.verdicts.items():
                    here = True if bound <= eps else (False if reached > eps else None)
                    both = here is not None and verdict is not None
                    decided += [here is not None, verdict is not None, both and here != verdict]
                rows.append(
                    (width, task.best_width, attacked[0], seconds, bound, attacked[1], reached, split)
                )
            ours, best, attack, seconds, bound, by_attack, by_search, split = np.mean(rows, axis=0)
            wins = sum(r[0] < r[1] for r in rows)
            print(
                f"{net}    {q:2d} {ours:8.3f}   {best:8.3f}  {ours / best:5.2f} {attack:8.3f}  {ours / attack:13.2f}"
                f"  {split / attack:12.2f}  {wins:4d}  {seconds:6.2f}"
                f"  {bound / by_attack:12.2f}  {bound / by_search:13.2f}"
                f"  {decided[0]:7d}  {decided[1]:9d}  {decided[2]:14d}",
                flush=True,
            )


def held(controller: aster.Controller) -> aster.Controller:
    """The controller whose weights are the float32 numbers of its graph."""
    layers = [aster.Layer(rationals(x.weights), rationals(x.bias), x.relu) for x in controller.rounded(1)]
    return aster.Controller(
        controller.name, tuple(layers), controller.lower, controller.upper, controller.target
    )


def whole_bits(controller: aster.Controller, graph: _core.Graph) -> list[int]:
    """Bits before the point, with the sign, of the input and of every layer's output."""
    lo, hi = (v.floats()[None] for v in (controller.lower, controller.upper))
    ends = [(lo, hi)]
    for node in graph.nodes:
        (found,) = _core.bound(graph, [lo], [hi], "real", node.outputs[0])
        ends.append((found.lower, found.upper))
    return [aster.integer_bits(rationals(np.maximum(abs(a), abs(b)))) for a, b in ends]


def proved(controller: aster.Controller, graph: _core.Graph, bits: int, whole: list[int]) -> float:
    net = aster.make_fixed(controller, bits, whole=whole)
    semantics = fixed.fixed_net_semantics(net, [n.name for n in graph.nodes]).plain()
    lo, hi = (v.floats()[None] for v in (controller.lower, controller.upper))
    try:
        result = _core.error(None, graph, [lo], [hi], semantics, None, 1, 1, False)
    except OverflowRiskError:
        return float("nan")
    return float(result.tensors[0].bound.max())


def least_words(corpus: Path, targets: tuple[float, ...]) -> None:
    print("controller         " + "".join(f"  {t:g}: bits (proved)  " for t in targets) + "  CPU s")
    for name in aster.names(corpus):
        controller = held(aster.load_controller(corpus, name))
        graph = controller.graph()
        begin = time.process_time()
        whole = whole_bits(controller, graph)
        bounds: dict[int, float] = {}

        def bound(bits: int, controller=controller, graph=graph, bounds=bounds, whole=whole) -> float:
            if bits not in bounds:
                bounds[bits] = proved(controller, graph, bits, whole)
            return bounds[bits]

        text = f"{name:18s} "
        for target in targets:
            low, high = 2, LONGEST  # the bound at `low` is too large, that at `high` small enough or unknown
            while high - low > 1:
                middle = (low + high) // 2
                if bound(middle) > target:
                    low = middle
                else:
                    high = middle
            # Bounds needn't fall with every bit: look a little further down.
            best = next((b for b in range(max(3, high - 3), high + 1) if bound(b) <= target), None)
            text += f"  {best or '-':>4} ({bound(best or high):9.3g})       "
        print(text + f"  {time.process_time() - begin:7.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--nets", nargs="*", default=list(qebverif.NETS))
    parser.add_argument("--bits", nargs="*", type=int, default=list(qebverif.BITS))
    parser.add_argument("--images", type=int, default=30)
    parser.add_argument("--method", default="linear")
    parser.add_argument(
        "--search", type=float, default=0.0, help="seconds a task for splitting and more witnesses"
    )
    parser.add_argument("--only", choices=("qebverif", "aster"))
    options = parser.parse_args()
    named = os.environ.get("GONOGO_CORPUS")
    corpus = Path(named) if named else ROOT.parent / "shared" / "data"
    if options.only != "aster":
        published(corpus, options.nets, options.bits, options.images, options.method, options.search)
    if options.only != "qebverif":
        least_words(corpus, (1e-3, 1e-5))


if __name__ == "__main__":
    main()
