"""Costs: of a model, of a space of architectures, of a board measured by oneself; and the devices."""

from __future__ import annotations

from pathlib import Path

import click

from gonogo import analysis, report
from gonogo.advice import best_order
from gonogo.architecture import read_script
from gonogo.cli._shared import file, json_option, present, put, write
from gonogo.hpo import Gate
from gonogo.limits import Limits
from gonogo.progress import progress
from gonogo.report import tables
from gonogo.results import Feasibility, Verdict


@click.command()
@click.argument("model", type=file)
@click.option("--target", required=True, metavar="NAME", help="A name from 'gonogo targets', or a path.")
@click.option("--layers", is_flag=True, help="Also every operator's counts and its part of the latency.")
@click.option("--advice", is_flag=True, help="Also the order of operators that needs the least memory.")
@click.option("--plot", type=file, metavar="FILE", help="Also draw memory and latency (needs gonogo[plot]).")
@json_option
def cost(model: Path, target: str, layers: bool, advice: bool, plot: Path | None, as_json: bool) -> int:
    """MACs, memory, latency and energy of a model on a device."""
    with progress("counting"):
        result = analysis.cost(present(model), target)
        better = best_order(result.graph, result.target_description) if advice else None
    if plot is not None:
        report.plot(result, str(plot))
    write(report.cost_json(result, layers, better) if as_json else report.cost_text(result, layers, better))
    return 0


@click.command()
@click.argument("architecture", metavar="FILE.py[:BUILD]")
@click.option("--target", required=True, metavar="NAME", help="A name from 'gonogo targets', or a path.")
@click.option("--limit", "limits", multiple=True, metavar="NAME=VALUE",
              help="ram=64KiB, flash=256KiB, flash_model=64KiB, "
                   "latency=50ms, energy=2mJ or macs=5M; repeatable.")  # fmt: skip
@click.option("--seconds", type=click.FloatRange(0, min_open=True), default=10.0, show_default=True,
              help="Time to decide as much of the space as possible.")  # fmt: skip
@click.option("--plot", type=file, metavar="FILE", help="Also draw the profile (needs gonogo[plot]).")
@json_option
def space(
    architecture: str, target: str, limits: tuple[str, ...], seconds: float, plot: Path | None, as_json: bool
) -> int:
    """What limits leave of a search space. FILE.py is run: it defines `space`, and `build(h, net)`.

    Exit status: 0 when some configuration is proved to fit, 1 when none does, proved, else 2. The JSON is what
    SpaceReport.from_json reads.
    """
    made = read_script(architecture)
    gate = Gate(made.space, made, target=target, limits=Limits.parse(limits))
    with progress("deciding") as show:
        found = gate.tighten(
            seconds=seconds, progress=lambda share: show(f"{_bar(share)} {share:.0%} decided")
        )
    put(found, as_json, plot)
    status = {Feasibility.FEASIBLE: Verdict.GO, Feasibility.INFEASIBLE: Verdict.NO_GO}
    return status.get(found.verdict, Verdict.UNDECIDED).value


def _bar(share: float, width: int = 24) -> str:
    full = int(share * width)
    return "█" * full + "░" * (width - full)


@click.command()
@click.argument("measurements", type=file)
@click.option(
    "--base", required=True, metavar="NAME", help="The known board most like yours: 'gonogo targets'."
)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The target file to write."
)
@click.option(
    "--clock", "clock_mhz", type=float, metavar="MHZ", help="Your board's clock, where it isn't the base's."
)
@click.option("--engine", default="not stated", help="What ran the networks, with its version.")
def calibrate(measurements: Path, base: str, out: Path, clock_mhz: float | None, engine: str) -> int:
    """Fits a board of your own to latencies measured on it.

    MEASUREMENTS is a CSV file with the columns model (path of a .tflite file), latency, unit (s, ms or us) and, if you
    like, family and layer.
    """
    from gonogo.targets import calibrate as fit
    from gonogo.targets import load, read_measurements

    rows = read_measurements(present(measurements), analysis.load)
    clock_hz = None if clock_mhz is None else clock_mhz * 1e6
    found = fit(rows, base=load(base), name=out.stem, clock_hz=clock_hz, engine=engine)
    out.write_text(found.text, encoding="utf-8")
    for family, error in found.errors:
        write(f"{family}: {error:+.1%} when left out\n")
    lower, _, upper = found.target.timing.scale if found.target.timing else (1.0, 1.0, 1.0)
    write(f"interval: {lower:.2f} to {upper:.2f} times the estimate, coverage {found.target.coverage:.0%}\n")
    write(f"written: {out}\n")
    return 0


@click.command()
@json_option
def targets(as_json: bool) -> int:
    """The devices that are described."""
    from gonogo.targets import load, names

    rows = []
    for name in names():
        device = load(name)
        rows.append(
            (
                name,
                device.core_name,
                _memory(device.ram_bytes),
                _memory(device.flash_bytes),
                device.title,
            )
        )
    if as_json:
        keys = ("name", "core", "ram", "flash", "title")
        write(report.to_json([dict(zip(keys, row, strict=True)) for row in rows]))
    else:
        table = [("name", "core", "RAM", "flash", ""), *rows]
        write("".join(line + "\n" for line in tables.table(table, frozenset({2, 3}))))
    return 0


def _memory(size: int | None) -> str:
    return "" if not size else f"{size // 1024} KiB"
