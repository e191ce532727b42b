"""The command line. Exit status: 0 GO (or done), 1 NO-GO, 2 UNDECIDED, 64 and above for wrong use or unreadable input.

64 wrong use; 65 a model or data file that is damaged; 66 a file that isn't there; 69 something not supported;
70 an internal error; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from gonogo import __version__, errors
from gonogo.cli._costs import calibrate, cost, space, targets
from gonogo.cli._proofs import bound, check, decisions, demo, error, whatif

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


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="gonogo")
def cli() -> None:
    """Go or no-go for a neural network on an embedded target.

    Says how far a deployed network's output can ever be from its reference (a proved bound and a witness below it),
    what it costs on a device, and whether that is within your limits.

    Exit status: 0 GO, 1 NO-GO, 2 UNDECIDED, 64 and above for wrong use or unreadable input.
    """


for _command in (check, error, decisions, whatif, bound, cost, space, calibrate, targets, demo):
    cli.add_command(_command)


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
