"""A sign of life on stderr for work that takes longer than two seconds; only when a person is looking."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

DELAY_SECONDS = 2.0


@contextmanager
def progress(what: str, delay_seconds: float = DELAY_SECONDS) -> Iterator[None]:
    """Shows `what` with a spinner and the time passed, from `delay_seconds` on, until the block ends."""
    if not sys.stderr.isatty():
        yield
        return
    done = threading.Event()

    def show() -> None:
        if done.wait(delay_seconds):
            return
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        with Progress(
            SpinnerColumn(),
            TextColumn(what),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        ) as bar:
            bar.add_task(what)
            done.wait()

    # The engines release the GIL, so the spinner turns while they work.
    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
