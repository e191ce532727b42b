"""The command line. Exit status: 0 GO (or done), 1 NO-GO, 2 UNDECIDED, 64 and above for wrong use or unreadable input.

64 wrong use; 65 a model or data file that is damaged; 66 a file that isn't there; 69 something not supported;
70 an internal error; 130 interrupted.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

import click

from gonogo import __version__, analysis, decision, errors, report, units
from gonogo import semantics as semantics_of
from gonogo import whatif as whatif_of
from gonogo.advice import best_order
from gonogo.architecture import read_script
from gonogo.box import Box
from gonogo.hpo import Gate
from gonogo.limits import Limits
from gonogo.progress import progress
from gonogo.report import tables
from gonogo.results import Feasibility, Progress, Verdict
from gonogo.semantics import Kept, SemanticsLike

USAGE, DATA, NO_INPUT, UNSUPPORTED, INTERNAL, INTERRUPTED = 64, 65, 66, 69, 70, 130

_STATUS: tuple[tuple[type[BaseException], int], ...] = (
    (FileNotFoundError, NO_INPUT),
    (PermissionError, NO_INPUT),
    (IsADirectoryError, NO_INPUT),
    (errors.UnsupportedOperatorError, UNSUPPORTED),
    (errors.UnsupportedTypeError, UNSUPPORTED),
    (errors.OverflowRiskError, UNSUPPORTED),
    (errors.ModelError, DATA),
    (errors.QuantizationError, DATA),
    (errors.ShapeError, DATA),
    (errors.BoxError, DATA),
    (errors.ArchitectureError, DATA),
    (errors.SpaceError, DATA),
    (errors.LimitError, USAGE),
    (errors.TargetError, USAGE),
    (errors.GonogoError, INTERNAL),
    (ImportError, UNSUPPORTED),
    (MemoryError, UNSUPPORTED),
)

Command = Callable[..., Any]


def _options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


class _SemanticsText(click.ParamType[Any]):
    """A name or text that gonogo.semantics knows."""

    name = "semantics"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return semantics_of.parse(value, "--semantics")
        except ValueError as problem:
            self.fail(str(problem), param, ctx)


_file = click.Path(path_type=Path)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
_box = _options(
    click.option("--box", type=_file, metavar="FILE", help="Box of inputs: .json or .npz with lo and hi."),
    click.option(
        "--around", type=_file, metavar="FILE", help="Sample input (.npy, .npz) to put a box around."
    ),
    click.option(
        "--radius", type=float, metavar="R", help="With --around: the box's radius in every element."
    ),
    click.option(
        "--clip", type=(float, float), metavar="LO HI", help="With --around: cut the box to this range."
    ),
    click.option(
        "--data", type=_file, metavar="FILE", help="Samples (.npy, .npz), one per row; box by percentiles."
    ),
    click.option(
        "--percentiles",
        type=(float, float),
        metavar="LO HI",
        help="With --data: default 0 100, all of the data.",
    ),
    click.option(
        "--odd",
        type=_file,
        metavar="FILE",
        help="Operational design domain: .toml, .json or .csv with lo, hi and unit of every feature.",
    ),
)
_device_options = _options(
    click.option("--profile", type=click.Choice(analysis.PROFILES), default="tflm", show_default=True,
                 help="Integer kernels on the device: TensorFlow Lite Micro, onnxruntime, LiteRT's three, or any mix."),
    click.option("--semantics", type=_SemanticsText(), metavar="NAME",
                 help="Instead of a profile: real, float32, float16, bfloat16 or fixed:BITS.FRACTION_BITS."),
    click.option("--tensor", metavar="NAME", help="Bound this tensor of the deployed model; default: its outputs."),
    click.option("--method", type=click.Choice(analysis.METHODS), default="linear", show_default=True,
                 help="Interval propagation alone, or linear bounds: sharper, slower."),
    click.option("--plot", type=_file, metavar="FILE", help="Also draw the result (needs gonogo[plot])."),
)  # fmt: skip
_error_options = _options(
    _device_options,
    click.option("--search", type=click.IntRange(0, 10**15), metavar="COUNT", default=analysis.DEFAULT_SEARCH,
                 show_default=True, help="Multiply-accumulates to spend looking for a witness."),
    click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of that search."),
    click.option("--budget", type=click.FloatRange(0), default=0.0, metavar="SECONDS",
                 help="Time to narrow the bracket by splitting the box, after the first bracket."),
)  # fmt: skip


def _watching(show: Callable[[str], None]) -> Callable[[Progress], None]:
    """Shows the bracket beside the spinner."""

    def watch(now: Progress) -> None:
        show(f"error between {units.down(now.witness)} and {units.up(now.bound)}, {now.parts} parts")

    return watch


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="gonogo")
def cli() -> None:
    """Go or no-go for a neural network on an embedded target.

    Says how far a deployed network's output can ever be from its reference (a proved bound and a witness below it),
    what it costs on a device, and whether that is within your limits.

    Exit status: 0 GO, 1 NO-GO, 2 UNDECIDED, 64 and above for wrong use or unreadable input.
    """


@cli.command()
@click.argument("models", nargs=-1, required=True, type=_file, metavar="[REFERENCE] DEPLOYED")
@click.option(
    "--target", metavar="NAME", help="Device: a name from 'gonogo targets', or a description's path."
)
@click.option("--limit", "limits", multiple=True, metavar="NAME=VALUE",
              help="ram=128KiB, flash=1MiB, flash_model=64KiB, "
                   "latency=50ms, energy=2mJ, macs=5M or error=0.1; repeatable.")  # fmt: skip
@_box
@_error_options
@_json
def check(
    models: tuple[Path, ...],
    target: str | None,
    limits: tuple[str, ...],
    profile: str,
    semantics: SemanticsLike | None,
    tensor: str | None,
    search: int,
    seed: int,
    method: str,
    budget: float,
    plot: Path | None,
    as_json: bool,
    **box: Any,
) -> int:
    """GO, NO-GO or UNDECIDED against limits.

    Without REFERENCE the deployed model is compared with the real-valued execution of its own weights.
    """
    allowed = Limits.parse(limits)
    if not allowed and target is None:
        raise click.UsageError("nothing to decide: give --target, or --limit such as --limit error=0.1")
    reference, deployed = _pair(models)
    with progress("checking") as show:
        result = analysis.check(
            reference, deployed, _make_box(**box), target=target, limits=allowed, profile=profile,
            semantics=semantics, tensor=tensor, search=search, seed=seed,
            method=method, budget=budget, watch=_watching(show),
        )  # fmt: skip
    _show(result, as_json, plot)
    return result.verdict.value


@cli.command()
@click.argument("models", nargs=-1, required=True, type=_file, metavar="[REFERENCE] DEPLOYED")
@_box
@_error_options
@_json
def error(
    models: tuple[Path, ...],
    profile: str,
    semantics: SemanticsLike | None,
    tensor: str | None,
    search: int,
    seed: int,
    method: str,
    budget: float,
    plot: Path | None,
    as_json: bool,
    **box: Any,
) -> int:
    """Bracket on the deployed network's error: a proved bound and a witness below it."""
    reference, deployed = _pair(models)
    with progress("bounding the error") as show:
        result = analysis.error(
            reference, deployed, _make_box(**box), profile=profile, semantics=semantics, tensor=tensor,
            search=search, seed=seed, method=method, budget=budget, watch=_watching(show),
        )  # fmt: skip
    _show(result, as_json, plot)
    return 0


