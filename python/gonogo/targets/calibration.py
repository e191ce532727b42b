"""A board of one's own: a target fitted to latencies measured on it, starting from a board that is known.

The base gives cycles per instruction by stage. The measurements move them: all together freely, single stages only as
far as stages of different engines differ from each other (`STAGE_SPREAD`), so that two or three networks are enough
and ten decide for themselves.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gonogo import _core
from gonogo.errors import TargetError
from gonogo.targets import Target, from_text, load
from gonogo.targets._timing import STAGES, Formulas, stage_of

SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
# Standard deviations of logarithms: of one measurement around the model, and of a stage between engines. From the
# boards that come with the package (tools/latency_model.py).
NOISE = 0.05
STAGE_SPREAD = 0.12
LEVEL_SPREAD = 10.0  # of all stages together: the board may have any speed
MOST_COVERAGE = 0.9
_COLUMNS = ("model", "latency", "unit")


@dataclass(frozen=True)
class Measurement:
    """A network, or one layer of it, and how long it took on the board.

    `family`: networks that differ only in width, resolution or head share one, because what they say is much the same.
    """

    graph: _core.Graph
    seconds: float
    family: str
    layer: int | None = None
    place: str = ""  # for messages


@dataclass(frozen=True)
class Calibration:
    """`text` is the target file; `target` is it, read. `errors`: relative, each family left out once."""

    target: Target
    text: str
    errors: tuple[tuple[str, float], ...]


def read_measurements(
    path: str | os.PathLike[str], load_model: Callable[[Path], _core.Graph]
) -> tuple[Measurement, ...]:
    """Rows of a CSV file with the columns model, latency and unit, and if you like family and layer (a node's index).

    Paths of models are relative to the file.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [c for c in _COLUMNS if c not in (reader.fieldnames or ())]
            if missing:
                raise TargetError(
                    f"{path}: no column {' and no column '.join(missing)}; the first line must name "
                    "model, latency, unit and may name family and layer"
                )
            rows = [(f"{path} line {reader.line_num}", row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TargetError(f"{path}: {error}") from error
    models: dict[str, _core.Graph] = {}
    return tuple(_measurement(place, row, path.parent, load_model, models) for place, row in rows)


def calibrate(
    rows: Iterable[Measurement],
    *,
    base: Target | str,
    name: str = "mine",
    clock_hz: float | None = None,
    engine: str = "not stated",
) -> Calibration:
    """A target for the board that the rows were measured on.

    `base`: the known board most like it; core, memories and planner are taken from it ("...+tflm" where TensorFlow
    Lite Micro runs), and the clock unless `clock_hz` is given. Raises `TargetError` for fewer than two families, or
    where the base has no cycles per instruction.
    """
    measured = tuple(rows)
    known = load(base) if isinstance(base, str) else base
    if known.timing is None or not known.timing.factors:
        raise TargetError(
            f"target '{known.name}' has no cycles per instruction to start from; take one of a Cortex-M board"
        )
    hertz = clock_hz or known.clock_hz
    if hertz is None:
        raise TargetError(f"target '{known.name}' states no clock: give clock_hz")
    families = sorted({m.family for m in measured})
    if len(families) < 2:
        raise TargetError(
            f"{len(measured)} rows of {len(families)} family of networks: measure networks of at least two, so that "
            "one can be left out to see how far the other's prediction is off"
        )
    sums = np.array([_instructions(m, known) for m in measured])
    cycles = np.log([m.seconds * hertz for m in measured])
    start = np.log([known.timing.factors[s] for s in STAGES])
    factors, _ = _fit(sums, cycles, start)
    errors, width = _held_out(measured, sums, cycles, start)
    coverage = min(MOST_COVERAGE, len(families) / (len(families) + 1))
    text = _text(known, name, hertz, engine, measured, np.exp(factors), (width, coverage))
    return Calibration(from_text(text, name), text, errors)


# ---- helpers


def _measurement(
    place: str,
    row: dict[str, str],
    folder: Path,
    load_model: Callable[[Path], _core.Graph],
    models: dict[str, _core.Graph],
) -> Measurement:
    model = (row["model"] or "").strip()
    if not model:
        raise TargetError(f"{place}: no model: write the path of a .tflite file")
    unit = (row["unit"] or "").strip()
    if unit not in SECONDS:
        raise TargetError(f"{place}: unit '{unit}' isn't one of {', '.join(SECONDS)}")
    text = (row["latency"] or "").strip()
    try:
        latency = float(text)
    except ValueError:
        raise TargetError(f"{place}: latency '{text}' isn't a number") from None
    if not (math.isfinite(latency) and latency > 0):
        raise TargetError(f"{place}: latency {text} must be positive and finite")
    if model not in models:
        if not (folder / model).is_file():
            raise TargetError(f"{place}: no file {folder / model}: paths are relative to the CSV file")
        models[model] = load_model(folder / model)
    layer = (row.get("layer") or "").strip()
    if layer and not (layer.isdigit() and int(layer) < len(models[model].nodes)):
        raise TargetError(
            f"{place}: layer '{layer}' isn't the index of a node: 0 to {len(models[model].nodes) - 1}"
        )
    family = (row.get("family") or "").strip() or Path(model).stem
    return Measurement(models[model], latency * SECONDS[unit], family, int(layer) if layer else None, place)


def _of_stage(instructions: Formulas, stage: str) -> Formulas:
    return {
        kernel: {t: w for t, w in row.items() if stage_of(kernel, t) == stage}
        for kernel, row in instructions.items()
    }


def _instructions(row: Measurement, base: Target) -> list[float]:
    """By stage: the latency of a device on which only that stage takes time, one cycle per instruction."""
    assert base.timing is not None
    sums = []
    for stage in STAGES:
        only = _core.CostTarget(
            name=base.name,
            kernels=base.kernels,
            clock_hz=1.0,
            cycles=[_of_stage(base.timing.instructions, stage)],
            skips_zero_filters=base.timing.skips_zero_filters,
        )
        cost = _core.cost(row.graph, only)
        if cost.latency_seconds is None:
            raise TargetError(
                f"{row.place or row.family}: {'; '.join(n for n in cost.notes if 'latency' in n)}"
            )
        sums.append(cost.latency_seconds[1] if row.layer is None else cost.nodes[row.layer].seconds or 0.0)
    if not sum(sums) > 0:
        raise TargetError(f"{row.place or row.family}: layer {row.layer} takes no instructions")
    return sums


def _fit(sums: np.ndarray, cycles: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, Callable[..., float]]:
    """Most probable logarithms of the factors, and the standard deviation of a prediction's logarithm."""
    prior = LEVEL_SPREAD**2 * np.ones((len(STAGES),) * 2) + STAGE_SPREAD**2 * np.eye(len(STAGES))
    at = start.copy()
    for _ in range(8):
        parts = sums * np.exp(at)
        value = parts.sum(axis=1)
        slopes = parts / value[:, None]
        spread = slopes @ prior @ slopes.T + NOISE**2 * np.eye(len(sums))
        rest = cycles - np.log(value) + slopes @ (at - start)
        at = start + prior @ slopes.T @ np.linalg.solve(spread, rest)
    gain = prior @ slopes.T @ np.linalg.solve(spread, slopes @ prior)

    def deviation(row: np.ndarray) -> float:
        share = row * np.exp(at)
        share = share / share.sum()
        return math.sqrt(max(float(share @ (prior - gain) @ share), 0.0) + NOISE**2)

    return at, deviation


def _held_out(
    rows: Sequence[Measurement], sums: np.ndarray, cycles: np.ndarray, start: np.ndarray
) -> tuple[tuple[tuple[str, float], ...], float]:
    """Relative errors with each family left out, and the half-width of an interval (of a logarithm) that follows."""
    families = sorted({m.family for m in rows})
    errors, scores, deviations = [], [], []
    for family in families:
        out = np.array([m.family == family for m in rows])
        factors, deviation = _fit(sums[~out], cycles[~out], start)
        logs = cycles[out] - np.log((sums[out] * np.exp(factors)).sum(axis=1))
        spreads = np.array([deviation(row) for row in sums[out]])
        errors += [(family, float(math.expm1(-v))) for v in logs]
        scores.append(float(np.max(np.abs(logs) / spreads)))
        deviations.append(float(np.mean(spreads)))
    rank = min(math.ceil((len(scores) + 1) * MOST_COVERAGE), len(scores))
    return tuple(errors), sorted(scores)[rank - 1] * float(np.mean(deviations))


def _text(
    base: Target,
    name: str,
    hertz: float,
    engine: str,
    rows: Sequence[Measurement],
    factors: np.ndarray,
    interval: tuple[float, float],
) -> str:
    assert base.timing is not None
    width, coverage = interval
    memory = [
        f'{key} = {{ value = {size}, unit = "B", source = "as {base.name}" }}\n'
        for key, size in (("ram", base.ram_bytes), ("flash", base.flash_bytes))
        if size is not None
    ]
    quoted = {
        key: value.replace("\\", "\\\\").replace('"', '\\"') for key, value in (("n", name), ("e", engine))
    }
    stages = "".join(f"{s} = {v:.4g}\n" for s, v in zip(STAGES, factors, strict=True))
    families = len({m.family for m in rows})
    return (
        f"# Written by gonogo calibrate from {len(rows)} measurements, starting from {base.name}.\n"
        f'name = "{quoted["n"]}"\ncore = "{base.core_name}"\n'
        + ("\n[memory]\n" + "".join(memory) if memory else "")
        + f'\n[arena]\nkernels = "{base.kernels}"\npointer_bits = {base.core.pointer_bits}\n'
        f'planner = "{"tflm" if base.core.plans_as_tflm else "own"}"\nsource = "as {base.name}"\n'
        f'\n[clock]\nvalue = {hertz / 1e6:.6g}\nunit = "MHz"\nsource = "given"\n'
        f'\n[timing]\ninstructions = "{base.timing.core}"\nengine = "{quoted["e"]}"\nsource = "own measurements"\n'
        f"skips_zero_filters = {str(base.timing.skips_zero_filters).lower()}\n"
        '\n[timing.cycles_per_instruction]\nunit = "cycle per instruction"\nstanding = "estimated"\n'
        f"{stages}networks = {len(rows)}\nfamilies = {families}\n"
        "\n[timing.interval]  # times the estimate, for a network of a further family\n"
        f"lower = {math.exp(-width):.4f}\nupper = {math.exp(width):.4f}\ncoverage = {coverage:.3f}\n"
    )
