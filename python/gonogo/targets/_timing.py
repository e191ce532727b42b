"""The timing of a target file: what the engine's time is a sum of, and how far it may be off.

Three forms. One number of cycles per instruction; one per stage of a network's work; or, for what isn't a core with
counted instructions, cycles as sums of counts, the largest of several ("rooflines") deciding for each layer.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING

from gonogo.errors import TargetError
from gonogo.targets._table import parse

if TYPE_CHECKING:
    from gonogo.targets._table import Table

Formulas = dict[str, dict[str, float]]  # class of kernels -> product of factors -> weight

STAGES = ("conv_1x1", "conv_general", "conv_outputs", "depthwise", "dense", "other")
_STANDINGS = ("estimated", "assumed")
_PRODUCTS = frozenset(("k", "k4", "k4r", "k16", "k16r4", "k16u", "k4mixed", "k16mixed"))


@dataclass(frozen=True)
class Timing:
    """Estimate: the sum of the cycles over the clock. `scale`: lower, 1, upper, as multiples of it."""

    engine: str
    core: str = ""  # whose instruction counts
    instructions: Formulas = field(default_factory=dict)
    cycles: tuple[Formulas, ...] = ()
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    skips_zero_filters: bool = False
    standing: str = "estimated"
    coverage: float | None = None
    networks: int = 0
    factors: Mapping[str, float] = field(
        default_factory=dict
    )  # cycles per instruction by stage, where there are
    sources: tuple[tuple[str, str], ...] = ()


def stage_of(kernel: str, term: str) -> str:
    """The stage that a term of a kernel's formula belongs to."""
    factors = set(term.split("*"))
    if kernel in ("conv_1x1", "conv_general"):
        if factors & _PRODUCTS:
            return kernel
        return "conv_general" if factors & {"taps", "pads", "wh"} else "conv_outputs"
    if kernel.startswith("depthwise"):
        return "depthwise"
    return kernel if kernel in STAGES else "other"


def cycles_of(instructions: Formulas, factors: Mapping[str, float]) -> Formulas:
    """Instructions weighted with the cycles of their stage."""
    return {
        kernel: {term: weight * factors[stage_of(kernel, term)] for term, weight in row.items()}
        for kernel, row in instructions.items()
    }


def read_timing(timing: Table) -> Timing:
    sources = [("timing", timing.text("source"))]
    core = timing.text("instructions", "")
    instructions = _instructions(core, timing.where) if core else {}
    known = Timing(
        engine=timing.text("engine"),
        core=core,
        instructions=instructions,
        skips_zero_filters=timing.flag("skips_zero_filters"),
        sources=tuple(sources),
    )
    ratio, rooflines = timing.table("cycles_per_instruction"), timing.tables("rooflines")
    if ratio is not None and rooflines:
        raise timing.fail("rooflines", "either these or cycles_per_instruction, not both")
    if rooflines:
        return _with_interval(known, timing, tuple(_formulas(r) for r in rooflines), timing)
    if ratio is None:
        return known
    if not instructions:
        raise timing.fail(
            "instructions", "cycles_per_instruction needs the name of a core's instruction counts"
        )
    ratio.scale({"cycle per instruction": 1.0})
    if "value" not in ratio.data:
        factors = {stage: ratio.number(stage) for stage in STAGES}
        return _with_interval(known, timing, (cycles_of(instructions, factors),), ratio, factors)
    lower, value, upper = ratio.bracket(1.0)
    if not 0 < lower <= value <= upper:
        raise ratio.fail("value", "0 < lower <= value <= upper is required")
    factors = dict.fromkeys(STAGES, value)
    scale = (lower / value, 1.0, upper / value)
    return _standing(known, ratio, ratio, (cycles_of(instructions, factors),), scale, factors)


# ---- helpers


def _with_interval(
    known: Timing,
    timing: Table,
    cycles: tuple[Formulas, ...],
    about: Table,
    factors: Mapping[str, float] | None = None,
) -> Timing:
    interval = timing.table("interval")
    if interval is None:
        raise timing.fail(
            "interval", "a table with lower and upper, as multiples of the estimate, is required"
        )
    scale = (interval.number("lower"), 1.0, interval.number("upper"))
    if not 0 < scale[0] <= 1.0 <= scale[2]:
        raise interval.fail("lower", "0 < lower <= 1 <= upper is required: multiples of the estimate")
    return _standing(known, about, interval, cycles, scale, factors or {})


def _standing(
    known: Timing,
    about: Table,
    interval: Table,
    cycles: tuple[Formulas, ...],
    scale: tuple[float, float, float],
    factors: Mapping[str, float],
) -> Timing:
    standing = about.text("standing")
    if standing not in _STANDINGS:
        raise about.fail("standing", f"must be one of {', '.join(_STANDINGS)}")
    estimated = standing == "estimated"
    sources = known.sources if estimated else (*known.sources, ("cycles", about.text("source")))
    return Timing(
        engine=known.engine,
        core=known.core,
        instructions=known.instructions,
        cycles=cycles,
        scale=scale,
        skips_zero_filters=known.skips_zero_filters,
        standing=standing,
        coverage=interval.number("coverage") if estimated else None,
        networks=int(about.number("networks")) if estimated else 0,
        factors=factors,
        sources=sources,
    )


def _formulas(roofline: Table) -> Formulas:
    roofline.scale({"cycle per count": 1.0})
    kernels = roofline.table("kernels")
    if kernels is None:
        raise roofline.fail("kernels", "a table of formulas by class of kernels is required")
    formulas: Formulas = {}
    for kernel in kernels.data:
        row = kernels.table(kernel)
        assert row is not None  # the key is there
        formulas[kernel] = {term: row.number(term) for term in row.data}
    return formulas


@functools.lru_cache(maxsize=16)
def _instructions(core: str, where: str) -> Formulas:
    files = resources.files("gonogo.targets").joinpath("instructions")
    known = sorted(f.name.removesuffix(".toml") for f in files.iterdir() if f.name.endswith(".toml"))
    if core not in known:
        raise TargetError(f"target '{where}': no instruction counts for '{core}'; known: {', '.join(known)}")
    table = parse(files.joinpath(f"{core}.toml").read_text(encoding="utf-8"), where)["kernels"]
    return {kernel: {term: float(v) for term, v in row.items()} for kernel, row in table.items()}