@cli.command()
@click.argument("models", nargs=-1, required=True, type=_file, metavar="[REFERENCE] DEPLOYED")
@click.option("--data", type=_file, required=True, metavar="FILE", help="Rows of inputs: .npy or .npz.")
@click.option("--key", metavar="NAME", help="The array to read from a .npz file.")
@click.option("--radius", type=float, default=0.0, show_default=True, metavar="R",
              help="Cover every input within this distance of a row, in every element.")  # fmt: skip
@click.option("--clip", type=(float, float), metavar="LO HI", help="Cut the rows' boxes to this range.")
@click.option("--box", type=_file, metavar="FILE",
              help="Use one error bound, over this box, for all rows: cheaper than one per row, looser.")  # fmt: skip
@_device_options
@_json
def decisions(
    models: tuple[Path, ...],
    data: Path,
    box: Path | None,
    plot: Path | None,
    as_json: bool,
    **options: Any,
) -> int:
    """How many rows of a data set provably keep their argmax, and which ones don't.

    Exit status: 0 when every row is proved, 1 when the decision of some row changes, else 2.
    """
    reference, deployed = _pair(models)
    with progress("deciding") as show:
        result = decision.decision_margin(
            reference, deployed, _present(data), box=None if box is None else Box.from_file(box),
            watch=lambda done, rows: show(f"row {done} of {rows}"), **options,
        )  # fmt: skip
    _show(result, as_json, plot)
    verdict = Verdict.NO_GO if result.refuted else Verdict.UNDECIDED if result.undecided else Verdict.GO
    return verdict.value


@cli.command()
@click.argument("models", nargs=-1, required=True, type=_file, metavar="[REFERENCE] DEPLOYED")
@_box
@click.option("--layer", "layers", multiple=True, metavar="NAME",
              help="Keep this node finer, or 'input'; repeatable. Default: all that matter.")  # fmt: skip
