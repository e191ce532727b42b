"""What is proved of a model or a pair: check, error, decisions, whatif, bound; and the demo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import click

from gonogo import analysis, decision, errors
from gonogo import whatif as whatif_of
from gonogo.box import Box
from gonogo.cli._shared import (
    SemanticsText,
    box_options,
    device_options,
    error_options,
    file,
    json_option,
    make_box,
    pair,
    present,
    put,
    watching,
    write,
)
from gonogo.limits import Limits
from gonogo.progress import progress
from gonogo.results import Verdict
from gonogo.semantics import Kept, SemanticsLike


@click.command()
@click.argument("models", nargs=-1, required=True, type=file, metavar="[REFERENCE] DEPLOYED")
@click.option(
    "--target", metavar="NAME", help="Device: a name from 'gonogo targets', or a description's path."
)
@click.option("--limit", "limits", multiple=True, metavar="NAME=VALUE",
              help="ram=128KiB, flash=1MiB, flash_model=64KiB, "
                   "latency=50ms, energy=2mJ, macs=5M or error=0.1; repeatable.")  # fmt: skip
@box_options
@error_options
@json_option
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
    reference, deployed = pair(models)
    with progress("checking") as show:
        result = analysis.check(
            reference, deployed, make_box(**box), target=target, limits=allowed, profile=profile,
            semantics=semantics, tensor=tensor, search=search, seed=seed,
            method=method, budget=budget, watch=watching(show),
        )  # fmt: skip
    put(result, as_json, plot)
    return result.verdict.value


@click.command()
@click.argument("models", nargs=-1, required=True, type=file, metavar="[REFERENCE] DEPLOYED")
@box_options
@error_options
@json_option
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
    reference, deployed = pair(models)
    with progress("bounding the error") as show:
        result = analysis.error(
            reference, deployed, make_box(**box), profile=profile, semantics=semantics, tensor=tensor,
            search=search, seed=seed, method=method, budget=budget, watch=watching(show),
        )  # fmt: skip
    put(result, as_json, plot)
    return 0


@click.command()
@click.argument("models", nargs=-1, required=True, type=file, metavar="[REFERENCE] DEPLOYED")
@click.option("--data", type=file, required=True, metavar="FILE", help="Rows of inputs: .npy or .npz.")
@click.option("--key", metavar="NAME", help="The array to read from a .npz file.")
@click.option("--radius", type=float, default=0.0, show_default=True, metavar="R",
              help="Cover every input within this distance of a row, in every element.")  # fmt: skip
@click.option("--clip", type=(float, float), metavar="LO HI", help="Cut the rows' boxes to this range.")
@click.option("--box", type=file, metavar="FILE",
              help="Use one error bound, over this box, for all rows: cheaper than one per row, looser.")  # fmt: skip
@device_options
@json_option
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
    reference, deployed = pair(models)
    with progress("deciding") as show:
        result = decision.decision_margin(
            reference, deployed, present(data), box=None if box is None else Box.from_file(box),
            watch=lambda done, rows: show(f"row {done} of {rows}"), **options,
        )  # fmt: skip
    put(result, as_json, plot)
    verdict = Verdict.NO_GO if result.refuted else Verdict.UNDECIDED if result.undecided else Verdict.GO
    return verdict.value


@click.command()
@click.argument("models", nargs=-1, required=True, type=file, metavar="[REFERENCE] DEPLOYED")
@box_options
@click.option("--layer", "layers", multiple=True, metavar="NAME",
              help="Keep this node finer, or 'input'; repeatable. Default: all that matter.")  # fmt: skip
@click.option("--keep", "kept", multiple=True, metavar="NAME=WORD",
              help="Integers: what a node keeps, int16 or real; repeatable, all at once.")  # fmt: skip
@click.option("--finer", type=click.Choice(["int16", "real"]), default="int16", show_default=True,
              help="Integers: what one node at a time keeps.")  # fmt: skip
@click.option("--extra-bits", type=click.IntRange(1, 45), default=8, show_default=True,
              help="Fixed point: by how much a layer's words grow, behind the point.")  # fmt: skip
@device_options
@json_option
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
    reference, deployed = pair(models)
    with progress("bounding the error") as show:
        try:
            result = whatif_of.what_if(
                reference,
                deployed,
                make_box(**box),
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
    put(result, as_json, plot)
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


@click.command()
@click.argument("model", type=file)
@box_options
@click.option("--semantics", type=SemanticsText(), metavar="NAME", default="real", show_default=True,
              help="real, tflm, ort, float32, float16, bfloat16, or fixed:BITS.FRACTION_BITS.")  # fmt: skip
@click.option("--tensor", metavar="NAME", help="Bound this tensor; default: the model's output.")
@click.option("--plot", type=file, metavar="FILE", help="Also draw the result (needs gonogo[plot]).")
@click.option("--method", type=click.Choice(analysis.METHODS), default="linear", show_default=True,
              help="Interval propagation alone, or linear bounds: sharper, slower.")  # fmt: skip
@click.option("--budget", type=click.FloatRange(0), default=0.0, metavar="SECONDS",
              help="Time to narrow the range by splitting the box, after the first bounds.")  # fmt: skip
@json_option
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
            present(model),
            make_box(**box),
            semantics=semantics,
            tensor=tensor,
            method=method,
            budget=budget,
            watch=lambda done, of: show(f"{100 * done // of} % of the budget"),
        )
    put(result, as_json, plot)
    return 0


@click.command()
@json_option
def demo(as_json: bool) -> int:
    """The main job on a small pair of models that comes with the package."""
    folder = Path(__file__).parents[1] / "demo"
    files = [folder / name for name in ("digits_float32.tflite", "digits_int8.tflite")]
    if not as_json:
        shown = "gonogo check digits_float32.tflite digits_int8.tflite --box digits_box.json"
        write(f"$ {shown} --target stm32f746+tflm --limit ram=16KiB --limit error=0.1    (in {folder})\n\n")
    with progress("checking"):
        result = analysis.check(
            files[0],
            files[1],
            Box.from_file(folder / "digits_box.json"),
            target="stm32f746+tflm",
            limits={"ram": "16 KiB", "error": "0.1"},
        )
    put(result, as_json, None)
    return result.verdict.value
