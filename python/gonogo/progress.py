"""A sign of life on stderr for work that takes longer than two seconds; only when a person is looking."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

DELAY_SECONDS = 2.0


@contextmanager
def progress(what: str, delay_seconds: float = DELAY_SECONDS) -> Iterator[Callable[[str], None]]:
    """Shows `what` with a spinner and the time passed, from `delay_seconds` on, until the block ends.

    The block gets a function that takes a new line to show.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    done = threading.Event()
    line = [what]

    def show() -> None:
        if done.wait(delay_seconds):
            return
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        with Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        ) as bar:
            task = bar.add_task(line[0])
            while not done.wait(0.1):
                bar.update(task, description=line[0])

    # The engines release the GIL, so the spinner turns while they work.
    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield lambda text: line.__setitem__(0, text)
    finally:
        done.set()
        thread.join()
