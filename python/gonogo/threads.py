"""How many threads the engines may use. No result depends on it."""

from __future__ import annotations

from gonogo._core import numeric


def thread_count() -> int:
    """The number of threads that one call may use, the caller's included.

    At first that is the environment variable ``GONOGO_THREADS``, else as many as the process may run on.
    """
    return numeric.thread_count()


def set_thread_count(count: int) -> None:
    """Let one call use so many threads, 1 to 256, from now on and in the whole process.

    Raises:
        ValueError: the count is outside 1 to 256.
    """
    numeric.set_thread_count(count)