@click.option("--keep", "kept", multiple=True, metavar="NAME=WORD",
              help="Integers: what a node keeps, int16 or real; repeatable, all at once.")  # fmt: skip
@click.option("--finer", type=click.Choice(["int16", "real"]), default="int16", show_default=True,
              help="Integers: what one node at a time keeps.")  # fmt: skip
@click.option("--extra-bits", type=click.IntRange(1, 45), default=8, show_default=True,
              help="Fixed point: by how much a layer's words grow, behind the point.")  # fmt: skip
@_device_options
@_json
def whatif(
    models: tuple[Path, ...],
    layers: tuple[str, ...],
    kept: tuple[str, ...],
    finer: Kept,
    extra_bits: int,
    profile: str,
    semantics: SemanticsLike | None,
    tensor: str | None,
    method: str,
    plot: Path | None,
    as_json: bool,
    **box: Any,
) -> int:
    """The error bound again, with one thing changed on the device at a time."""
    reference, deployed = _pair(models)
    with progress("bounding the error") as show:
        try:
            result = whatif_of.what_if(
                reference,
                deployed,
                _make_box(**box),
                layers=layers or None,
                keep=_keep(kept) or None,
                finer=finer,
                extra_bits=extra_bits,
                profile=profile,
                semantics=semantics,
                tensor=tensor,
                method=method,
                watch=lambda name: show(f"changing {name}"),
            )
        except ValueError as problem:
            if isinstance(problem, errors.GonogoError):
                raise
            raise click.UsageError(str(problem)) from None
    _show(result, as_json, plot)
    return 0


def _keep(texts: Sequence[str]) -> dict[str, Kept]:
    """'NAME=WORD' by name; a name may hold an '=' itself."""
    keep: dict[str, Kept] = {}
    for text in texts:
        name, _, word = text.rpartition("=")
        if not name or word not in get_args(Kept):
            raise click.UsageError(f"--keep {text}: give NAME=int16 or NAME=real")
        keep[name] = word  # type: ignore[assignment]
    return keep


@cli.command()
@click.argument("model", type=_file)
@_box
@click.option("--semantics", type=_SemanticsText(), metavar="NAME", default="real", show_default=True,
              help="real, tflm, ort, float32, float16, bfloat16, or fixed:BITS.FRACTION_BITS.")  # fmt: skip
@click.option("--tensor", metavar="NAME", help="Bound this tensor; default: the model's output.")
@click.option("--plot", type=_file, metavar="FILE", help="Also draw the result (needs gonogo[plot]).")
@click.option("--method", type=click.Choice(analysis.METHODS), default="linear", show_default=True,
              help="Interval propagation alone, or linear bounds: sharper, slower.")  # fmt: skip
@click.option("--budget", type=click.FloatRange(0), default=0.0, metavar="SECONDS",
              help="Time to narrow the range by splitting the box, after the first bounds.")  # fmt: skip
@_json
def bound(
    model: Path,
    semantics: SemanticsLike,
    tensor: str | None,
    plot: Path | None,
    method: str,
    budget: float,
    as_json: bool,
    **box: Any,
) -> int:
    """Proved range of a model's output over a box of inputs."""
    with progress("bounding") as show:
        result = analysis.bound(
            _present(model),
            _make_box(**box),
            semantics=semantics,
            tensor=tensor,
            method=method,
            budget=budget,
            watch=lambda done, of: show(f"{100 * done // of} % of the budget"),
        )
    _show(result, as_json, plot)
    return 0


@cli.command()
@click.argument("model", type=_file)
@click.option("--target", required=True, metavar="NAME", help="A name from 'gonogo targets', or a path.")
@click.option("--layers", is_flag=True, help="Also every operator's counts and its part of the latency.")
@click.option("--advice", is_flag=True, help="Also the order of operators that needs the least memory.")
@click.option("--plot", type=_file, metavar="FILE", help="Also draw memory and latency (needs gonogo[plot]).")
@_json
def cost(model: Path, target: str, layers: bool, advice: bool, plot: Path | None, as_json: bool) -> int:
    """MACs, memory, latency and energy of a model on a device."""
    with progress("counting"):
        result = analysis.cost(_present(model), target)
        better = best_order(result.graph, result.target_description) if advice else None
    if plot is not None:
        report.plot(result, str(plot))
    _print(report.cost_json(result, layers, better) if as_json else report.cost_text(result, layers, better))
    return 0


