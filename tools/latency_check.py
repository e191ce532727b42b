"""How far the latency model is off on rows that it wasn't fitted to, and the intervals that follow.

Two ways of leaving rows out. By family: on one board and engine, all networks of a family; other boards' rows of it
stay, as they do for a user who measured some networks of an own board. By board: all rows of a board whose core and
engine version another board has. Beside them the usual regression: a factor per board and engine times MACs.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from latency_model import Posterior, Sample
from latency_rows import DataSet

COVERAGE = 0.9


@dataclass(frozen=True)
class Held:
    """A row left out: logarithm of measured over predicted, and its predicted standard deviation."""

    sample: Sample
    log_ratio: float
    deviation: float

    @property
    def error(self) -> float:
        """Relative, of the prediction."""
        return math.exp(-self.log_ratio) - 1.0


Figures = dict[DataSet, list[Held]]


def held(sample: Sample, model: Posterior) -> Held:
    cycles, deviation = model.predict(sample)
    return Held(sample, math.log(sample.measured.cycles / cycles), deviation)


def by_family(samples: Sequence[Sample]) -> Figures:
    figures: Figures = defaultdict(list)
    for data in sorted({s.data for s in samples}):
        families = sorted({s.measured.family for s in samples if s.data == data})
        for family in families if len(families) > 1 else ():
            out = [s for s in samples if s.data == data and s.measured.family == family]
            model = Posterior([s for s in samples if s not in out])
            figures[data] += [held(s, model) for s in out]
    return figures


def by_board(samples: Sequence[Sample]) -> Figures:
    figures: Figures = defaultdict(list)
    for board in sorted({s.data.board for s in samples}):
        rest = [s for s in samples if s.data.board != board]
        known = {(s.data.core, s.data.engine, s.data.version) for s in rest}
        out = [s for s in samples if s.data.board == board]
        out = [s for s in out if (s.data.core, s.data.engine, s.data.version) in known]
        if out:
            model = Posterior(rest)
            for sample in out:
                figures[sample.data].append(held(sample, model))
    return figures


def macs_only(samples: Sequence[Sample], macs: dict[str, float], boards: bool) -> dict[DataSet, list[float]]:
    """Relative errors of one factor times MACs, families weighing the same; left out as above."""
    errors: dict[DataSet, list[float]] = defaultdict(list)
    for sample in samples:
        one = sample.data
        if boards:
            key = (one.core, one.engine, one.version)
            rest = [
                s for s in samples if s.data != one and (s.data.core, s.data.engine, s.data.version) == key
            ]
        else:
            rest = [s for s in samples if s.data == one and s.measured.family != sample.measured.family]
        if not rest:
            continue
        logs: dict[str, list[float]] = defaultdict(list)
        for s in rest:
            logs[s.measured.family].append(math.log(s.measured.cycles / macs[s.measured.model]))
        factor = math.exp(np.mean([np.mean(v) for v in logs.values()]))
        errors[one].append(factor * macs[sample.measured.model] / sample.measured.cycles - 1.0)
    return errors


def quantile(figures: Sequence[Held]) -> float:
    """How many standard deviations hold `COVERAGE` of the rows left out (split conformal, one rank up)."""
    scores = sorted(abs(h.log_ratio) / h.deviation for h in figures)
    rank = math.ceil((len(scores) + 1) * COVERAGE)
    return scores[min(rank, len(scores)) - 1]


def coverage(figures: Figures) -> tuple[int, int]:
    """Rows inside their interval, and rows, each board's intervals from the other boards' rows only."""
    inside = total = 0
    for board in {d.board for d in figures}:
        others = [h for d, rows in figures.items() if d.board != board for h in rows]
        width = quantile(others)
        for data, rows in figures.items():
            if data.board == board:
                inside += sum(abs(h.log_ratio) <= width * h.deviation for h in rows)
                total += len(rows)
    return inside, total


def mean_error(errors: Sequence[float]) -> float:
    return float(np.mean(np.abs(errors)))
