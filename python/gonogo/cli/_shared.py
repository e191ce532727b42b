"""Options and habits that several commands share."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from gonogo import analysis, report, units
from gonogo import semantics as semantics_of
from gonogo.box import Box
from gonogo.results import Progress

Command = Callable[..., Any]


def options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


class SemanticsText(click.ParamType[Any]):
    """A name or text that gonogo.semantics knows."""

    name = "semantics"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return semantics_of.parse(value, "--semantics")
        except ValueError as problem:
            self.fail(str(problem), param, ctx)


file = click.Path(path_type=Path)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
box_options = options(
    click.option("--box", type=file, metavar="FILE", help="Box of inputs: .json or .npz with lo and hi."),
    click.option(
        "--around", type=file, metavar="FILE", help="Sample input (.npy, .npz) to put a box around."
    ),
    click.option(
        "--radius", type=float, metavar="R", help="With --around: the box's radius in every element."
    ),
    click.option(
        "--clip", type=(float, float), metavar="LO HI", help="With --around: cut the box to this range."
    ),
    click.option(
        "--data", type=file, metavar="FILE", help="Samples (.npy, .npz), one per row; box by percentiles."
    ),
    click.option(
        "--percentiles",
        type=(float, float),
        metavar="LO HI",
        help="With --data: default 0 100, all of the data.",
    ),
    click.option(
        "--odd",
        type=file,
        metavar="FILE",
        help="Operational design domain: .toml, .json or .csv with lo, hi and unit of every feature.",
    ),
)
device_options = options(
    click.option("--profile", type=click.Choice(analysis.PROFILES), default="tflm", show_default=True,
                 help="Integer kernels on the device: TensorFlow Lite Micro, onnxruntime, LiteRT's three, or any mix."),
    click.option("--semantics", type=SemanticsText(), metavar="NAME",
                 help="Instead of a profile: real, float32, float16, bfloat16 or fixed:BITS.FRACTION_BITS."),
    click.option("--tensor", metavar="NAME", help="Bound this tensor of the deployed model; default: its outputs."),
    click.option("--method", type=click.Choice(analysis.METHODS), default="linear", show_default=True,
                 help="Interval propagation alone, or linear bounds: sharper, slower."),
    click.option("--plot", type=file, metavar="FILE", help="Also draw the result (needs gonogo[plot])."),
)  # fmt: skip
error_options = options(
    device_options,
    click.option("--search", type=click.IntRange(0, 10**15), metavar="COUNT", default=analysis.DEFAULT_SEARCH,
                 show_default=True, help="Multiply-accumulates to spend looking for a witness."),
    click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of that search."),
    click.option("--budget", type=click.FloatRange(0), default=0.0, metavar="SECONDS",
                 help="Time to narrow the bracket by splitting the box, after the first bracket."),
)  # fmt: skip


def watching(show: Callable[[str], None]) -> Callable[[Progress], None]:
    """Shows the bracket beside the spinner."""

    def watch(now: Progress) -> None:
        show(f"error between {units.down(now.witness)} and {units.up(now.bound)}, {now.parts} parts")

    return watch


def present(path: Path) -> Path:
    if not path.exists():
        raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
    return path


def pair(models: Sequence[Path]) -> tuple[Path | None, Path]:
    for path in models:
        present(path)
    if len(models) > 2:
        raise click.UsageError(
            f"{len(models)} models given; give the deployed model, or the reference and then it"
        )
    return (models[0] if len(models) == 2 else None), models[-1]


def make_box(
    box: Path | None,
    around: Path | None,
    radius: float | None,
    clip: tuple[float, float] | None,
    data: Path | None,
    percentiles: tuple[float, float] | None,
    odd: Path | None,
) -> Box | None:
    if sum(source is not None for source in (box, around, data, odd)) > 1:
        raise click.UsageError("give only one of --box, --around, --data and --odd")
    if (around is None) != (radius is None):
        raise click.UsageError("--around and --radius belong together")
    if clip is not None and around is None:
        raise click.UsageError("--clip belongs to --around")
    if percentiles is not None and data is None:
        raise click.UsageError("--percentiles belongs to --data")
    if box is not None:
        return Box.from_file(box)
    if around is not None and radius is not None:
        return Box.around_file(around, radius, clip)
    if data is not None:
        return Box.from_data(data, percentiles or (0.0, 100.0))
    if odd is not None:
        return Box.from_odd(odd)
    return None


def put(result: object, as_json: bool, plot: Path | None) -> None:
    if plot is not None:
        report.plot(result, str(plot))
    write(report.to_json(result) if as_json else report.to_text(result))


def write(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has seen enough (gonogo ... | head): no complaint now or at exit, and the verdict stays the status.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