@cli.command()
@click.argument("architecture", metavar="FILE.py[:BUILD]")
@click.option("--target", required=True, metavar="NAME", help="A name from 'gonogo targets', or a path.")
@click.option("--limit", "limits", multiple=True, metavar="NAME=VALUE",
              help="ram=64KiB, flash=256KiB, flash_model=64KiB, "
                   "latency=50ms, energy=2mJ or macs=5M; repeatable.")  # fmt: skip
@click.option("--seconds", type=click.FloatRange(0, min_open=True), default=10.0, show_default=True,
              help="Time to decide as much of the space as possible.")  # fmt: skip
@click.option("--plot", type=_file, metavar="FILE", help="Also draw the profile (needs gonogo[plot]).")
@_json
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
    _show(found, as_json, plot)
    status = {Feasibility.FEASIBLE: Verdict.GO, Feasibility.INFEASIBLE: Verdict.NO_GO}
    return status.get(found.verdict, Verdict.UNDECIDED).value


def _bar(share: float, width: int = 24) -> str:
    full = int(share * width)
    return "█" * full + "░" * (width - full)


@cli.command()
@click.argument("measurements", type=_file)
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

    rows = read_measurements(_present(measurements), analysis.load)
    clock_hz = None if clock_mhz is None else clock_mhz * 1e6
    found = fit(rows, base=load(base), name=out.stem, clock_hz=clock_hz, engine=engine)
    out.write_text(found.text, encoding="utf-8")
    for family, error in found.errors:
        _print(f"{family}: {error:+.1%} when left out\n")
    lower, _, upper = found.target.timing.scale if found.target.timing else (1.0, 1.0, 1.0)
    _print(f"interval: {lower:.2f} to {upper:.2f} times the estimate, coverage {found.target.coverage:.0%}\n")
    _print(f"written: {out}\n")
    return 0


@cli.command()
@_json
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
        _print(report.to_json([dict(zip(keys, row, strict=True)) for row in rows]))
    else:
        table = [("name", "core", "RAM", "flash", ""), *rows]
        _print("".join(line + "\n" for line in tables.table(table, frozenset({2, 3}))))
    return 0


@cli.command()
@_json
def demo(as_json: bool) -> int:
    """The main job on a small pair of models that comes with the package."""
    folder = Path(__file__).parent / "demo"
    files = [folder / name for name in ("digits_float32.tflite", "digits_int8.tflite")]
    if not as_json:
        shown = "gonogo check digits_float32.tflite digits_int8.tflite --box digits_box.json"
        _print(f"$ {shown} --target stm32f746+tflm --limit ram=16KiB --limit error=0.1    (in {folder})\n\n")
    with progress("checking"):
        result = analysis.check(
            files[0],
            files[1],
            Box.from_file(folder / "digits_box.json"),
            target="stm32f746+tflm",
            limits={"ram": "16 KiB", "error": "0.1"},
        )
    _show(result, as_json, None)
    return result.verdict.value


def _memory(size: int | None) -> str:
    return "" if not size else f"{size // 1024} KiB"


def _present(path: Path) -> Path:
    if not path.exists():
        raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
    return path


def _pair(models: Sequence[Path]) -> tuple[Path | None, Path]:
    for path in models:
        _present(path)
    if len(models) > 2:
        raise click.UsageError(
            f"{len(models)} models given; give the deployed model, or the reference and then it"
        )
    return (models[0] if len(models) == 2 else None), models[-1]


def _make_box(
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


def _show(result: object, as_json: bool, plot: Path | None) -> None:
    if plot is not None:
        report.plot(result, str(plot))
    _print(report.to_json(result) if as_json else report.to_text(result))


def _print(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has seen enough (gonogo ... | head): no complaint now or at exit, and the verdict stays the status.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit status; every failure is one line on stderr."""
    try:
        status = cli.main(
            args=None if arguments is None else list(arguments), prog_name="gonogo", standalone_mode=False
        )
        return status if isinstance(status, int) else 0
    except click.ClickException as problem:
        return _fail(problem.format_message(), USAGE)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", INTERRUPTED)
    except Exception as problem:
        for kind, status in _STATUS:
            if isinstance(problem, kind):
                return _fail(_text(problem), status)
        if os.environ.get("GONOGO_TRACEBACK"):
            raise
        return _fail(f"internal error, please report it: {type(problem).__name__}: {problem}", INTERNAL)


def _text(problem: BaseException) -> str:
    if isinstance(problem, OSError) and problem.filename:
        return f"{problem.filename}: {problem.strerror}"
    return str(problem) or type(problem).__name__


def _fail(message: str, status: int) -> int:
    print(f"gonogo: {' '.join(message.split())}", file=sys.stderr)
    return status


def run() -> None:
    """The console script."""
    sys.exit(main())
